// The objects behind the handles of the driver's API, and what every call begins with. Declared by hand: no CUDA header is needed.
#ifndef TEST_EMULATOR_DRIVER_H
#define TEST_EMULATOR_DRIVER_H

#include "test/emulator/Compiler.h"
#include "test/emulator/Machine.h"

#include <cstddef>
#include <map>
#include <mutex>
#include <set>

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;

enum : CUresult {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903,
  CUDA_ERROR_STREAM_CAPTURE_UNJOINED = 904,
  CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906,
  CUDA_ERROR_CAPTURED_EVENT = 907,
  CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908,
};

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace lathe::emulator {

struct CompiledModule;
struct Stream;
struct Event;

struct KernelFunction {
  CompiledModule *module;
  const KernelText *kernel;
  std::shared_ptr<Compilation> code;
  u32 maxDynamicShared;
};

struct CompiledModule {
  ModuleText text;
  std::vector<std::unique_ptr<KernelFunction>> functions;
  std::vector<u64> symbols;
};

// What a stream does, one after the other.
struct Operation {
  enum class Kind { kernel, copy, set, record, wait } kind;
  KernelFunction *function = nullptr;
  u32 grid[3] = {}, block[3] = {}, dynamicShared = 0;
  std::vector<u8> params;
  u64 target = 0, source = 0, bytes = 0;
  u8 value = 0;
  std::vector<u8> staged; // a copy of pageable memory, which may change after the call
  Event *event = nullptr;
  u64 ticket = 0; // of the record that is made or waited for
};

struct Capture {
  std::vector<Operation> operations;
  Stream *origin;
  std::set<Stream *> joined; // others that have work which the origin has not waited for
  size_t thread;
  int mode;
  bool invalid = false;
};

struct Stream {
  bool blocking = true; // with respect to the default stream
  std::deque<Operation> queue;
  std::shared_ptr<Capture> capture;
};

struct Event {
  u64 recorded = 0, done = 0; // tickets
  Stream *stream = nullptr;
  double when = 0; // milliseconds
  bool timing = true;
  std::weak_ptr<Capture> capture;
};

struct Graph {
  std::vector<Operation> operations;
};
struct GraphExec {
  std::vector<Operation> operations;
};

struct Context {
  int device;
  u32 retained = 0;
};

struct Driver {
  std::recursive_mutex mutex;
  bool initialised = false;
  CUresult sticky = CUDA_SUCCESS; // after a kernel went wrong every call fails
  std::vector<Context> contexts;  // by device
  std::set<CompiledModule *> modules;
  std::set<KernelFunction *> functions;
  std::set<Stream *> streams;
  std::set<Event *> events;
  std::set<Graph *> graphs;
  std::set<GraphExec *> execs;
  std::set<std::shared_ptr<Capture>> captures;
  Stream defaultStream;
  u64 tickets = 0;
  std::map<std::string, u32> calls;
};

Driver &driver();
void say(const std::string &message);

enum class Needs { nothing, initialised, context };

// What a call begins with: the lock, faults on demand, and what must have been done before.
class Call {
public:
  Call(const char *name, Needs needs);
  CUresult error = CUDA_SUCCESS;

private:
  std::lock_guard<std::recursive_mutex> lock;
};
#define BEGIN(name, needs)                                                                                                                                     \
  Call call(name, Needs::needs);                                                                                                                               \
  if (call.error)                                                                                                                                              \
  return call.error

// For calls that no thread may make while it captures a stream: the capture is lost.
CUresult refuseWhileCapturing();
// Null: the default stream. False: no such stream.
bool streamOf(void *handle, Stream *&stream);
CUresult enqueue(Stream &stream, Operation operation);
CUresult drain(Stream &stream);
// All work on the device.
CUresult drainAll();
// The work that the default stream waits for.
CUresult drainBlocking();
void *&currentContext();
// Shared memory that a block may have on such a device.
u32 sharedOptin(u32 arch);

} // namespace lathe::emulator

#endif
