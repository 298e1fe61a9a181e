"""What test_cuda_runtime.py does in processes of their own, since a process has one driver: python cuda_child.py WHAT ARTIFACT …"""

import ctypes
import sys
import threading

import numpy
from lathe import Context, Error, Model
from lathe._library import ErrorText, check, library

driver = ctypes.CDLL("libcuda.so.1")


def call(name, *arguments):
    code = getattr(driver, name)(*arguments)
    assert code == 0, f"{name}: {code}"


def use_device(ordinal):
    """Makes its primary context current: the runtime leaves none."""
    context = ctypes.c_void_p()
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), ordinal)
    call("cuCtxPushCurrent_v2", context)


class DeviceArray:
    """Memory of the device that looks like an array to the package's tables."""

    def __init__(self, shape, dtype=numpy.float32, device=0):
        self.shape, self.dtype = shape, numpy.dtype(dtype)
        self.nbytes = int(numpy.prod(shape)) * self.dtype.itemsize
        self.pointer = ctypes.c_uint64()
        use_device(device)
        call("cuMemAlloc_v2", ctypes.byref(self.pointer), ctypes.c_size_t(self.nbytes))

    def write(self, array):
        array = numpy.ascontiguousarray(array, self.dtype)
        call("cuMemcpyHtoD_v2", self.pointer, array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(self.nbytes))
        return self

    def read(self):
        array = numpy.empty(self.shape, self.dtype)
        call("cuMemcpyDtoH_v2", array.ctypes.data_as(ctypes.c_void_p), self.pointer, ctypes.c_size_t(self.nbytes))
        return array


def table(arrays, infos):
    """lathe_tensor for arrays of NumPy or of the device."""
    from ctypes import POINTER, c_int64

    from lathe._library import Tensor

    result, keep = (Tensor * len(arrays))(), []
    for i, (array, info) in enumerate(zip(arrays, infos)):
        dims = (c_int64 * len(array.shape))(*array.shape)
        data = array.pointer.value if isinstance(array, DeviceArray) else array.ctypes.data
        keep.append((array, dims))
        result[i] = Tensor(ctypes.sizeof(Tensor), data, array.nbytes, info.dtype_number, len(array.shape), ctypes.cast(dims, POINTER(c_int64)))
    result.keep = keep
    return result


def run_raw(context, inputs, outputs, stream=None):
    """lathe_run, or with a stream lathe_run_on_stream."""
    model, error = context.model, ErrorText()
    ins, outs = table(inputs, model.inputs), table(outputs, model.outputs)
    if stream is None:
        check(library().lathe_run(context._handle, ins, len(inputs), outs, len(outputs), ctypes.byref(error)), error)
    else:
        check(library().lathe_run_on_stream(context._handle, stream, ins, len(inputs), outs, len(outputs), ctypes.byref(error)), error)


def make_stream():
    use_device(0)
    stream = ctypes.c_void_p()
    call("cuStreamCreate", ctypes.byref(stream), 1)
    return stream


def same(got, want, what):
    assert got.tobytes() == want.tobytes(), f"{what}: max difference {abs(got - want).max()}"


def pointers(path):
    """Every mix of memory of host and device, and a caller's stream, gives the same bits."""
    model = Model(path)
    image = numpy.random.default_rng(1).standard_normal((5, *model.inputs[0].shape(1)[1:])).astype(numpy.float32)
    want = model.run([image])[0]
    context = Context(model, max_batch=5)
    for batch in (1, 2, 5):
        expected = Context(model, max_batch=batch).run([image[:batch]])[0]
        same(expected, want[:batch], f"batch {batch} alone")
        for on_device in ((False, False), (False, True), (True, False), (True, True)):
            given = DeviceArray(image[:batch].shape).write(image[:batch]) if on_device[0] else image[:batch]
            for stream in (None, make_stream(), ctypes.c_void_p(0)):
                found = DeviceArray(expected.shape).write(numpy.full(expected.shape, numpy.nan)) if on_device[1] else numpy.full_like(expected, numpy.nan)
                run_raw(context, [given], [found], stream)
                if stream is not None and all(on_device):
                    call("cuStreamSynchronize", stream)
                same(found.read() if on_device[1] else found, expected, f"batch {batch}, on the device: {on_device}, stream {stream}")


