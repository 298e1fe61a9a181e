"""Loaded artifacts and their contexts."""

import ctypes
import json
import math
import os
import threading
from ctypes import byref, c_int64, c_uint64, c_void_p

import numpy

from ._arrays import DTYPES, INVALID_INPUT, array_type, as_input, as_output, tensor_table
from ._device import DeviceArray
from ._library import ContextOptions, Error, ErrorText, TensorDesc, check, library


class TensorInfo:
    """An input or output of a model. Dim i is c0[i] + c1[i] * batch; of a `bounded` output it is at most that, and each run finds how much."""

    def __init__(self, desc):
        self.name = desc.name.decode()
        self.dtype = DTYPES[desc.dtype]
        self.dtype_number = desc.dtype
        self.c0 = desc.dims_c0[: desc.rank]
        self.c1 = desc.dims_c1[: desc.rank]
        self.bounded = bool(desc.bounded)

    def shape(self, batch):
        return tuple(c0 + c1 * batch for c0, c1 in zip(self.c0, self.c1))

    def batch_of(self, shape):
        """The batch size that gives this shape, or None if it does not say."""
        for size, c0, c1 in zip(shape, self.c0, self.c1):
            if c1:
                return (size - c0) // c1
        return None

    def __repr__(self):
        dims = ", ".join(str(c0) if not c1 else f"{c0} + {c1}*N" if c0 else "N" if c1 == 1 else f"{c1}*N" for c0, c1 in zip(self.c0, self.c1))
        return f"TensorInfo('{self.name}', {self.dtype}, [{dims}]{' at most' if self.bounded else ''})"


class Model:
    """An artifact, loaded: immutable, and shared by as many threads as you like. `inputs` and `outputs` are lists of TensorInfo.

    `threads` is how many threads each run may use: 0 means as many as the process may, or LATHE_NUM_THREADS. `device` is the number of the GPU that runs use,
    if the artifact is for one: None means LATHE_DEVICE, or the first."""

    def __init__(self, artifact, threads=0, device=None):
        self._handle = c_void_p()
        error = ErrorText()
        if isinstance(artifact, (bytes, bytearray, memoryview)):
            content = bytes(artifact)
            check(library().lathe_model_load_memory(content, len(content), None, byref(self._handle), byref(error)), error)
        else:
            check(library().lathe_model_load(os.fsencode(artifact), byref(self._handle), byref(error)), error)
        self.inputs = self._tensors("input")
        self.outputs = self._tensors("output")
        self.threads = threads
        self.device = device
        self._lock = threading.Lock()
        self._idle = []  # contexts that no run is using

    def __del__(self):
        if getattr(self, "_handle", None):
            library().lathe_model_destroy(self._handle)

    def _tensors(self, kind):
        result, error = [], ErrorText()
        query = getattr(library(), f"lathe_model_{kind}")
        for index in range(getattr(library(), f"lathe_model_{kind}_count")(self._handle)):
            desc = TensorDesc(ctypes.sizeof(TensorDesc))
            check(query(self._handle, index, byref(desc), byref(error)), error)
            result.append(TensorInfo(desc))
        return result

    def batch_range(self):
        """Smallest and largest batch size, both inclusive."""
        low, high = c_int64(), c_int64()
        library().lathe_model_batch_range(self._handle, byref(low), byref(high))
        return low.value, high.value

    def memory_required(self, max_batch, threads=1):
        """Bytes that a context of this kind holds."""
        size, error = c_uint64(), ErrorText()
        check(library().lathe_model_memory_required(self._handle, max_batch, threads, byref(size), byref(error)), error)
        return size.value

    def manifest_json(self):
        return library().lathe_model_manifest_json(self._handle).decode()

    def run(self, inputs, outputs=None, stream=0):
        """One inference. `inputs` is {name: array}, and the result then {name: array}; or a sequence in the model's order, and the result then a list.

        Arrays are NumPy's or anything with __dlpack__ (the result of torch, jax, …); of the right type and C-contiguous they are read where they lie.
        `outputs` gives arrays to write to, as a dict of all or some, or as a sequence with None for those that are not given; the others are new. The array
        for a bounded output is as large as the output can become; the result is a view of the part that was filled.

        Tensors in the memory of a GPU may be given to a model for GPUs. The inference is then put into CUDA's stream `stream` (the number of a cudaStream_t, 0 is
        the default stream); if all inputs and outputs are there, nothing waits for its end."""
        arrays, given = self._arguments(inputs, outputs, stream)
        batch = self._batch_of(arrays)
        context = self._take(batch)
        try:
            results = context._run(arrays, batch, given, stream)
        finally:
            with self._lock:
                self._idle.append(context)
        return self._named(inputs, results)

    def _arguments(self, inputs, outputs, stream):
        """The inputs as arrays in order, and {index: value} of the outputs that the caller gives."""
        arrays = [as_input(value, info, stream) for value, info in zip(_in_order(inputs, self.inputs, "input"), self.inputs)]
        given = [] if outputs is None else _in_order(outputs, self.outputs, "output", partial=True)
        return arrays, {i: value for i, value in enumerate(given) if value is not None}

    def _expect_gpu(self):
        triple = json.loads(self.manifest_json())["target_triple"]
        if not triple.startswith("nvptx64"):
            raise Error(INVALID_INPUT, f"a tensor is in the memory of a GPU, and the model is compiled for {triple}")

    def _named(self, inputs, results):
        """The results in the form in which the inputs came."""
        return {info.name: array for info, array in zip(self.outputs, results)} if isinstance(inputs, dict) else results

    def _batch_of(self, arrays):
        """What the shapes say, kept within what the model takes: whether they fit is for lathe_run to say."""
        low, high = self.batch_range()
        batches = [info.batch_of(array.shape) for info, array in zip(self.inputs, arrays)]
        return min(max([low, *(batch for batch in batches if batch is not None)]), high)

    def _take(self, batch):
        """A context for this batch size that nobody uses. Smaller ones make way for it, so that a model holds one per thread that runs it."""
        with self._lock:
            while self._idle:
                context = self._idle.pop()
                if context.max_batch >= batch:
                    return context
        return Context(self, batch, self.threads, self.device)

    def __repr__(self):
        return f"Model(inputs={self.inputs}, outputs={self.outputs})"


