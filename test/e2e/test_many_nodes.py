"""Graphs of many nodes: no part of the compiler takes more than its share, and the numbers stay right. 5,000 nodes run with `./dev test --full` only."""

import os

import numpy
import onnx
import pytest
from harness import Oracle, assert_close, per_sample_max, run_artifact, tool
from many_nodes import many_nodes

FULL = pytest.mark.skipif(os.environ.get("LATHE_FULL") != "1", reason="takes minutes on a busy machine: only with ./dev test --full")


@pytest.mark.parametrize("nodes", [300, pytest.param(5000, marks=FULL)])
def test_many_nodes(nodes, tmp_path):
    graph = many_nodes(nodes)
    model = graph.model(f"t{graph.count}")
    assert len(model.graph.node) >= nodes - 10
    onnx.save(model, tmp_path / "m.onnx")
    done = tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", timeout=900)
    assert done.returncode == 0, done.stderr
    x = graph.input(2)
    (got,) = run_artifact(tmp_path / "m.so", {"x": x}).values()
    (want,) = Oracle(model, optimised=False).run({"x": x}).values()
    assert numpy.isfinite(want).all() and per_sample_max(want).min() > 1e-3, "the graph tells nothing"
    assert_close(got, want, 1e-3 * per_sample_max(want), f"{nodes} nodes")
