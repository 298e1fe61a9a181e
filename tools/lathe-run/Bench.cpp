// lathe bench: latency of an artifact on inputs of given shapes. The timed section is lathe_run and nothing else.
#include "tools/lathe-run/Commands.h"
#include "tools/lathe-run/Model.h"
#include "tools/lathe-run/Profile.h"
#include "tools/support/Arguments.h"
#include "tools/support/Status.h"
#include "tools/tensors/File.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <sys/resource.h>

namespace lathe::tools {

using Clock = std::chrono::steady_clock;

static double millisecondsSince(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

// "x:8x3x224x224,y:8x10"; a name may hold colons.
static std::map<std::string, std::vector<int64_t>> parseShapes(const std::vector<std::string> &arguments, const Model &model) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const std::string &argument : arguments)
    for (size_t begin = 0; begin <= argument.size();) {
      size_t end = std::min(argument.find(',', begin), argument.size());
      std::string text = argument.substr(begin, end - begin);
      begin = end + 1;
      size_t colon = text.rfind(':');
      if (colon == std::string::npos)
        throw Failure(Usage, "--shapes is '" + text + "', expected NAME:DIMxDIM…");
      std::vector<int64_t> dims;
      const char *next = text.data() + colon + 1, *stop = text.data() + text.size();
      for (bool more = true; more;) {
        int64_t dim = 0;
        auto [rest, error] = std::from_chars(next, stop, dim);
        if (error != std::errc() || dim < 1 || (rest != stop && *rest != 'x'))
          throw Failure(Usage, "--shapes is '" + text + "', expected NAME:DIMxDIM… with dims of at least 1");
        dims.push_back(dim);
        more = rest != stop;
        next = rest + 1;
      }
      size_t index = model.inputIndex(text.substr(0, colon));
      shapes[model.inputs[index].name] = dims;
    }
  return shapes;
}

// The batch that the shapes mean; they must be those of the model at that batch.
static int64_t batchOf(const std::map<std::string, std::vector<int64_t>> &shapes, const Model &model) {
  int64_t batch = 0;
  for (const TensorDescription &input : model.inputs)
    if (auto shape = shapes.find(input.name); shape != shapes.end() && batch == 0)
      batch = input.batchOf(shape->second);
  if (batch == 0)
    batch = model.minBatch;
  for (const TensorDescription &input : model.inputs)
    if (auto shape = shapes.find(input.name); shape != shapes.end() && shape->second != input.dimsAt(batch))
      throw Failure(InvalidInput, "--shapes: input '" + input.name + "' is " + dimsText(shape->second) + ", expected " + input.text("N"));
  return batch;
}

// Uniform in [-1, 1), or small integers: the same numbers in every process.
static void fill(Tensor &tensor) {
  uint32_t state = 12345;
  for (size_t i = 0, count = tensor.count(), size = lathe_dtype_size(tensor.dtype); i < count; ++i) {
    state = state * 1664525 + 1013904223;
    unsigned char *to = tensor.data.get() + i * size;
    if (tensor.dtype == LATHE_FLOAT32) {
      float value = float(int32_t(state)) * 0x1p-31f;
      std::memcpy(to, &value, size);
    } else if (tensor.dtype == LATHE_FLOAT64) {
      double value = double(int32_t(state)) * 0x1p-31;
      std::memcpy(to, &value, size);
    } else if (tensor.dtype == LATHE_FLOAT16 || tensor.dtype == LATHE_BFLOAT16) {
      // A sign, an exponent just below one, and random fraction bits: in (-1, -0.5] or [0.5, 1).
      uint16_t exponent = tensor.dtype == LATHE_FLOAT16 ? 14 << 10 : 126 << 7, fraction = tensor.dtype == LATHE_FLOAT16 ? 0x3ff : 0x7f;
      uint16_t value = uint16_t((state >> 31 << 15) | exponent | (state >> 8 & fraction));
      std::memcpy(to, &value, size);
    } else {
      to[0] = tensor.dtype == LATHE_BOOL ? state >> 31 : state >> 25;
    }
  }
}

