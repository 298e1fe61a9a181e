#include "test/emulator/Compiler.h"
#include "test/emulator/Settings.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern char **environ;

// The headers of kernels, as text: the emulator needs no file of the source tree when it runs.
asm(R"(
  .section .rodata
  .hidden lathe_emulator_headers
  .globl lathe_emulator_headers
lathe_emulator_headers:
  .incbin ")" EMULATOR_SOURCES R"(/Abi.h"
  .incbin ")" EMULATOR_SOURCES R"(/Device.h"
  .byte 0
  .text
)");
extern "C" const char lathe_emulator_headers[];

namespace lathe::emulator {

// One file at the next, from many threads and processes at once: each writes its own and renames it.
struct Workers {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Compilation>> queue;
  unsigned running = 0;

  void add(const std::shared_ptr<Compilation> &work) {
    std::lock_guard<std::mutex> lock(mutex);
    queue.push_back(work);
    if (running < std::max(1u, std::thread::hardware_concurrency())) {
      ++running;
      std::thread([this] { run(); }).detach();
    }
  }
  void run() {
    std::unique_lock<std::mutex> lock(mutex);
    while (!queue.empty()) {
      std::shared_ptr<Compilation> work = queue.front();
      queue.pop_front();
      lock.unlock();
      std::string error = make(*work);
      lock.lock();
      work->error = error;
      work->done = true;
      changed.notify_all();
    }
    --running;
  }
  static std::string make(const Compilation &work);
  static Workers &get() {
    static Workers *result = new Workers; // its threads may outlive main
    return *result;
  }
};

// FNV-1a, twice with different beginnings.
static std::string hashed(const std::string &text) {
  u64 first = 14695981039346656037ull, second = 0x9e3779b97f4a7c15ull;
  for (char c : text) {
    first = (first ^ u8(c)) * 1099511628211ull;
    second = (second ^ u8(c)) * 0x100000001b3ull + (second >> 29);
  }
  char result[33];
  std::snprintf(result, sizeof result, "%016llx%016llx", first, second);
  return result;
}

// What -march=native means here.
static const std::string &processor() {
  static const std::string result = [] {
    std::ifstream file("/proc/cpuinfo");
    std::string line, text;
    while (std::getline(file, line) && !line.empty())
      if (line.starts_with("model name") || line.starts_with("flags") || line.starts_with("Features"))
        text += line;
    return text;
  }();
  return result;
}

static std::vector<std::string> flags() {
  // Kernels are long straight code in loops, of which the loop passes would learn at length what nobody asks.
  std::vector<std::string> result = {"-std=c++20",
                                     "-O1",
                                     "-march=native",
                                     "-ffp-contract=off",
                                     "-fno-math-errno",
                                     "-fno-exceptions",
                                     "-fno-rtti",
                                     "-fwrapv",
                                     "-fno-strict-aliasing",
                                     "-fno-stack-protector",
                                     "-fno-slp-vectorize",
                                     "-fno-vectorize",
                                     "-fPIC",
                                     "-mllvm",
                                     "-scalar-evolution-max-arith-depth=3",
                                     "-mllvm",
                                     "-scalar-evolution-max-scev-compare-depth=4",
                                     "-shared",
                                     "-w",
                                     "-fuse-ld=lld-22",
                                     "-Wl,--build-id=none",
                                     "-nostdlib",
                                     "-lm"};
  if (settings().bounds)
    result.push_back("-DBOUNDS");
  if (settings().races)
    result.push_back("-DRACES");
  return result;
}

std::string Workers::make(const Compilation &work) {
  static std::atomic<unsigned> counter = 0;
  std::string temporary = work.object + "." + std::to_string(getpid()) + "-" + std::to_string(counter++), source = temporary + ".cpp", log = temporary + ".log";
  std::ofstream(source, std::ios::binary) << lathe_emulator_headers << work.code;
  std::vector<std::string> arguments = {EMULATOR_CLANG};
  for (const std::string &flag : flags())
    arguments.push_back(flag);
  for (const std::string &word : {"-o", temporary.c_str(), source.c_str()})
    arguments.push_back(word);
  std::vector<char *> argv, env;
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  // What is loaded into this process is not for the compiler.
  for (char **one = environ; *one; ++one)
    if (std::strncmp(*one, "LD_PRELOAD=", 11) && std::strncmp(*one, "LD_LIBRARY_PATH=", 16))
      env.push_back(*one);
  env.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t child = 0;
  int status = posix_spawnp(&child, argv[0], &files, nullptr, argv.data(), env.data());
  posix_spawn_file_actions_destroy(&files);
  if (status)
    return std::string("cannot run ") + argv[0] + ": " + std::strerror(status);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  std::string error;
  if (!WIFEXITED(status) || WEXITSTATUS(status)) {
    std::ostringstream text;
    text << std::ifstream(log).rdbuf();
    error = std::string(argv[0]) + " failed on " + source + ": " + text.str().substr(0, 2000);
  } else if (std::rename(temporary.c_str(), work.object.c_str())) {
    error = "cannot write " + work.object + ": " + std::strerror(errno);
  } else {
    std::rename(source.c_str(), work.source.c_str());
  }
  std::remove(log.c_str());
  return error;
}

std::shared_ptr<Compilation> compile(const std::string &code) {
  std::string key = EMULATOR_CLANG + processor() + lathe_emulator_headers;
  for (const std::string &flag : flags())
    key += flag;
  auto work = std::make_shared<Compilation>();
  std::string stem = settings().cache + "/" + hashed(key + code);
  work->source = stem + ".cpp";
  work->object = stem + ".so";
  std::error_code error;
  std::filesystem::create_directories(settings().cache, error);
  if (error) {
    work->done = true;
    work->error = "cannot make the folder " + settings().cache + ": " + error.message();
  } else if (std::filesystem::exists(work->object, error)) {
    work->done = true;
  } else {
    work->code = code;
    Workers::get().add(work);
  }
  return work;
}

Entry Compilation::wait() {
  if (entry)
    return entry;
  Workers &workers = Workers::get();
  {
    std::unique_lock<std::mutex> lock(workers.mutex);
    workers.changed.wait(lock, [&] { return done; });
  }
  if (!error.empty())
    return nullptr;
  void *library = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  entry = library ? reinterpret_cast<Entry>(dlsym(library, "kernel")) : nullptr;
  if (!entry)
    error = dlerror();
  return entry;
}

} // namespace lathe::emulator
