// The driver's API: streams, events, captures and graphs.
#include "test/emulator/Driver.h"
#include "test/emulator/Memory.h"
#include "test/emulator/Settings.h"

#include <chrono>
#include <cstring>
#include <thread>

namespace lathe::emulator {

static size_t thisThread() { return std::hash<std::thread::id>()(std::this_thread::get_id()); }

bool streamOf(void *handle, Stream *&stream) {
  // Null, and the constants CU_STREAM_LEGACY and CU_STREAM_PER_THREAD.
  stream = u64(handle) <= 2 ? &driver().defaultStream : static_cast<Stream *>(handle);
  return u64(handle) <= 2 || driver().streams.count(stream);
}

CUresult refuseWhileCapturing() {
  constexpr int global = 0, threadLocal = 1;
  CUresult result = CUDA_SUCCESS;
  for (const auto &capture : driver().captures)
    if (capture->mode == global || (capture->mode == threadLocal && capture->thread == thisThread())) {
      capture->invalid = true;
      result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  return result;
}

static CUresult fail(CUresult code, const std::string &message) {
  say(message);
  return driver().sticky = code;
}

static CUresult run(Operation &operation) {
  switch (operation.kind) {
  case Operation::Kind::kernel: {
    const KernelFunction &function = *operation.function;
    Launch launch{function.kernel, function.code->wait(), {}, {}, operation.dynamicShared, operation.params, function.module->symbols.data()};
    if (!launch.entry)
      return fail(CUDA_ERROR_LAUNCH_FAILED, "kernel '" + function.kernel->name + "' was not compiled: " + function.code->error);
    std::memcpy(launch.grid, operation.grid, sizeof launch.grid);
    std::memcpy(launch.block, operation.block, sizeof launch.block);
    if (!machine().run(launch))
      return fail(machine().failureCode, machine().failure);
    return CUDA_SUCCESS;
  }
  case Operation::Kind::copy: {
    const void *source = operation.staged.empty() ? reinterpret_cast<const void *>(operation.source) : operation.staged.data();
    std::memmove(reinterpret_cast<void *>(operation.target), source, operation.bytes);
    return CUDA_SUCCESS;
  }
  case Operation::Kind::set:
    std::memset(reinterpret_cast<void *>(operation.target), operation.value, operation.bytes);
    return CUDA_SUCCESS;
  case Operation::Kind::record:
    if (driver().events.count(operation.event)) {
      operation.event->done = std::max(operation.event->done, operation.ticket);
      operation.event->when = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
    }
    return CUDA_SUCCESS;
  case Operation::Kind::wait:
    // The other stream goes on until it has made that record.
    while (driver().events.count(operation.event) && operation.event->done < operation.ticket && operation.event->stream &&
           !operation.event->stream->queue.empty()) {
      Stream &other = *operation.event->stream;
      Operation next = std::move(other.queue.front());
      other.queue.pop_front();
      if (CUresult error = run(next))
        return error;
    }
    return CUDA_SUCCESS;
  }
  return CUDA_SUCCESS;
}

CUresult drain(Stream &stream) {
  while (!stream.queue.empty() && !driver().sticky) {
    Operation next = std::move(stream.queue.front());
    stream.queue.pop_front();
    run(next);
  }
  return driver().sticky;
}

CUresult drainAll() {
  for (Stream *stream : driver().streams)
    drain(*stream);
  return drain(driver().defaultStream);
}

CUresult drainBlocking() {
  for (Stream *stream : driver().streams)
    if (stream->blocking)
      drain(*stream);
  return drain(driver().defaultStream);
}

CUresult enqueue(Stream &stream, Operation operation) {
  if (stream.capture) {
    Capture &capture = *stream.capture;
    if (capture.invalid)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    if (&stream != capture.origin)
      capture.joined.insert(&stream);
    capture.operations.push_back(std::move(operation));
    return CUDA_SUCCESS;
  }
  if (&stream == &driver().defaultStream)
    for (const auto &capture : driver().captures)
      if (capture->origin->blocking) {
        capture->invalid = true;
        return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
      }
  // The default stream and those that block with it take turns.
  if (&stream == &driver().defaultStream)
    drainBlocking();
  else if (stream.blocking)
    drain(driver().defaultStream);
  stream.queue.push_back(std::move(operation));
  // What goes wrong in a kernel is told by the next call.
  if (!settings().lateStreams)
    drain(stream);
  return CUDA_SUCCESS;
}

} // namespace lathe::emulator

using namespace lathe::emulator;

//===- streams
//-----------------------------------------------------------------------------------------------------------------------------------------------===//

EXPORT CUresult cuStreamCreate(void **handle, unsigned flags) {
  BEGIN("cuStreamCreate", context);
  if (!handle || flags > 1)
    return CUDA_ERROR_INVALID_VALUE;
  auto *stream = new Stream;
  stream->blocking = flags == 0;
  driver().streams.insert(stream);
  *handle = stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(void *handle) {
  BEGIN("cuStreamDestroy_v2", context);
  auto *stream = static_cast<Stream *>(handle);
  if (!driver().streams.count(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  drain(*stream);
  if (stream->capture)
    driver().captures.erase(stream->capture);
  for (Event *event : driver().events)
    if (event->stream == stream)
      event->stream = nullptr;
  driver().streams.erase(stream);
  delete stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(void *handle) {
  BEGIN("cuStreamSynchronize", context);
  Stream *stream;
  if (!streamOf(handle, stream))
    return CUDA_ERROR_INVALID_HANDLE;
  if (stream->capture) {
    stream->capture->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  return stream == &driver().defaultStream ? drainBlocking() : drain(*stream);
}

EXPORT CUresult cuStreamBeginCapture_v2(void *handle, int mode) {
  BEGIN("cuStreamBeginCapture_v2", context);
  Stream *stream;
  if (!streamOf(handle, stream))
    return CUDA_ERROR_INVALID_HANDLE;
  if (mode < 0 || mode > 2)
    return CUDA_ERROR_INVALID_VALUE;
  if (stream == &driver().defaultStream)
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (stream->capture)
    return CUDA_ERROR_INVALID_VALUE;
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->thread = thisThread();
  stream->capture->mode = mode;
  driver().captures.insert(stream->capture);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(void *handle, void **graphHandle) {
  BEGIN("cuStreamEndCapture", context);
  Stream *stream;
  if (!streamOf(handle, stream))
    return CUDA_ERROR_INVALID_HANDLE;
  if (!graphHandle)
    return CUDA_ERROR_INVALID_VALUE;
  if (!stream->capture)
    return CUDA_ERROR_INVALID_VALUE;
  constexpr int relaxed = 2;
  std::shared_ptr<Capture> capture = stream->capture;
  if (capture->origin != stream)
    return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  if (capture->mode != relaxed && capture->thread != thisThread())
    return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  driver().captures.erase(capture);
  for (Stream *one : driver().streams)
    if (one->capture == capture)
      one->capture = nullptr;
  *graphHandle = nullptr;
  if (capture->invalid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (!capture->joined.empty())
    return CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  auto *graph = new Graph{std::move(capture->operations)};
  driver().graphs.insert(graph);
  *graphHandle = graph;
  return CUDA_SUCCESS;
}

//===- graphs
//------------------------------------------------------------------------------------------------------------------------------------------------===//

EXPORT CUresult cuGraphInstantiateWithFlags(void **handle, void *graphHandle, unsigned long long) {
  BEGIN("cuGraphInstantiateWithFlags", context);
  auto *graph = static_cast<Graph *>(graphHandle);
  if (!handle)
    return CUDA_ERROR_INVALID_VALUE;
  if (!driver().graphs.count(graph))
    return CUDA_ERROR_INVALID_HANDLE;
  auto *exec = new GraphExec{graph->operations};
  driver().execs.insert(exec);
  *handle = exec;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphLaunch(void *handle, void *streamHandle) {
  BEGIN("cuGraphLaunch", context);
  auto *exec = static_cast<GraphExec *>(handle);
  Stream *stream;
  if (!driver().execs.count(exec) || !streamOf(streamHandle, stream))
    return CUDA_ERROR_INVALID_HANDLE;
  for (const Operation &operation : exec->operations)
    if (operation.kind == Operation::Kind::kernel && !driver().functions.count(operation.function)) {
      say("cuGraphLaunch: a kernel whose module has been unloaded");
      return CUDA_ERROR_INVALID_HANDLE;
    } else if ((operation.kind == Operation::Kind::copy || operation.kind == Operation::Kind::set) &&
               (!memory().holds(operation.target, operation.bytes) ||
                (operation.kind == Operation::Kind::copy && !memory().holds(operation.source, operation.bytes)))) {
      say("cuGraphLaunch: a copy of memory that has been freed");
      return CUDA_ERROR_INVALID_VALUE;
    }
  for (const Operation &operation : exec->operations)
    if (CUresult error = enqueue(*stream, operation))
      return error;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphExecDestroy(void *handle) {
  BEGIN("cuGraphExecDestroy", context);
  auto *exec = static_cast<GraphExec *>(handle);
  if (!driver().execs.erase(exec))
    return CUDA_ERROR_INVALID_HANDLE;
  delete exec;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphDestroy(void *handle) {
  BEGIN("cuGraphDestroy", context);
  auto *graph = static_cast<Graph *>(handle);
  if (!driver().graphs.erase(graph))
    return CUDA_ERROR_INVALID_HANDLE;
  delete graph;
  return CUDA_SUCCESS;
}

//===- events
//------------------------------------------------------------------------------------------------------------------------------------------------===//

EXPORT CUresult cuEventCreate(void **handle, unsigned flags) {
  BEGIN("cuEventCreate", context);
  constexpr unsigned disableTiming = 2;
  if (!handle || flags > 7)
    return CUDA_ERROR_INVALID_VALUE;
  auto *event = new Event;
  event->timing = !(flags & disableTiming);
  driver().events.insert(event);
  *handle = event;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(void *handle) {
  BEGIN("cuEventDestroy_v2", context);
  auto *event = static_cast<Event *>(handle);
  if (!driver().events.erase(event))
    return CUDA_ERROR_INVALID_HANDLE;
  delete event;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(void *handle, void *streamHandle) {
  BEGIN("cuEventRecord", context);
  auto *event = static_cast<Event *>(handle);
  Stream *stream;
  if (!driver().events.count(event) || !streamOf(streamHandle, stream))
    return CUDA_ERROR_INVALID_HANDLE;
  event->stream = stream;
  event->capture = stream->capture;
  if (stream->capture) // an edge of the graph; the operations keep the order in which they were given
    return stream->capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
  Operation operation;
  operation.kind = Operation::Kind::record;
  operation.event = event;
  operation.ticket = event->recorded = ++driver().tickets;
  return enqueue(*stream, std::move(operation));
}

EXPORT CUresult cuStreamWaitEvent(void *streamHandle, void *handle, unsigned) {
  BEGIN("cuStreamWaitEvent", context);
  auto *event = static_cast<Event *>(handle);
  Stream *stream;
  if (!driver().events.count(event) || !streamOf(streamHandle, stream))
    return CUDA_ERROR_INVALID_HANDLE;
  if (std::shared_ptr<Capture> capture = event->capture.lock()) {
    if (stream->capture && stream->capture != capture)
      return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    stream->capture = capture; // the stream joins the capture
    if (stream == capture->origin)
      capture->joined.erase(event->stream);
    return CUDA_SUCCESS;
  }
  if (stream->capture) { // an event from outside of the capture
    stream->capture->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  Operation operation;
  operation.kind = Operation::Kind::wait;
  operation.event = event;
  operation.ticket = event->recorded;
  return enqueue(*stream, std::move(operation));
}

EXPORT CUresult cuEventSynchronize(void *handle) {
  BEGIN("cuEventSynchronize", context);
  auto *event = static_cast<Event *>(handle);
  if (!driver().events.count(event))
    return CUDA_ERROR_INVALID_HANDLE;
  if (!event->capture.expired())
    return CUDA_ERROR_CAPTURED_EVENT;
  if (event->stream && event->done < event->recorded)
    drain(*event->stream);
  return driver().sticky;
}

EXPORT CUresult cuEventElapsedTime(float *milliseconds, void *first, void *second) {
  BEGIN("cuEventElapsedTime", context);
  auto *begin = static_cast<Event *>(first), *end = static_cast<Event *>(second);
  if (!driver().events.count(begin) || !driver().events.count(end))
    return CUDA_ERROR_INVALID_HANDLE;
  if (!milliseconds)
    return CUDA_ERROR_INVALID_VALUE;
  if (!begin->timing || !end->timing || !begin->recorded || !end->recorded)
    return CUDA_ERROR_INVALID_HANDLE;
  if (begin->done < begin->recorded || end->done < end->recorded)
    return CUDA_ERROR_NOT_READY;
  *milliseconds = float(end->when - begin->when);
  return CUDA_SUCCESS;
}
