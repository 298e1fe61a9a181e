"""What precedes a pointwise convolution and cannot go into its producer, computed line by line by the convolution: lathe-fuse-prologue."""


import numpy
import pytest
from graphs import BATCHES, Graph, check_artifact, identifier
from harness import compile_model, description, run_artifact
from lathe import Model

LANES, FUSED = 8, "computed by the convolution that reads it"


def dense(graph, channels, filters):
    """As in DenseNet: the map is read again, as it is, so that its batch normalisation cannot go where it was computed."""
    a = graph.conv("x", graph.shape[0], channels, (3, 3), pads=[1, 1, 1, 1])
    b = graph.conv(graph.op("Relu", graph.batch_norm(a, channels)), channels, filters, (1, 1))
    c = graph.conv(b, filters, 16, (3, 3), pads=[1, 1, 1, 1])
    joined = graph.op("Concat", a, c, axis=1)
    return graph.conv(graph.op("Sigmoid", graph.batch_norm(joined, channels + 16)), channels + 16, 19, (1, 1), bias=False), 2


def gated(graph, channels, filters):
    """As in MobileNetV3: the gate is known when all of the map is. The sum is written in place."""
    a = graph.op("Relu", graph.conv("x", graph.shape[0], channels, (3, 3), pads=[1, 1, 1, 1]))
    gate = graph.op("Sigmoid", graph.conv(graph.op("GlobalAveragePool", a), channels, channels, (1, 1)))
    short = graph.conv("x", graph.shape[0], filters, (3, 3), pads=[1, 1, 1, 1])
    return graph.op("Relu", graph.op("Add", graph.conv(graph.op("Mul", a, gate), channels, filters, (1, 1)), short)), 1


def volume(graph, channels, filters):
    """The same in three dimensions."""
    a = graph.conv("x", graph.shape[0], channels, (3, 3, 3), pads=[1] * 6)
    b = graph.conv(graph.op("Relu", graph.batch_norm(a, channels)), channels, filters, (1, 1, 1))
    return graph.op("Concat", a, b, axis=1), 1


CASES = {}
for channels, filters in [(1, 3), (3, 64), (7, 17), (17, 58), (58, 7), (64, 130)]:
    for size in [(5, 9), (17, 33)]:
        CASES[identifier(f"dense c{channels} k{filters} {size}")] = (dense, channels, filters, size)
        CASES[identifier(f"gated c{channels} k{filters} {size}")] = (gated, channels, filters, size)
CASES["dense-3-D"] = (volume, 17, 24, (4, 5, 7))


@pytest.mark.parametrize("name", CASES)
def test_right_and_the_same_as_apart(name, tmp_path):
    build, channels, filters, size = CASES[name]
    graph = Graph((5, *size))
    output, prologues = build(graph, channels, filters)
    model = graph.model(output)
    # Half of the rows fit.
    blocks = -(-channels // LANES)
    flags = ["--no-winograd", f"--target-description={description(tmp_path, 4 * blocks * LANES * 4 * size[-1] * (size[-2] // 2))}"]
    report = tmp_path / "report.txt"
    together = Model(compile_model(model, tmp_path / "together.so", f"--opt-report={report}", *flags))
    assert 1 <= report.read_text().count(FUSED) <= prologues
    check_artifact(together, graph, model, BATCHES)
    apart = Model(compile_model(model, tmp_path / "apart.so", f"--opt-report={report}", "--disable-pass=lathe-fuse-prologue", *flags))
    assert FUSED not in report.read_text()
    inputs = {"x": graph.input(3)}
    for key, want in run_artifact(apart, inputs).items():
        for threads in [1, 2, 3]:
            assert numpy.array_equal(run_artifact(together, inputs, threads=threads)[key], want)


@pytest.mark.parametrize("level2, why", [(1 << 24, "stays in the near caches"), (1 << 10, "more than a part of the second cache level")])
def test_the_second_level_decides(level2, why, tmp_path):
    graph = Graph((5, 17, 33))
    output, _ = gated(graph, 17, 24)
    report = tmp_path / "report.txt"
    compile_model(graph.model(output), tmp_path / "m.so", f"--opt-report={report}", f"--target-description={description(tmp_path, level2)}")
    assert why in report.read_text() and FUSED not in report.read_text()
