// lathe and lathe-run as a user calls them: exit codes, the one line on stderr, and what is written.
#include "test/unit/runtime/Artifact.h"
#include "tools/lathe-run/Blake3.h"
#include "tools/lathe-run/Limits.h"
#include "tools/tensors/Npy.h"

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <regex>
#include <sys/wait.h>
#include <unistd.h>

namespace lathe::test {
namespace {

struct Outcome {
  int code;
  std::string out, error;
};

class Tools : public testing::Test {
protected:
  void SetUp() override {
    ManifestBuilder builder;
    tools::Hash hash = tools::blake3(weights, sizeof weights);
    std::copy(hash.begin(), hash.end(), builder.header.weights_hash);
    artifact = writeArtifact(folder / "m.so", builder);
    x = someNumbers(2 * 24, 1);
    bias = someNumbers(6, 2);
    writeFloats("x.npy", x, {2, 4, 6});
    writeFloats("bias.npy", bias, {6});
  }
  void writeFloats(const std::string &name, const std::vector<float> &numbers, std::vector<int64_t> dims) {
    tools::Tensor tensor = tools::Tensor::allocate(LATHE_FLOAT32, dims, name);
    std::memcpy(tensor.data.get(), numbers.data(), tensor.bytes);
    tools::writeNpy(folder / name, tensor);
  }
  // In the test's folder.
  Outcome call(const std::string &arguments) {
    std::string line = "cd " + folder.path + " && " + TEST_TOOLS + "/" + arguments + " >out 2>err";
    int status = std::system(line.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << line;
    Outcome outcome{WEXITSTATUS(status), readWhole(folder / "out"), readWhole(folder / "err")};
    if (outcome.code != 0 && outcome.code != 7) {
      EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1) << outcome.error;
      EXPECT_EQ(outcome.error.rfind("error: ", 0), 0u) << outcome.error;
    }
    return outcome;
  }
  void expectError(const std::string &arguments, int code, const std::string &text) {
    Outcome outcome = call(arguments);
    EXPECT_EQ(outcome.code, code) << arguments;
    EXPECT_EQ(outcome.error, "error: " + text + "\n") << arguments;
  }

  const std::string both = "--input=x:@x.npy --input=bias:@bias.npy";
  TemporaryFolder folder;
  std::string artifact;
  std::vector<float> x, bias;
};

TEST_F(Tools, RunWritesOutputs) {
  Outcome outcome = call("lathe run m.so " + both + " --output-dir=deep/out --threads=2 -top 2");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  tools::Tensor sums = tools::readNpy(folder / "deep/out/00-sums.npy"), count = tools::readNpy(folder / "deep/out/01-count.npy");
  EXPECT_EQ(sums.dims, (std::vector<int64_t>{2, 4}));
  std::vector<float> expected = expectedSums(x, bias);
  EXPECT_EQ(std::memcmp(sums.data.get(), expected.data(), sums.bytes), 0);
  EXPECT_EQ(count.at(0), 2);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "deep/out"), {}), 2) << "no temporaries";
  EXPECT_NE(outcome.out.find("output 'sums' float32 2x4: min "), std::string::npos) << outcome.out;
  size_t best = size_t(std::max_element(expected.begin() + 4, expected.end()) - expected.begin()) - 4;
  EXPECT_NE(outcome.out.find("sample 1, top 1: index " + std::to_string(best) + ", value "), std::string::npos) << outcome.out;
}

TEST_F(Tools, RunCutsBoundedOutputs) {
  writeArtifact(folder / "bounded.so", boundedSums());
  Outcome outcome = call("lathe run bounded.so " + both + " --output-dir=bounded");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("output 'sums' float32 2x2: min "), std::string::npos) << outcome.out;
  tools::Tensor sums = tools::readNpy(folder / "bounded/00-sums.npy");
  EXPECT_EQ(sums.dims, (std::vector<int64_t>{2, 2}));
  std::vector<float> expected = expectedSums(x, bias);
  EXPECT_EQ(std::memcmp(sums.data.get(), expected.data(), 4 * sizeof(float)), 0) << "dense, from the start";
  EXPECT_NE(call("lathe info bounded.so").out.find("'sums' float32 Nx4 at most"), std::string::npos);
}

