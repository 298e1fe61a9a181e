"""Compiles a model and runs the artifact, looking at what each step of its plan writes."""

import ctypes
import json
import subprocess
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass

import numpy
from errors import Failure

# ONNX TensorProto.DataType numbers, as in the runtime's artifact.h. bfloat16 has no numpy type: its bits are carried as uint16.
DTYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64", 12: "uint32",
          13: "uint64", 16: "uint16"}
# Element types of MLIR, which do not say whether an integer is signed.
ELEMENT_TYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "uint16", "i1": "bool", "i8": "int8", "i16": "int16", "i32": "int32",
                 "i64": "int64"}


@dataclass
class Written:
    """What a step left in one of its destinations: an array in the buffer's own layout."""

    step: int
    nodes: list
    array: numpy.ndarray


class _Error(ctypes.Structure):
    _fields_ = [("text", c_char * 512)]


class _Tensor(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("data", c_void_p), ("byte_size", c_size_t), ("dtype", c_uint32), ("rank", c_uint32), ("dims", POINTER(c_int64))]


class _Description(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("dtype", c_uint32), ("rank", c_uint32), ("c0", POINTER(c_int64)), ("c1", POINTER(c_int64))]


class _Options(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("max_batch", c_int64), ("threads", c_int)]


class _Step(ctypes.Structure):
    _fields_ = [("index", c_size_t), ("count", c_size_t), ("kernel", c_char_p), ("nodes", POINTER(c_char_p)), ("node_count", c_size_t), ("start", c_uint64),
                ("end", c_uint64), ("flops", c_int64), ("bytes", c_int64), ("args", POINTER(c_void_p)), ("arg_count", c_size_t)]


_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, POINTER(_Step))


def compile_model(compiler, model, folder, name, flags):
    """Returns the artifact and its steps. What the compiler says about a failure is passed on, with its exit code."""
    artifact, table = folder / f"{name}.so", folder / f"{name}.json"
    done = subprocess.run([compiler, str(model), "-o", str(artifact), f"--step-table={table}", *flags], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Failure(done.returncode if done.returncode > 0 else 4, done.stderr.strip().removeprefix("error: ") or "the compiler was ended by a signal")
    return Artifact(artifact, json.loads(table.read_text())["steps"])


class Library:
    """The C API of the runtime (lathe.h), as far as it is needed here. Loaded once, by the command."""

    handle = None

    @classmethod
    def load(cls, path):
        try:
            cls.handle = ctypes.CDLL(path)
        except OSError as error:
            raise Failure(4, f"the runtime library cannot be loaded: {error}")
        for name in ("lathe_model_input_count", "lathe_model_output_count"):
            getattr(cls.handle, name).restype = c_size_t

    @classmethod
    def call(cls, function, *arguments):
        error = _Error()
        status = getattr(cls.handle, function)(*arguments, byref(error))
        if status:
            raise Failure(status, error.text.decode("utf-8", "replace"))


class Artifact:
    def __init__(self, path, steps):
        self.steps, self.model = steps, c_void_p()
        Library.call("lathe_model_load", str(path).encode(), byref(self.model))
        self.inputs, self.outputs = (self._border(kind) for kind in ("input", "output"))

    def __del__(self):
        if self.model:
            Library.handle.lathe_model_destroy(self.model)

    def _border(self, kind):
        """[(name, dtype, c0, c1)], dims being c0 + c1 * batch."""
        result = []
        for index in range(getattr(Library.handle, f"lathe_model_{kind}_count")(self.model)):
            text = _Description(ctypes.sizeof(_Description))
            Library.call(f"lathe_model_{kind}", self.model, c_size_t(index), byref(text))
            result.append((text.name.decode(), DTYPES[text.dtype], text.c0[: text.rank], text.c1[: text.rank], text.dtype))
        return result

    def batch_of(self, inputs):
        for name, _, c0, c1, _ in self.inputs:
            for size, fixed, factor in zip(inputs[name].shape, c0, c1):
                if factor:
                    return (size - fixed) // factor
        return 1

    def run(self, inputs):
        """Runs once on one thread. Returns the outputs, {name: array}, and what the steps wrote, a list of Written."""
        batch, written, problems = self.batch_of(inputs), [], []
        feeds = [numpy.ascontiguousarray(inputs[name]) for name, *_ in self.inputs]
        results = [numpy.zeros([a + b * batch for a, b in zip(c0, c1)], dtype) for _, dtype, c0, c1, _ in self.outputs]
        context = c_void_p()
        Library.call("lathe_context_create", self.model, byref(_Options(ctypes.sizeof(_Options), batch, 1)), byref(context))

        def on_step(_, step):
            try:  # an exception may not leave a callback
                written.extend(self._read(step.contents, batch))
            except Exception as problem:  # noqa: BLE001
                problems.append(problem)

        callback = _CALLBACK(on_step)
        try:
            Library.handle.lathe_context_set_step_callback(context, callback, None)
            ins, outs = _table(feeds, [entry[4] for entry in self.inputs]), _table(results, [entry[4] for entry in self.outputs])
            Library.call("lathe_run", context, ins, c_size_t(len(feeds)), outs, c_size_t(len(results)))
            results = [_true_size(context, index, array) for index, array in enumerate(results)]
        finally:
            Library.handle.lathe_context_destroy(context)
        if problems:
            raise problems[0]
        return {entry[0]: array for entry, array in zip(self.outputs, results)}, written

    def _read(self, step, batch):
        """Copies: the arena is used again by later steps."""
        entry = self.steps[step.index]
        for buffer in entry["writes"]:
            dims = [batch if dim is None else dim for dim in buffer["dims"]]
            dtype = numpy.dtype(ELEMENT_TYPES.get(buffer["type"], "V1"))
            if dtype.kind == "V" or 0 in dims:
                continue
            bytes_spanned = (1 + sum((dim - 1) * stride for dim, stride in zip(dims, buffer["strides"]))) * dtype.itemsize
            memory = (c_char * bytes_spanned).from_address(step.args[buffer["argument"]])
            strides = [stride * dtype.itemsize for stride in buffer["strides"]]
            yield Written(step.index, entry["nodes"], numpy.ndarray(dims, dtype, memory, strides=strides).copy())


def _true_size(context, index, array):
    """The part of an output that the run has defined: all of it, unless its size is found by the run."""
    dims = (c_int64 * max(1, array.ndim))()
    Library.call("lathe_context_output_dims", context, c_size_t(index), dims, c_size_t(array.ndim))
    shape = tuple(dims[: array.ndim])
    return array if shape == array.shape else array.reshape(-1)[: numpy.prod(shape, dtype=numpy.int64)].reshape(shape)


def _table(arrays, numbers):
    table, kept = (_Tensor * max(1, len(arrays)))(), []
    for index, (array, number) in enumerate(zip(arrays, numbers)):
        dims = (c_int64 * max(1, array.ndim))(*array.shape)
        kept.append(dims)
        table[index] = _Tensor(ctypes.sizeof(_Tensor), array.ctypes.data, array.nbytes, number, array.ndim, ctypes.cast(dims, POINTER(c_int64)))
    table.kept = arrays, kept  # what the addresses point at lives as long as the table
    return table