class Context:
    """The memory of one inference: for one thread at a time. `Model.run` makes these itself; make your own to say how large a batch may become."""

    def __init__(self, model, max_batch=0, threads=1, device=None):
        self._handle = c_void_p()
        self.model = model  # the C context does not keep the model alive
        self.max_batch = max_batch or model.batch_range()[0]
        options, error = ContextOptions(ctypes.sizeof(ContextOptions), self.max_batch, threads), ErrorText()
        options.device = None if device is None else str(device).encode()
        check(library().lathe_context_create(model._handle, byref(options), byref(self._handle), byref(error)), error)

    def __del__(self):
        if getattr(self, "_handle", None):
            library().lathe_context_destroy(self._handle)

    @property
    def threads(self):
        return library().lathe_context_threads(self._handle)

    def reserve(self, batch):
        """Makes what a run of this batch size needs: on a GPU its graph, which the first run of that size would make otherwise."""
        error = ErrorText()
        check(library().lathe_context_reserve(self._handle, batch, byref(error)), error)

    def run(self, inputs, outputs=None, stream=0):
        """As Model.run."""
        arrays, given = self.model._arguments(inputs, outputs, stream)
        return self.model._named(inputs, self._run(arrays, self.model._batch_of(arrays), given, stream))

    def bind(self, inputs, outputs=None, stream=0):
        """A function without arguments that runs one inference on these arrays, and its outputs, which each call fills anew. For loops in which looking
        at the arguments would cost more than the inference. Bounded outputs are as large as they can become; `output_shape` tells what was filled."""
        arrays, given = self.model._arguments(inputs, outputs, stream)
        call, results = self._prepare(arrays, self.model._batch_of(arrays), given, stream)
        return call, self.model._named(inputs, [_callers(array) for array in results])

    def _prepare(self, arrays, batch, given, stream):
        infos = self.model.outputs
        results = [as_output(given[i], info, stream) if i in given else numpy.empty(info.shape(batch), info.dtype) for i, info in enumerate(infos)]
        in_table, out_table = tensor_table(arrays, self.model.inputs), tensor_table(results, infos)
        in_count, out_count, run, error = len(arrays), len(results), library().lathe_run, ErrorText()

        def call(context=self):  # keeps the context, and with it the model, alive
            check(run(context._handle, in_table, in_count, out_table, out_count, byref(error)), error)

        def call_on_stream(context=self):
            context._in_flight = in_table.keep, out_table.keep  # until the next one: nobody waits for this one's end
            check(library().lathe_run_on_stream(context._handle, stream, in_table, in_count, out_table, out_count, byref(error)), error)

        if not any(isinstance(array, DeviceArray) for array in (*arrays, *results)):
            return call, results
        self.model._expect_gpu()
        return call_on_stream, results

    def _run(self, arrays, batch, given, stream):
        call, results = self._prepare(arrays, batch, given, stream)
        call()
        return [self._filled(i, array, i in given) if info.bounded and not isinstance(array, DeviceArray) else _callers(array)
                for i, (info, array) in enumerate(zip(self.model.outputs, results))]

    def _filled(self, index, array, is_callers):
        shape = self.output_shape(index)
        filled = array.reshape(-1)[: math.prod(shape)].reshape(shape)
        # A view would keep all of an array alive of which the caller knows nothing.
        return filled if is_callers or filled.size == array.size else filled.copy()

    def output_shape(self, index):
        """Of output number `index`, after the last run."""
        rank, error = len(self.model.outputs[index].c0), ErrorText()
        dims = array_type(c_int64, rank)()
        check(library().lathe_context_output_dims(self._handle, index, dims, rank, byref(error)), error)
        return tuple(dims[:rank])


def _callers(array):
    """What the caller gave as memory of a GPU is what the caller gets."""
    return array.value if isinstance(array, DeviceArray) else array


def _in_order(values, infos, kind, partial=False):
    """The values in the model's order, from a dict by name or a sequence. With `partial` what is missing is None."""
    names = [info.name for info in infos]
    if isinstance(values, dict):
        for name in values:
            if name not in names:
                raise Error(INVALID_INPUT, f"the model has no {kind} '{name}'; it has {', '.join(map(repr, names)) or 'none'}")
        if not partial and (missing := [name for name in names if name not in values]):
            raise Error(INVALID_INPUT, f"{kind} '{missing[0]}' is missing")
        return [values.get(name) for name in names]
    if not isinstance(values, (list, tuple)):
        raise Error(INVALID_INPUT, f"{kind}s are a {type(values).__name__}, expected a dict by name or a list in the model's order")
    if len(values) != len(names):
        raise Error(INVALID_INPUT, f"got {len(values)} {kind}s, expected {len(names)}")
    return list(values)


def load(artifact, threads=0, device=None):
    """The Model of what lathe.compile wrote: a path, or the bytes of the file. An artifact is code: load only what you trust."""
    return Model(artifact, threads, device)
