"""A generated graph of many nodes, as an architecture search would leave it: blocks of different kinds and widths, with residuals, concatenations,
splits and gates. Blocks repeat with other weights, as in real networks, but no two stages have the same widths."""

import numpy
from graphs import Graph


def many_nodes(nodes, seed=0):
    """A model of at least `nodes` nodes, most of them operations on images."""
    random = numpy.random.default_rng([11, seed])
    graph = Graph((3, 32, 32), seed)
    channels, size = 8, 32
    x = graph.op("Relu", graph.conv("x", 3, channels, (3, 3), pads=[1, 1, 1, 1]))
    since_stage = 0
    while graph.count < nodes - 4:
        kind = random.choice(["residual", "dense", "inverted", "gate", "branches", "pool"])
        since_stage += 1
        if since_stage > 24:  # another stage: other widths, or a smaller image
            since_stage = 0
            wider = int(random.integers(9, 40))
            stride = 2 if size > 8 and random.random() < 0.5 else 1
            x = graph.op("Relu", graph.conv(x, channels, wider, (3, 3), pads=[1, 1, 1, 1], strides=[stride, stride]))
            channels, size = wider, size // stride
        x, channels = globals()[kind](graph, x, channels)
        x = limit(graph, x)
        if channels > 64:  # a bottleneck
            x, channels = graph.op("Relu", graph.conv(x, channels, 24, (1, 1))), 24
    x = graph.op("Flatten", graph.op("GlobalAveragePool", x))
    graph.op("Gemm", x, graph.normal(channels, 10, scale=0.1), graph.normal(10))
    return graph


def limit(graph, x):
    """Long chains of residuals neither grow nor vanish."""
    return graph.op("Clip", x, graph.constant(numpy.float32(-4)), graph.constant(numpy.float32(4)))


def residual(graph, x, channels):
    y = graph.op("Relu", graph.conv(x, channels, channels, (3, 3), pads=[1, 1, 1, 1]))
    y = graph.batch_norm(graph.conv(y, channels, channels, (3, 3), pads=[1, 1, 1, 1]), channels)
    return graph.op("Relu", graph.op("Add", x, y)), channels


def dense(graph, x, channels):
    for _ in range(3):
        y = graph.op("Relu", graph.batch_norm(x, channels))
        y = graph.conv(y, channels, 8, (3, 3), pads=[1, 1, 1, 1])
        x, channels = graph.op("Concat", x, y, axis=1), channels + 8
    return x, channels


def inverted(graph, x, channels):
    y = graph.op("Relu", graph.conv(x, channels, 2 * channels, (1, 1)))
    y = graph.conv(y, 2 * channels, 2 * channels, (3, 3), pads=[1, 1, 1, 1], group=2 * channels)
    y = graph.op("Mul", y, graph.op("Sigmoid", y))
    return graph.op("Add", x, graph.conv(y, 2 * channels, channels, (1, 1))), channels


def gate(graph, x, channels):
    y = graph.op("GlobalAveragePool", x)
    y = graph.op("Relu", graph.conv(y, channels, 8, (1, 1)))
    y = graph.op("Sigmoid", graph.conv(y, 8, channels, (1, 1)))
    return graph.op("Mul", x, y), channels


def branches(graph, x, channels):
    parts = [graph.op("Relu", graph.conv(x, channels, 6 * (i + 1), (2 * i + 1, 2 * i + 1), pads=[i] * 4)) for i in range(3)]
    return graph.op("Concat", *parts, axis=1), 36


def pool(graph, x, channels):
    y = graph.op("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return graph.op("Add", graph.op("Tanh", x), y), channels
