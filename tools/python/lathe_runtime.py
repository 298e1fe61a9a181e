"""Runs Lathe artifacts from Python: ctypes over liblathe_runtime.so (runtime/include/lathe/lathe.h), with numpy arrays.

    model = Model("resnet50.so")
    context = Context(model, max_batch=4, threads=2)
    outputs = context.run({"x": array})        # {name: new array}

The library is found through LATHE_RUNTIME_LIBRARY, else in the build folder LATHE_BUILD (default build/release) of this source tree."""

import ctypes
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parents[2]

# ONNX TensorProto.DataType numbers, as in artifact.h. bfloat16 has no numpy type: its bits are carried as uint16.
DTYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64", 12: "uint32",
          13: "uint64", 16: "uint16"}
DTYPE_NUMBERS = {name: number for number, name in DTYPES.items() if number != 16}


class _Error(ctypes.Structure):
    _fields_ = [("text", c_char * 512)]


class _Tensor(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("data", c_void_p), ("byte_size", c_size_t), ("dtype", c_uint32), ("rank", c_uint32),
                ("dims", POINTER(c_int64))]


class _TensorDesc(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("dtype", c_uint32), ("rank", c_uint32), ("dims_c0", POINTER(c_int64)),
                ("dims_c1", POINTER(c_int64))]


class _ContextOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("max_batch", c_int64), ("threads", c_int)]


