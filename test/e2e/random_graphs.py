"""The generator of random networks: layers that are drawn one after the other, each from what came before.

A layer is a function of (State) that adds nodes and says what the value is now; LAYERS holds all of them with how often each is drawn. A new operator
needs one function here, and is then tried beside all the others."""

from dataclasses import dataclass, field

import numpy
from graphs import Graph

CHANNELS = (1, 3, 7, 16, 17, 32, 58)
LARGEST = 1 << 15  # elements of a value, per sample


@dataclass
class State:
    graph: Graph
    random: numpy.random.Generator
    y: str
    channels: int
    size: list
    outputs: list = field(default_factory=list)

    def op(self, kind, *inputs, **attributes):
        return self.graph.op(kind, *inputs, **attributes)

    def choose(self, values, count=None):
        picked = self.random.choice(values, count)
        return picked.tolist() if count else picked.item()

    def become(self, y, channels=None, size=None):
        self.y, self.channels, self.size = y, channels or self.channels, list(size or self.size)


LAYERS = {}


def layer(weight):
    def add(function):
        LAYERS[function] = weight
        return function

    return add


def window(state, kernel):
    """Random strides, dilations and pads, and the size that they give, or None if nothing is left."""
    strides, dilations = state.choose([1, 1, 2], 2), state.choose([1, 1, 2], 2)
    pads = [int(state.random.integers(0, d * (k - 1) + 1)) for _ in range(2) for k, d in zip(kernel, dilations)]
    out = [(n + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i, n in enumerate(state.size)]
    return {"strides": strides, "dilations": dilations, "pads": pads}, out if min(out) >= 1 else None


def convolve(state, kernel, filters, group=1):
    attributes, size = window(state, kernel)
    if not size or filters * size[0] * size[1] > LARGEST:
        return
    y = state.graph.conv(state.y, state.channels, filters, kernel, bool(state.random.integers(2)), group, **attributes)
    state.become(y, filters, size)
    if state.random.integers(2):
        batch_norm(state)
    if state.random.integers(2):
        state.become(state.op("Relu", state.y))


@layer(3)
def convolution(state):
    convolve(state, state.choose([1, 2, 3, 5], 2), state.choose(CHANNELS))


@layer(1)
def pointwise(state):
    convolve(state, (1, 1), state.choose(CHANNELS))


@layer(1)
def grouped(state):
    group = state.choose([g for g in range(1, state.channels + 1) if state.channels % g == 0])
    convolve(state, state.choose([1, 2, 3, 5], 2), group * int(state.random.integers(1, 4)), group)


@layer(1)
def depthwise(state):
    convolve(state, (3, 3), state.channels, state.channels)


@layer(1)
def pool(state):
    if min(state.size) >= 2:
        y = state.op(state.choose(["MaxPool", "AveragePool"]), state.y, kernel_shape=[2, 2], strides=[2, 2])
        state.become(y, size=[n // 2 for n in state.size])


@layer(1)
def batch_norm(state):
    state.become(state.graph.batch_norm(state.y, state.channels))


@layer(1)
def residual(state):
    branch = state.graph.conv(state.y, state.channels, state.channels, (3, 3), pads=[1, 1, 1, 1])
    if state.random.integers(2):
        branch = state.graph.conv(state.op("Relu", branch), state.channels, state.channels, (1, 1))
    state.become(state.op("Add", *(state.random.permutation([state.y, branch]).tolist())))
    if state.random.integers(2):
        state.become(state.op("Relu", state.y))


@layer(1)
def scale(state):
    state.become(state.op(state.choose(["Add", "Sub", "Mul"]), state.y, state.graph.normal(state.channels, 1, 1)))


@layer(1)
def activation(state):
    state.become(state.op(state.choose(["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "HardSigmoid", "Elu", "Softplus", "Abs", "Neg"]), state.y))


@layer(1)
def twice_read(state):
    """An elementwise value that two nodes read, in an order that is drawn."""
    shared = state.op("Relu", state.y)
    other = state.op(state.choose(["Sigmoid", "Neg", "Abs"]), shared)
    state.become(state.op(state.choose(["Add", "Sub", "Mul", "Min", "Max"]), *(state.random.permutation([shared, other]).tolist())))


@layer(1)
def squeeze_and_excite(state):
    inner = state.op("Relu", state.graph.conv(state.op("GlobalAveragePool", state.y), state.channels, 4, (1, 1)))
    gate = state.op(state.choose(["Sigmoid", "HardSigmoid"]), state.graph.conv(inner, 4, state.channels, (1, 1)))
    state.become(state.op("Mul", state.y, gate))


@layer(1)
def concatenate(state):
    branch = state.graph.conv(state.y, state.channels, 5, (1, 1))
    parts = state.random.permutation([state.y, state.op("Relu", branch)]).tolist()
    if state.channels + 5 <= 64:
        state.become(state.op("Concat", *parts, axis=1), state.channels + 5)


@layer(1)
def split_and_join(state):
    """Parts of the channels, one of them changed, in another order."""
    if state.channels < 2:
        return
    cut = int(state.random.integers(1, state.channels))
    bounds = [state.graph.constant(numpy.array([n], numpy.int64)) for n in (0, cut, state.channels, 1)]
    low, high = (state.op("Slice", state.y, bounds[k], bounds[k + 1], bounds[3]) for k in (0, 1))
    state.become(state.op("Concat", state.op("Relu", high), low, axis=1))


@layer(1)
def shuffle(state):
    groups = state.choose([g for g in range(1, state.channels + 1) if state.channels % g == 0])
    shape = [0, groups, state.channels // groups, *state.size]
    y = state.op("Reshape", state.y, state.graph.constant(numpy.array(shape, numpy.int64)))
    y = state.op("Transpose", y, perm=[0, 2, 1, 3, 4])
    state.become(state.op("Reshape", y, state.graph.constant(numpy.array([0, state.channels, *state.size], numpy.int64))))


@layer(1)
def turn(state):
    state.become(state.op("Transpose", state.y, perm=[0, 1, 3, 2]), size=state.size[::-1])


@layer(1)
def pad(state):
    begin_end = [int(n) for n in state.random.integers(0, 2, 4)]
    pads = state.graph.constant(numpy.array([0, 0, *begin_end[:2], 0, 0, *begin_end[2:]], numpy.int64))
    mode = state.choose(["constant", "edge"] + ["reflect"] * (min(state.size) > 1))
    state.become(state.op("Pad", state.y, pads, mode=mode), size=[n + begin_end[i] + begin_end[i + 2] for i, n in enumerate(state.size)])


@layer(1)
def upsample(state):
    if state.channels * 4 * state.size[0] * state.size[1] > LARGEST:
        return
    scales = state.graph.constant(numpy.array([1, 1, 2, 2], numpy.float32))
    mode = state.choose(["nearest", "linear"])
    attributes = {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"} if mode == "nearest" else {}
    state.become(state.op("Resize", state.y, "", scales, mode=mode, **attributes), size=[2 * n for n in state.size])


@layer(1)
def transposed_convolution(state):
    filters = state.choose(CHANNELS)
    size = [2 * n for n in state.size]
    if filters * size[0] * size[1] > LARGEST:
        return
    weight = state.graph.normal(state.channels, filters, 2, 2, scale=state.channels ** -0.5)
    state.become(state.op("ConvTranspose", state.y, weight, strides=[2, 2]), filters, size)


@layer(1)
def softmax(state):
    state.become(state.op("Softmax", state.y, axis=state.choose([1, 2, 3])))


@layer(1)
def instance_norm(state):
    if min(state.size) > 1:  # else the variance is nothing but rounding
        state.become(state.op("InstanceNormalization", state.y, state.graph.normal(state.channels), state.graph.normal(state.channels), epsilon=0.1))


@layer(1)
def subtract_mean(state):
    axes = [[1], [3], [2, 3]][state.random.integers(3)]
    state.become(state.op("Sub", state.y, state.op("ReduceMean", state.y, axes=axes)))


@layer(0.5)
def extra_output(state):
    state.outputs.append(state.y)


def network(seed):
    """A graph and the names of its outputs."""
    random = numpy.random.default_rng([60, seed])
    channels, size = int(random.choice(CHANNELS)), [int(n) for n in random.choice([1, 5, 9, 17, 33], 2)]
    graph = Graph((channels, *size), seed)
    state = State(graph, random, "x", channels, size)
    state.become(state.op("Relu", "x"))
    weights = numpy.array(list(LAYERS.values()), float)
    for index in random.choice(len(LAYERS), int(random.integers(2, 9)), p=weights / weights.sum()):
        list(LAYERS)[index](state)
    if random.integers(2):
        y = state.op("Flatten", state.op("GlobalAveragePool", state.y))
        state.become(state.op("Gemm", y, graph.normal(10, state.channels), graph.normal(10), transB=1))
    return graph, list(dict.fromkeys([*state.outputs, state.y]))
