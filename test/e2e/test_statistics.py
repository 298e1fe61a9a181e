"""Reductions of whole maps, begun by the operation that writes the map: lathe-fuse-statistics."""

import json

import numpy
import pytest
from graphs import BATCHES, Graph, check_artifact, identifier
from harness import ROOT, compile_model, run_artifact
from lathe import Model

FUSED = "the map is reduced where it is written"


def description(folder):
    """A processor of AVX2 with a second cache level so small that every map is larger."""
    text = json.loads((ROOT / "compiler/target/cpu/x86-64-v3.json").read_text())
    text["numbers"]["l2_bytes"]["value"] = 1 << 13
    path = folder / "small.json"
    path.write_text(json.dumps(text))
    return path


def wide(graph, channels):
    window = (3,) * (len(graph.shape) - 1)
    return graph.conv("x", graph.shape[0], channels, window, pads=[1] * 2 * len(window))


def pointwise(graph, channels):
    return graph.conv("x", graph.shape[0], channels, (1,) * (len(graph.shape) - 1))


def strided(graph, channels):
    return graph.op("Relu", graph.conv("x", graph.shape[0], channels, (3, 3), pads=[1] * 4, strides=[2, 1]))


def depthwise(graph, channels):
    return graph.conv(pointwise(graph, channels), channels, channels, (3, 3), group=channels, pads=[1] * 4)


def transposed(graph, channels):
    weight = graph.normal(graph.shape[0], channels, 4, 4, scale=0.2)
    return graph.op("ConvTranspose", "x", weight, strides=[2, 2], pads=[1] * 4)


def residual(graph, channels):
    """The sum is computed in the convolution's store, and may be written in the place of its operand."""
    x = pointwise(graph, channels)
    return graph.op("Add", graph.conv(graph.op("Relu", x), channels, channels, (3, 3), pads=[1] * 4), x)


def pooled(graph, channels):
    return graph.op("MaxPool", pointwise(graph, channels), kernel_shape=[3, 3], pads=[1] * 4)


def instance_norm(graph, x, channels):
    return graph.op("InstanceNormalization", x, graph.normal(channels), graph.normal(channels))


def group_norm(graph, x, channels):
    """As PyTorch writes it: groups are the instances of a reshaped map."""
    groups = next(g for g in (4, 3, 2, 1) if channels % g == 0)
    y = graph.op("Reshape", x, graph.constant(numpy.array([0, groups, -1])))
    y = graph.op("InstanceNormalization", y, graph.constant(numpy.ones(groups, numpy.float32)), graph.constant(numpy.zeros(groups, numpy.float32)))
    y = graph.op("Reshape", y, graph.op("Shape", x))
    shape = (channels,) + (1,) * (len(graph.shape) - 1)
    y = graph.op("Add", graph.op("Mul", y, graph.normal(*shape)), graph.normal(*shape))
    return graph.op("Mul", y, graph.op("Sigmoid", y))


def gate(graph, x, channels):
    pool = graph.op("GlobalAveragePool", x)
    return graph.op("Mul", x, graph.op("Sigmoid", graph.conv(pool, channels, channels, (1,) * (len(graph.shape) - 1))))


def several(graph, x, channels):
    """Of one map: a mean, a maximum and a norm."""
    axes = list(range(2, len(graph.shape) + 1))
    mean, norm = graph.op("ReduceMean", x, axes=axes), graph.op("ReduceL2", x, axes=axes)
    return graph.op("Concat", mean, graph.op("GlobalMaxPool", x), norm, axis=1)


CASES = {}
SHAPES = [(1, (17, 33)), (58, (17, 33)), (7, (17, 33)), (3, (5, 9)), (17, (33, 34))]
for i, writer in enumerate([wide, pointwise, depthwise, transposed]):
    for j, reader in enumerate([instance_norm, group_norm, gate, several]):
        for channels, size in [SHAPES[(i + j) % 5], SHAPES[(i + j + 2) % 5]]:
            CASES[identifier(f"{writer.__name__} {reader.__name__} {channels} {size}")] = (writer, reader, channels, size)
