"""The emulated driver: what its calls do, and what they refuse. Its instructions are test_emulator_ptx.py's."""

import ctypes
import os
import subprocess
import sys

import numpy
import pytest
from emulated_gpu import HEADER, CudaError, Gpu

INVALID_VALUE, OUT_OF_MEMORY, NOT_INITIALIZED, NO_DEVICE, INVALID_CONTEXT, NO_BINARY, INVALID_PTX, UNSUPPORTED_PTX = 1, 2, 3, 100, 201, 209, 218, 222
INVALID_HANDLE, NOT_FOUND, ILLEGAL_ADDRESS, MISALIGNED, LAUNCH_FAILED, CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED = 400, 500, 700, 716, 719, 900, 901

# y[i] = x[i] + 1 for i < n, one thread each.
INCREMENT = """
.visible .entry k(.param .u64 x, .param .u64 y, .param .u64 n)
{
  .reg .pred %p<2>; .reg .b32 %r<5>; .reg .f32 %f<3>; .reg .b64 %rd<8>;
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;
  mad.lo.s32 %r4, %r1, %r2, %r3;
  cvt.u64.u32 %rd1, %r4;
  ld.param.u64 %rd2, [n];
  setp.ge.u64 %p1, %rd1, %rd2;
  @%p1 bra $done;
  ld.param.u64 %rd3, [x]; ld.param.u64 %rd4, [y];
  shl.b64 %rd5, %rd1, 2;
  add.s64 %rd6, %rd3, %rd5; add.s64 %rd7, %rd4, %rd5;
  ld.global.f32 %f1, [%rd6];
  add.rn.f32 %f2, %f1, 0f3F800000;
  st.global.f32 [%rd7], %f2;
$done:
  ret;
}
"""


@pytest.fixture(scope="module")
def gpu():
    return Gpu()


def expect(code, function, *arguments):
    with pytest.raises(CudaError) as error:
        function(*arguments)
    assert error.value.code == code
    return error.value.log


def test_launch(gpu):
    x = numpy.arange(100, dtype=numpy.float32)
    function = gpu.function(gpu.load(INCREMENT))
    source, target = gpu.upload(x), gpu.upload(numpy.zeros(100, numpy.float32))
    gpu.launch(function, [source, target, 90], grid=4, block=32)
    assert (gpu.download(target, 100, numpy.float32) == numpy.where(numpy.arange(100) < 90, x + 1, 0)).all()
    gpu.free(source)
    gpu.free(target)


@pytest.mark.parametrize("streams", ["early", "late"])
def test_graph(streams):
    gpu = Gpu(streams=streams)
    function = gpu.function(gpu.load(INCREMENT))
    stream = gpu.create("cuStreamCreate", 1)
    pinned = gpu.create("cuMemHostAlloc", ctypes.c_size_t(400), 0).value
    host = numpy.ctypeslib.as_array((ctypes.c_float * 100).from_address(pinned))
    x, y = (gpu.upload(numpy.zeros(100, numpy.float32)) for _ in range(2))
    gpu.call("cuStreamBeginCapture_v2", stream, 1)
    gpu.call("cuMemcpyHtoDAsync_v2", x, ctypes.c_void_p(pinned), ctypes.c_size_t(400), stream)
    gpu.launch(function, [x, y, 100], grid=4, block=32, stream=stream)
    gpu.launch(function, [y, x, 100], grid=4, block=32, stream=stream)
    gpu.call("cuMemcpyDtoHAsync_v2", ctypes.c_void_p(pinned), x, ctypes.c_size_t(400), stream)
    graph = ctypes.c_void_p()
    gpu.call("cuStreamEndCapture", stream, ctypes.byref(graph))
    execution = gpu.create("cuGraphInstantiateWithFlags", graph, 0)
    gpu.call("cuGraphDestroy", graph)
    host[:] = numpy.arange(100)
    for _ in range(3):
        gpu.call("cuGraphLaunch", execution, stream)
    if streams == "late":
        assert (host == numpy.arange(100)).all(), "nobody has waited yet"
    gpu.call("cuStreamSynchronize", stream)
    assert (host == numpy.arange(100) + 6).all()
    gpu.call("cuGraphExecDestroy", execution)
    assert gpu.result("cuGraphLaunch", execution, stream) == INVALID_HANDLE