TEST_F(Tools, RunExpects) {
  ASSERT_EQ(call("lathe-run run m.so " + both + " --output-dir=good").code, 0);
  EXPECT_EQ(call("lathe-run run m.so " + both + " --expect=good").code, 0);
  tools::Tensor sums = tools::readNpy(folder / "good/00-sums.npy");
  reinterpret_cast<float *>(sums.data.get())[5] += 1;
  tools::writeNpy(folder / "good/00-sums.npy", sums);
  Outcome outcome = call("lathe-run run m.so " + both + " --expect=good");
  EXPECT_EQ(outcome.code, 7);
  EXPECT_NE(outcome.out.find("output 'sums' DIFFERS: max abs error 1, "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("1 of 8 differ, first at [1, 1]: got "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("output 'count' fits"), std::string::npos) << outcome.out;
  EXPECT_EQ(call("lathe-run run m.so " + both + " --expect=good --atol=2").code, 0);
  expectError("lathe-run run m.so " + both + " --expect=none", 3,
              "--expect: none has nothing for output 'sums': none of output_0.pb, output_0.npy, 00-sums.npy, sums.npy");
  // Saved by hand, under their names or numbers.
  std::filesystem::create_directory(folder / "named");
  std::filesystem::rename(folder / "good/00-sums.npy", folder / "named/sums.npy");
  std::filesystem::rename(folder / "good/01-count.npy", folder / "named/output_1.npy");
  EXPECT_EQ(call("lathe-run run m.so " + both + " --expect=named").code, 7);
  EXPECT_EQ(call("lathe-run run m.so " + both + " --expect=named --atol=2").code, 0);
}

TEST_F(Tools, RunReadsOnnxTestData) {
  std::filesystem::create_directory(folder / "set");
  auto pb = [&](const std::string &file, const std::string &dims, const std::string &name, const std::vector<float> &numbers) {
    std::string raw(reinterpret_cast<const char *>(numbers.data()), numbers.size() * 4), content = dims + std::string("\x10\x01\x42");
    content += char(name.size());
    content += name + "\x4a";
    if (raw.size() >= 128)
      content += char(0x80 | (raw.size() & 127));
    content += char(raw.size() >= 128 ? raw.size() >> 7 : raw.size());
    writeWhole(folder / file, content + raw);
  };
  // Named, so the order of the files does not matter.
  pb("set/input_0.pb", "\x08\x06", "bias", bias);
  pb("set/input_1.pb", "\x08\x02\x08\x04\x08\x06", "x", x);
  std::vector<float> expected = expectedSums(x, bias);
  pb("set/output_0.pb", "\x08\x02\x08\x04", "", expected);
  writeWhole(folder / "set/output_1.pb", std::string("\x08\x01\x10\x07\x4a\x08\x02\0\0\0\0\0\0\0", 14));
  Outcome outcome = call("lathe run m.so -inputs=set -expect=set");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.error;
  EXPECT_NE(outcome.out.find("output 'sums' fits: max abs error 0, max rel error 0"), std::string::npos) << outcome.out;
  // By number where the name is none of the model's.
  pb("set/input_0.pb", "\x08\x02\x08\x04\x08\x06", "first", x);
  pb("set/input_1.pb", "\x08\x06", "", bias);
  EXPECT_EQ(call("lathe run m.so --inputs=set --expect=set").code, 0);
  pb("set/input_2.pb", "\x08\x06", "", bias);
  expectError("lathe run m.so --inputs=set", 3, "set/input_2.pb: is input number 2, but the model has 2");
  expectError("lathe run m.so --inputs=nowhere", 3, "--inputs: nowhere is not a folder");
}

TEST_F(Tools, RunRefusesInputs) {
  expectError("lathe run m.so --input=x:@x.npy", 3, "input 'bias' is missing; give --input=bias:@FILE.npy (float32 6)");
  expectError("lathe run m.so --input=X1:@x.npy", 3, "the model has no input 'X1'; did you mean 'x'?");
  expectError("lathe run m.so --input=pixels:@x.npy", 3, "the model has no input 'pixels'; it has 'x', 'bias'");
  expectError("lathe run m.so --input=x:@none.npy", 3, "none.npy: cannot be opened: No such file or directory");
  expectError("lathe run m.so --input=x.npy", 1, "--input is 'x.npy', expected NAME:@FILE.npy");
  expectError("lathe run m.so --input=@x.npy", 1, "--input is '@x.npy' without a name, but the model has 2 inputs");
  expectError("lathe run m.so --input=x:@bias.npy --input=bias:@bias.npy", 3, "input 'x': rank is 1, expected 3");
  writeFloats("x.npy", x, {2, 6, 4});
  expectError("lathe run m.so " + both, 3, "input 'x': dim 1 is 6, expected 4");
  tools::Tensor integers = tools::Tensor::allocate(LATHE_INT32, {2, 4, 6}, "");
  tools::writeNpy(folder / "x.npy", integers);
  expectError("lathe run m.so " + both, 3, "input 'x': type is int32, expected float32");
  writeFloats("x.npy", std::vector<float>(1001 * 24), {1001, 4, 6});
  expectError("lathe run m.so " + both, 3, "input 'x': batch is 1001, expected 1 to 1000");
}

TEST_F(Tools, RunRefusesUnwritableOutputs) {
  writeWhole(folder / "file", "");
  Outcome outcome = call("lathe run m.so " + both + " --output-dir=file");
  EXPECT_EQ(outcome.code, 6) << outcome.error;
  std::filesystem::create_directory(folder / "out.d");
  std::filesystem::create_directory(folder / "out.d/00-sums.npy");
  outcome = call("lathe run m.so " + both + " --output-dir=out.d");
  EXPECT_EQ(outcome.code, 6) << outcome.error;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "out.d"), {}), 1) << "no temporaries";
}

