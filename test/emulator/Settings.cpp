#include "test/emulator/Settings.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace lathe::emulator {

static Settings read() {
  Settings result;
  auto text = [](const char *name) {
    const char *value = std::getenv(name);
    return std::string(value ? value : "");
  };
  auto number = [&](const char *name, auto &target) {
    std::string value = text(name);
    if (value.empty())
      return;
    char *end = nullptr;
    target = static_cast<std::remove_reference_t<decltype(target)>>(std::strtoull(value.c_str(), &end, 10));
    if (*end)
      result.mistake = std::string(name) + " is '" + value + "', expected a number";
  };
  number("LATHE_EMU_ARCH", result.arch);
  number("LATHE_EMU_DRIVER", result.driver);
  number("LATHE_EMU_MEMORY", result.memory);
  number("LATHE_EMU_DEVICES", result.devices);
  number("LATHE_EMU_BOUNDS", result.bounds);
  number("LATHE_EMU_RACES", result.races);
  number("LATHE_EMU_LEAKS", result.leaks);
  if (std::string schedule = text("LATHE_EMU_SCHEDULE"); schedule == "descending") {
    result.schedule = Schedule::descending;
  } else if (schedule.starts_with("random:")) {
    result.schedule = Schedule::random;
    result.seed = std::strtoull(schedule.c_str() + 7, nullptr, 10);
  } else if (!schedule.empty() && schedule != "ascending") {
    result.mistake = "LATHE_EMU_SCHEDULE is '" + schedule + "', expected ascending, descending or random:<seed>";
  }
  if (std::string streams = text("LATHE_EMU_STREAMS"); streams == "late")
    result.lateStreams = true;
  else if (!streams.empty() && streams != "early")
    result.mistake = "LATHE_EMU_STREAMS is '" + streams + "', expected early or late";
  if (std::string fail = text("LATHE_EMU_FAIL"); !fail.empty()) {
    size_t first = fail.find(':'), second = first == fail.npos ? fail.npos : fail.find(':', first + 1);
    result.failSymbol = fail.substr(0, first);
    result.failCode = first == fail.npos ? 0 : std::atoi(fail.c_str() + first + 1);
    result.failCall = second == fail.npos ? 1 : u32(std::atoi(fail.c_str() + second + 1));
    if (!result.failCode || !result.failCall)
      result.mistake = "LATHE_EMU_FAIL is '" + fail + "', expected <function>:<error>[:<number of the call>]";
  }
  result.cache = text("LATHE_EMU_CACHE");
  if (result.cache.empty())
    result.cache = std::filesystem::temp_directory_path() / ("lathe-emulator-" + std::to_string(getuid()));
  return result;
}

const Settings &settings() {
  static const Settings result = read();
  return result;
}

} // namespace lathe::emulator
