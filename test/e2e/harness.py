"""What the end-to-end tests share: the tools as a user calls them, the oracles, and the tolerance."""

import json
import os
import subprocess
from pathlib import Path

import numpy
import onnx
import onnxruntime
from lathe import Context, Model

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("LATHE_BUILD", "build/release")
LLVM_BIN = Path("/usr/lib/llvm-22/bin")
TIMEOUT = 120


def tool(*arguments, timeout=TIMEOUT, **keywords):
    """Runs a tool of the build: tool("lathe", "compile", …). Returns the finished process, whatever its status."""
    command = [str(BUILD / "bin" / arguments[0]), *map(str, arguments[1:])]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **keywords)


def compile_model(model, output, *flags):
    """`lathe compile` on a path or a ModelProto. Returns the path of the artifact; fails with what the compiler said."""
    output = Path(output)
    if isinstance(model, onnx.ModelProto):
        path = output.with_suffix(".onnx")
        onnx.save(model, path)
        model = path
    done = tool("lathe", "compile", model, "-o", output, *flags)
    assert done.returncode == 0, f"lathe compile {Path(model).name}: exit {done.returncode}\n{done.stderr}"
    return output


def description(folder, level2):
    """A processor of AVX2 whose second cache level has this many bytes."""
    text = json.loads((ROOT / "compiler/target/cpu/x86-64-v3.json").read_text())
    text["numbers"]["l2_bytes"]["value"] = level2
    path = folder / f"{level2}.json"
    path.write_text(json.dumps(text))
    return path


def run_artifact(artifact, inputs, threads=1):
    """{output name: array} from a fresh context. Accepts a path or a Model."""
    model = artifact if isinstance(artifact, Model) else Model(artifact)
    batch = max((info.batch_of(inputs[info.name].shape) or 1 for info in model.inputs), default=1)
    return Context(model, max_batch=batch, threads=threads).run(inputs)


class Guarded:
    """An array with memory around it that nobody may write: `intact()` tells. Array and guards hold NaN at first, so that an element which is never
    written, and one which is computed from what lies beside an array, are seen."""

    ELEMENTS = 64

    def __init__(self, shape, content=None):
        count = int(numpy.prod(shape, dtype=numpy.int64))
        self.memory = numpy.full(count + 2 * self.ELEMENTS, numpy.nan, numpy.float32)
        self.array = self.memory[self.ELEMENTS : self.ELEMENTS + count].reshape(shape)
        if content is not None:
            self.array[...] = content

    def intact(self):
        return bool(numpy.isnan(self.memory[: self.ELEMENTS]).all() and numpy.isnan(self.memory[-self.ELEMENTS :]).all())


class Oracle:
    """ONNX Runtime on one core, with its graph optimisations or without."""

    def __init__(self, model, optimised=True):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        level = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
        source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
        self.session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self, inputs):
        return dict(zip(self.names, self.session.run(None, inputs)))


class OpenVino:
    """OpenVINO on the CPU in float32 arithmetic."""

    def __init__(self, path):
        import openvino

        core = openvino.Core()
        self.compiled = core.compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1})

    def run(self, inputs):
        result = self.compiled(inputs)
        # A port goes by the names of all values that OpenVINO found to be the same.
        return {name: numpy.array(result[port]) for port in self.compiled.outputs for name in port.names}


def largest_error(got, want):
    """Per sample (first axis): max |got - want|. A NaN or an infinity where the oracle has none counts as infinite."""
    assert got.shape == want.shape, f"shape is {got.shape}, expected {want.shape}"
    assert got.dtype == want.dtype, f"dtype is {got.dtype}, expected {want.dtype}"
    if want.ndim == 0:
        got, want = got[None], want[None]
    error = numpy.abs(got.astype(numpy.float64) - want.astype(numpy.float64)).reshape(len(want), -1)
    same = (got == want) | (numpy.isnan(got) & numpy.isnan(want)) if want.dtype.kind == "f" else got == want
    error[same.reshape(error.shape)] = 0
    return numpy.nan_to_num(error, nan=numpy.inf).max(axis=1, initial=0)


def assert_close(got, want, allowed, what):
    """`allowed`: the bound, one number or one per sample."""
    error = largest_error(got, want)
    over = error > allowed
    assert not over.any(), f"{what}: sample {over.argmax()}: max |error| is {error[over.argmax()]:.3g}, allowed {numpy.broadcast_to(allowed, error.shape)[over.argmax()]:.3g}"


def per_sample_max(array):
    return numpy.abs(array.reshape(len(array), -1)).max(axis=1)
