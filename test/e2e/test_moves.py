"""Operators that move elements and compute nothing: each on plain input, between convolutions (so that values are blocked) and in all element types."""

import numpy
import pytest
from graphs import Graph, check, identifier
from harness import compile_model, run_artifact
from lathe import Model
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CASES = {}
OPSET = 21


def case(name):
    def register(function):
        key = identifier(name.replace("-", "minus "))
        assert key not in CASES, key
        CASES[key] = function
        return function
    return register


def ints(graph, *values):
    return graph.constant(numpy.array(values, numpy.int64))


def pointwise(graph, x, channels, filters):
    return graph.conv(x, channels, filters, (1, 1))


def spatial(graph, x, channels, filters):
    return graph.conv(x, channels, filters, (3, 3), pads=[1, 1, 1, 1])


def between(name, move, shape=(3, 9, 11), channels=48, after=None, opset=OPSET):
    """`move(graph, x)` on the network's input, and on the result of a convolution; there also in front of a convolution whose rows the cost model may
    merge, and one that the result's producer feeds beside it. `after` is the number of channels behind it."""
    @case(f"{name} plain")
    def _(folder):
        graph = Graph((channels, *shape[1:]), opset=opset)
        check(graph, move(graph, "x"), folder)

    @case(f"{name} behind a convolution")
    def _(folder):
        graph = Graph(shape, opset=opset)
        check(graph, graph.op("Relu", move(graph, pointwise(graph, "x", shape[0], channels))), folder)

    if after:
        @case(f"{name} between convolutions")
        def _(folder):
            graph = Graph(shape, opset=opset)
            x = pointwise(graph, "x", shape[0], channels)
            moved = move(graph, x)
            check(graph, [pointwise(graph, moved, after, 17), pointwise(graph, x, channels, 16), spatial(graph, moved, after, 16)], folder)


# Concat

def concat(channels, axis=1, opset=OPSET):
    name = f"concat {channels} axis {axis}"

    @case(f"{name} of convolutions")
    def _(folder):
        graph = Graph((7, 9, 11), opset=opset)
        parts = [graph.op("Relu", (pointwise if i % 2 else spatial)(graph, "x", 7, c)) for i, c in enumerate(channels)]
        joined = graph.op("Concat", *parts, axis=axis)
        total = sum(channels) if axis in (1, -3) else channels[0]
        check(graph, [pointwise(graph, joined, total, 17), graph.op("MaxPool", joined, kernel_shape=[2, 2])], folder)

    @case(f"{name} plain")
    def _(folder):
        graph = Graph((7, 9, 11), opset=opset)
        check(graph, graph.op("Concat", *["x"] * len(channels), axis=axis), folder)


for channels in [(16, 32), (64, 32, 16, 16), (32, 17), (17, 32), (58, 58), (1, 2, 3), (8, 8), (24, 24, 24)]:
    concat(channels)
for axis in [2, 3, -1, -2]:
    concat((17, 17, 17), axis)
concat((16, 16), -3)


@case("concat of a value with itself")
def _(folder):
    graph = Graph((7, 9, 11))
    y = pointwise(graph, "x", 7, 16)
    check(graph, graph.op("Concat", y, y, axis=1), folder)


@case("concat of input, weight and convolution")
def _(folder):
    graph = Graph((16, 9, 11), batch=2)
    y = pointwise(graph, "x", 16, 16)
    check(graph, spatial(graph, graph.op("Concat", y, "x", graph.normal(2, 5, 9, 11), axis=1), 37, 8), folder, batches=[2])


@case("concat whose parts are outputs")
def _(folder):
    graph = Graph((7, 9, 11))
    a, b = pointwise(graph, "x", 7, 16), spatial(graph, "x", 7, 32)
    check(graph, [graph.op("Concat", a, b, axis=1), b, graph.op("Concat", b, a, axis=1)], folder)


@pytest.mark.parametrize("growth", [32, 12])
def test_dense_block(growth, tmp_path):
    """DenseNet: each layer reads all results before it."""
    graph = Graph((3, 9, 11), opset=OPSET)
    values, channels = [spatial(graph, "x", 3, 2 * growth)], 2 * growth
    for layer in range(4):
        x = graph.op("Concat", *values, axis=1) if layer else values[0]
        x = pointwise(graph, graph.op("Relu", graph.batch_norm(x, channels)), channels, 48)
        values.append(spatial(graph, graph.op("Relu", graph.batch_norm(x, 48)), 48, growth))
        channels += growth
    check(graph, graph.op("GlobalAveragePool", graph.op("Concat", *values, axis=1)), tmp_path)


# Channel shuffle, as ShuffleNet does it: a transposition of a concatenation.