def streams(path):
    """Runs of one context on several streams, none of them waited for, use its memory one after the other."""
    model = Model(path)
    random = numpy.random.default_rng(2)
    images = [random.standard_normal((2, *model.inputs[0].shape(1)[1:])).astype(numpy.float32) for _ in range(4)]
    expected = [model.run([image])[0] for image in images]
    context = Context(model, max_batch=2)
    given = [DeviceArray(image.shape).write(image) for image in images]
    found = [DeviceArray(want.shape) for want in expected]
    chosen = [make_stream() for _ in images]
    for source, target, stream in zip(given, found, chosen):
        run_raw(context, [source], [target], stream)
    for stream in reversed(chosen):
        call("cuStreamSynchronize", stream)
    for target, want in zip(found, expected):
        same(target.read(), want, "on a stream of its own")
    # The context waits for what it has left on a stream.
    run_raw(context, [given[0]], [found[1]], chosen[0])
    same(context.run([images[2]])[0], expected[2], "after a run on a stream")


def threads(path):
    """Two contexts in two threads."""
    model = Model(path)
    image = numpy.random.default_rng(3).standard_normal((4, *model.inputs[0].shape(1)[1:])).astype(numpy.float32)
    want = [model.run([image[i : i + 2]])[0] for i in range(3)]
    problems = []

    def work(seed):
        try:
            context = Context(model, max_batch=2)
            for round_ in range(10):
                i = (seed + round_) % 3
                same(context.run([image[i : i + 2]])[0], want[i], f"thread {seed}, round {round_}")
        except Exception as problem:
            problems.append(problem)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not problems, problems


class Producer:
    """What a framework has on the device, and hands over by DLPack."""

    def __init__(self, array, strides=None, kind=2):
        from lathe._device import DLTensor

        self.memory = DeviceArray(array.shape).write(array)
        self.dims = (ctypes.c_int64 * array.ndim)(*array.shape)
        self.strides = (ctypes.c_int64 * array.ndim)(*strides) if strides else None
        self.tensor = DLTensor(self.memory.pointer.value, 2, 0, array.ndim, kind, 32, 1, self.dims, self.strides, 0)
        self.asked = []

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, stream=None):
        self.asked.append(stream)
        make = ctypes.pythonapi.PyCapsule_New
        make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return make(ctypes.addressof(self.tensor), b"dltensor", None)


def dlpack(path):
    """Tensors of the device go in and out where they lie, and their owner is told the stream."""
    model = Model(path)
    name, output = model.inputs[0].name, model.outputs[0].name
    image = numpy.random.default_rng(5).standard_normal(model.inputs[0].shape(2)).astype(numpy.float32)
    want = model.run([image])[0]
    for stream in (0, make_stream().value):
        source = Producer(image)
        same(model.run([source], stream=stream)[0], want, "from the device")
        target = Producer(numpy.zeros_like(want))
        assert model.run({name: source}, {output: target}, stream=stream)[output] is target
        call("cuStreamSynchronize", ctypes.c_void_p(stream))
        same(target.memory.read(), want, "from the device to the device")
        assert source.asked == [stream or 1, stream or 1] and target.asked == [stream or 1]
        context = Context(model, max_batch=2)
        target.memory.write(numpy.zeros_like(want))
        run, (result,) = context.bind([image], [target], stream=stream)
        run()
        assert result is target
        same(target.memory.read(), want, "bound")
    for given, message in ((Producer(image, kind=0), "type is DLPack's kind 0 of 32 bits, expected float32"),
                           (Producer(image, strides=(1, 2, 3, 4)), "the tensor is not C-contiguous")):
        try:
            model.run([given])
            raise AssertionError("it was accepted")
        except Error as refused:
            assert refused.code == 3 and str(refused) == f"input '{name}': {message}", refused


