// The driver's API: modules, functions and launches.
#include "test/emulator/Driver.h"
#include "test/emulator/Memory.h"
#include "test/emulator/Settings.h"

#include <algorithm>
#include <cstring>

using namespace lathe::emulator;

namespace {

constexpr u32 staticShared = 48 << 10, maxThreads = 1024;

// The newest PTX that a driver of this version takes.
u32 newestPtx(u32 driver) {
  u32 major = driver / 1000, minor = driver % 1000 / 10;
  if (major < 11)
    return major == 10 ? 60 + std::min(minor + 3, 5u) : 50;
  if (major == 11)
    return 70 + minor;
  if (major == 12)
    return 80 + (minor <= 5 ? minor : minor - 1);
  return 90 + minor;
}

// What the JIT compiler says, where the caller wants it.
void writeLog(const std::string &message, unsigned count, const int *options, void **values) {
  constexpr int errorBuffer = 5, errorBufferSize = 6;
  char *buffer = nullptr;
  size_t size = 0;
  for (unsigned i = 0; i != count; ++i) {
    if (options[i] == errorBuffer)
      buffer = static_cast<char *>(values[i]);
    else if (options[i] == errorBufferSize)
      size = u32(u64(values[i]));
  }
  if (!buffer || !size)
    return;
  size_t length = std::min(message.size(), size - 1);
  std::memcpy(buffer, message.data(), length);
  buffer[length] = 0;
}

} // namespace