namespace {

struct Result {
  double loadMs, firstMs, seconds;
  std::vector<double> latencies; // sorted, ms
  int64_t batch;
  int threads;
  uint64_t arenaBytes;
  double peakMegabytes;
  std::vector<double> deviceTimes; // the same of the kernels on a GPU, by its own clock; empty on CPUs

  static double percentile(const std::vector<double> &sorted, double p) {
    return sorted[std::min(sorted.size() - 1, size_t(std::ceil(p / 100 * double(sorted.size()))) - 1)];
  }
  double percentile(double p) const { return percentile(latencies, p); }
  double mean() const { return std::accumulate(latencies.begin(), latencies.end(), 0.0) / double(latencies.size()); }
  double throughput() const { return double(latencies.size()) * double(batch) / seconds; }
};

} // namespace

// Of this program: what getrusage tells includes the process that started it, as it was before.
static double peakMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return std::strtod(line.c_str() + std::strlen("VmHWM:"), nullptr) / 1024;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024;
}

static void print(const Result &r, const std::string &artifact) {
  std::printf("artifact    %s, batch %lld, %d thread%s\n", artifact.c_str(), (long long)r.batch, r.threads, r.threads == 1 ? "" : "s");
  std::printf("throughput  %.4g samples/s\n", r.throughput());
  std::printf("latency     min %.4f ms, p50 %.4f, p90 %.4f, p99 %.4f, max %.4f, mean %.4f (%zu runs)\n", r.latencies.front(), r.percentile(50),
              r.percentile(90), r.percentile(99), r.latencies.back(), r.mean(), r.latencies.size());
  if (!r.deviceTimes.empty())
    std::printf("device      min %.4f ms, p50 %.4f, p90 %.4f, p99 %.4f: kernels alone, without copies\n", r.deviceTimes.front(),
                Result::percentile(r.deviceTimes, 50), Result::percentile(r.deviceTimes, 90), Result::percentile(r.deviceTimes, 99));
  std::printf("load        %.3f ms, first inference %.3f ms\n", r.loadMs, r.firstMs);
  std::printf("memory      peak %.1f MB, %s %llu bytes\n", r.peakMegabytes, r.deviceTimes.empty() ? "arena and scratch" : "on the device, without weights,",
              (unsigned long long)r.arenaBytes);
  double spread = 0;
  for (double latency : r.latencies)
    spread += (latency - r.mean()) * (latency - r.mean());
  double variation = std::sqrt(spread / double(r.latencies.size())) / r.mean();
  if (r.latencies.size() < 20)
    std::printf("warning     only %zu runs: percentiles mean little; give a longer --duration\n", r.latencies.size());
  else if (variation > 0.05)
    std::printf("warning     latency varies by %.0f%% (standard deviation): is the machine busy, or its frequency not fixed?\n", 100 * variation);
}

static void printJson(const Result &r) {
  std::printf("{\"latency_ms\":{\"min\":%.6f,\"p50\":%.6f,\"p90\":%.6f,\"p99\":%.6f,\"max\":%.6f,\"mean\":%.6f},\"throughput_per_s\":%.6f,\"load_ms\":%.6f,"
              "\"first_ms\":%.6f,\"runs\":%zu,\"threads\":%d,\"peak_rss_mb\":%.3f,\"arena_bytes\":%llu",
              r.latencies.front(), r.percentile(50), r.percentile(90), r.percentile(99), r.latencies.back(), r.mean(), r.throughput(), r.loadMs, r.firstMs,
              r.latencies.size(), r.threads, r.peakMegabytes, (unsigned long long)r.arenaBytes);
  if (!r.deviceTimes.empty())
    std::printf(",\"device_ms\":{\"min\":%.6f,\"p50\":%.6f,\"p90\":%.6f,\"p99\":%.6f}", r.deviceTimes.front(), Result::percentile(r.deviceTimes, 50),
                Result::percentile(r.deviceTimes, 90), Result::percentile(r.deviceTimes, 99));
  std::printf("}\n");
}

constexpr int kLeastProfileRuns = 10, kMostProfileRuns = 10000;

