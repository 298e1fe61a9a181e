"""Batches: how images and channel groups are nested, and how many images are computed at once, changes no bit of any of them."""

import numpy
import pytest
from graphs import Graph
from harness import Oracle, assert_close, compile_model, per_sample_max
from lathe import Context, Model

# Full tiles of images, what is left of them, and one more than a power of two.
BATCHES = (1, 2, 3, 5, 8, 17, 40)


def rows(graph):
    """Products of rows: weights that stay in the first level, that stay in the second and that stay in none; odd numbers of channels."""
    x = graph.op("Flatten", "x")
    for channels, filters in ((75, 1000), (1000, 777), (777, 58), (58, 17), (17, 3)):
        x = graph.op("Gemm", x, graph.normal(channels, filters, scale=channels**-0.5), graph.normal(filters))
        x = graph.op("Relu", x)
    return x


def residual_rows(graph):
    """A residual is read for each image."""
    x = graph.op("Flatten", "x")
    y = graph.op("MatMul", x, graph.normal(75, 600, scale=0.1))
    z = graph.op("MatMul", y, graph.normal(600, 600, scale=0.05))
    return graph.op("Add", z, y)


def pixels(graph):
    """Convolutions of one pixel, plain and blocked, with a gate and a stride that does not matter."""
    x = graph.op("GlobalAveragePool", graph.conv("x", 3, 300, (3, 3), pads=[1, 1, 1, 1]))
    x = graph.op("Relu", graph.conv(x, 300, 500, (1, 1), strides=[2, 2]))
    return graph.op("Sigmoid", graph.conv(x, 500, 130, (1, 1)))


def small_maps(graph):
    """Weights beyond the second level on maps of 5x5: groups outside of images, with 3x3 windows, strides and several groups."""
    x = graph.op("Relu", graph.conv("x", 3, 512, (3, 3), pads=[1, 1, 1, 1]))
    y = graph.op("Relu", graph.conv(x, 512, 512, (3, 3), pads=[1, 1, 1, 1]))
    y = graph.conv(y, 512, 516, (3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    return graph.conv(y, 516, 1032, (1, 1), group=2)


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v3",), ("--mcpu=x86-64-v2",)], ids=["native", "v3", "v2"])
@pytest.mark.parametrize("build", [rows, residual_rows, pixels, small_maps])
def test_place_in_the_batch(build, flags, tmp_path):
    graph = Graph((3, 5, 5))
    model = graph.model(build(graph))
    artifact = Model(compile_model(model, tmp_path / "m.so", *flags))
    oracle = Oracle(model)
    images = graph.input(max(BATCHES))
    single = Context(artifact, max_batch=1, threads=1)
    alone = [next(iter(single.run({"x": images[i : i + 1]}).values())) for i in range(len(images))]
    for batch in BATCHES:
        wanted = numpy.concatenate(alone[:batch])
        for threads in (1, 2, 7):
            (got,) = Context(artifact, max_batch=batch, threads=threads).run({"x": images[:batch]}).values()
            assert numpy.array_equal(got, wanted), f"batch {batch} with {threads} threads"
        (wanted,) = oracle.run({"x": images[:batch]}).values()
        assert_close(got, wanted, 1e-5 * per_sample_max(wanted), f"batch {batch}")
