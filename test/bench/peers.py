"""The peers, each given what its own documentation recommends for latency: static shapes, bound buffers, its own thread pool, float32 arithmetic. ONNX Runtime
and OpenVINO are called through their C interfaces, which their wheels bring; of ncnn the wheel has the Python one only."""

import ctypes
import importlib.metadata
import importlib.util
import os
import subprocess
import tempfile
import time
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from pathlib import Path

import numpy
from engines import CannotRun
from native import Calls
from paths import WORK


def wheel_folder(name):
    return Path(importlib.util.find_spec(name).origin).parent


def array_at(address, shape):
    """A copy of float32 values of C's."""
    count = int(numpy.prod(shape, dtype=numpy.int64))
    return numpy.array(numpy.ctypeslib.as_array(ctypes.cast(address, POINTER(ctypes.c_float)), (max(count, 1),))[:count]).reshape(shape)


class OnnxRuntime:
    name = "onnxruntime"
    # The places of functions in the table that OrtGetApiBase leads to; they never change. The header is not in the wheel.
    PLACES = {"GetErrorMessage": 2, "CreateEnv": 3, "CreateSession": 7, "CreateSessionOptions": 10, "SetIntraOpNumThreads": 24, "SetInterOpNumThreads": 25,
              "CreateRunOptions": 39, "CreateTensorWithDataAsOrtValue": 49, "GetTensorMutableData": 51, "GetDimensionsCount": 61, "GetDimensions": 62,
              "GetTensorTypeAndShape": 65, "CreateCpuMemoryInfo": 69, "GetAllocatorWithDefaultOptions": 78, "ReleaseSession": 95,
              "AddFreeDimensionOverrideByName": 124, "RunWithBinding": 133, "CreateIoBinding": 134, "ReleaseIoBinding": 135, "BindInput": 136, "BindOutput": 137, "BindOutputToDevice": 138, "GetBoundOutputValues": 140}
    VERSION = 11  # of that table: the first that has them all
    ERROR_LEVEL = 3
    DTYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9}

    def __init__(self, network, inputs, threads):
        options, self.session, memory, self.binding, run_options = (c_void_p() for _ in range(5))
        self.do("CreateSessionOptions", byref(options))
        self.do("SetIntraOpNumThreads", options, threads)
        self.do("SetInterOpNumThreads", options, 1)
        for name, array in inputs.items():
            for dim, size in zip(network.inputs[name][0], array.shape):
                if isinstance(dim, str) and dim:
                    self.do("AddFreeDimensionOverrideByName", options, dim.encode(), c_int64(size))
        self.do("CreateSession", self.environment(), os.fsencode(network.path), options, byref(self.session))
        self.do("CreateCpuMemoryInfo", 0, 0, byref(memory))  # OrtDeviceAllocator, OrtMemTypeDefault
        self.do("CreateIoBinding", self.session, byref(self.binding))
        self.do("CreateRunOptions", byref(run_options))
        for name, array in inputs.items():
            value, dtype = c_void_p(), self.DTYPES[array.dtype.name]
            self.do("CreateTensorWithDataAsOrtValue", memory, c_void_p(array.ctypes.data), c_size_t(array.nbytes), (c_int64 * array.ndim)(*array.shape),
                    c_size_t(array.ndim), dtype, byref(value))
            self.do("BindInput", self.binding, name.encode(), value)
        for name in network.outputs:
            self.do("BindOutputToDevice", self.binding, name.encode(), memory)
        self.do("RunWithBinding", self.session, run_options, self.binding)
        for name, value in zip(network.outputs, self.values()):  # what the first run has allocated, for all others
            self.do("BindOutput", self.binding, name.encode(), value)
        self.seconds = Calls(self.function("RunWithBinding"), self.session, run_options, self.binding).seconds

    @staticmethod
    @cache
    def api():
        library = ctypes.CDLL(str(next((wheel_folder("onnxruntime") / "capi").glob("libonnxruntime.so*"))))
        library.OrtGetApiBase.restype = POINTER(c_void_p)
        get_api = ctypes.CFUNCTYPE(POINTER(c_void_p), ctypes.c_uint32)(library.OrtGetApiBase()[0])
        return get_api(OnnxRuntime.VERSION)

    @staticmethod
    @cache
    def environment():
        result = c_void_p()
        OnnxRuntime.do("CreateEnv", OnnxRuntime.ERROR_LEVEL, b"bench", byref(result))
        return result

    @staticmethod
    def function(name):
        return OnnxRuntime.api()[OnnxRuntime.PLACES[name]]

    @staticmethod
    def do(name, *arguments):
        status = ctypes.CFUNCTYPE(c_void_p)(OnnxRuntime.function(name))(*arguments)
        if status:
            message = ctypes.CFUNCTYPE(c_char_p, c_void_p)(OnnxRuntime.function("GetErrorMessage"))(status)
            raise CannotRun(message.decode("utf-8", "replace").splitlines()[0][:60])

    def close(self):
        for name, handle in (("ReleaseIoBinding", self.binding), ("ReleaseSession", self.session)):
            ctypes.CFUNCTYPE(None, c_void_p)(self.function(name))(handle)

    def values(self):
        allocator, values, count = c_void_p(), POINTER(c_void_p)(), c_size_t()
        self.do("GetAllocatorWithDefaultOptions", byref(allocator))
        self.do("GetBoundOutputValues", self.binding, allocator, byref(values), byref(count))
        return [c_void_p(values[i]) for i in range(count.value)]

    def outputs(self):
        return [self.array(value) for value in self.values()]

    def array(self, value):
        info, rank, data = c_void_p(), c_size_t(), c_void_p()
        self.do("GetTensorTypeAndShape", value, byref(info))
        self.do("GetDimensionsCount", info, byref(rank))
        dims = (c_int64 * max(1, rank.value))()
        self.do("GetDimensions", info, dims, rank)
        self.do("GetTensorMutableData", value, byref(data))
        return array_at(data.value, tuple(dims[: rank.value]))