int benchCommand(const std::vector<std::string> &arguments) {
  std::string artifact, threadsText, durationText = "3", warmUpText = "200", profileFile, roofline;
  std::vector<std::string> shapeTexts;
  bool wantsProfile = false, json = false;
  Arguments parser("bench", "Measure an artifact's latency.");
  parser.positional("artifact", artifact, "file written by lathe compile");
  parser.option("--shapes", shapeTexts, "NAME:8x3x224x224,…: input shapes; default: the smallest batch");
  parser.option("--threads", threadsText, "threads to use, default: all that the process may");
  parser.option("--duration", durationText, "seconds to measure, default 3");
  parser.option("--warm-up,--warmUp", warmUpText, "milliseconds to run before that, default 200");
  parser.flag("--profile,--dump-profile,--dumpProfile", wantsProfile, "print the time of every step, from runs of their own");
  parser.option("--export-profile,--exportProfile", profileFile, "write that to FILE as a trace, for chrome://tracing or Perfetto");
  parser.option("--roofline", roofline, "GFLOP/s,GB/s of the machine, to compare steps with; default: measured in some 30 ms on CPUs, none on GPUs");
  parser.flag("--json", json, "end with one line of JSON; throughput_per_s counts samples");
  if (!parser.parse(arguments))
    return Ok;
  int threads = threadsText.empty() ? 0 : integerArgument("--threads", threadsText, 1, 256);
  if (!roofline.empty())
    Limits::parse(roofline); // before anything is measured
  double duration = realArgument("--duration", durationText, 0, 86400), warmUp = realArgument("--warm-up", warmUpText, 0, 86400000);

  Clock::time_point start = Clock::now();
  Model model(artifact);
  double loadMs = millisecondsSince(start);
  int64_t batch = batchOf(parseShapes(shapeTexts, model), model);
  std::vector<Tensor> inputs;
  for (const TensorDescription &input : model.inputs) {
    inputs.push_back(Tensor::allocate(input.dtype, input.dimsAt(batch), "input '" + input.name + "'"));
    fill(inputs.back());
  }
  start = Clock::now();
  Context context(model, batch, threads);
  Result result{loadMs + millisecondsSince(start), 0, 0, {}, batch, lathe_context_threads(context.get()), 0, 0, {}};
  lathe_error error;
  lathe_model_memory_required(model.get(), batch, result.threads, &result.arenaBytes, &error);
  std::vector<Tensor> outputs = model.makeOutputs(batch);
  std::vector<lathe_tensor> inputViews = views(inputs), outputViews = views(outputs);

  auto runOnce = [&] {
    Clock::time_point begin = Clock::now();
    context.run(inputViews, outputViews);
    return millisecondsSince(begin);
  };
  result.firstMs = runOnce();
  for (start = Clock::now(); millisecondsSince(start) < warmUp;)
    runOnce();
  bool onGpu = lathe_context_measure_device(context.get(), 1, nullptr) == LATHE_OK;
  start = Clock::now();
  do {
    result.latencies.push_back(runOnce());
    if (onGpu)
      result.deviceTimes.push_back(context.deviceMilliseconds());
  } while (millisecondsSince(start) < duration * 1000);
  result.seconds = millisecondsSince(start) / 1000;
  std::sort(result.latencies.begin(), result.latencies.end());
  std::sort(result.deviceTimes.begin(), result.deviceTimes.end());
  result.peakMegabytes = peakMegabytes(); // before a profile adds to it
  print(result, artifact);

  if (wantsProfile || !profileFile.empty()) {
    Profile profile(!roofline.empty() ? Limits::parse(roofline) : onGpu ? Limits() : Limits::measure(result.threads));
    profile.attach(context.get());
    start = Clock::now();
    for (int i = 0; i < kLeastProfileRuns || (i < kMostProfileRuns && millisecondsSince(start) < std::min(duration, 1.0) * 1000); ++i)
      runOnce();
    profile.detach(context.get());
    if (wantsProfile)
      profile.print();
    if (!profileFile.empty())
      writeFile(profileFile, profile.trace(artifact, batch, result.threads));
  }
  if (json)
    printJson(result);
  return Ok;
}

} // namespace lathe::tools
