// What the environment says of the emulated device (docs/rationale/Emulator.md has the table).
#ifndef TEST_EMULATOR_SETTINGS_H
#define TEST_EMULATOR_SETTINGS_H

#include "test/emulator/Abi.h"

#include <string>

namespace lathe::emulator {

enum class Schedule { ascending, descending, random };

struct Settings {
  u32 arch = 90;      // compute capability times 10
  u32 driver = 12040; // version that cuDriverGetVersion tells
  u64 memory = u64(8) << 30;
  u32 devices = 1;
  Schedule schedule = Schedule::ascending;
  u64 seed = 0;
  bool bounds = true;
  bool races = false;
  bool leaks = false;
  bool lateStreams = false; // work of a stream runs when somebody waits for it
  std::string cache;        // of compiled kernels
  std::string failSymbol;   // whose call number `failCall` returns `failCode`
  int failCode = 0;
  u32 failCall = 1;
  std::string mistake; // what is wrong with the settings, empty if nothing
};

const Settings &settings();

} // namespace lathe::emulator

#endif