class LatheError(Exception):
    """What the runtime refused. `status` is a lathe_status, which is also the tools' exit code."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


_library = None


def library():
    global _library
    if _library is None:
        build = Path(os.environ.get("LATHE_BUILD", "build/release"))
        path = Path(os.environ.get("LATHE_RUNTIME_LIBRARY", ROOT / build / "lib" / "liblathe_runtime.so"))
        lib = ctypes.CDLL(str(path))
        lib.lathe_model_load.argtypes = [c_char_p, POINTER(c_void_p), POINTER(_Error)]
        lib.lathe_model_destroy.argtypes = [c_void_p]
        lib.lathe_model_destroy.restype = None
        for name in ("input", "output"):
            count = getattr(lib, f"lathe_model_{name}_count")
            count.argtypes, count.restype = [c_void_p], c_size_t
            getattr(lib, f"lathe_model_{name}").argtypes = [c_void_p, c_size_t, POINTER(_TensorDesc), POINTER(_Error)]
        lib.lathe_model_batch_range.argtypes = [c_void_p, POINTER(c_int64), POINTER(c_int64)]
        lib.lathe_model_batch_range.restype = None
        lib.lathe_model_memory_required.argtypes = [c_void_p, c_int64, c_int, POINTER(c_uint64), POINTER(_Error)]
        lib.lathe_context_create.argtypes = [c_void_p, POINTER(_ContextOptions), POINTER(c_void_p), POINTER(_Error)]
        lib.lathe_context_destroy.argtypes = [c_void_p]
        lib.lathe_context_destroy.restype = None
        lib.lathe_context_threads.argtypes = [c_void_p]
        lib.lathe_run.argtypes = [c_void_p, POINTER(_Tensor), c_size_t, POINTER(_Tensor), c_size_t, POINTER(_Error)]
        lib.lathe_model_manifest_json.argtypes = [c_void_p]
        lib.lathe_model_manifest_json.restype = c_char_p
        lib.lathe_version.restype = c_char_p
        _library = lib
    return _library


def _check(status, error):
    if status != 0:
        raise LatheError(status, error.text.decode("utf-8", "replace"))


class TensorInfo:
    """An input or output of a model: dim i is c0[i] + c1[i] * batch."""

    def __init__(self, desc):
        self.name = desc.name.decode()
        self.dtype = numpy.dtype(DTYPES[desc.dtype])
        self.dtype_number = desc.dtype
        self.c0 = desc.dims_c0[: desc.rank]
        self.c1 = desc.dims_c1[: desc.rank]

    def shape(self, batch):
        return tuple(c0 + c1 * batch for c0, c1 in zip(self.c0, self.c1))

    def batch_of(self, shape):
        """The batch size that gives this shape, or None if it does not say."""
        for size, c0, c1 in zip(shape, self.c0, self.c1):
            if c1:
                return (size - c0) // c1
        return None


class Model:
    def __init__(self, path):
        self._handle = c_void_p()
        error = _Error()
        _check(library().lathe_model_load(os.fsencode(path), byref(self._handle), byref(error)), error)
        self.inputs = self._tensors("input")
        self.outputs = self._tensors("output")

    def __del__(self):
        if self._handle:
            library().lathe_model_destroy(self._handle)

    def _tensors(self, kind):
        result, error = [], _Error()
        for index in range(getattr(library(), f"lathe_model_{kind}_count")(self._handle)):
            desc = _TensorDesc(ctypes.sizeof(_TensorDesc))
            _check(getattr(library(), f"lathe_model_{kind}")(self._handle, index, byref(desc), byref(error)), error)
            result.append(TensorInfo(desc))
        return result

    def batch_range(self):
        low, high = c_int64(), c_int64()
        library().lathe_model_batch_range(self._handle, byref(low), byref(high))
        return low.value, high.value

    def memory_required(self, max_batch, threads=1):
        size, error = c_uint64(), _Error()
        _check(library().lathe_model_memory_required(self._handle, max_batch, threads, byref(size), byref(error)), error)
        return size.value

    def manifest_json(self):
        return library().lathe_model_manifest_json(self._handle).decode()


class Context:
    def __init__(self, model, max_batch=0, threads=1):
        self.model = model  # the context does not keep the model alive by itself
        self._handle = c_void_p()
        options, error = _ContextOptions(ctypes.sizeof(_ContextOptions), max_batch, threads), _Error()
        _check(library().lathe_context_create(model._handle, byref(options), byref(self._handle), byref(error)), error)

    def __del__(self):
        if self._handle:
            library().lathe_context_destroy(self._handle)

    @property
    def threads(self):
        return library().lathe_context_threads(self._handle)

    def bind(self, inputs, outputs=None):
        """A function without arguments that runs one inference on these arrays, and the dict of output arrays that it fills.

        `inputs` is {name: array}. The arrays are used where they lie, so they must stay alive and be dense."""
        arrays = []
        batch = None
        for info in self.model.inputs:
            array = inputs[info.name]
            if not array.flags.c_contiguous:
                raise ValueError(f"input '{info.name}' is not C-contiguous")
            arrays.append(array)
            batch = info.batch_of(array.shape) if batch is None else batch
        batch = self.model.batch_range()[0] if batch is None else batch
        if outputs is None:
            outputs = {info.name: numpy.zeros(info.shape(batch), info.dtype) for info in self.model.outputs}
        in_table = _tensors(arrays)
        out_table = _tensors([outputs[info.name] for info in self.model.outputs], [info.dtype_number for info in self.model.outputs])
        error, run, handle = _Error(), library().lathe_run, self._handle
        in_count, out_count = len(arrays), len(outputs)

        def call(keep=(self, arrays, in_table, outputs, out_table)):
            status = run(handle, in_table, in_count, out_table, out_count, byref(error))
            if status != 0:
                _check(status, error)

        return call, outputs

    def run(self, inputs):
        call, outputs = self.bind({name: numpy.ascontiguousarray(array) for name, array in inputs.items()})
        call()
        return outputs


def _tensors(arrays, numbers=None):
    table, all_dims = (_Tensor * max(1, len(arrays)))(), []
    for index, array in enumerate(arrays):
        dims = (c_int64 * max(1, array.ndim))(*array.shape)
        all_dims.append(dims)
        number = numbers[index] if numbers else DTYPE_NUMBERS[array.dtype.name]
        table[index] = _Tensor(ctypes.sizeof(_Tensor), array.ctypes.data, array.nbytes, number, array.ndim, ctypes.cast(dims, POINTER(c_int64)))
    table.keep = arrays, all_dims  # what the addresses point at lives as long as the table
    return table