TEST_F(Tools, OutputNames) {
  ManifestBuilder builder;
  builder.outputs[0].name = builder.text("a/b:0 \xc3\xa9");
  writeArtifact(folder / "m.so", builder);
  ASSERT_EQ(call("lathe run m.so " + both + " --output-dir=o").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "o/00-a_b_0___.npy"));
}

TEST_F(Tools, Usage) {
  expectError("lathe", 1, "a command is missing; see lathe --help");
  expectError("lathe rum", 1, "unknown command 'rum'; did you mean 'run'?");
  expectError("lathe-run bnech", 1, "lathe-run: unknown command 'bnech'; did you mean 'bench'?");
  expectError("lathe run", 1, "lathe run: the artifact is missing; see lathe run --help");
  expectError("lathe run m.so --thread=2", 1, "lathe run: unknown flag '--thread'; did you mean '--threads'?");
  expectError("lathe run m.so -frobnicate", 1, "lathe run: unknown flag '--frobnicate'");
  expectError("lathe run m.so n.so", 1, "lathe run: unexpected argument 'n.so'");
  expectError("lathe run m.so --threads", 1, "lathe run: --threads needs a value");
  expectError("lathe run m.so --threads=0", 1, "--threads is '0', expected a whole number from 1 to 256");
  expectError("lathe run m.so --top=x", 1, "--top is 'x', expected a whole number from 1 to 1000000");
  expectError("lathe bench m.so --duration=-1", 1, "--duration is '-1', expected a number from 0 to 86400");
  expectError("lathe bench m.so --duration=nan", 1, "--duration is 'nan', expected a number from 0 to 86400");
  EXPECT_EQ(call("lathe --help").code, 0);
  EXPECT_EQ(call("lathe --version").out, "lathe 0.1.0\n");
  EXPECT_EQ(call("lathe-run --help").code, 0);
  for (const char *command : {"run", "bench", "info"})
    EXPECT_NE(call(std::string("lathe ") + command + " --help").out.find("artifact"), std::string::npos);
}

