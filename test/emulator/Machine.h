// Runs kernels: blocks one after the other, the threads of a block as fibers if they meet, as a loop if they do not.
#ifndef TEST_EMULATOR_MACHINE_H
#define TEST_EMULATOR_MACHINE_H

#include "test/emulator/Fiber.h"
#include "test/emulator/Races.h"
#include "test/emulator/Translate.h"

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace lathe::emulator {

struct Launch {
  const KernelText *kernel;
  void (*entry)(Thread *);
  u32 grid[3], block[3];
  u32 dynamicShared;
  std::vector<u8> params;
  const u64 *symbols;
};

struct Copy {
  u64 target, source; // addresses of the host
  u32 bytes, sourceBytes;
  u64 offset; // of the target in shared memory
  const Site *site;
};

struct Lane;
// What lanes do when all have met; null in place of those that take no part.
using Together = void (*)(Lane *const *lanes, u32 mask);

// A thread of the block that runs.
struct Lane : Thread {
  enum class State { ready, atWarp, atBarrier, done } state = State::ready;
  Fiber fiber;
  u32 index = 0; // in the block
  const Site *site = nullptr;
  bool aligned = false;
  u32 mask = 0;         // of those that it waits for
  void *data = nullptr; // what it brought
  Together together = nullptr;
  u32 barrier = 0;
  std::vector<Copy> open;               // since the last commit
  std::deque<std::vector<Copy>> groups; // that it has not waited for
};

class Machine {
public:
  Machine();
  // False if the kernel did what a GPU would stop or hang at; `failure` then says what, where and which thread.
  bool run(const Launch &launch);
  std::string failure;
  int failureCode = 0; // the CUresult that it becomes

  // What kernels call; `Services` knows them by these.
  [[noreturn]] void fail(Lane &lane, const Site *site, const std::string &what, int code = launchFailed);
  static constexpr int illegalAddress = 700, misalignedAddress = 716, launchFailed = 719;
  // Waits until all lanes of `mask` have come, and lets one of them do `together` for all.
  void meet(Lane &lane, const Site *site, u32 mask, bool aligned, void *data, Together together);
  void waitAtBarrier(Lane &lane, const Site *site, u32 id, u32 threads, bool wait, bool aligned);
  void copyLater(Lane &lane, const Copy &copy);
  void commit(Lane &lane);
  void waitForCopies(Lane &lane, u32 groups);
  u64 checkShared(Lane &lane, const Site *site, u64 address, u32 bytes, Access access); // gives the address of the host
  u32 activeMask(const Lane &lane) const;
  Races *races() { return detector.get(); }
  u32 warpMask(u32 warp) const { return living[warp]; } // its lanes that have not ended

private:
  struct Barrier {
    u32 arrived = 0, threads = 0;
    std::vector<Lane *> lanes; // that came, waiting or not
  };
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<u32> order;
  size_t position = 0;
  Fiber host, loop;
  Lane *current = nullptr;
  const Launch *launch = nullptr;
  u32 threads = 0, alive = 0;
  u32 living[32] = {}, waiting[32] = {}; // lanes by warp: that have not ended, that wait for others of their warp
  bool failed = false;
  Barrier barriers[16];
  std::mt19937_64 random;
  Stacks stacks;
  std::unique_ptr<Races> detector;
  u64 window = 0, params = 0, locals = 0, localsBytes = 0;
  std::vector<std::array<u32, 3>> blocks;

  void prepareBlock(const std::array<u32, 3> &block);
  void runLoop();
  void runLane();
  void next();
  void tryWarp(u32 warp, u32 mask);
  void tryBarrier(u32 id);
  void deliver(Lane &lane, std::vector<Copy> &copies);
  void shuffle();
  [[noreturn]] void stop(const std::string &message, int code);
  std::string place(const Lane &lane) const;
  void reportDeadlock();
  static void enterLoop();
  static void enterLane();
};

Machine &machine();
extern const Services services;

} // namespace lathe::emulator

#endif
