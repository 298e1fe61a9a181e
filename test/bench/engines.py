"""The engines that bench.py compares, behind one shape: Engine(network, inputs, threads) with call() for one inference and outputs() for its results.

Each is given what its own documentation recommends for latency: bound buffers, its own thread pool, float32 arithmetic."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy
import onnx

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LATHE_BUILD", "build/release")
WORK = BUILD / "bench"


class CannotRun(Exception):
    """Why an engine has no time for a network: one short phrase, for the table."""


@dataclass
class Network:
    """A model file and what it takes and gives. Dims that the model leaves open are None."""

    name: str
    path: Path
    inputs: dict
    outputs: list

    @staticmethod
    def load(name, path):
        graph = onnx.load(path, load_external_data=False).graph
        weights = {tensor.name for tensor in graph.initializer}
        inputs = {}
        for value in graph.input:
            if value.name not in weights:
                tensor = value.type.tensor_type
                dims = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
                inputs[value.name] = dims, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        return Network(name, path, inputs, [value.name for value in graph.output])

    def random_inputs(self, batch):
        """{name: array} of standard-normal values, the open dims set to `batch`."""
        random, arrays = numpy.random.default_rng(0), {}
        for name, (dims, dtype) in self.inputs.items():
            if dims and dims[0] is not None and dims[0] != batch:
                raise CannotRun(f"its batch is {dims[0]}")
            arrays[name] = random.standard_normal([batch if dim is None else dim for dim in dims]).astype(dtype)
        return arrays


class Lathe:
    name = "lathe"

    def __init__(self, network, inputs, threads):
        import lathe

        artifact = lathe.Model(compile_with_lathe(network.path)["artifact"])
        batch = max(array.shape[0] for array in inputs.values())
        self.call, self._outputs = lathe.Context(artifact, max_batch=batch, threads=threads).bind(inputs)

    def outputs(self):
        return list(self._outputs.values())


class OnnxRuntime:
    name, package = "onnxruntime", "onnxruntime"

    def __init__(self, network, inputs, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(network.path), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for name, array in inputs.items():
            self.binding.bind_cpu_input(name, array)
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name, "cpu")

    def call(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return self.binding.copy_outputs_to_cpu()


class OpenVino:
    name, package = "openvino", "openvino"

    def __init__(self, network, inputs, threads):
        import openvino

        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        model = openvino.Core().read_model(str(network.path))
        model.reshape({name: list(array.shape) for name, array in inputs.items()})
        self.compiled = openvino.Core().compile_model(model, "CPU", settings)
        self.request = self.compiled.create_infer_request()
        for name, array in inputs.items():
            self.request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        self.call = self.request.infer

    def outputs(self):
        return [numpy.array(self.request.get_tensor(port).data) for port in self.compiled.outputs]


class Ncnn:
    """ncnn takes one sample at a time and its own format, into which pnnx converts."""

    name, package = "ncnn", "ncnn"

    def __init__(self, network, inputs, threads):
        import ncnn

        if any(array.shape[0] != 1 for array in inputs.values()):
            raise CannotRun("one sample only")
        folder = self.convert(network, inputs)
        self.net = ncnn.Net()
        option = self.net.opt
        option.num_threads, option.use_vulkan_compute = threads, False
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = option.use_bf16_storage = False
        if self.net.load_param(str(folder / "m.ncnn.param")) or self.net.load_model(str(folder / "m.ncnn.bin")):
            raise CannotRun("pnnx writes what ncnn cannot load")
        self.inputs = {f"in{index}": ncnn.Mat(array, batch_index=0).clone() for index, array in enumerate(inputs.values())}
        self.names = [f"out{index}" for index in range(len(network.outputs))]
        self.results = []

    def convert(self, network, inputs):
        folder = WORK / "ncnn" / network.name
        if not (folder / "m.ncnn.bin").exists():
            folder.mkdir(parents=True, exist_ok=True)
            onnx.save(onnx.load(network.path), folder / "m.onnx")  # with its weights inside: pnnx's shape inference does not open other files
            shapes = ",".join(f"[{','.join(map(str, array.shape))}]{'f' if array.dtype.kind == 'f' else 'i'}{array.itemsize * 8}" for array in inputs.values())
            program = Path(importlib.util.find_spec("pnnx").origin).with_name("pnnx")  # the wheel's Python part wants PyTorch, the program does not
            done = subprocess.run([program, "m.onnx", f"inputshape={shapes}", "fp16=0"], cwd=folder, capture_output=True, text=True)
            if done.returncode or not (folder / "m.ncnn.bin").exists():
                raise CannotRun("pnnx does not convert it")
        return folder

    def call(self):
        extractor = self.net.create_extractor()
        for name, mat in self.inputs.items():
            extractor.input(name, mat)
        self.results = [extractor.extract(name)[1] for name in self.names]

    def outputs(self):
        return [numpy.array(mat)[None] for mat in self.results]


PEERS = {engine.name: engine for engine in (OnnxRuntime, OpenVino, Ncnn)}


def version(name):
    return importlib.metadata.version(PEERS[name].package)


# A process of its own starts the compiler: one that a large process forks begins its life with the peak of that process.
MEASURE = """import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""
_compiled = {}


def compile_with_lathe(model):
    """Compiles once a run. Returns the artifact, the seconds and the peak memory of the compiler."""
    model = Path(model)
    if model not in _compiled:
        artifact = WORK / f"{model.stem}.so"
        artifact.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-S", "-c", MEASURE, BUILD / "bin" / "lathe", "compile", model, "-o", artifact], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.returncode != 0:
            first = done.stderr.strip().splitlines()[0].removeprefix("error: ") if done.stderr.strip() else ""
            raise CannotRun(f"does not compile (exit code {done.returncode}): {first}")
        _compiled[model] = {"artifact": artifact, "seconds": time.monotonic() - start, "peak_mb": int(done.stdout) / 1024}
    return _compiled[model]


def first_result_ms(model, inputs, folder, threads):
    """From the start of the process `lathe run` to its end, with the result written: the best of five."""
    words = []
    for name, array in inputs.items():
        numpy.save(folder / f"{name}.npy", array)
        words.append(f"--input={name}:@{folder / name}.npy")
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([BUILD / "bin" / "lathe", "run", compile_with_lathe(model)["artifact"], *words, f"--output-dir={folder / 'out'}",
                        f"--threads={threads}"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - start)
    return best * 1e3