def dlpack_on_cpu(path):
    driver.cuInit(0)
    model = Model(path)
    try:
        model.run([Producer(numpy.zeros(model.inputs[0].shape(1), numpy.float32))])
        raise AssertionError("it was accepted")
    except Error as refused:
        assert refused.code == 3 and str(refused).startswith("a tensor is in the memory of a GPU, and the model is compiled for "), refused


def reserve(path):
    """A batch size beyond the context's is refused, others are made ready."""
    model = Model(path)
    context, error = Context(model, max_batch=4), ErrorText()
    assert context.threads == 1
    for batch in (1, 3, 4, 3):
        context.reserve(batch)
    for batch, message in ((5, "batch is 5, but the context was made for at most 4"), (0, "max_batch is 0, expected at least 1")):
        try:
            context.reserve(batch)
            raise AssertionError(f"batch {batch} was accepted")
        except Error as refused:
            assert refused.code == 3 and message in str(refused), refused
    milliseconds = ctypes.c_double()
    status = library().lathe_context_device_milliseconds(context._handle, ctypes.byref(milliseconds), ctypes.byref(error))
    assert status == 1 and b"no run of the whole graph has been measured" in error.text
    check(library().lathe_context_measure_device(context._handle, 1, ctypes.byref(error)), error)
    image = numpy.zeros(model.inputs[0].shape(3), numpy.float32)
    context.run([image])
    check(library().lathe_context_device_milliseconds(context._handle, ctypes.byref(milliseconds), ctypes.byref(error)), error)
    assert 0 < milliseconds.value < 60000


def forgotten(path):
    """The interpreter ends with models and contexts alive, and collects them in an order of its own."""
    model = Model(path)
    image = numpy.zeros(model.inputs[0].shape(2), numpy.float32)
    globals()["kept"] = [Context(model, max_batch=2).bind([image])[0], model]
    kept[0]()
    model.run([image])


def second_device(path):
    """Contexts of one model on two devices; a device that is not there is refused by name."""
    model = Model(path)
    image = numpy.random.default_rng(4).standard_normal(model.inputs[0].shape(2)).astype(numpy.float32)
    want = Context(model, max_batch=2, device=0).run([image])[0]
    same(Context(model, max_batch=2, device=1).run([image])[0], want, "on device 1")
    try:
        Context(model, max_batch=2, device=2)
        raise AssertionError("it was accepted")
    except Error as refused:
        assert refused.code == 5 and str(refused) == f"{path}: device is 2, but the NVIDIA driver has 2 devices", refused


def wrong_device(path):
    """Memory of another device is refused by name."""
    model = Model(path)
    context = Context(model, max_batch=1)  # on device 0
    image = DeviceArray(model.inputs[0].shape(1), device=1)
    try:
        run_raw(context, [image], [numpy.zeros(model.outputs[0].shape(1), numpy.float32)])
        raise AssertionError("it was accepted")
    except Error as refused:
        assert refused.code == 3 and str(refused) == f"input '{model.inputs[0].name}': is in the memory of device 1, expected device 0", refused
    # A context on that device takes it.
    run_raw(Context(model, max_batch=1, device="1"), [image], [numpy.zeros(model.outputs[0].shape(1), numpy.float32)])


def stream_on_cpu(path):
    model = Model(path)
    context, error = Context(model, max_batch=1), ErrorText()
    image, logits = numpy.zeros(model.inputs[0].shape(1), numpy.float32), numpy.zeros(model.outputs[0].shape(1), numpy.float32)
    try:
        run_raw(context, [image], [logits], ctypes.c_void_p(0))
        raise AssertionError("it was accepted")
    except Error as refused:
        assert refused.code == 1 and str(refused) == f"{path}: is for CPUs, which have no streams; use lathe_run", refused
    assert library().lathe_context_measure_device(context._handle, 1, ctypes.byref(error)) == 1
    context.reserve(1)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