def test_sticky_error():
    """A kernel that goes wrong is told by the next call, and by every one after it."""
    gpu = Gpu()
    function = gpu.function(gpu.load(INCREMENT))
    x = gpu.upload(numpy.zeros(100, numpy.float32))
    gpu.launch(function, [x, x, 128], grid=4, block=32)
    assert gpu.result("cuStreamSynchronize", None) == ILLEGAL_ADDRESS
    assert gpu.result("cuMemFree_v2", x) == ILLEGAL_ADDRESS


def test_without_bounds():
    """What lies behind an allocation is read then; it holds nothing."""
    gpu = Gpu(bounds=0)
    function = gpu.function(gpu.load(INCREMENT))
    x, y = gpu.upload(numpy.full(100, 7, numpy.float32)), gpu.upload(numpy.zeros(128, numpy.float32))
    gpu.launch(function, [x, y, 128], grid=4, block=32)
    assert (gpu.download(y, 128, numpy.float32)[:100] == 8).all()


def test_misaligned():
    gpu = Gpu()
    function = gpu.function(gpu.load(INCREMENT))
    x = gpu.upload(numpy.zeros(100, numpy.float32))
    gpu.launch(function, [x + 2, x, 10])
    assert gpu.result("cuStreamSynchronize", None) == MISALIGNED


def test_order_of_calls():
    code = """import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(library.cuDeviceGetCount(ctypes.byref(ctypes.c_int())), end=" ")
print(library.cuInit(0), end=" ")
pointer = ctypes.c_uint64()
print(library.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(4)), end=" ")
context = ctypes.c_void_p(4660)
print(library.cuCtxPushCurrent_v2(context), library.cuCtxPopCurrent_v2(None), library.cuDevicePrimaryCtxRelease_v2(0))
"""
    from emulated_gpu import LIBRARY
    done = subprocess.run([sys.executable, "-c", code, LIBRARY], capture_output=True, text=True)
    assert done.stdout.split() == ["3", "0", "201", "201", "201", "201"], done.stderr


def test_device():
    gpu = Gpu(arch=86, driver=11040, memory=1 << 20, devices=2)
    value, size, name = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(64)
    for attribute, expected in ((75, 8), (76, 6), (97, 101376), (10, 32)):
        gpu.call("cuDeviceGetAttribute", ctypes.byref(value), attribute, 0)
        assert value.value == expected
    assert gpu.result("cuDeviceGetAttribute", ctypes.byref(value), 4711, 0) == INVALID_VALUE
    gpu.call("cuDriverGetVersion", ctypes.byref(value))
    assert value.value == 11040
    gpu.call("cuDeviceGetCount", ctypes.byref(value))
    assert value.value == 2 and gpu.result("cuDeviceGet", ctypes.byref(value), 2) == 101
    gpu.call("cuDeviceGetName", name, 64, 1)
    assert b"sm_86" in name.value
    gpu.call("cuDeviceTotalMem_v2", ctypes.byref(size), 0)
    assert size.value == 1 << 20


def test_no_device():
    expect(NO_DEVICE, lambda: Gpu(devices=0))


@pytest.mark.parametrize("setting, value", [("schedule", "sideways"), ("arch", "ninety"), ("fail", "cuInit"), ("streams", "never")])
def test_wrong_setting(setting, value, capfd):
    expect(INVALID_VALUE, lambda: Gpu(**{setting: value}))
    assert f"LATHE_EMU_{setting.upper()} is '{value}', expected" in capfd.readouterr().err


