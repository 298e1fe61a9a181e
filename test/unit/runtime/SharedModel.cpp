// Eight threads share one model, built with ThreadSanitizer along with the runtime; meanwhile each loads and drops models of its own.
// With "--one-context" they share a context too, which is forbidden: that run shows that a race would be found.
#include "test/unit/runtime/Artifact.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

using namespace lathe::test;

namespace {

struct Buffers {
  Buffers(int64_t batch, uint32_t seed) : batch(batch), x(someNumbers(size_t(batch) * 24, seed)), bias(someNumbers(6, seed + 1)), sums(size_t(batch) * 4) {}
  bool run(lathe_context *context) {
    int64_t count = 0, xDims[] = {batch, 4, 6}, biasDims[] = {6}, sumsDims[] = {batch, 4}, countDims[] = {1};
    lathe_tensor inputs[] = {{sizeof(lathe_tensor), x.data(), x.size() * 4, LATHE_FLOAT32, 3, xDims},
                             {sizeof(lathe_tensor), bias.data(), 24, LATHE_FLOAT32, 1, biasDims}};
    lathe_tensor outputs[] = {{sizeof(lathe_tensor), sums.data(), sums.size() * 4, LATHE_FLOAT32, 2, sumsDims},
                              {sizeof(lathe_tensor), &count, 8, LATHE_INT64, 1, countDims}};
    return lathe_run(context, inputs, 2, outputs, 2, nullptr) == LATHE_OK && sums == expectedSums(x, bias) && count == batch;
  }
  int64_t batch;
  std::vector<float> x, bias, sums;
};

lathe_context *makeContext(const lathe_model *model, int threads) {
  lathe_context_options options{.struct_size = sizeof options, .max_batch = 50, .threads = threads, .parallel_for = nullptr, .parallel_user = nullptr};
  lathe_context *context = nullptr;
  return lathe_context_create(model, &options, &context, nullptr) == LATHE_OK ? context : nullptr;
}

} // namespace

int main(int count, char **values) {
  bool oneContext = count > 1 && std::strcmp(values[1], "--one-context") == 0;
  TemporaryFolder folder;
  std::string path = writeArtifact(folder / "shared.so"), other = writeArtifact(folder / "other.so");
  const std::string bytes = artifactBytes(ManifestBuilder().build());
  lathe_model *model = nullptr;
  lathe_error error{};
  if (lathe_model_load(path.c_str(), &model, &error) != LATHE_OK) {
    std::fprintf(stderr, "error: %s\n", error.text);
    return 1;
  }
  lathe_context *common = makeContext(model, 1);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      lathe_context *own = oneContext ? common : makeContext(model, 1 + int(t) % 3);
      for (uint32_t round = 0; round < 400; ++round) {
        Buffers buffers(1 + (round * 7 + t) % 50, round + t);
        wrong += !buffers.run(own);
        wrong += !lathe_model_manifest_json(model);
        if (round % 10 != t || oneContext)
          continue;
        lathe_model *loaded = nullptr; // a second model in the process
        wrong += (t % 2 ? lathe_model_load(other.c_str(), &loaded, nullptr) : lathe_model_load_memory(bytes.data(), bytes.size(), nullptr, &loaded, nullptr)) !=
                 LATHE_OK;
        lathe_context *inner = makeContext(loaded, 2);
        wrong += !buffers.run(inner);
        lathe_context_destroy(inner);
        lathe_model_destroy(loaded);
      }
      if (!oneContext)
        lathe_context_destroy(own);
    });
  for (std::thread &thread : threads)
    thread.join();
  lathe_context_destroy(common);
  lathe_model_destroy(model);
  if (wrong)
    std::fprintf(stderr, "error: %d runs gave a wrong result\n", wrong.load());
  return wrong && !oneContext ? 1 : 0;
}
