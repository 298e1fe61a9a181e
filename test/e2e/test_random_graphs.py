"""Small random residual networks, seeded: what fuses with what, in shapes that nobody chose."""

import numpy
import pytest
from graphs import Graph, check

CHANNELS = (1, 3, 7, 16, 17, 32, 58)


def layer(graph, random, y, channels, size):
    """One random layer on y (channels × size). Returns (y, channels, size)."""
    kind = random.choice(["conv", "conv", "conv", "pointwise", "grouped", "pool", "norm", "residual", "scale"])
    if kind in ("conv", "pointwise", "grouped"):
        kernel = (1, 1) if kind == "pointwise" else tuple(int(k) for k in random.choice([1, 2, 3, 5], 2))
        filters, group = int(random.choice(CHANNELS)), 1
        if kind == "grouped":
            group = int(random.choice([g for g in range(1, channels + 1) if channels % g == 0]))
            filters = group * int(random.integers(1, 4))
        strides = [int(s) for s in random.choice([1, 1, 2], 2)]
        dilations = [int(d) for d in random.choice([1, 1, 2], 2)]
        pads = [int(random.integers(0, d * (k - 1) + 1)) for _ in range(2) for k, d in zip(kernel, dilations)]
        out = [(n + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i, n in enumerate(size)]
        if min(out) < 1:
            return y, channels, size
        y = graph.conv(y, channels, filters, kernel, bool(random.integers(2)), group, strides=strides, dilations=dilations, pads=pads)
        channels, size = filters, out
        if random.integers(2):
            y = graph.batch_norm(y, channels)
        if random.integers(2):
            y = graph.op("Relu", y)
    elif kind == "pool" and min(size) >= 2:
        pool = random.choice(["MaxPool", "AveragePool"])
        y = graph.op(pool, y, kernel_shape=[2, 2], strides=[2, 2])
        size = [n // 2 for n in size]
    elif kind == "norm":
        y = graph.batch_norm(y, channels)
    elif kind == "residual":
        branch = graph.conv(y, channels, channels, (3, 3), pads=[1, 1, 1, 1])
        if random.integers(2):
            branch = graph.conv(graph.op("Relu", branch), channels, channels, (1, 1))
        y = graph.op("Add", *(random.permutation([y, branch]).tolist()))
        if random.integers(2):
            y = graph.op("Relu", y)
    elif kind == "scale":
        y = graph.op(str(random.choice(["Add", "Sub", "Mul"])), y, graph.normal(channels, 1, 1))
    return y, channels, size


def network(seed):
    random = numpy.random.default_rng([60, seed])
    channels, size = int(random.choice(CHANNELS)), [int(n) for n in random.choice([1, 5, 9, 17, 33], 2)]
    graph = Graph((channels, *size), seed)
    y, outputs = graph.op("Relu", "x"), []
    for _ in range(int(random.integers(2, 9))):
        y, channels, size = layer(graph, random, y, channels, size)
        if random.random() < 0.1:
            outputs.append(y)
    if random.integers(2):
        y = graph.op("Flatten", graph.op("GlobalAveragePool", y))
        y = graph.op("Gemm", y, graph.normal(10, channels), graph.normal(10), transB=1)
    return graph, list(dict.fromkeys([*outputs, y]))


@pytest.mark.parametrize("seed", range(60))
def test_random_graph(seed, tmp_path):
    check(*network(seed), tmp_path)


@pytest.mark.parametrize("flag", ["-O0", "--mcpu=x86-64-v3", "--shapes=x:2"])
@pytest.mark.parametrize("seed", range(6))
def test_random_graph_compiled_otherwise(seed, flag, tmp_path):
    graph, outputs = network(seed)
    if flag.startswith("--shapes"):  # a fixed batch
        check(graph, outputs, tmp_path, batches=[2], flags=["x".join([flag, *map(str, graph.shape)])])
    else:
        check(graph, outputs, tmp_path, flags=[flag])
