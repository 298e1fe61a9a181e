"""Runs a test file of this folder, which is Python: it makes models in a fresh folder, or checks what import-test says of them.

Usage: models.py TEST FOLDER. The test sees the functions below; `save` puts a model where a RUN line finds it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
folder = Path(sys.argv[2])
checked = 0


def node(op, inputs, outputs="y", name=None, **attributes):
    """Inputs and outputs are blank-separated names; '-' is an absent input."""
    names = lambda text: ["" if one == "-" else one for one in text.split()]
    return helper.make_node(op, names(inputs), names(outputs), name="n" if name is None else name, **attributes)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def floats(*shape):
    """Distinct values, so that no tensor is a splat."""
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def ints(*values):
    return np.array(values, np.int64)


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes, x=("N", 3, 8, 8), weights=None, inputs=None, outputs="y", opset=17, **keywords):
    """A model of one input 'x' (or of `inputs`); outputs are names without a declared shape, or value infos."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    inputs = [value("x", x)] if inputs is None else inputs
    outputs = [value(one, None) for one in outputs.split()] if isinstance(outputs, str) else outputs
    weights = [one if isinstance(one, TensorProto) else tensor(name, one) for name, one in (weights or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **keywords)


def save(name, made):
    path = folder / f"{name}.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return path


def run(made, *flags):
    path = made if isinstance(made, Path) else save("model", made)
    return subprocess.run(["import-test", path, *flags], capture_output=True, text=True, timeout=60)


def error(code, lines, made, *flags):
    """import-test says exactly these lines (PATH stands for the model's path) and ends with this code."""
    global checked
    checked += 1
    done = run(made, *flags)
    want = [lines] if isinstance(lines, str) else lines
    path = str(made if isinstance(made, Path) else folder / "model.onnx")
    got = [line.replace(path, "PATH") for line in done.stderr.splitlines()]
    assert got == want and done.returncode == code and not done.stdout, f"expected {code} {want}\ngot      {done.returncode} {got}\n{done.stdout}"


def result_types(made, *flags):
    """The result types of @main: lists of dimensions, None for the batch."""
    done = run(made, *flags)
    assert done.returncode == 0, done.stderr
    results = re.search(r"^  func\.func @main\(.*?\) -> (.*) \{$", done.stdout, re.MULTILINE).group(1)
    return [[None if d == "?" else int(d) for d in dims.split("x")[:-1]] for dims in re.findall(r"tensor<([^>]*)>", results)]


if __name__ == "__main__":
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    exec(compile(Path(sys.argv[1]).read_text(), sys.argv[1], "exec"), globals())
    if checked:
        print(f"{checked} errors checked")
