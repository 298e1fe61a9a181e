"""Convolutions by Winograd's algorithm against ONNX Runtime: every rank, odd extents, clipped edges, epilogues; its own bound, and the strict one without it."""

import re

import numpy
import pytest
from graphs import BATCHES, Graph, check_artifact, identifier
from harness import Oracle, compile_model, run_artifact
from lathe import Model

BOUND = 1e-4  # of the largest output: docs/rationale/Winograd.md
CASES = {}


def case(name, channels, filters, size, kernel, **keywords):
    CASES[identifier(name)] = (channels, filters, size, kernel, keywords)


def network(channels, filters, size, kernel, residual=False, activation="Relu", **attributes):
    """The input is blocked by a pool before the convolution, as it is between convolutions."""
    graph = Graph((channels, *size), seed=channels * 1000 + filters)
    x = graph.op("MaxPool", "x", kernel_shape=[2] * len(size), pads=[1] * len(size) + [0] * len(size))
    y = graph.conv(x, channels, filters, kernel, **attributes)
    if residual:
        y = graph.op("Add", y, x)
    if activation:
        y = graph.op(activation, y)
    return graph, y


same3 = {"pads": [1, 1, 1, 1]}
for channels in [1, 3, 7, 17, 58, 64]:
    for filters in [17, 64]:
        case(f"3x3 c{channels} k{filters}", channels, filters, (17, 33), (3, 3), **same3)
for size in [(1, 1), (2, 3), (5, 9), (7, 7), (14, 14), (31, 4), (64, 65)]:
    case(f"3x3 of {size}", 32, 48, size, (3, 3), **same3)
    case(f"3x3 of {size}, residual", 32, 32, size, (3, 3), residual=True, **same3)
case("3x3 without padding", 32, 64, (17, 33), (3, 3))
case("3x3 with pads of its own each", 32, 64, (17, 33), (3, 3), pads=[0, 2, 1, 3])
case("3x3 with pads beyond the window", 32, 64, (9, 9), (3, 3), pads=[4, 5, 6, 4])
case("3x3 sigmoid", 32, 64, (17, 33), (3, 3), activation="Sigmoid", **same3)
case("3x3 without bias", 32, 64, (17, 33), (3, 3), bias=False, **same3)
case("5x5", 48, 64, (17, 33), (5, 5), pads=[2, 2, 2, 2])
case("2x2", 64, 64, (17, 33), (2, 2), pads=[1, 0, 0, 1])
case("4x4", 64, 64, (17, 33), (4, 4), pads=[1, 2, 1, 2])
case("1x3", 64, 64, (17, 33), (1, 3), pads=[0, 1, 0, 1])
case("3x1", 64, 64, (17, 33), (3, 1), pads=[1, 0, 1, 0])
case("1x5 and a residual", 64, 64, (5, 33), (1, 5), pads=[0, 2, 0, 2], residual=True)
case("1-D of 3", 64, 64, (129,), (3,), pads=[1, 1])
case("1-D of 5", 33, 64, (100,), (5,), pads=[2, 2])
case("3-D of 3x3x3", 32, 32, (6, 13, 14), (3, 3, 3), pads=[1] * 6, residual=True)
case("3-D of 1x3x3", 32, 64, (6, 13, 14), (1, 3, 3), pads=[0, 1, 1, 0, 1, 1])
case("3-D of 3x1x1", 32, 64, (9, 7, 7), (3, 1, 1), pads=[1, 0, 0, 1, 0, 0])

LAYER_BOUND = 2e-5  # of the largest output of one layer of such a size

# Where the cost model takes it; the others are computed that way when it is written at the operation.
CHOSEN = [identifier(name) for name in ("3x3 c58 k64", "3x3 c64 k64", "3x3 of (64, 65), residual", "5x5", "2x2", "1-D of 3", "3-D of 3x3x3")]


def tile_of(report):
    return re.findall(r"winograd F\(([^)]*)\)", report.read_text())


@pytest.mark.parametrize("name", CHOSEN)
def test_cost_model_chooses(name, tmp_path):
    channels, filters, size, kernel, keywords = CASES[name]
    graph, output = network(channels, filters, size, kernel, **keywords)
    model = graph.model(output)
    report = tmp_path / "report.txt"
    artifact = Model(compile_model(model, tmp_path / "w.so", f"--opt-report={report}"))
    assert tile_of(report)
    check_artifact(artifact, graph, model, BATCHES, bound=LAYER_BOUND)
    compile_model(model, tmp_path / "d.so", "--no-winograd", f"--opt-report={report}")
    assert not tile_of(report)


def compile_by_hand(model, folder, tiles, segments):
    """Writes the tile at the convolution in the IR, which is how the cost model's choice is overridden."""
    text = compile_model(model, folder / "m.mlir", "--compile-to=nn").read_text()
    tiling = f"tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = {list(segments)}, winograd = {list(tiles)}>"
    edited, count = re.subn(r"(nn\.conv .* attributes \{)", rf"\1{tiling}, ", text)
    assert count == 1
    (folder / "edited.mlir").write_text(edited)
    return compile_model(folder / "edited.mlir", folder / "w.so", "--compile-from=nn")


@pytest.mark.parametrize("m, segments", [(2, [2]), (4, [5, 4, 4]), (6, [3])])
@pytest.mark.parametrize("name", CASES)
def test_tiles(name, m, segments, tmp_path):
    channels, filters, size, kernel, keywords = CASES[name]
    tiles = [1 if r == 1 else max(1, min(m, 9 - r)) for r in kernel]
    graph, output = network(channels, filters, size, kernel, **keywords)
    model = graph.model(output)
    artifact = Model(compile_by_hand(model, tmp_path, tiles, segments))
    check_artifact(artifact, graph, model, BATCHES, bound=LAYER_BOUND * (2 if m == 6 else 1))


@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v2"])
def test_narrower_vectors(cpu, tmp_path):
    graph, output = network(58, 40, (17, 33), (3, 3), **same3)
    model = graph.model(output)
    report = tmp_path / "report.txt"
    artifact = Model(compile_model(model, tmp_path / "w.so", f"--mcpu={cpu}", f"--opt-report={report}"))
    assert tile_of(report)
    check_artifact(artifact, graph, model, bound=LAYER_BOUND)


def test_other_architecture_compiles(tmp_path):
    graph, output = network(58, 40, (17, 33), (3, 3), **same3)
    report = tmp_path / "report.txt"
    compile_model(graph.model(output), tmp_path / "w.o", "--mtriple=aarch64-linux-gnu", "--mcpu=neoverse-n1", "--emit=obj", f"--opt-report={report}")
    assert tile_of(report)


def test_bound_grows_with_nothing_that_is_likely(tmp_path):
    """Twelve layers one after the other, inputs of one sign: the error stays two orders below the bound."""
    graph = Graph((64, 28, 28), seed=5)
    x = graph.op("Abs", "x")
    for _ in range(12):
        x = graph.op("Relu", graph.conv(x, 64, 64, (3, 3), **same3))
    model = graph.model(x)
    artifact = Model(compile_model(model, tmp_path / "w.so"))
    inputs = {"x": graph.input(1)}
    want = Oracle(model, optimised=False).run(inputs)[x]
    error = numpy.abs(run_artifact(artifact, inputs)[x] - want).max() / numpy.abs(want).max()
    assert error <= BOUND / 5, f"{error:.1e} of the largest output"
