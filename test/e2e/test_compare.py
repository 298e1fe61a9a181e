"""lathe compare: what it says of networks that are right, and that it finds a fault, its step and its pass."""

import re
import subprocess
import sys

import numpy
import onnx
import pytest
from graphs import Graph
from harness import BUILD, ROOT, tool
from onnx import TensorProto, helper
from test_errors import one_line

ADDS = "arith.addf", "arith.subf"  # the fault of these tests: a bias or a residual that is subtracted


def small():
    """conv + bias + relu, conv + residual + relu, depthwise, pool, global pool, gemm; 19 channels, so that lanes are left over."""
    graph = Graph((5, 9, 13), seed=3)
    first = graph.op("Relu", graph.conv("x", 5, 19, (3, 3), pads=[1, 1, 1, 1]))
    second = graph.op("Relu", graph.op("Add", graph.conv(first, 19, 19, (3, 3), bias=False, pads=[1, 1, 1, 1]), first))
    pooled = graph.op("MaxPool", graph.conv(second, 19, 19, (3, 3), group=19), kernel_shape=[2, 2], strides=[2, 2])
    flat = graph.op("Flatten", graph.op("GlobalAveragePool", graph.op("Sigmoid", pooled)))
    return graph.model(graph.op("Gemm", flat, graph.normal(10, 19), graph.normal(10), transB=1))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "small.onnx"
    onnx.save(small(), path)
    return path