class Shape(Structure):
    _fields_ = [("rank", c_int64), ("dims", POINTER(c_int64))]

    @staticmethod
    def of(dims):
        return Shape(len(dims), (c_int64 * max(1, len(dims)))(*dims))


class PartialShape(Structure):
    _fields_ = [("rank_least", c_int64), ("rank_most", c_int64), ("dims", c_void_p)]


class OpenVino:
    name = "openvino"

    def __init__(self, network, inputs, threads):
        core, model, compiled, self.request = self.handles = [c_void_p() for _ in range(4)]
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        words = [str(word).encode() for pair in settings.items() for word in pair]
        self.do("core_create", byref(core))
        self.do("core_read_model", core, os.fsencode(network.path), None, byref(model))
        names, shapes = (c_char_p * len(inputs))(*[name.encode() for name in inputs]), (PartialShape * len(inputs))()
        for shape, array in zip(shapes, inputs.values()):
            self.do("partial_shape_create_static", c_int64(array.ndim), (c_int64 * max(1, array.ndim))(*array.shape), byref(shape))
        self.do("model_reshape", model, names, shapes, c_size_t(len(inputs)))
        self.do("core_compile_model", core, model, b"CPU", c_size_t(len(words)), byref(compiled), *[c_char_p(word) for word in words])
        self.do("compiled_model_create_infer_request", compiled, byref(self.request))
        for name, array in inputs.items():
            port, dtype, tensor = c_void_p(), c_int(), c_void_p()
            self.do("model_const_input_by_name", model, name.encode(), byref(port))
            self.do("port_get_element_type", port, byref(dtype))
            self.do("tensor_create_from_host_ptr", dtype, Shape.of(array.shape), c_void_p(array.ctypes.data), byref(tensor))
            self.do("infer_request_set_tensor", self.request, name.encode(), tensor)
        self.count = len(network.outputs)
        self.seconds = Calls(self.library().ov_infer_request_infer, self.request).seconds
        self.seconds(1, "wall")

    @staticmethod
    @cache
    def library():
        return ctypes.CDLL(str(next((wheel_folder("openvino") / "libs").glob("libopenvino_c.so*"))))

    @staticmethod
    def do(name, *arguments):
        status = getattr(OpenVino.library(), f"ov_{name}")(*arguments)
        if status:
            text = OpenVino.library().ov_get_error_info
            text.restype = c_char_p
            raise CannotRun(f"{text(status).decode()} in {name}")

    def close(self):
        for kind, handle in zip(("core", "model", "compiled_model", "infer_request")[::-1], self.handles[::-1]):
            getattr(self.library(), f"ov_{kind}_free")(handle)

    def outputs(self):
        arrays = []
        for index in range(self.count):
            tensor, shape, data = c_void_p(), Shape(), c_void_p()
            self.do("infer_request_get_output_tensor_by_index", self.request, c_size_t(index), byref(tensor))
            self.do("tensor_get_shape", tensor, byref(shape))
            self.do("tensor_data", tensor, byref(data))
            arrays.append(array_at(data.value, tuple(shape.dims[: shape.rank])))
        return arrays


