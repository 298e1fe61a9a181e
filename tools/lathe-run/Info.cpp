// lathe info: what the manifest says, also of an artifact that this machine cannot run.
#include "tools/lathe-run/Blake3.h"
#include "tools/lathe-run/Commands.h"
#include "tools/lathe-run/Model.h"
#include "tools/support/Arguments.h"
#include "tools/support/Status.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace lathe::tools {

using Json = nlohmann::json;

static std::string affineText(const Json &value, const std::string &symbol) {
  auto c0 = value[0].get<int64_t>(), c1 = value[1].get<int64_t>();
  if (c1 == 0)
    return std::to_string(c0);
  std::string text = c1 == 1 ? symbol : std::to_string(c1) + "*" + symbol;
  return c0 == 0 ? text : std::to_string(c0) + "+" + text;
}

static void printLine(const char *key, const std::string &value) { std::printf("%-10s %s\n", key, value.c_str()); }

static void printTensors(const char *key, const Json &tensors, const std::string &symbol) {
  for (const Json &tensor : tensors) {
    std::string dims;
    for (const Json &dim : tensor["dims"])
      dims += (dims.empty() ? "" : "x") + affineText(dim, symbol);
    printLine(key, "'" + tensor["name"].get<std::string>() + "' " + tensor["dtype"].get<std::string>() + " " + (dims.empty() ? "scalar" : dims) +
                       (tensor.contains("extents") ? " at most" : ""));
  }
}

// "code       sm_80, 40616 bytes in 2 images, by ptxas 13.0.88"
static void printImages(const Json &info) {
  const Json &images = info["images"];
  for (size_t i = 0; i < images.size();) {
    const Json &first = images[i];
    uint64_t bytes = 0;
    size_t count = 0;
    for (; i < images.size() && images[i]["kind"] == first["kind"] && images[i]["arch"] == first["arch"] && images[i]["exact"] == first["exact"]; ++i, ++count)
      bytes += images[i]["bytes"].get<uint64_t>();
    bool ptx = first["kind"] == "ptx";
    auto isa = first["isa"].get<uint64_t>();
    printLine("code", (ptx ? "compute_" : "sm_") + std::to_string(first["arch"].get<uint64_t>()) + (first["exact"].get<bool>() ? "a, " : ", ") +
                          std::to_string(bytes) + " bytes in " + std::to_string(count) + (count == 1 ? " image" : " images") +
                          (ptx ? ", PTX " + std::to_string(isa / 10) + "." + std::to_string(isa % 10) : ", by ptxas " + info["assembler"].get<std::string>()));
  }
}

static void print(const Json &info) {
  std::string symbol = info["batch_symbol"].get<std::string>(), features;
  if (symbol.empty())
    symbol = "N";
  for (const Json &feature : info["features"])
    features += (features.empty() ? "" : " ") + feature.get<std::string>();
  printLine("model", info["model"].get<std::string>() + ", BLAKE3 " + info["model_hash"].get<std::string>());
  printLine("compiler", info["compiler"].get<std::string>() + ", format " + info["format"].get<std::string>());
  printLine("flags", info["flags"].get<std::string>());
  printLine("target", info["target_triple"].get<std::string>() + ", " + info["target_cpu"].get<std::string>());
  if (info.contains("images"))
    printImages(info);
  else
    printLine("features", features);
  printTensors("input", info["inputs"], symbol);
  printTensors("output", info["outputs"], symbol);
  auto min = info["min_batch"].get<int64_t>(), max = info["max_batch"].get<int64_t>();
  printLine("batch",
            min == max ? std::to_string(min) + ", fixed" : symbol + " from " + std::to_string(min) + (max == INT64_MAX ? " up" : " to " + std::to_string(max)));
  std::string file = info["weights_file"].get<std::string>();
  printLine("weights", std::to_string(info["weights_bytes"].get<uint64_t>()) + " bytes, " + (file.empty() ? "embedded" : "in '" + file + "'"));
  printLine("memory", "arena " + affineText(info["arena_bytes"], symbol) + " bytes" +
                          (info.contains("images") ? "" : ", scratch " + std::to_string(info["scratch_bytes"].get<uint64_t>()) + " bytes per thread"));
  printLine("plan", std::to_string(info["calls"].size()) + " steps, " + std::to_string(info["kernels"].size()) + " kernels");
}

// " and of 3 images", "" if there are none. Loading has checked that they lie inside all of them.
static std::string verifyImages(const Json &info, const Model &model, const std::string &path) {
  uint64_t all;
  auto *bytes = static_cast<const unsigned char *>(lathe_model_images(model.get(), &all));
  if (!bytes)
    return "";
  const Json &images = info["images"];
  for (size_t i = 0; i < images.size(); ++i) {
    std::string recorded = images[i]["hash"].get<std::string>();
    std::string actual = hexText(blake3(bytes + images[i]["offset"].get<uint64_t>(), images[i]["bytes"].get<uint64_t>()));
    if (actual != recorded)
      throw Failure(Refused, path + ": image " + std::to_string(i) + " has the BLAKE3 hash " + actual + ", expected " + recorded);
  }
  return " and of " + std::to_string(images.size()) + (images.size() == 1 ? " image" : " images");
}

// Loading has checked the structure; this compares the weights with what the compiler recorded.
static void verify(const Json &info, const Model &model, const std::string &path, bool quiet) {
  uint64_t bytes;
  const void *weights = lathe_model_weights(model.get(), &bytes);
  std::string recorded = info["weights_hash"].get<std::string>();
  if (recorded.find_first_not_of('0') == std::string::npos) {
    if (bytes)
      throw Failure(Refused, path + ": records no hash of its weights, so they cannot be verified");
  } else if (std::string actual = hexText(blake3(weights, bytes)); actual != recorded) {
    throw Failure(Refused, path + ": weights have the BLAKE3 hash " + actual + ", expected " + recorded);
  }
  std::string images = verifyImages(info, model, path);
  if (!quiet)
    printLine("verified", "structure, code references, and BLAKE3 of " + std::to_string(bytes) + " bytes of weights" + images);
}

int infoCommand(const std::vector<std::string> &arguments) {
  std::string artifact;
  bool wantsVerification = false, json = false;
  Arguments parser("info", "Show what an artifact holds and what it needs.");
  parser.positional("artifact", artifact, "file written by lathe compile");
  parser.flag("--verify", wantsVerification, "load it and check its weights against their recorded hash");
  parser.flag("--json", json, "print the whole manifest as one line of JSON");
  if (!parser.parse(arguments))
    return Ok;
  lathe_error error;
  char *text;
  if (lathe_status status = lathe_artifact_json(artifact.c_str(), &text, &error); status != LATHE_OK)
    throw Failure(status, error.text);
  std::unique_ptr<char, decltype(&lathe_json_destroy)> owner(text, &lathe_json_destroy);
  Json info = Json::parse(text, nullptr, false);
  if (info.is_discarded())
    throw Failure(Internal, artifact + ": the runtime wrote a description that is not JSON");
  if (json)
    std::printf("%s\n", text);
  else
    print(info);
  if (wantsVerification) {
    verify(info, Model(artifact), artifact, json);
  } else if (!json) {
    lathe_model *model = nullptr;
    lathe_status status = lathe_model_load(artifact.c_str(), &model, &error);
    printLine("runs here", status == LATHE_OK ? "yes" : std::string("no: ") + error.text);
    lathe_model_destroy(model);
  }
  return Ok;
}

} // namespace lathe::tools
