"""The emulated libcuda.so.1 from Python: one class a device, with settings of its own."""

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

import numpy
from harness import BUILD

LIBRARY = BUILD / "lib" / "emulator" / "libcuda.so.1"
CACHE = BUILD / "lib" / "emulator" / "cache"

HEADER = ".version 7.0\n.target sm_80\n.address_size 64\n"


class CudaError(Exception):
    def __init__(self, name, code, log=""):
        super().__init__(f"{name}: {code}{': ' + log if log else ''}")
        self.code, self.log = code, log


class Gpu:
    """Gpu(schedule="random:3", races=1): a device with LATHE_EMU_SCHEDULE and LATHE_EMU_RACES so set. The library reads its settings once, so each device
    is a copy of the library with variables of its own."""

    def __init__(self, **settings):
        folder = tempfile.mkdtemp()
        try:
            copy = shutil.copy(LIBRARY, Path(folder) / "libcuda.so.1")
            self.library = ctypes.CDLL(copy)
        finally:
            shutil.rmtree(folder)
        settings.setdefault("cache", CACHE)
        before = {name: os.environ.get(name) for name in os.environ if name.startswith("LATHE_EMU_")}
        for name in before:
            del os.environ[name]
        for name, value in settings.items():
            os.environ[f"LATHE_EMU_{name.upper()}"] = str(value)
        try:
            self.call("cuInit", 0)
        finally:
            for name in settings:
                del os.environ[f"LATHE_EMU_{name.upper()}"]
            os.environ.update(before)
        self.context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(self.context), 0)
        self.call("cuCtxPushCurrent_v2", self.context)

    def result(self, name, *arguments):
        """The CUresult of a call."""
        def plain(argument):
            return ctypes.c_uint64(argument) if isinstance(argument, int) and argument >= 1 << 31 else argument
        return getattr(self.library, name)(*map(plain, arguments))

    def call(self, name, *arguments):
        if code := self.result(name, *arguments):
            raise CudaError(name, code)

    def create(self, name, *arguments):
        """The handle that a call writes to its first argument."""
        handle = ctypes.c_void_p()
        self.call(name, ctypes.byref(handle), *arguments)
        return handle

    def load(self, ptx):
        log = ctypes.create_string_buffer(4096)
        options = (ctypes.c_int * 2)(5, 6)
        values = (ctypes.c_void_p * 2)(ctypes.cast(log, ctypes.c_void_p), len(log))
        module = ctypes.c_void_p()
        image = ptx if isinstance(ptx, bytes) else (ptx if ".version" in ptx else HEADER + ptx).encode()
        if code := self.library.cuModuleLoadDataEx(ctypes.byref(module), image, 2, options, values):
            raise CudaError("cuModuleLoadDataEx", code, log.value.decode())
        return module

    def function(self, module, name="k"):
        return self.create("cuModuleGetFunction", module, name.encode())

    def upload(self, array):
        array = numpy.ascontiguousarray(array)
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(array.nbytes))
        self.call("cuMemcpyHtoD_v2", pointer, array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes))
        return pointer.value

    def download(self, pointer, shape, dtype):
        array = numpy.empty(shape, dtype)
        self.call("cuMemcpyDtoH_v2", array.ctypes.data_as(ctypes.c_void_p), pointer, ctypes.c_size_t(array.nbytes))
        return array

    def free(self, pointer):
        self.call("cuMemFree_v2", pointer)

    def launch(self, function, arguments, grid=1, block=32, shared=0, stream=None):
        """Integers of Python are 64-bit parameters."""
        values = [ctypes.c_uint64(argument) if isinstance(argument, int) else argument for argument in arguments]
        params = (ctypes.c_void_p * max(len(values), 1))(*[ctypes.cast(ctypes.pointer(value), ctypes.c_void_p) for value in values])
        grid, block = [(*size, 1, 1)[:3] if isinstance(size, tuple) else (size, 1, 1) for size in (grid, block)]
        self.call("cuLaunchKernel", function, *grid, *block, shared, stream, params, None)

    def run(self, ptx, inputs, outputs, grid=1, block=32, shared=0, name="k"):
        """Loads, launches with pointers to the inputs and then to the outputs, which are [(shape, dtype)], and gives the outputs."""
        module = self.load(ptx)
        function = self.function(module, name)
        if shared > 48 * 1024:
            self.call("cuFuncSetAttribute", function, 8, shared)
        sources = [self.upload(array) for array in inputs]
        targets = [self.upload(numpy.zeros(shape, dtype)) for shape, dtype in outputs]
        try:
            self.launch(function, sources + targets, grid, block, shared)
            self.call("cuStreamSynchronize", None)
            return [self.download(pointer, shape, dtype) for pointer, (shape, dtype) in zip(targets, outputs)]
        finally:
            for pointer in sources + targets:
                self.result("cuMemFree_v2", pointer)
            self.result("cuModuleUnload", module)