@pytest.mark.parametrize("channels", [58, 32, 3])
@pytest.mark.parametrize("groups", [2, 3])
def test_channel_shuffle(channels, groups, tmp_path):
    graph = Graph((7, 9, 11), opset=OPSET)
    x = graph.op("Concat", *[pointwise(graph, "x", 7, channels) for _ in range(groups)], axis=1)
    x = graph.op("Transpose", graph.op("Reshape", x, ints(graph, 0, groups, channels, 9, 11)), perm=[0, 2, 1, 3, 4])
    x = graph.op("Reshape", x, ints(graph, 0, -1, 9, 11))
    first = graph.op("Split", x, ints(graph, channels, channels * (groups - 1)), outputs=2, axis=1)
    check(graph, [pointwise(graph, first, channels, 16), spatial(graph, f"{first}_1", channels * (groups - 1), 16)], tmp_path)


# Slice, Split

def sliced(starts, ends, axes=None, steps=None):
    def move(graph, x):
        lists = [starts, ends] + ([axes or list(range(len(starts)))] if axes or steps else []) + ([steps] if steps else [])
        return graph.op("Slice", x, *[ints(graph, *values) for values in lists])
    return move


BIG = 2**63 - 1
for name, arguments, after in [
        ("channels aligned", ([16], [32], [1]), 16), ("channels to the end", ([32], [BIG], [1]), 16), ("channels within blocks", ([16], [27], [1]), 11),
        ("channels unaligned", ([5], [27], [1]), 22), ("channels backwards", ([-1], [-BIG], [1], [-1]), 48), ("every second channel", ([0], [BIG], [1], [2]), 24),
        ("rows", ([2], [-1], [2]), 48), ("columns", ([3], [BIG], [3]), 48), ("columns and rows", ([1, 2], [8, 9], [3, 2]), 48),
        ("every second row", ([0], [BIG], [2], [2]), 48), ("every third column", ([1], [BIG], [3], [3]), 48), ("rows backwards", ([-1], [-BIG], [-2], [-1]), 48),
        ("columns backwards", ([8], [1], [3], [-2]), 48), ("all of the batch", ([0, 16, 2], [BIG, 40, 7]), 24), ("one row", ([4], [5], [2]), 48)]:
    between(f"slice {name}", sliced(*arguments), after=after)
between("slice attributes", lambda graph, x: graph.op("Slice", x, starts=[16, 1], ends=[48, -1], axes=[1, 3]), after=32, opset=9)


@pytest.mark.parametrize("sizes", [(16, 32), (24, 24), (5, 16, 27)], ids=str)
@pytest.mark.parametrize("behind", [False, True])
def test_split(sizes, behind, tmp_path):
    graph = Graph((48, 9, 11), opset=OPSET)
    x = spatial(graph, "x", 48, 48) if behind else "x"
    first = graph.op("Split", x, ints(graph, *sizes), outputs=len(sizes), axis=1)
    names = [first] + [f"{first}_{i}" for i in range(1, len(sizes))]
    used = [graph.op("Relu", name) for name in names]
    check(graph, used + [pointwise(graph, names[-1], sizes[-1], 16)], tmp_path)


for axis, parts in [(1, 3), (2, 2), (3, 4)]:
    between(f"split into {parts} along {axis}", lambda graph, x, axis=axis, parts=parts: graph.op("Split", x, outputs=parts, axis=axis, num_outputs=parts))

# Pad

for mode in ["constant", "reflect", "edge", "wrap"]:
    for pads in [(0, 0, 1, 2, 0, 0, 3, 1), (0, 0, 0, 3, 0, 0, 0, 3), (0, 2, 0, 0, 0, 5, 0, 0), (0, 16, 1, 1, 0, 0, 1, 1), (0, 0, 8, 10, 0, 0, 8, 10)]:
        between(f"pad {mode} {pads}", lambda graph, x, mode=mode, pads=pads: graph.op("Pad", x, ints(graph, *pads), mode=mode), after=48 + pads[1] + pads[5])
between("pad value", lambda graph, x: graph.op("Pad", x, ints(graph, 0, 0, 1, 1, 0, 0, 1, 1), graph.constant(numpy.float32(-2.5))), after=48)
between("pad negative", lambda graph, x: graph.op("Pad", x, ints(graph, 0, -16, -1, 2, 0, 0, 1, -3)), after=32)
between("pad axes", lambda graph, x: graph.op("Pad", x, ints(graph, 1, 2, 3, 4), "", ints(graph, -1, 2)), after=48)
between("pad attributes", lambda graph, x: graph.op("Pad", x, pads=[0, 0, 1, 2, 0, 0, 3, 1], value=1.5), after=48, opset=10)


