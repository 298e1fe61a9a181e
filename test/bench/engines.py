"""The engines that ./dev bench compares, behind one shape: Engine(network, inputs, threads) with seconds(count, clock) for the mean of some inferences and
outputs() for their results. Here Lathe; the others are in peers.py."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy
from native import Calls
from paths import BUILD, ROOT, WORK


class CannotRun(Exception):
    """Why an engine has no time for a network: one short phrase, for the table."""


@dataclass
class Network:
    """A model file and what it takes and gives. Dims that the model leaves open are names."""

    name: str
    path: Path
    inputs: dict
    outputs: list

    @staticmethod
    def load(name, path):
        import onnx

        graph = onnx.load(path, load_external_data=False).graph
        weights = {tensor.name for tensor in graph.initializer}
        inputs = {}
        for value in graph.input:
            if value.name not in weights:
                tensor = value.type.tensor_type
                dims = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in tensor.shape.dim)
                inputs[value.name] = dims, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        return Network(name, Path(path), inputs, [value.name for value in graph.output])

    def random_inputs(self, batch):
        """{name: array} of standard-normal values, the open dims set to `batch`."""
        random, arrays = numpy.random.default_rng(0), {}
        for name, (dims, dtype) in self.inputs.items():
            if dims and isinstance(dims[0], int) and dims[0] != batch:
                raise CannotRun(f"its batch is {dims[0]}")
            arrays[name] = random.standard_normal([batch if isinstance(dim, str) else dim for dim in dims]).astype(dtype)
        return arrays


class Lathe:
    name = "lathe"

    def __init__(self, network, inputs, threads, flags=()):
        from lathe import Context, Model
        from lathe._arrays import tensor_table
        from lathe._library import ErrorText, library

        model = Model(compile_with_lathe(network.path, flags)["artifact"])
        batch = min(max((array.shape[0] for array in inputs.values() if array.ndim), default=1), model.batch_range()[1])
        self.context = Context(model, max_batch=batch, threads=threads)
        arrays = [inputs[info.name] for info in model.inputs]
        self.results = [numpy.empty(info.shape(batch), info.dtype) for info in model.outputs]
        self.keep = tensor_table(arrays, model.inputs), tensor_table(self.results, model.outputs), ErrorText()
        self.seconds = Calls(library().lathe_run, self.context._handle, self.keep[0], len(arrays), self.keep[1], len(self.results), self.keep[2]).seconds
        self.seconds(1, "wall")

    def outputs(self):
        return self.results

    def close(self):
        self.context = None


# A process of its own starts the compiler: one that a large process forks begins its life with the peak of that process.
MEASURE = """import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""
_compiled = {}


def compile_with_lathe(model, flags=()):
    """Compiles once a run. Returns the artifact, the seconds and the peak memory of the compiler."""
    key = Path(model), *flags
    if key not in _compiled:
        WORK.mkdir(parents=True, exist_ok=True)
        artifact = WORK / ("-".join([key[0].stem, *(flag.rpartition("=")[2] for flag in flags)]) + ".so")
        start = time.monotonic()
        done = subprocess.run([sys.executable, "-S", "-c", MEASURE, BUILD / "bin" / "lathe", "compile", key[0], "-o", artifact, *flags],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            first = done.stderr.strip().splitlines()[0].removeprefix("error: ") if done.stderr.strip() else ""
            raise CannotRun(f"does not compile (exit code {done.returncode}): {first}")
        _compiled[key] = {"artifact": artifact, "seconds": time.monotonic() - start, "peak_mb": int(done.stdout) / 1024}
    return _compiled[key]