@pytest.mark.parametrize("flags", [[], ["-O0"], ["--mcpu=x86-64-v3"], ["--shapes=x:3x5x9x13"]], ids=str)
def test_every_fused_step_is_compared_and_right(model, flags):
    done = tool("lathe", "compare", model, "--all", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    # By names: the last node of each step is an ONNX node whose tensor was compared; all nodes that compute are in one.
    for node in onnx.load(model).graph.node:
        if node.op_type not in ("Flatten",):
            assert re.search(rf"\b{node.name}\b", done.stdout), f"{node.name} is in no row of\n{done.stdout}"
    assert "hold no tensor" not in done.stdout and "output" in done.stdout
    if not flags:
        assert "conv_3 + add_4 + relu_5" in done.stdout


def test_other_types_and_sizes_that_the_run_finds(tmp_path):
    assert tool("lathe", "compare", ROOT / "test" / "digits" / "digits_cnn_int8_qdq.onnx").returncode == 0
    nodes = [helper.make_node("Relu", ["x"], ["r"], name="cut"), helper.make_node("NonZero", ["r"], ["y"], name="places")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 5])],
                              [helper.make_tensor_value_info("y", TensorProto.INT64, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    done = tool("lathe", "compare", tmp_path / "m.onnx")
    assert done.returncode == 0 and "output 'y' fits: max abs 0.00e+00" in done.stdout, done.stdout + done.stderr


def test_input_files_and_bad_ones(model, tmp_path):
    numpy.save(tmp_path / "x.npy", numpy.random.default_rng(0).standard_normal((2, 5, 9, 13), dtype=numpy.float32))
    numpy.save(tmp_path / "wrong.npy", numpy.zeros((2, 5, 9, 12), numpy.float32))
    numpy.save(tmp_path / "double.npy", numpy.zeros((2, 5, 9, 13)))
    assert tool("lathe", "compare", model, f"--input=x:@{tmp_path / 'x.npy'}").returncode == 0
    one_line(tool("lathe", "compare", model, f"--input=x:@{tmp_path / 'wrong.npy'}"), 3, "'x'", "2x5x9x12", "Nx5x9x13")
    one_line(tool("lathe", "compare", model, f"--input=x:@{tmp_path / 'double.npy'}"), 3, "'x'", "float64", "float32")
    one_line(tool("lathe", "compare", model, f"--input=x:@{tmp_path / 'none.npy'}"), 3, "none.npy")
    one_line(tool("lathe", "compare", model, f"--input=y:@{tmp_path / 'x.npy'}"), 3, "'y'", "'x'")
    one_line(tool("lathe", "compare", model, "--input=x"), 1, "NAME:@FILE")
    one_line(tool("lathe", "compare", tmp_path / "none.onnx"), 3, "none.onnx")
    one_line(tool("lathe", "compare", model, "--compile-to=nn"), 1, "--compile-to")
    one_line(tool("lathe", "compare", model, "--bisect", "--disable-pass=cse"), 1, "--disable-pass")
    one_line(tool("lathe", "compare", model, "--disable-passs=cse"), 1, "--disable-passs", "did you mean '--disable-pass'")


def test_packages_that_are_missing_are_named(model, tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError(name='numpy')\n")
    done = subprocess.run([sys.executable, BUILD / "bin" / "lathe-compare", model], capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)})
    one_line(done, 1, "'numpy'", "pip install")


@pytest.mark.parametrize("phase, occurrence, step", [("nn", 0, "conv_1 + relu_2"), ("nn", 1, "conv_3 + add_4 + relu_5"), ("linalg", 1, "conv_3 + add_4 + relu_5")])
def test_the_step_with_a_fault_is_the_first_that_diverges(model, tmp_path, phase, occurrence, step):
    done = tool("lathe", "compile", model, f"--compile-to={phase}", "-o", tmp_path / "right.mlir")
    assert done.returncode == 0, done.stderr
    parts = (tmp_path / "right.mlir").read_text().split(ADDS[0])
    (tmp_path / "wrong.mlir").write_text(ADDS[0].join(parts[: occurrence + 1]) + ADDS[1] + ADDS[0].join(parts[occurrence + 1 :]))
    assert tool("lathe", "compare", model, f"--ir={phase}:{tmp_path / 'right.mlir'}").returncode == 0
    done = tool("lathe", "compare", model, f"--ir={phase}:{tmp_path / 'wrong.mlir'}")
    assert done.returncode == 7, done.stdout + done.stderr
    marked = [line for line in done.stdout.splitlines() if "<--" in line]
    assert len(marked) == 1 and f"  {step}  <-- the first that diverges" in marked[0], done.stdout  # later steps are right about what they were given
    assert "DIFFERS" in done.stdout


# A compiler with a fault in one pass, as a user of it meets it: what it makes with that pass is wrong, without the pass it is right.
FAULTY = """#!{python}
import os, subprocess, sys
arguments = sys.argv[1:]
without = next((a.split("=")[1].split(",") for a in arguments if a.startswith("--disable-pass=")), [])
if {guilty!r} and {guilty!r} in without or without == ["help"]:
    os.execv({compiler!r}, [{compiler!r}, *arguments])
ir = {folder!r} + "/faulty.mlir"
keep = [a for a in arguments if a.startswith("--disable-pass=")]
subprocess.run([{compiler!r}, arguments[0], *keep, "--compile-to=linalg", "-o", ir], check=True)
text = open(ir).read()
open(ir, "w").write(text.replace("arith.addf", "arith.subf", 1))
os.execv({compiler!r}, [{compiler!r}, ir, "--compile-from=linalg", *(a for a in arguments[1:] if a not in keep)])
"""
RUN = "import sys; sys.path.insert(0, sys.argv[1]); from command import main; sys.exit(main(sys.argv[4:], sys.argv[2], sys.argv[3]))"


@pytest.mark.parametrize("guilty", ["nn-fuse-epilogue", ""])
def test_bisection_names_the_guilty_pass(model, tmp_path, guilty):
    compiler = tmp_path / "lathe-compile"
    compiler.write_text(FAULTY.format(python=sys.executable, guilty=guilty, compiler=str(BUILD / "bin" / "lathe-compile"), folder=str(tmp_path)))
    compiler.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", RUN, ROOT / "tools" / "lathe-compare", compiler, BUILD / "lib" / "liblathe_runtime.so", model, "--bisect"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done.stdout + done.stderr
    assert f"guilty: {guilty or 'no optional pass'}" in done.stdout, done.stdout
    if guilty:
        assert done.stdout.count(": right") == 1 and f"without {guilty}: right" in done.stdout
    else:
        assert "without all of them: still wrong" in done.stdout


def test_bisection_does_nothing_for_a_network_that_is_right(model):
    done = tool("lathe", "compare", model, "--bisect")
    assert done.returncode == 0 and "bisection" not in done.stdout
