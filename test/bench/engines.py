"""The engines that bench.py compares, behind one shape: Engine(model path, inputs, threads) with call() for one inference and outputs() for its result.

Each is given what its own documentation recommends for latency: bound buffers, its own thread pool, float32 arithmetic."""

import os
import subprocess
import time
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LATHE_BUILD", "build/release")


class Lathe:
    name = "lathe"

    def __init__(self, model, inputs, threads):
        import lathe_runtime

        artifact = lathe_runtime.Model(compile_with_lathe(model)["artifact"])
        batch = max(array.shape[0] for array in inputs.values())
        self.call, self._outputs = lathe_runtime.Context(artifact, max_batch=batch, threads=threads).bind(inputs)

    def outputs(self):
        return list(self._outputs.values())


class OnnxRuntime:
    name = "onnxruntime"

    def __init__(self, model, inputs, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.version = onnxruntime.__version__
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
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
    name = "openvino"

    def __init__(self, model, inputs, threads):
        import openvino

        self.version = openvino.__version__.split("-")[0]
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        network = openvino.Core().read_model(str(model))
        network.reshape({name: list(array.shape) for name, array in inputs.items()})
        self.compiled = openvino.Core().compile_model(network, "CPU", settings)
        self.request = self.compiled.create_infer_request()
        for name, array in inputs.items():
            self.request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        self.call = self.request.infer

    def outputs(self):
        return [numpy.array(self.request.get_tensor(port).data) for port in self.compiled.outputs]


ENGINES = {engine.name: engine for engine in (Lathe, OnnxRuntime, OpenVino)}

_compiled = {}


def compile_with_lathe(model):
    """Compiles once a run. Returns the artifact, the seconds and the peak memory of the compiler."""
    model = Path(model)
    if model not in _compiled:
        artifact = BUILD / "bench" / f"{model.stem}.so"
        artifact.parent.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        compiler = subprocess.Popen([BUILD / "bin" / "lathe", "compile", model, "-o", artifact], stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(compiler.pid, 0)
        compiler.returncode = os.waitstatus_to_exitcode(status)
        if compiler.returncode != 0:
            raise RuntimeError(f"lathe compile {model.name} ended with exit code {compiler.returncode}")
        _compiled[model] = {"artifact": artifact, "seconds": time.monotonic() - start, "peak_mb": usage.ru_maxrss / 1024}
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