TEST_F(Tools, DispatcherFindsProgramsBesideItself) {
  std::filesystem::copy(std::string(TEST_TOOLS) + "/lathe", folder / "lathe");
  auto script = [&](const std::string &name) {
    writeWhole(folder / name, "#!/bin/sh\necho \"" + name + ":$@\"\n");
    std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
  };
  auto here = [&](const std::string &arguments) {
    std::system(("cd / && PATH=/usr/bin:/bin " + folder.path + "/lathe " + arguments + " >" + folder.path + "/out 2>&1").c_str());
    return readWhole(folder / "out");
  };
  EXPECT_EQ(here("compile m.onnx"), "error: 'lathe compile' needs the program lathe-compile, which is neither beside lathe nor in PATH\n");
  script("lathe-compile");
  script("lathe-run");
  EXPECT_EQ(here("compile m.onnx -o m.so"), "lathe-compile:m.onnx -o m.so\n");
  EXPECT_EQ(here("check m.onnx"), "lathe-compile:check m.onnx\n");
  EXPECT_EQ(here("bench m.so"), "lathe-run:bench m.so\n");
}

TEST_F(Tools, Bench) {
  Outcome outcome = call("lathe bench m.so --shapes=x:3x4x6 -duration=0.05 --warmUp=1 --threads=2 --dumpProfile --exportProfile=p.json --json");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  std::string last = outcome.out.substr(outcome.out.rfind('\n', outcome.out.size() - 2) + 1);
  const std::string number = R"(\d+\.\d+)";
  std::string form = R"(\{"latency_ms":\{"min":#,"p50":#,"p90":#,"p99":#,"max":#,"mean":#\},"throughput_per_s":#,"load_ms":#,"first_ms":#,)"
                     R"("runs":\d+,"threads":2,"peak_rss_mb":#,"arena_bytes":\d+\}\n)";
  form = std::regex_replace(form, std::regex("#"), R"(\d+\.\d+)");
  EXPECT_TRUE(std::regex_match(last, std::regex(form))) << last;
  auto json = nlohmann::json::parse(last);
  EXPECT_LE(json["latency_ms"]["min"], json["latency_ms"]["p50"]);
  EXPECT_LE(json["latency_ms"]["p50"], json["latency_ms"]["p99"]);
  EXPECT_LE(json["latency_ms"]["p99"], json["latency_ms"]["max"]);
  EXPECT_EQ(json["arena_bytes"], 384 + 2 * 128);
  EXPECT_NE(outcome.out.find("Mul_0 + Add_1"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("GFLOP/s; reading 32 KB again and again"), std::string::npos) << outcome.out;
  expectError("lathe bench m.so --shapes=x:3x4x7", 3, "--shapes: input 'x' is 3x4x7, expected Nx4x6");
  expectError("lathe bench m.so --shapes=y:3x4x6", 3, "the model has no input 'y'; did you mean 'x'?");
  expectError("lathe bench m.so --shapes=x:3x-4", 1, "--shapes is 'x:3x-4', expected NAME:DIMxDIM… with dims of at least 1");
  expectError("lathe bench m.so --shapes=3x4", 1, "--shapes is '3x4', expected NAME:DIMxDIM…");
  EXPECT_EQ(call("lathe bench m.so --shapes=x:1001x4x6").code, 3);
}

// As chrome://tracing and Perfetto read it: complete events on one line of time, in the order in which the steps ran.
TEST_F(Tools, BenchExportsATrace) {
  ASSERT_EQ(call("lathe bench m.so --shapes=x:3x4x6 --duration=0.01 --threads=1 --roofline=2.5,0.5 --exportProfile=p.json").code, 0);
  auto trace = nlohmann::json::parse(readWhole(folder / "p.json"));
  EXPECT_EQ(trace["otherData"]["batch"], 3);
  EXPECT_EQ(trace["otherData"]["roofline"], "2 GFLOP/s, 0.5 GB/s, as given");
  auto events = trace["traceEvents"];
  ASSERT_EQ(events.size(), 5u) << "two names and three steps";
  double end = 0;
  for (size_t i = 0; i < 3; ++i) {
    auto event = events[i + 2], arguments = event["args"];
    EXPECT_EQ(event["ph"], "X");
    EXPECT_GE(event["ts"], end) << "steps do not overlap";
    end = event["ts"].get<double>() + event["dur"].get<double>();
    EXPECT_EQ(arguments["step"], i);
    double seconds = std::max(arguments["ms"].get<double>(), 1e-6) * 1e-3, flops = arguments["flops"], bytes = arguments["bytes"];
    EXPECT_NEAR(arguments["gflops_per_s"], flops / seconds * 1e-9, 1e-6 * flops / seconds * 1e-9);
    EXPECT_NEAR(arguments["roofline"], std::max(flops / 2.5e9, bytes / 0.5e9) / seconds, 1e-6 + 1e-6 * arguments["roofline"].get<double>());
  }
  EXPECT_EQ(events[2]["args"]["kernel"], "demo_scale");
  EXPECT_EQ(events[2]["name"], "Mul_0 + Add_1");
  EXPECT_EQ(events[3]["args"]["flops"], 72);
  for (const char *wrong : {"147", "147,", "0,11", "147,-1", "147,11,1", "inf,1"})
    expectError(std::string("lathe bench m.so --roofline=") + wrong, 1,
                std::string("--roofline is '") + wrong + "', expected GFLOP/s and GB/s of the machine, such as 147,11");
}

TEST(Limits, BandwidthBetweenSizes) {
  tools::Limits limits{1e9, {{1024, 100}, {4096, 50}, {65536, 10}}, true};
  EXPECT_EQ(limits.bandwidth(1), 100);
  EXPECT_EQ(limits.bandwidth(2048), 75);
  EXPECT_EQ(limits.bandwidth(4096), 50);
  EXPECT_EQ(limits.bandwidth(1 << 30), 10);
  EXPECT_FALSE(limits.isMemory(int64_t(1e9), 90));
  EXPECT_TRUE(limits.isMemory(1, 100));
  EXPECT_EQ(limits.seconds(1, 100), 1);
}

TEST(Limits, Measured) {
  for (int threads : {1, 2}) {
    tools::Limits limits = tools::Limits::measure(threads);
    EXPECT_GT(limits.flopsPerSecond, 1e8);
    EXPECT_LT(limits.flopsPerSecond, 1e12 * threads);
    for (const tools::Limits::Bandwidth &each : limits.bandwidths)
      EXPECT_GT(each.bytesPerSecond, 1e7) << each.bytes;
  }
}

TEST_F(Tools, Info) {
  Outcome outcome = call("lathe info m.so");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  for (const char *line : {"input      'x' float32 Nx4x6\n", "output     'count' int64 1\n", "batch      N from 1 to 1000\n", "weights    24 bytes, embedded\n",
                           "plan       3 steps, 3 kernels\n", "runs here  yes\n"})
    EXPECT_NE(outcome.out.find(line), std::string::npos) << outcome.out;
  EXPECT_EQ(nlohmann::json::parse(call("lathe info m.so --json").out)["model"], "demo.onnx");
  EXPECT_NE(call("lathe info m.so --verify").out.find("verified   structure, code references, and BLAKE3 of 24 bytes of weights\n"), std::string::npos);
  writeArtifact(folder / "m.so", {});
  expectError("lathe info m.so --verify", 5, "m.so: records no hash of its weights, so they cannot be verified");
  ManifestBuilder builder;
  builder.header.weights_hash[0] = 1;
  writeArtifact(folder / "m.so", builder);
  EXPECT_NE(call("lathe info m.so --verify").error.find("m.so: weights have the BLAKE3 hash "), std::string::npos);
  builder.features = {builder.text("frobnicate")};
  writeArtifact(folder / "m.so", builder);
  EXPECT_NE(call("lathe info m.so").out.find("runs here  no: m.so: needs the CPU feature frobnicate"), std::string::npos) << "described all the same";
  expectError("lathe info out", 5, "out: is not a Lathe artifact (not an ELF file)");
}

} // namespace
} // namespace lathe::test
