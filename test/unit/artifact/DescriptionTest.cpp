#include "compiler/target/cpu/Description.h"

#include "compiler/target/cpu/Target.h"
#include "compiler/target/nvptx/Target.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace lathe;

namespace {

// A description with one thing replaced.
std::string description(llvm::StringRef what = "", llvm::StringRef by = "") {
  std::string text = R"({"family": "f", "arch": "x86_64", "cpus": ["haswell"], "features": ["avx2"], "numbers": {
    "vector_bits": {"value": 256, "source": "s"}, "registers": {"value": 16, "source": "s"}, "fma_per_cycle": {"value": 2, "source": "s"},
    "loads_per_cycle": {"value": 2, "source": "s"}, "fma_latency": {"value": 4, "source": "s"}, "l1_bytes": {"value": 32768, "source": "s"},
    "l2_bytes": {"value": 262144, "source": "s"}, "l3_bytes_per_cycle": {"value": 8, "source": "s"},
    "memory_bytes_per_cycle": {"value": 4, "source": "s"}}})";
  if (!what.empty()) {
    size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what.str();
    text.replace(at, what.size(), by);
  }
  return text;
}

std::string errorOf(const std::string &text) {
  std::string error;
  EXPECT_FALSE(parseDescription(text, "f.json", error).has_value());
  return error;
}

TEST(Description, EveryBuiltinIsReadAndNamesKnownCpus) {
  mlir::MLIRContext context;
  context.loadDialect<nn::NNDialect>();
  EXPECT_GE(builtinDescriptions().size(), 8u);
  for (const TargetDescription &d : builtinDescriptions())
    for (const std::string &cpu : d.cpus) {
      std::string error;
      auto target = d.arch == "nvptx64" ? resolveGpuTarget(context, cpu, error) : resolveTarget(context, d.arch + "-unknown-linux-gnu", cpu, error);
      ASSERT_TRUE(succeeded(target)) << d.family << ": " << error;
      EXPECT_EQ(target->getFamily(), d.family) << cpu;
      EXPECT_EQ(target->getCpu(), cpu);
      EXPECT_EQ(target->getVectorBits(), d.vectorBits);
    }
}

/// psABI: an artifact made for a level must need no more than the runtime finds on a CPU of that level.
TEST(Description, LevelsNeedWhatTheirNamePromises) {
  for (const TargetDescription &d : builtinDescriptions()) {
    bool avx512 = llvm::is_contained(d.features, "avx512f"), fma = llvm::is_contained(d.features, "fma");
    if (d.arch != "x86_64")
      continue;
    EXPECT_EQ(d.vectorBits, avx512 ? 512 : fma ? 256 : 128) << d.family;
    EXPECT_EQ(d.registers, avx512 ? 32 : 16) << d.family;
  }
}

TEST(Description, CpusWithoutADescriptionGetTheBestLevelTheyHave) {
  mlir::MLIRContext context;
  context.loadDialect<nn::NNDialect>();
  std::string error;
  auto family = [&](llvm::StringRef cpu) {
    auto target = resolveTarget(context, "x86_64-unknown-linux-gnu", cpu, error);
    return succeeded(target) ? target->getFamily().str() : error;
  };
  EXPECT_EQ(family("knl"), "x86-64-v3"); // AVX-512, but not all of the level's
  EXPECT_EQ(family("sierraforest"), "x86-64-v3");
  EXPECT_EQ(family("clearwaterforest"), "x86-64-v3");
  EXPECT_EQ(family("diamondrapids"), "x86-64-v4");
  EXPECT_EQ(family("bdver1"), "x86-64-v2");
  EXPECT_EQ(family("x86-64"), "CPU 'x86-64' has too few features (expects at least those of x86-64-v2)");
}

TEST(Description, Errors) {
  EXPECT_EQ(errorOf("[]"), "f.json: expects a JSON object");
  EXPECT_NE(errorOf("{").find("f.json: "), std::string::npos);
  EXPECT_EQ(errorOf(description("\"family\"", "\"famliy\"")), "f.json: unknown key 'famliy'");
  EXPECT_EQ(errorOf(description("\"f\"", "7")), "f.json: 'family' expects a string (got none)");
  EXPECT_EQ(errorOf(description("x86_64", "riscv64")), "f.json: 'arch' expects x86_64, aarch64 or nvptx64 (got riscv64)");
  EXPECT_EQ(errorOf(description("[\"haswell\"]", "[]")), "f.json: 'cpus' expects at least one name (got none)");
  EXPECT_EQ(errorOf(description("[\"avx2\"]", "[\"avx2,+sse\"]")), "f.json: 'features' expects a list of names (got avx2,+sse)");
  EXPECT_EQ(errorOf(description("256,", "192,")), "f.json: 'numbers.vector_bits' expects 128, 256 or 512 (got 192)");
  std::string gpu = description("x86_64", "nvptx64");
  EXPECT_EQ(errorOf(gpu), "f.json: 'numbers.multiprocessors' expects an object {\"value\", \"source\"} (got none)");
  gpu.resize(gpu.size() - 2); // of numbers, and of all
  gpu += R"(, "multiprocessors": {"value": 4, "source": "s"}, "tensor_fma_per_cycle": {"value": 64, "source": "s"},
    "shared_bytes": {"value": 65536, "source": "s"}}})";
  EXPECT_EQ(errorOf(gpu), "f.json: 'numbers.vector_bits' expects 1024, a warp's registers (got 256)");
  EXPECT_EQ(errorOf(description("16,", "0,")), "f.json: 'numbers.registers' expects a whole number from 1 to 256 (got 0)");
  EXPECT_EQ(errorOf(description("16,", "1.5,")), "f.json: 'numbers.registers' expects a whole number from 1 to 256 (got none)");
  EXPECT_EQ(errorOf(description("{\"value\": 2, \"source\": \"s\"}", "2")),
            "f.json: 'numbers.fma_per_cycle' expects an object {\"value\", \"source\"} (got none)");
  EXPECT_EQ(errorOf(description("262144, \"source\": \"s\"", "262144")), "f.json: 'numbers.l2_bytes' expects a source (got none)");
  EXPECT_EQ(errorOf(description("\"registers\"", "\"register\"")), "f.json: unknown key 'numbers.register'");
}

} // namespace