for writer in [strided, residual, pooled]:
    CASES[identifier(f"{writer.__name__}")] = (writer, instance_norm, 40, (17, 33))
for writer in [wide, pointwise]:
    CASES[identifier(f"{writer.__name__} 1-D")] = (writer, instance_norm, 24, (999,))
    CASES[identifier(f"{writer.__name__} 3-D")] = (writer, group_norm, 24, (5, 9, 30))
    CASES[identifier(f"{writer.__name__} one pixel")] = (writer, gate, 24, (1, 1))


@pytest.mark.parametrize("name", CASES)
def test_right_with_any_number_of_threads(name, tmp_path):
    writer, reader, channels, size = CASES[name]
    graph = Graph((6, *size))
    model = graph.model(reader(graph, writer(graph, channels), channels))
    report = tmp_path / "report.txt"
    artifact = Model(compile_model(model, tmp_path / "m.so", f"--opt-report={report}", f"--target-description={description(tmp_path)}"))
    if numpy.prod(size) > 45:
        assert FUSED in report.read_text()
    check_artifact(artifact, graph, model, BATCHES, bound=2e-5)
    inputs = {"x": graph.input(3)}
    want = run_artifact(artifact, inputs)
    for threads in [2, 3]:
        for key, got in run_artifact(artifact, inputs, threads=threads).items():
            assert numpy.array_equal(got, want[key])


@pytest.mark.parametrize("mean, deviation", [(1e4, 1.0), (-300.0, 0.01), (0.0, 1e-3)])
def test_as_accurate_as_two_passes(mean, deviation, tmp_path):
    """Against statistics in double precision of what the convolution gave."""
    graph = Graph((8, 40, 50))
    y = graph.op("Conv", "x", graph.normal(8, 8, 1, 1, scale=deviation * 8**-0.5), graph.constant(numpy.full(8, mean, numpy.float32)))
    z = graph.op("InstanceNormalization", y, graph.constant(numpy.ones(8, numpy.float32)), graph.constant(numpy.zeros(8, numpy.float32)), epsilon=1e-12)
    model, errors = graph.model(y, z), []
    inputs = {"x": graph.input(2)}
    for flags in [[], ["--disable-pass=lathe-fuse-statistics"]]:
        got = run_artifact(Model(compile_model(model, tmp_path / f"{len(errors)}.so", f"--target-description={description(tmp_path)}", *flags)), inputs)
        map_ = got[y].astype(numpy.float64)
        want = (map_ - map_.mean((2, 3), keepdims=True)) / numpy.sqrt(map_.var((2, 3), keepdims=True) + 1e-12)
        errors.append(numpy.abs(got[z] - want).max())
    assert errors[0] <= 1.5 * errors[1] + 2e-6, errors


def test_a_block_of_a_diffusion_network(tmp_path):
    """GroupNorm, SiLU and a convolution, twice, and a sum: no reduction reads a whole map, and no map changes its layout."""
    graph = Graph((32, 32, 32))
    x = wide(graph, 64)
    y = graph.conv(group_norm(graph, x, 64), 64, 64, (3, 3), pads=[1] * 4)
    y = graph.op("Add", graph.conv(group_norm(graph, y, 64), 64, 64, (3, 3), pads=[1] * 4), x)
    model = graph.model(graph.conv(group_norm(graph, y, 64), 64, 3, (3, 3), pads=[1] * 4))
    report = tmp_path / "report.txt"
    artifact = Model(compile_model(model, tmp_path / "m.so", f"--opt-report={report}", f"--target-description={description(tmp_path)}"))
    assert report.read_text().count(FUSED) == 3
    check_artifact(artifact, graph, model, [1, 2], bound=5e-5)