class Ncnn:
    """ncnn takes one sample at a time and its own format, into which pnnx converts. Its wheel has no C functions, so Python calls it: what that costs is
    measured with a network that does nothing, and taken off."""

    name = "ncnn"
    LONGEST = 300  # seconds for converting a network
    CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}

    def __init__(self, network, inputs, threads):
        import ncnn

        folder = self.prepare(network, inputs)

        self.net = self.load(folder / "m.ncnn.param", folder / "m.ncnn.bin", threads)
        self.inputs = {f"in{index}": ncnn.Mat(array, batch_index=0).clone() for index, array in enumerate(inputs.values())}
        self.names = [f"out{index}" for index in range(len(network.outputs))]
        self.overhead = None
        self.call()

    @staticmethod
    def load(param, weights, threads):
        import ncnn

        net = ncnn.Net()
        option = net.opt
        option.num_threads, option.use_vulkan_compute = threads, False
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = option.use_bf16_storage = False
        if net.load_param(str(param)) or (weights and net.load_model(str(weights))):
            raise CannotRun("pnnx writes what ncnn cannot load")
        return net

    @staticmethod
    def prepare(network, inputs):
        """The folder of the converted network, which is made once."""
        if any(array.ndim == 0 or array.shape[0] != 1 for array in inputs.values()):
            raise CannotRun("one sample only")
        folder = WORK / "ncnn" / network.name
        if not (folder / "m.ncnn.bin").exists():
            import onnx

            with tempfile.TemporaryDirectory(dir=WORK) as name:  # what pnnx leaves beside its result is four times the network
                made = Path(name)
                onnx.save(onnx.load(network.path), made / "m.onnx")  # with its weights inside: pnnx's shape inference does not open other files
                shapes = ",".join(f"[{','.join(map(str, array.shape))}]{'f' if array.dtype.kind == 'f' else 'i'}{array.itemsize * 8}" for array in inputs.values())
                program = wheel_folder("pnnx") / "pnnx"  # the wheel's Python part wants PyTorch, the program does not
                try:
                    done = subprocess.run([program, "m.onnx", f"inputshape={shapes}", "fp16=0"], cwd=made, capture_output=True, timeout=Ncnn.LONGEST)
                except subprocess.TimeoutExpired:
                    raise CannotRun(f"pnnx takes more than {Ncnn.LONGEST} s") from None
                if done.returncode or not (made / "m.ncnn.bin").exists():
                    raise CannotRun("pnnx does not convert it")
                folder.mkdir(parents=True, exist_ok=True)
                for file in ("m.ncnn.param", "m.ncnn.bin"):  # the second one says that both are there
                    os.replace(made / file, folder / file)
        return folder

    def measure_overhead(self):
        """Seconds of the same calls of a network that hands its inputs on."""
        count, lines = len(self.inputs), [f"Input in{i} 0 1 in{i}" for i in range(len(self.inputs))]
        lines += [f"Noop out{i} 1 1 {f'in{i}' if i < count else f'out{i - 1}'} out{i}" for i in range(len(self.names))]
        path = WORK / "noop.ncnn.param"
        path.write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n")
        import ncnn

        empty = object.__new__(Ncnn)
        empty.net, empty.inputs, empty.names, empty.overhead = self.load(path, None, 1), {name: ncnn.Mat(1) for name in self.inputs}, self.names, dict.fromkeys(self.CLOCKS, 0)
        return {clock: min(empty.seconds(100, clock) for _ in range(5)) for clock in self.CLOCKS}

    def seconds(self, count, clock):
        if self.overhead is None:
            self.overhead = self.measure_overhead()
        call, now = self.call, self.CLOCKS[clock]
        start = now()
        for _ in range(count):
            call()
        return max((now() - start) / count - self.overhead[clock], 1e-9)

    def close(self):
        self.net.clear()

    def call(self):
        extractor = self.net.create_extractor()
        for name, mat in self.inputs.items():
            extractor.input(name, mat)
        self.results = [extractor.extract(name)[1] for name in self.names]

    def outputs(self):
        return [numpy.array(mat)[None] for mat in self.results]


PEERS = {engine.name: engine for engine in (OnnxRuntime, OpenVino, Ncnn)}


def version(name):
    return importlib.metadata.version(name)
