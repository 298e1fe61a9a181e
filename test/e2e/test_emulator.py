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


def test_misaligned():
    gpu = Gpu()
    function = gpu.function(gpu.load(INCREMENT))
    x = gpu.upload(numpy.zeros(100, numpy.float32))
    gpu.launch(function, [x + 2, x, 10])
    assert gpu.result("cuStreamSynchronize", None) == MISALIGNED