@pytest.mark.parametrize("channels", [16, 17])
def test_pad_of_concat(channels, tmp_path):
    """A pointwise convolution that may end up in the middle of a padded image, through a concatenation."""
    graph = Graph((7, 9, 11), opset=OPSET)
    parts = [pointwise(graph, "x", 7, channels) for _ in range(2)]
    padded = graph.op("Pad", graph.op("Concat", *parts, axis=1), ints(graph, 0, 0, 1, 1, 0, 0, 1, 1))
    check(graph, [spatial(graph, padded, 2 * channels, 16), pointwise(graph, parts[0], channels, 16)], tmp_path)


# Transpose, DepthToSpace, SpaceToDepth

for perm in [(0, 1, 3, 2), (0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 1, 3), (0, 3, 2, 1)]:
    between(f"transpose {perm}", lambda graph, x, perm=perm: graph.op("Transpose", x, perm=perm), after=48 if perm[1] == 1 else None)
between("transpose twice", lambda graph, x: graph.op("Transpose", graph.op("Transpose", x, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2]), after=48)
for mode in ["DCR", "CRD"]:
    between(f"depth to space {mode}", lambda graph, x, mode=mode: graph.op("DepthToSpace", x, blocksize=4, mode=mode), after=3)
between("space to depth", lambda graph, x: graph.op("SpaceToDepth", x, blocksize=2), shape=(3, 8, 6), after=192)

# Expand, Tile, CenterCropPad

between("tile", lambda graph, x: graph.op("Tile", x, ints(graph, 1, 2, 1, 3)), after=96)
between("tile columns", lambda graph, x: graph.op("Tile", x, ints(graph, 1, 1, 1, 2)), after=48)
between("expand", lambda graph, x: graph.op("Expand", graph.op("ReduceMean", x, ints(graph, 2)), ints(graph, 1, 1, 5, 1)), after=48)
between("crop and pad", lambda graph, x: graph.op("CenterCropPad", x, ints(graph, 33, 6, 16), axes=[1, 2, 3]), after=33)


@pytest.mark.parametrize("name", CASES)
def test_move(name, tmp_path):
    CASES[name](tmp_path)


# All element types, several ranks, and the dimension that elsewhere is the batch: exact.

TYPES = [numpy.float32, numpy.float16, numpy.float64, numpy.int8, numpy.int16, numpy.int32, numpy.int64, numpy.uint8, numpy.uint16, numpy.uint32, numpy.uint64, numpy.bool_]
MOVES = {
    "concat": (["x", "x"], "Concat", {"axis": 0}),
    "slice": (["x", [2, -1], [0, -5], [0, 2], [-1, -2]], "Slice", {}),
    "split": (["x", [1, 0, 2]], "Split", {"axis": 0}),
    "pad": (["x", [1, 3, 0, 2, 1, 2]], "Pad", {}),
    "reflect": (["x", [2, 1, 3, 0, 2, 3]], "Pad", {"mode": "reflect"}),
    "edge": (["x", [0, 1, 4, 1, 0, 0]], "Pad", {"mode": "edge"}),
    "wrap": (["x", [4, 0, 0, 0, 5, 1]], "Pad", {"mode": "wrap"}),
    "transpose": (["x"], "Transpose", {}),
    "batch moves": (["x"], "Transpose", {"perm": [1, 0, 2]}),
    "tile": (["x", [2, 1, 3]], "Tile", {}),
    "expand": (["x", [2, 3, 1, 1]], "Expand", {}),
    "empty slice": (["x", [1], [1]], "Slice", {}),
    "empty tile": (["x", [1, 0, 1]], "Tile", {}),
    "reshape": (["x", [5, 3, 4]], "Reshape", {}),
    "crop and pad": (["x", [5, 2, 5]], "CenterCropPad", {}),
}


@pytest.mark.parametrize("dtype", TYPES, ids=lambda t: numpy.dtype(t).name)
@pytest.mark.parametrize("name", MOVES)
def test_types(name, dtype, tmp_path):
    inputs, kind, attributes = MOVES[name]
    x = (numpy.arange(60).reshape(3, 4, 5) % 7 - 3).astype(dtype) if dtype != numpy.bool_ else numpy.arange(60).reshape(3, 4, 5) % 3 == 0
    constants = [numpy_helper.from_array(numpy.array(values, numpy.int64), f"c{i}") for i, values in enumerate(inputs) if values != "x"]
    names = ["x" if values == "x" else f"c{i}" for i, values in enumerate(inputs)]
    outputs = [f"y{i}" for i in range(3 if kind == "Split" else 1)]
    element = helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype))
    graph = helper.make_graph([helper.make_node(kind, names, outputs, **attributes)], "g", [helper.make_tensor_value_info("x", element, x.shape)],
                              [helper.make_tensor_value_info(y, element, None) for y in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    got = run_artifact(Model(compile_model(model, tmp_path / "m.so")), {"x": x})
    for y, want in zip(outputs, ReferenceEvaluator(model).run(None, {"x": x})):
        assert got[y].dtype == want.dtype and got[y].shape == want.shape
        assert numpy.array_equal(got[y], want)
