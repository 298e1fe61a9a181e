"""Weights beyond 2 GB: offsets and sizes are 64 bits wide everywhere. Writes 5 GB, so it runs with `./dev test --full` only."""

import os

import numpy
import onnx
import pytest
from harness import compile_model, run_artifact
from onnx import TensorProto, helper

ROWS, COLUMNS = 16384, 34816  # 2.28 GB of float32

pytestmark = pytest.mark.skipif(os.environ.get("LATHE_FULL") != "1", reason="writes 5 GB: only with ./dev test --full")


@pytest.mark.parametrize("where", ["embed", "file"])
def test_weights_beyond_2_gb(where, tmp_path):
    # Mostly zeros, which take no room in the file; what is not zero lies on both sides of 2^31 bytes, and at both ends.
    places = [(0, 0), (7, 3), (15423, 17), (15425, COLUMNS - 2), (ROWS - 1, COLUMNS - 1)]
    with open(tmp_path / "w.bin", "wb") as file:
        for i, (row, column) in enumerate(places):
            file.seek((row * COLUMNS + column) * 4)
            file.write(numpy.float32(i + 1.5).tobytes())
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[ROWS, COLUMNS], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="w.bin")
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "large", [info("x", TensorProto.FLOAT, ["N", ROWS])],
                              [info("y", TensorProto.FLOAT, ["N", COLUMNS])], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), tmp_path / "m.onnx")
    artifact = compile_model(tmp_path / "m.onnx", tmp_path / "m.so", f"--weights={where}")
    x = numpy.random.default_rng(1).standard_normal((2, ROWS), dtype=numpy.float32)
    want = numpy.zeros((2, COLUMNS), numpy.float32)
    for i, (row, column) in enumerate(places):
        want[:, column] += x[:, row] * numpy.float32(i + 1.5)
    (got,) = run_artifact(artifact, {"x": x}).values()
    assert numpy.array_equal(got, want)
