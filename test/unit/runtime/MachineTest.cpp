// CPU features against the compiler's own knowledge, quotas against staged cgroup trees.
#include "test/unit/runtime/Artifact.h"

extern "C" {
#include "runtime/cpu/Machine.h"
}

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <sched.h>

namespace lathe::test {
namespace {

lt_feature_state feature(const char *name) { return lt_machine_feature(name, std::strlen(name)); }

TEST(Machine, UnknownFeatures) {
  EXPECT_EQ(feature("frobnicate"), LT_FEATURE_UNKNOWN);
  EXPECT_EQ(feature(""), LT_FEATURE_UNKNOWN);
  EXPECT_EQ(lt_machine_feature("sse2xyz", 7), LT_FEATURE_UNKNOWN);
}

#if defined(__x86_64__)
TEST(Machine, FeaturesAgreeWithTheCompilersRuntime) {
  __builtin_cpu_init();
#define AGREES(ours, theirs) EXPECT_EQ(feature(ours) == LT_FEATURE_PRESENT, __builtin_cpu_supports(theirs) != 0) << ours
  AGREES("sse2", "sse2");
  AGREES("sse3", "sse3");
  AGREES("ssse3", "ssse3");
  AGREES("sse4.1", "sse4.1");
  AGREES("sse4.2", "sse4.2");
  AGREES("popcnt", "popcnt");
  AGREES("aes", "aes");
  AGREES("pclmul", "pclmul");
  AGREES("avx", "avx");
  AGREES("avx2", "avx2");
  AGREES("fma", "fma");
  AGREES("fma4", "fma4");
  AGREES("xop", "xop");
  AGREES("bmi", "bmi");
  AGREES("bmi2", "bmi2");
  AGREES("avx512f", "avx512f");
  AGREES("avx512vl", "avx512vl");
  AGREES("avx512bw", "avx512bw");
  AGREES("avx512dq", "avx512dq");
  AGREES("avx512cd", "avx512cd");
  AGREES("avx512ifma", "avx512ifma");
  AGREES("avx512vbmi", "avx512vbmi");
  AGREES("avx512vbmi2", "avx512vbmi2");
  AGREES("avx512vnni", "avx512vnni");
  AGREES("avx512bitalg", "avx512bitalg");
  AGREES("avx512vpopcntdq", "avx512vpopcntdq");
  AGREES("avx512bf16", "avx512bf16");
  AGREES("gfni", "gfni");
  AGREES("vpclmulqdq", "vpclmulqdq");
#undef AGREES
  EXPECT_EQ(feature("64bit"), LT_FEATURE_PRESENT);
  EXPECT_EQ(std::strncmp(lt_machine_best_cpu(), "x86-64", 6), 0);
  EXPECT_EQ(std::strcmp(lt_machine_best_cpu(), "x86-64-v4") == 0, __builtin_cpu_supports("x86-64-v4") != 0);
}
#endif

TEST(Machine, CpusFollowTheAffinityMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(lt_machine_cpus(), 1);
  EXPECT_LE(lt_machine_cpus(), CPU_COUNT(&before));
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &before)) {
      CPU_SET(i, &one);
      break;
    }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(lt_machine_cpus(), 1);
  sched_setaffinity(0, sizeof before, &before);
}

class Cgroup : public testing::Test {
protected:
  void put(const std::string &path, const std::string &text) {
    std::filesystem::create_directories(std::filesystem::path(folder / path).parent_path());
    writeWhole(folder / path, text);
  }
  int cpus() { return lt_cgroup_cpus((folder / "cgroup").c_str(), (folder / "fs").c_str()); }
  TemporaryFolder folder;
};

TEST_F(Cgroup, NoneAtAll) { EXPECT_EQ(cpus(), 0); }

TEST_F(Cgroup, Version2) {
  put("cgroup", "0::/a/b\n");
  EXPECT_EQ(cpus(), 0);
  put("fs/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus(), 0);
  put("fs/a/b/cpu.max", "350000 100000\n");
  EXPECT_EQ(cpus(), 3) << "rounded down";
  put("fs/a/cpu.max", "200000 100000\n");
  EXPECT_EQ(cpus(), 2) << "a parent's quota binds too";
  put("fs/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpus(), 1) << "at least 1";
}

TEST_F(Cgroup, Version2ContainerRoot) {
  put("cgroup", "0::/\n");
  put("fs/cpu.max", "400000 100000\n");
  EXPECT_EQ(cpus(), 4);
}

TEST_F(Cgroup, Version1) {
  put("cgroup", "12:cpuset:/x\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n0::/\n");
  put("fs/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
  put("fs/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 0);
  put("fs/cpu/docker/abc/cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(cpus(), 2);
}

// The group's path is the host's, but only the container's own root is mounted.
TEST_F(Cgroup, Version1PathNotVisible) {
  put("cgroup", "4:cpu,cpuacct:/docker/abc\n");
  put("fs/cpu/cpu.cfs_quota_us", "300000\n");
  put("fs/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(Cgroup, Garbage) {
  for (const char *text : {"", "\n\n", "x", ":", "0:", "0::", "0::x", "0::/../..", "::::", "0::/a\n0::/a"}) {
    put("cgroup", text);
    put("fs/a/cpu.max", "garbage");
    EXPECT_EQ(cpus(), 0) << text;
  }
  put("cgroup", "0::/a");
  for (const char *text : {"-5 100000", "100000 0", "1e5 100000", "99999999999999999999999 1"}) {
    put("fs/a/cpu.max", text);
    EXPECT_GE(cpus(), 0) << text;
  }
}

} // namespace
} // namespace lathe::test