EXPORT CUresult cuModuleLoadDataEx(void **handle, const void *image, unsigned optionCount, int *options, void **values) {
  BEGIN("cuModuleLoadDataEx", context);
  if (!handle || !image || (optionCount && (!options || !values)))
    return CUDA_ERROR_INVALID_VALUE;
  if (CUresult error = refuseWhileCapturing())
    return error;
  const char *text = static_cast<const char *>(image);
  if (!std::strncmp(text, "\177ELF", 4)) // a cubin: code of real GPUs
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  if (u8(text[0]) >= 128 || !std::strstr(text, ".version"))
    return CUDA_ERROR_INVALID_IMAGE;
  auto loaded = std::make_unique<CompiledModule>();
  try {
    loaded->text = translate(text);
  } catch (const PtxError &error) {
    say(std::string("PTX ") + error.what());
    writeLog(std::string("ptxas fatal : ") + error.what(), optionCount, options, values);
    return CUDA_ERROR_INVALID_PTX;
  }
  ModuleText &module = loaded->text;
  if (module.version > newestPtx(settings().driver)) {
    writeLog("ptxas fatal : Unsupported .version; current version is '" + std::to_string(newestPtx(settings().driver) / 10) + "." +
                 std::to_string(newestPtx(settings().driver) % 10) + "'",
             optionCount, options, values);
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }
  if (module.target > settings().arch || (module.exactTarget && module.target != settings().arch)) {
    std::string message = "SM version specified by .target is sm_" + std::to_string(module.target) + ", the device has sm_" + std::to_string(settings().arch);
    say("PTX: " + message);
    writeLog("ptxas fatal : " + message, optionCount, options, values);
    return CUDA_ERROR_INVALID_PTX;
  }
  for (const Variable &variable : module.variables) {
    u64 address = memory().allocate(std::max<u64>(variable.bytes, 1), Owner::emulator);
    memory().expose(address, variable.bytes, variable.bytes);
    std::memcpy(reinterpret_cast<void *>(address), variable.content.data(), variable.content.size());
    loaded->symbols.push_back(address);
  }
  for (size_t i = 0; i != module.variables.size(); ++i)
    for (const Variable::Reference &reference : module.variables[i].references) {
      u64 value = loaded->symbols[reference.variable] + reference.addend;
      std::memcpy(reinterpret_cast<void *>(loaded->symbols[i] + reference.offset), &value, 8);
    }
  for (const KernelText &kernel : module.kernels) {
    u32 room = staticShared - std::min(staticShared, kernel.sharedBytes);
    loaded->functions.push_back(std::make_unique<KernelFunction>(KernelFunction{loaded.get(), &kernel, nullptr, room}));
    driver().functions.insert(loaded->functions.back().get());
  }
  driver().modules.insert(loaded.get());
  *handle = loaded.release();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleUnload(void *handle) {
  BEGIN("cuModuleUnload", context);
  auto *module = static_cast<CompiledModule *>(handle);
  if (!driver().modules.count(module))
    return CUDA_ERROR_INVALID_HANDLE;
  if (CUresult error = refuseWhileCapturing())
    return error;
  if (CUresult error = drainAll())
    return error;
  for (const auto &function : module->functions)
    driver().functions.erase(function.get());
  for (u64 address : module->symbols)
    memory().free(address, Owner::emulator);
  driver().modules.erase(module);
  delete module;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(void **handle, void *moduleHandle, const char *name) {
  BEGIN("cuModuleGetFunction", context);
  auto *module = static_cast<CompiledModule *>(moduleHandle);
  if (!handle || !name)
    return CUDA_ERROR_INVALID_VALUE;
  if (!driver().modules.count(module))
    return CUDA_ERROR_INVALID_HANDLE;
  for (const auto &function : module->functions)
    if (function->kernel->name == name) {
      if (!function->code)
        function->code = compile(function->kernel->code);
      *handle = function.get();
      return CUDA_SUCCESS;
    }
  return CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuFuncSetAttribute(void *handle, int attribute, int value) {
  BEGIN("cuFuncSetAttribute", context);
  auto *function = static_cast<KernelFunction *>(handle);
  if (!driver().functions.count(function))
    return CUDA_ERROR_INVALID_HANDLE;
  constexpr int maxDynamicShared = 8, preferredCarveout = 9;
  if (attribute == preferredCarveout)
    return CUDA_SUCCESS;
  if (attribute != maxDynamicShared) {
    say("cuFuncSetAttribute: attribute " + std::to_string(attribute) + " is not modelled");
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (value < 0 || u32(value) + function->kernel->sharedBytes > sharedOptin(settings().arch))
    return CUDA_ERROR_INVALID_VALUE;
  function->maxDynamicShared = u32(value);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(void *handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                               unsigned dynamicShared, void *stream, void **params, void **extra) {
  BEGIN("cuLaunchKernel", context);
  auto *function = static_cast<KernelFunction *>(handle);
  if (!driver().functions.count(function))
    return CUDA_ERROR_INVALID_HANDLE;
  Stream *queue;
  if (!streamOf(stream, queue))
    return CUDA_ERROR_INVALID_HANDLE;
  const KernelText &kernel = *function->kernel;
  u64 threads = u64(blockX) * blockY * blockZ;
  auto refuse = [&](CUresult code, const std::string &why) {
    say("launch of '" + kernel.name + "': " + why);
    return code;
  };
  if (!gridX || !gridY || !gridZ || gridX > 2147483647u || gridY > 65535 || gridZ > 65535)
    return refuse(CUDA_ERROR_INVALID_VALUE, "a grid of " + std::to_string(gridX) + " x " + std::to_string(gridY) + " x " + std::to_string(gridZ) + " blocks");
  if (!threads || threads > maxThreads || blockX > 1024 || blockY > 1024 || blockZ > 64)
    return refuse(CUDA_ERROR_INVALID_VALUE, "a block of " + std::to_string(threads) + " threads");
  if (kernel.maxThreads && threads > kernel.maxThreads)
    return refuse(CUDA_ERROR_INVALID_VALUE, std::to_string(threads) + " threads, but .maxntid is " + std::to_string(kernel.maxThreads));
  if (kernel.requiredThreads[0] && (kernel.requiredThreads[0] != blockX || kernel.requiredThreads[1] != blockY || kernel.requiredThreads[2] != blockZ))
    return refuse(CUDA_ERROR_INVALID_VALUE, "not the block that .reqntid says");
  if (dynamicShared > function->maxDynamicShared)
    return refuse(CUDA_ERROR_INVALID_VALUE, std::to_string(dynamicShared) + " bytes of dynamic shared memory, but at most " +
                                                std::to_string(function->maxDynamicShared) + " without cuFuncSetAttribute");
  if (extra || (!params && !kernel.paramSizes.empty()))
    return refuse(CUDA_ERROR_INVALID_VALUE, "parameters are passed as kernelParams only");
  Operation operation;
  operation.kind = Operation::Kind::kernel;
  operation.function = function;
  operation.grid[0] = gridX, operation.grid[1] = gridY, operation.grid[2] = gridZ;
  operation.block[0] = blockX, operation.block[1] = blockY, operation.block[2] = blockZ;
  operation.dynamicShared = dynamicShared;
  operation.params.resize(kernel.paramBytes);
  for (size_t i = 0; i != kernel.paramSizes.size(); ++i) {
    if (!params[i])
      return refuse(CUDA_ERROR_INVALID_VALUE, "parameter " + std::to_string(i) + " is null");
    std::memcpy(operation.params.data() + kernel.paramOffsets[i], params[i], kernel.paramSizes[i]);
  }
  return enqueue(*queue, std::move(operation));
}
