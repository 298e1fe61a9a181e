// The driver's API: start, devices, contexts and errors.
#include "test/emulator/Driver.h"
#include "test/emulator/Memory.h"
#include "test/emulator/Settings.h"

#include <cstdio>
#include <cstring>

namespace lathe::emulator {

Driver &driver() {
  static Driver *result = new Driver; // never destroyed: calls may come until the process ends
  return *result;
}

void say(const std::string &message) { std::fprintf(stderr, "emulated GPU: %s\n", message.c_str()); }

static thread_local std::vector<void *> contextStack;

void *&currentContext() {
  static thread_local void *none = nullptr;
  return contextStack.empty() ? none : contextStack.back();
}

Call::Call(const char *name, Needs needs) : lock(driver().mutex) {
  const Settings &set = settings();
  if (set.failSymbol == name && ++driver().calls[name] == set.failCall)
    error = set.failCode;
  else if (needs != Needs::nothing && !driver().initialised)
    error = CUDA_ERROR_NOT_INITIALIZED;
  else if (needs == Needs::context && !currentContext())
    error = CUDA_ERROR_INVALID_CONTEXT;
  else if (needs == Needs::context)
    error = driver().sticky;
}

static void reportLeaks() {
  Driver &all = driver();
  std::lock_guard<std::recursive_mutex> lock(all.mutex);
  auto tell = [](u64 count, const char *what) {
    if (count)
      say("leaked: " + std::to_string(count) + " " + what);
  };
  tell(memory().count(Owner::device), "allocations of device memory");
  tell(memory().count(Owner::pinned), "allocations of pinned memory");
  tell(all.modules.size(), "modules");
  tell(all.streams.size(), "streams");
  tell(all.events.size(), "events");
  tell(all.graphs.size(), "graphs");
  tell(all.execs.size(), "executable graphs");
  for (const Context &context : all.contexts)
    tell(context.retained, "references to a primary context");
}

static const struct {
  CUresult code;
  const char *name, *text;
} errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
    {CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "operation would make the legacy stream depend on a capturing blocking stream"},
    {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
    {CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another thread"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

// Shared memory that a block may ask for, in bytes.
u32 sharedOptin(u32 arch) { return arch >= 90 ? 232448 : arch == 86 || arch == 89 ? 101376 : 166912; }

} // namespace lathe::emulator

using namespace lathe::emulator;

EXPORT CUresult cuInit(unsigned flags) {
  BEGIN("cuInit", nothing);
  if (!settings().mistake.empty()) {
    say(settings().mistake);
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (flags)
    return CUDA_ERROR_INVALID_VALUE;
  if (!settings().devices)
    return CUDA_ERROR_NO_DEVICE;
  if (!driver().initialised) {
    driver().initialised = true;
    for (u32 i = 0; i != settings().devices; ++i)
      driver().contexts.push_back({int(i), 0});
    if (settings().leaks)
      std::atexit(reportLeaks);
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  BEGIN("cuDriverGetVersion", nothing);
  if (!version)
    return CUDA_ERROR_INVALID_VALUE;
  *version = int(settings().driver);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
  BEGIN("cuDeviceGetCount", initialised);
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  *count = int(settings().devices);
  return CUDA_SUCCESS;
}

static bool isDevice(int device) { return device >= 0 && device < int(settings().devices); }

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  BEGIN("cuDeviceGet", initialised);
  if (!device)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(ordinal))
    return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  BEGIN("cuDeviceGetName", initialised);
  if (!name || length <= 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  std::snprintf(name, size_t(length), "Emulated GPU (sm_%u)", settings().arch);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  BEGIN("cuDeviceTotalMem_v2", initialised);
  if (!bytes)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  *bytes = settings().memory;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  BEGIN("cuDeviceGetAttribute", initialised);
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  const std::map<int, int> values = {
      {1, 1024},                                      // MAX_THREADS_PER_BLOCK
      {2, 1024},                                      // MAX_BLOCK_DIM_X
      {3, 1024},                                      // MAX_BLOCK_DIM_Y
      {4, 64},                                        // MAX_BLOCK_DIM_Z
      {5, 2147483647},                                // MAX_GRID_DIM_X
      {6, 65535},                                     // MAX_GRID_DIM_Y
      {7, 65535},                                     // MAX_GRID_DIM_Z
      {8, 49152},                                     // MAX_SHARED_MEMORY_PER_BLOCK
      {9, 65536},                                     // TOTAL_CONSTANT_MEMORY
      {10, 32},                                       // WARP_SIZE
      {12, 65536},                                    // MAX_REGISTERS_PER_BLOCK
      {13, 1000000},                                  // CLOCK_RATE
      {15, 1},                                        // GPU_OVERLAP
      {16, 8},                                        // MULTIPROCESSOR_COUNT
      {18, 0},                                        // INTEGRATED
      {19, 1},                                        // CAN_MAP_HOST_MEMORY
      {31, 1},                                        // CONCURRENT_KERNELS
      {36, 1000000},                                  // MEMORY_CLOCK_RATE
      {37, 1024},                                     // GLOBAL_MEMORY_BUS_WIDTH
      {38, 4 << 20},                                  // L2_CACHE_SIZE
      {39, 2048},                                     // MAX_THREADS_PER_MULTIPROCESSOR
      {40, 2},                                        // ASYNC_ENGINE_COUNT
      {41, 1},                                        // UNIFIED_ADDRESSING
      {75, int(settings().arch / 10)},                // COMPUTE_CAPABILITY_MAJOR
      {76, int(settings().arch % 10)},                // COMPUTE_CAPABILITY_MINOR
      {81, int(sharedOptin(settings().arch)) + 1024}, // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
      {82, 65536},                                    // MAX_REGISTERS_PER_MULTIPROCESSOR
      {83, 0},                                        // MANAGED_MEMORY
      {97, int(sharedOptin(settings().arch))},        // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
      {106, 32},                                      // MAX_BLOCKS_PER_MULTIPROCESSOR
      {115, 0},                                       // MEMORY_POOLS_SUPPORTED
  };
  auto found = values.find(attribute);
  if (found == values.end()) {
    say("cuDeviceGetAttribute: attribute " + std::to_string(attribute) + " is not modelled");
    return CUDA_ERROR_INVALID_VALUE;
  }
  *value = found->second;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(void **context, CUdevice device) {
  BEGIN("cuDevicePrimaryCtxRetain", initialised);
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  Context &primary = driver().contexts[size_t(device)];
  ++primary.retained;
  *context = &primary;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  BEGIN("cuDevicePrimaryCtxRelease_v2", initialised);
  if (!isDevice(device))
    return CUDA_ERROR_INVALID_DEVICE;
  Context &primary = driver().contexts[size_t(device)];
  if (!primary.retained)
    return CUDA_ERROR_INVALID_CONTEXT;
  --primary.retained;
  return CUDA_SUCCESS;
}

static bool isContext(void *context) {
  for (const Context &one : driver().contexts)
    if (&one == context)
      return one.retained != 0;
  return false;
}

EXPORT CUresult cuCtxPushCurrent_v2(void *context) {
  BEGIN("cuCtxPushCurrent_v2", initialised);
  if (!isContext(context))
    return CUDA_ERROR_INVALID_CONTEXT;
  contextStack.push_back(context);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPopCurrent_v2(void **context) {
  BEGIN("cuCtxPopCurrent_v2", initialised);
  if (contextStack.empty())
    return CUDA_ERROR_INVALID_CONTEXT;
  if (context)
    *context = contextStack.back();
  contextStack.pop_back();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult code, const char **name) {
  BEGIN("cuGetErrorName", nothing);
  if (!name)
    return CUDA_ERROR_INVALID_VALUE;
  for (const auto &one : errors)
    if (one.code == code) {
      *name = one.name;
      return CUDA_SUCCESS;
    }
  *name = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGetErrorString(CUresult code, const char **text) {
  BEGIN("cuGetErrorString", nothing);
  if (!text)
    return CUDA_ERROR_INVALID_VALUE;
  for (const auto &one : errors)
    if (one.code == code) {
      *text = one.text;
      return CUDA_SUCCESS;
    }
  *text = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}
