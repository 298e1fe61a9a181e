#include "compiler/target/nvptx/Ptxas.h"

#include "llvm/ADT/StringRef.h"
#include "gtest/gtest.h"

using namespace lathe;

namespace {

// What ptxas 13.0 writes with -v, shortened.
constexpr char log[] = R"(ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'lathe_k1' for 'sm_80'
ptxas info    : Function properties for lathe_k1
    16 bytes stack frame, 16 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 64 registers, used 0 barriers, 16 bytes cumulative stack size, 368 bytes cmem[0]
ptxas warning : Potential Performance Loss: wgmma.mma_async instructions are serialized due to something in the function 'lathe_k12'
ptxas info    : Compiling entry function 'lathe_k12' for 'sm_80'
ptxas info    : Function properties for lathe_k12
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 156 registers, used 1 barriers, 368 bytes cmem[0], 8 bytes cmem[2]
ptxas info    : (C7510) Potential Performance Loss in function 'lathe_k12'
)";

TEST(Ptxas, ItsLogIsReadByKernel) {
  std::vector<PtxasReport> reports = parsePtxasLog(log);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].entry, "lathe_k1");
  EXPECT_EQ(reports[0].registers, 64u);
  EXPECT_EQ(reports[0].spillBytes, 36u);
  EXPECT_EQ(reports[1].entry, "lathe_k12");
  EXPECT_EQ(reports[1].registers, 156u);
  EXPECT_EQ(reports[1].spillBytes, 0u);
  ASSERT_EQ(reports[1].warnings.size(), 2u);
  EXPECT_EQ(reports[1].warnings[1], "ptxas info    : (C7510) Potential Performance Loss in function 'lathe_k12'");
  EXPECT_TRUE(parsePtxasLog("").empty());
}

TEST(Ptxas, AWarningBeforeAnyKernelIsKept) {
  std::vector<PtxasReport> reports = parsePtxasLog("ptxas warning : something\n");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].entry, "");
  EXPECT_EQ(reports[0].warnings.size(), 1u);
}

} // namespace
