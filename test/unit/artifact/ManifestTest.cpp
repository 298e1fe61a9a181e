#include "compiler/artifact/Manifest.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

extern "C" {
#include "runtime/core/Manifest.h"
}

using namespace mlir;
using namespace lathe;

namespace {

constexpr const char *target = R"(#nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver5", features = "+avx2,+fma", family = "zen5", vectorBits = 512,
  registers = 32, fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>)";

constexpr const char *plan = R"(
  llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) { llvm.return }
  llvm.func @k1(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) { llvm.return }
  nn.plan inputs [{name = "x", type = tensor<?x3x5xf32>}, {name = "n", type = tensor<ui8>}] outputs [{name = "y\C3\A4", type = tensor<?x7xi64>}]
    weights [#nn.weight<dense<1.0> : tensor<3xf32>, tensor<3xf32>>, #nn.weight<dense<2.0> : tensor<20xf32>, tensor<20xf32>>] arena [128, 4096] {
    nn.launch @k1 args [#nn.arg<input, 1, 0, 0>, #nn.arg<weights, 1, 8, 0>, #nn.arg<batch, 0, 0, 0>, #nn.arg<arena, 0, 64, 1024>] space [2, 28]
      {nodes = ["a", "b\01"], flops = array<i64: 10, 1000>, bytes = array<i64: 20, 2000>}
    nn.launch @k0 args [#nn.arg<weights, 0, 0, 0>, #nn.arg<output, 0, 0, 28>] space [1, 0]
      {nodes = ["a"], flops = array<i64: 1, 0>, bytes = array<i64: 2, 0>}
  })";

class Manifest : public testing::Test {
protected:
  Manifest() { context.loadDialect<nn::NNDialect, LLVM::LLVMDialect>(); }

  OwningOpRef<ModuleOp> parse(const std::string &attributes, const std::string &body = plan) {
    return parseSourceString<ModuleOp>("module attributes {nn.target = " + std::string(target) + attributes + "} {" + body + "}", &context);
  }
  ManifestInput input(ModuleOp module) {
    ManifestInput in;
    in.kernels = {"k0", "k1"};
    SmallVector<nn::WeightAttr> weights;
    for (Attribute a : (*module.getOps<nn::PlanOp>().begin()).getWeights())
      weights.push_back(cast<nn::WeightAttr>(a));
    in.weights = layOutWeights(weights, 64);
    in.flags = "-O3";
    in.weightsHash[0] = 0xab;
    return in;
  }
  std::string text(const lt_manifest &m, lathe_range r) { return std::string(m.strings + r.offset, r.length); }

  MLIRContext context;
};

TEST_F(Manifest, BoundedOutputs) {
  auto planWith = [](const std::string &extents) {
    return "nn.plan inputs [] outputs [{name = \"a\", type = tensor<2xf32>}, {name = \"y\", type = tensor<3x7xi64>, extents = array<i64: " + extents +
           ">}] weights [] arena [128, 64] {}";
  };
  auto module = parse("", planWith("64, 16"));
  ASSERT_TRUE(module);
  std::string error;
  ManifestInput in = input(*module);
  in.kernels.clear();
  auto bytes = buildManifest(*module, in, error);
  ASSERT_TRUE(succeeded(bytes)) << error;
  lt_manifest m;
  lathe_error refused = {};
  ASSERT_EQ(lt_manifest_open(bytes->data(), bytes->size(), "m.so", &m, &refused), LATHE_OK) << refused.text;
  EXPECT_EQ(m.outputs[0].flags, 0u);
  EXPECT_EQ(m.outputs[1].flags, unsigned(LATHE_TENSOR_BOUNDED));
  EXPECT_EQ(m.dims[m.outputs[1].first_dim + 1].c0, 7);
  EXPECT_EQ(lt_extents(&m, &m.outputs[1]).c0, 64);
  EXPECT_EQ(lt_extents(&m, &m.outputs[1]).c1, 16);

  module = parse("", planWith("64"));
  ASSERT_TRUE(module);
  EXPECT_TRUE(failed(buildManifest(*module, in, error)));
  EXPECT_EQ(error, "output 'y': 'extents' expects 2 numbers (got 1)");
}

TEST_F(Manifest, TheRuntimeReadsBackWhatThePlanSays) {
  auto module = parse(R"(, nn.batch = "N", nn.batch_range = array<i64: 2, 64>, nn.model_name = "m.onnx",
    nn.model_hash = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")");
  ASSERT_TRUE(module);
  std::string error;
  auto bytes = buildManifest(*module, input(*module), error);
  ASSERT_TRUE(succeeded(bytes)) << error;
  lt_manifest m;
  lathe_error refused = {};
  ASSERT_EQ(lt_manifest_open(bytes->data(), bytes->size(), "m.so", &m, &refused), LATHE_OK) << refused.text;
  const lathe_manifest_header &h = *m.header;

  ASSERT_EQ(h.inputs.count, 2u);
  EXPECT_EQ(text(m, m.inputs[0].name), "x");
  EXPECT_EQ(m.inputs[0].dtype, unsigned(LATHE_FLOAT32));
  ASSERT_EQ(m.inputs[0].rank, 3u);
  EXPECT_EQ(m.dims[m.inputs[0].first_dim].c1, 1);
  EXPECT_EQ(m.dims[m.inputs[0].first_dim + 2].c0, 5);
  EXPECT_EQ(m.inputs[1].dtype, unsigned(LATHE_UINT8));
  EXPECT_EQ(m.inputs[1].rank, 0u);
  ASSERT_EQ(h.outputs.count, 1u);
  EXPECT_EQ(text(m, m.outputs[0].name), "y\xc3\xa4");
  EXPECT_EQ(m.outputs[0].dtype, unsigned(LATHE_INT64));

  ASSERT_EQ(h.calls.count, 2u);
  const lathe_call &first = m.calls[0];
  EXPECT_EQ(text(m, m.kernels[first.kernel].name), "k1");
  EXPECT_EQ(first.space.c0, 2);
  EXPECT_EQ(first.space.c1, 28);
  EXPECT_EQ(first.flops.c1, 1000);
  EXPECT_EQ(first.bytes.c0, 20);
  ASSERT_EQ(first.arg_count, 4u);
  const lathe_arg *args = m.args + first.first_arg;
  EXPECT_EQ(args[0].kind, unsigned(LATHE_ARG_INPUT));
  EXPECT_EQ(args[0].index, 1u);
  EXPECT_EQ(args[1].kind, unsigned(LATHE_ARG_WEIGHTS));
  EXPECT_EQ(args[1].index, 0u);
  EXPECT_EQ(args[1].offset.c0, 64 + 8); // the second weight starts at the next multiple of 64
  EXPECT_EQ(args[2].kind, unsigned(LATHE_ARG_BATCH));
  EXPECT_EQ(args[3].offset.c1, 1024);
  ASSERT_EQ(first.node_count, 2u);
  EXPECT_EQ(text(m, m.nodes[first.first_node]), "a");
  EXPECT_EQ(text(m, m.nodes[first.first_node + 1]), "b?"); // control characters do not reach terminals
  EXPECT_EQ(m.calls[1].node_count, 1u);
  EXPECT_EQ(text(m, m.kernels[m.calls[1].kernel].name), "k0");

  ASSERT_EQ(h.features.count, 2u);
  EXPECT_EQ(text(m, m.features[1]), "fma");
  EXPECT_EQ(text(m, h.target_triple), "x86_64-unknown-linux-gnu");
  EXPECT_EQ(text(m, h.target_cpu), "znver5");
  EXPECT_EQ(text(m, h.flags), "-O3");
  EXPECT_EQ(text(m, h.model_name), "m.onnx");
  EXPECT_EQ(text(m, h.batch_symbol), "N");
  EXPECT_EQ(text(m, h.weights_file), "");
  EXPECT_EQ(text(m, h.compiler).substr(0, 6), "lathe ");
  EXPECT_EQ(h.weights_bytes, 64u + 128u);
  EXPECT_EQ(h.min_batch, 2);
  EXPECT_EQ(h.max_batch, 64);
  EXPECT_EQ(h.arena_bytes.c0, 128);
  EXPECT_EQ(h.arena_bytes.c1, 4096);
  EXPECT_EQ(h.model_hash[0], 0xff);
  EXPECT_EQ(h.model_hash[31], 0x1f);
  EXPECT_EQ(h.weights_hash[0], 0xab);
}

TEST_F(Manifest, AFreeBatchWithoutARangeIsUnbounded) {
  auto module = parse("");
  std::string error;
  auto bytes = buildManifest(*module, input(*module), error);
  ASSERT_TRUE(succeeded(bytes)) << error;
  auto *header = reinterpret_cast<const lathe_manifest_header *>(bytes->data());
  EXPECT_EQ(header->min_batch, 1);
  EXPECT_EQ(header->max_batch, INT64_MAX);
}

TEST_F(Manifest, NamesThatNoArtifactCanCarryAreRefused) {
  auto module = parse("", R"(nn.plan inputs [{name = "a\0Ab", type = tensor<1xf32>}] outputs [] weights [] arena [0, 0] {})");
  std::string error;
  EXPECT_TRUE(failed(buildManifest(*module, input(*module), error)));
  EXPECT_EQ(error, "input 'a?b' cannot be named in an artifact (expects 1 to 4096 bytes of printable UTF-8)");
}

TEST_F(Manifest, ElementTypesWithoutAnOnnxNumberAreRefused) {
  auto module = parse("", R"(nn.plan inputs [] outputs [{name = "y", type = tensor<1xi7>}] weights [] arena [0, 0] {})");
  std::string error;
  EXPECT_TRUE(failed(buildManifest(*module, input(*module), error)));
  EXPECT_EQ(error, "output 'y' has the element type i7, which artifacts cannot carry");
}

TEST_F(Manifest, AKernelWithoutCodeIsAnInternalError) {
  auto module = parse("");
  ManifestInput in = input(*module);
  in.kernels = {"k0"};
  std::string error;
  EXPECT_TRUE(failed(buildManifest(*module, in, error)));
  EXPECT_EQ(error, "internal error: no code for kernel 'k1'");
}

TEST_F(Manifest, GrainIsFiveMicrosecondsOfWork) {
  auto module = parse("", R"(
    llvm.func @k(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) { llvm.return }
    nn.plan inputs [] outputs [] weights [] arena [0, 0] {
      nn.launch @k args [] space [0, 100] {nodes = [], flops = array<i64: 0, 64000000>, bytes = array<i64: 0, 1000>}
      nn.launch @k args [] space [0, 100] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 1600000>}
      nn.launch @k args [] space [4, 0] {nodes = [], flops = array<i64: 1, 0>, bytes = array<i64: 1, 0>}
    })");
  ASSERT_TRUE(module);
  auto targetAttr = (*module)->getAttrOfType<nn::TargetAttr>("nn.target");
  SmallVector<int64_t> grains;
  (*module)->walk([&](nn::LaunchOp launch) { grains.push_back(computeGrain(launch, targetAttr, 1)); });
  // 64 flops per cycle: an iteration is 10,000 cycles of the 15,000; 16 bytes per cycle: 1,000 cycles; the last one is never worth a thread.
  EXPECT_EQ(grains, (SmallVector<int64_t>{2, 15, 60000}));
}

} // namespace