def test_images(capfd):
    gpu = Gpu(arch=80, driver=11040)
    assert "PTX" not in expect(NO_BINARY, gpu.load, b"\x7fELF\x02\x01.version")
    expect(200, gpu.load, b"hello")
    assert "Unsupported .version; current version is '7.4'" in expect(UNSUPPORTED_PTX, gpu.load, HEADER.replace("7.0", "7.5") + INCREMENT)
    assert ".target is sm_90, the device has sm_80" in expect(INVALID_PTX, gpu.load, HEADER.replace("sm_80", "sm_90") + INCREMENT)
    assert "line 4" in expect(INVALID_PTX, gpu.load, HEADER + "hello there;")
    expect(NOT_FOUND, gpu.function, gpu.load(INCREMENT), "other")
    module = gpu.load(INCREMENT)
    function = gpu.function(module)
    gpu.call("cuModuleUnload", module)
    assert gpu.result("cuModuleUnload", module) == INVALID_HANDLE
    expect(INVALID_HANDLE, gpu.launch, function, [0, 0, 0])


def test_memory():
    gpu = Gpu(memory=10000)
    pointer = ctypes.c_uint64()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    assert gpu.result("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(0)) == INVALID_VALUE
    assert gpu.result("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(10001)) == OUT_OF_MEMORY
    first = gpu.upload(numpy.arange(1000, dtype=numpy.int32))
    gpu.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    assert (free.value, total.value) == (6000, 10000)
    assert gpu.result("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(6001)) == OUT_OF_MEMORY
    assert first % 256 == 0
    host = numpy.zeros(2000, numpy.int32)
    there = host.ctypes.data_as(ctypes.c_void_p)
    assert gpu.result("cuMemcpyDtoH_v2", there, first, ctypes.c_size_t(4004)) == INVALID_VALUE
    assert gpu.result("cuMemcpyHtoD_v2", first + 4, there, ctypes.c_size_t(4000)) == INVALID_VALUE
    assert gpu.result("cuMemcpyHtoD_v2", first, None, ctypes.c_size_t(4)) == INVALID_VALUE
    assert gpu.result("cuMemcpyHtoD_v2", first, ctypes.c_void_p(first), ctypes.c_size_t(4)) == INVALID_VALUE
    gpu.call("cuMemsetD8Async", first + 4, 255, ctypes.c_size_t(4), None)
    assert list(gpu.download(first, 3, numpy.int32)) == [0, -1, 2]
    assert gpu.result("cuMemsetD8Async", first + 4, 255, ctypes.c_size_t(4000), None) == INVALID_VALUE
    kind = ctypes.c_uint()
    pinned = gpu.create("cuMemHostAlloc", ctypes.c_size_t(16), 0).value
    for address, expected in ((first + 10, 2), (pinned, 1)):
        gpu.call("cuPointerGetAttribute", ctypes.byref(kind), 2, address)
        assert kind.value == expected
    assert gpu.result("cuPointerGetAttribute", ctypes.byref(kind), 2, there) == INVALID_VALUE
    assert gpu.result("cuMemFree_v2", pinned) == INVALID_VALUE and gpu.result("cuMemFreeHost", ctypes.c_void_p(first)) == INVALID_VALUE
    assert gpu.result("cuMemFree_v2", first + 256) == INVALID_VALUE
    gpu.free(first)
    assert gpu.result("cuMemFree_v2", first) == INVALID_VALUE
    assert not gpu.result("cuMemFree_v2", 0)


def test_memory_of_two_devices():
    gpu = Gpu(devices=2, memory=1000)
    first, second, value = gpu.upload(numpy.zeros(200, numpy.int32)), ctypes.c_uint64(), ctypes.c_int()
    gpu.call("cuCtxPushCurrent_v2", gpu.create("cuDevicePrimaryCtxRetain", 1))
    gpu.call("cuMemAlloc_v2", ctypes.byref(second), ctypes.c_size_t(800))
    for ordinal, address in enumerate((first, second.value)):
        gpu.call("cuPointerGetAttribute", ctypes.byref(value), 9, address)
        assert value.value == ordinal


def test_use_after_free():
    gpu = Gpu()
    function = gpu.function(gpu.load(INCREMENT))
    x = gpu.upload(numpy.zeros(100, numpy.float32))
    gpu.free(x)
    gpu.launch(function, [x, x, 10])
    assert gpu.result("cuStreamSynchronize", None) == ILLEGAL_ADDRESS


@pytest.mark.parametrize("grid, block, shared, message", [
    (1, 2048, 0, "a block of 2048 threads"), (1, 0, 0, "a block of 0 threads"), (0, 32, 0, "a grid of 0 x 1 x 1 blocks"),
    (1, 32, 50000, "50000 bytes of dynamic shared memory, but at most 49152 without cuFuncSetAttribute"),
    (1, 128, 0, "128 threads, but .maxntid is 64"),
])
def test_launch_limits(gpu, grid, block, shared, message, capfd):
    function = gpu.function(gpu.load(INCREMENT.replace("u64 n)", "u64 n)\n.maxntid 64") if block == 128 else INCREMENT))
    expect(INVALID_VALUE, lambda: gpu.launch(function, [0, 0, 0], grid, block, shared))
    assert message in capfd.readouterr().err


def test_dynamic_shared_memory(gpu):
    """After the static one; more than 48 KiB has to be asked for."""
    ptx = """.extern .shared .align 16 .b8 room[];
    .visible .entry k(.param .u64 y) {
      .shared .align 4 .b8 first[20]; .reg .b32 %r<5>; .reg .b64 %d<3>;
      ld.param.u64 %d1, [y]; mov.u32 %r1, room; mov.u32 %r2, first; sub.u32 %r3, %r1, %r2; st.global.u32 [%d1], %r3;
      add.u32 %r1, %r1, 99996; st.shared.u32 [%r1], 7; ld.shared.u32 %r4, [%r1]; st.global.u32 [%d1+4], %r4; ret; }"""
    got, = gpu.run(ptx, [], [(2, numpy.uint32)], block=1, shared=100000)
    assert list(got) == [32, 7]
    function = gpu.function(gpu.load(ptx))
    assert gpu.result("cuFuncSetAttribute", function, 8, 300000) == INVALID_VALUE


def test_faults_on_demand():
    gpu = Gpu(fail="cuMemAlloc_v2:2:3")
    pointer = ctypes.c_uint64()
    assert [gpu.result("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(4)) for _ in range(4)] == [0, 0, OUT_OF_MEMORY, 0]


def test_error_names(gpu):
    text = ctypes.c_char_p()
    gpu.call("cuGetErrorName", ILLEGAL_ADDRESS, ctypes.byref(text))
    assert text.value == b"CUDA_ERROR_ILLEGAL_ADDRESS"
    gpu.call("cuGetErrorString", ILLEGAL_ADDRESS, ctypes.byref(text))
    assert text.value == b"an illegal memory access was encountered"
    assert gpu.result("cuGetErrorName", 12345, ctypes.byref(text)) == INVALID_VALUE


@pytest.mark.parametrize("what", ["cuMemAlloc_v2", "cuStreamSynchronize", "cuMemcpyHtoD_v2", "cuMemcpyHtoDAsync_v2 of pageable memory", "cuModuleLoadDataEx"])
def test_capture_refuses(what):
    gpu = Gpu()
    stream = gpu.create("cuStreamCreate", 1)
    x, host = gpu.upload(numpy.zeros(4, numpy.int32)), ctypes.create_string_buffer(16)
    gpu.call("cuStreamBeginCapture_v2", stream, 1)
    arguments = {
        "cuMemAlloc_v2": (ctypes.byref(ctypes.c_uint64()), ctypes.c_size_t(4)), "cuStreamSynchronize": (stream,),
        "cuMemcpyHtoD_v2": (x, host, ctypes.c_size_t(16)), "cuMemcpyHtoDAsync_v2": (x, host, ctypes.c_size_t(16), stream),
        "cuModuleLoadDataEx": (ctypes.byref(ctypes.c_void_p()), HEADER.encode(), 0, None, None),
    }[what.split()[0]]
    assert gpu.result(what.split()[0], *arguments) == CAPTURE_UNSUPPORTED
    graph = ctypes.c_void_p()
    assert gpu.result("cuStreamEndCapture", stream, ctypes.byref(graph)) == CAPTURE_INVALIDATED
    assert not graph.value and not gpu.result("cuStreamSynchronize", stream)


def test_capture_forks_and_joins():
    """A second stream joins by an event, and must be waited for."""
    gpu = Gpu()
    first, second = gpu.create("cuStreamCreate", 1), gpu.create("cuStreamCreate", 1)
    fork, join = gpu.create("cuEventCreate", 2), gpu.create("cuEventCreate", 2)
    x = gpu.upload(numpy.zeros(4, numpy.int32))
    graph = ctypes.c_void_p()
    for joined in (True, False):
        gpu.call("cuStreamBeginCapture_v2", first, 0)
        gpu.call("cuEventRecord", fork, first)
        gpu.call("cuStreamWaitEvent", second, fork, 0)
        gpu.call("cuMemsetD8Async", x, 1, ctypes.c_size_t(16), second)
        assert gpu.result("cuEventSynchronize", fork) == 907
        if joined:
            gpu.call("cuEventRecord", join, second)
            gpu.call("cuStreamWaitEvent", first, join, 0)
        assert gpu.result("cuStreamEndCapture", first, ctypes.byref(graph)) == (0 if joined else 904)
        if joined:
            gpu.call("cuGraphLaunch", gpu.create("cuGraphInstantiateWithFlags", graph, 0), first)
    assert (gpu.download(x, 4, numpy.int32) == 0x01010101).all()


@pytest.mark.parametrize("waits", [True, False])
def test_late_streams_show_a_missing_wait(waits):
    gpu = Gpu(streams="late")
    function = gpu.function(gpu.load(INCREMENT))
    first, second = gpu.create("cuStreamCreate", 1), gpu.create("cuStreamCreate", 1)
    event = gpu.create("cuEventCreate", 0)
    x, y, z = (gpu.upload(numpy.zeros(32, numpy.float32)) for _ in range(3))
    gpu.launch(function, [x, y, 32], stream=first)
    gpu.call("cuEventRecord", event, first)
    if waits:
        gpu.call("cuStreamWaitEvent", second, event, 0)
    gpu.launch(function, [y, z, 32], stream=second)
    gpu.call("cuStreamSynchronize", second)
    assert (gpu.download(z, 32, numpy.float32) == (2 if waits else 1)).all()
    gpu.call("cuEventSynchronize", event)
    assert (gpu.download(y, 32, numpy.float32) == 1).all()


def test_leaks():
    code = "import emulated_gpu, numpy; g = emulated_gpu.Gpu(leaks=1); g.upload(numpy.zeros(4)); g.create('cuStreamCreate', 1)"
    folder = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, *sys.path])})
    assert done.stderr == "".join(f"emulated GPU: leaked: 1 {what}\n" for what in ("allocations of device memory", "streams", "references to a primary context")), done.stderr


def test_cache_is_shared(tmp_path):
    """Several processes compile the same kernel at once; one file of it is left."""
    code = f"import emulated_gpu, numpy, test_emulator; g = emulated_gpu.Gpu(cache='{tmp_path}'); g.launch(g.function(g.load(test_emulator.INCREMENT)), [0, 0, 0]); g.call('cuStreamSynchronize', None)"
    folder = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *sys.path])}
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".cpp", ".so"]
