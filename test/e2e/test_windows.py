"""Transposed convolutions, convolutions with computed weights, pools beside float32: one symbolic-batch artifact per case against ONNX Runtime."""

import numpy
import pytest
from graphs import BATCHES, Graph, check, identifier
from harness import Oracle, compile_model, run_artifact
from lathe import Model
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CASES = {}


def case(name, function, *arguments, **keywords):
    name = identifier(name)
    assert name not in CASES, name
    CASES[name] = lambda folder: function(folder, *arguments, **keywords)


def compare(model, folder, make, batches=BATCHES, tolerance=0.0):
    """Runs a model with any element types. Integers and maxima must be equal; `tolerance` is relative to the largest value."""
    artifact = Model(compile_model(model, folder / "m.so"))
    oracle = Oracle(model, optimised=False)
    for batch in batches:
        inputs = make(batch)
        want = oracle.run(inputs)
        got = run_artifact(artifact, inputs)
        for name, value in want.items():
            assert got[name].dtype == value.dtype and got[name].shape == value.shape
            bound = tolerance * numpy.abs(value.astype(numpy.float64)).max(initial=1)
            numpy.testing.assert_allclose(got[name].astype(numpy.float64), value.astype(numpy.float64), rtol=0, atol=bound, err_msg=f"batch {batch}, '{name}'")


def one_node(kind, inputs, outputs, opset=22, weights=(), **attributes):
    """A model of one node; inputs and outputs are {name: (type, shape)}, `weights` names initializers."""
    node = helper.make_node(kind, [*inputs, *[w.name for w in weights]], list(outputs), **attributes)
    infos = [[helper.make_tensor_value_info(name, *info) for name, info in values.items()] for values in (inputs, outputs)]
    graph = helper.make_graph([node], "g", *infos, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


# ConvTranspose


def transposed(folder, channels, filters, size, kernel, seed=0, bias=True, group=1, behind=(), before=None, **attributes):
    graph = Graph((channels, *size), seed)
    x = graph.op(before, "x") if before else "x"
    weight = graph.normal(channels, filters // group, *kernel, scale=(channels // group * numpy.prod(kernel)) ** -0.5)
    x = graph.op("ConvTranspose", x, weight, *([graph.normal(filters)] if bias else []), **({"group": group} if group > 1 else {}), **attributes)
    for kind in behind:
        if kind == "BatchNormalization":
            x = graph.batch_norm(x, filters)
        elif kind == "Add":
            x = graph.op("Add", x, x)
        elif kind == "Conv":
            x = graph.conv(x, filters, 7, (3,) * len(size), pads=[1] * 2 * len(size))
        else:
            x = graph.op(kind, x)
    check(graph, x, folder)


# The shapes of networks: stride 2 with windows of 4, 3 and 2; a window of a whole image; stride 1.
for channels, filters in [(7, 17), (64, 32), (3, 3)]:
    case(f"transposed k4 s2 p1 c{channels} f{filters}", transposed, channels, filters, (5, 9), (4, 4), strides=[2, 2], pads=[1, 1, 1, 1])
    case(f"transposed k3 s2 p1 op1 c{channels} f{filters}", transposed, channels, filters, (5, 9), (3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    case(f"transposed k2 s2 c{channels} f{filters}", transposed, channels, filters, (5, 9), (2, 2), strides=[2, 2])
case("transposed k4 of one pixel", transposed, 17, 64, (1, 1), (4, 4), bias=False)
case("transposed k3 s1 p1", transposed, 7, 17, (5, 9), (3, 3), pads=[1, 1, 1, 1])
for stride in [(1, 2), (3, 1), (3, 3), (5, 4)]:
    for dilation in [(1, 1), (2, 2), (3, 2), (4, 6)]:
        for kernel in [(1, 1), (3, 2), (5, 7)]:
            case(f"transposed k{kernel} s{stride} d{dilation}", transposed, 3, 17, (5, 3), kernel, bias=stride[0] != 3, strides=stride, dilations=dilation)
for index, pads in enumerate([[0, 1, 2, 0], [2, 0, 0, 1], [2, 2, 2, 2], [3, 4, 3, 4]]):
    case(f"transposed pads {index}", transposed, 7, 16, (5, 9), (5, 5), strides=[2, 3], pads=pads)
for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
    for kernel, stride in [((3, 3), 2), ((4, 2), 3), ((2, 2), 1)]:
        case(f"transposed {auto_pad} k{kernel} s{stride}", transposed, 3, 7, (5, 9), kernel, auto_pad=auto_pad, strides=[stride, stride])
case("transposed output_shape", transposed, 3, 7, (3, 3), (3, 3), strides=[3, 2], output_shape=[10, 8])
case("transposed output_shape crops", transposed, 3, 7, (5, 9), (4, 4), strides=[2, 2], output_shape=[9, 17])
for group, channels, filters in [(2, 8, 6), (17, 17, 17), (4, 64, 64), (3, 6, 9)]:
    case(f"transposed groups {group} c{channels} f{filters}", transposed, channels, filters, (5, 9), (4, 4), group=group, strides=[2, 2], pads=[1, 1, 1, 1])
case("transposed 1-D", transposed, 7, 17, (33,), (8,), strides=[4], pads=[2, 2])
case("transposed 1-D, more stride than window", transposed, 7, 17, (9,), (3,), strides=[5])
case("transposed 1-D, as many phases as a program takes", transposed, 3, 5, (4,), (100,), strides=[70])
case("transposed 3-D", transposed, 5, 17, (3, 4, 5), (3, 2, 4), strides=[2, 1, 2], pads=[1, 0, 1, 1, 0, 1])
case("transposed batch norm relu", transposed, 17, 33, (5, 9), (4, 4), bias=False, strides=[2, 2], pads=[1, 1, 1, 1], behind=["BatchNormalization", "Relu"])
case("transposed tanh", transposed, 64, 3, (5, 9), (4, 4), bias=False, strides=[2, 2], pads=[1, 1, 1, 1], before="Relu", behind=["Tanh"])
case("transposed added to itself, convolved", transposed, 17, 33, (5, 9), (3, 3), strides=[2, 2], behind=["Sigmoid", "Add", "Conv"])
case("transposed max pool", transposed, 16, 32, (5, 9), (3, 3), strides=[2, 2], behind=["GlobalMaxPool"])


def residual(folder):
    """The sum of a transposed convolution and its skip connection, and their concatenation."""
    graph = Graph((16, 10, 18))
    low = graph.op("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2])
    up = graph.op("ConvTranspose", low, graph.normal(16, 16, 2, 2, scale=0.1), strides=[2, 2])
    check(graph, graph.op("Relu", graph.op("Add", up, "x")), folder)


case("transposed residual", residual)


# Computed weights


def computed_weights(folder, kind, shape, weight_shape, bias, opset=17, **attributes):
    inputs = {"x": (TensorProto.FLOAT, ["N", *shape]), "w": (TensorProto.FLOAT, weight_shape)}
    filters = weight_shape[1] * attributes.get("group", 1) if kind == "ConvTranspose" else weight_shape[0]
    if bias:
        inputs["b"] = (TensorProto.FLOAT, [filters])
    model = one_node(kind, inputs, {"y": (TensorProto.FLOAT, None)}, opset, **attributes)
    random = numpy.random.default_rng(3)

    def make(batch):
        shapes = {"x": (batch, *shape), "w": weight_shape, "b": (filters,)}
        return {name: random.standard_normal(shapes[name], dtype=numpy.float32) for name in inputs}

    compare(model, folder, make, tolerance=5e-6)


for bias in [False, True]:
    case(f"conv computed {bias}", computed_weights, "Conv", (3, 5, 9), (7, 3, 3, 3), bias, pads=[1, 0, 2, 1], strides=[2, 1])
    case(f"conv computed groups {bias}", computed_weights, "Conv", (6, 5, 9), (4, 3, 2, 3), bias, group=2, dilations=[2, 3], pads=[1, 3, 0, 2])
    case(f"conv computed 1-D {bias}", computed_weights, "Conv", (3, 17), (5, 3, 4), bias, strides=[3], opset=1)
    case(f"transposed computed {bias}", computed_weights, "ConvTranspose", (4, 5, 3), (4, 3, 3, 4), bias, group=2, strides=[2, 3], pads=[1, 2, 0, 1])
for channels, filters, group in [(17, 17, 17), (58, 33, 1), (64, 64, 4), (48, 96, 3), (34, 17, 17), (128, 128, 32)]:
    case(f"conv computed groups {group} c{channels} f{filters}", computed_weights, "Conv", (channels, 5, 9), (filters, channels // group, 3, 3), True, group=group,
         pads=[1, 1, 1, 1])
case("conv computed 3-D", computed_weights, "Conv", (2, 3, 4, 5), (3, 2, 2, 2, 2), True, pads=[1, 1, 1, 0, 0, 0])


def normalised_weights(folder):
    """Weights of a norm each, behind a convolution and in front of an activation; and weights that are themselves an image."""
    graph = Graph((17, 9, 17))
    length = graph.op("Sqrt", graph.op("Abs", graph.normal(33, 1, 1, 1)))
    weight = graph.op("Mul", graph.normal(33, 20, 3, 3, scale=0.1), length)
    y = graph.op("Sigmoid", graph.conv("x", 17, 20, (1, 1)))
    y = graph.op("Relu", graph.op("Conv", y, weight, graph.normal(33), pads=[1, 1, 1, 1]))
    image = graph.op("Relu", graph.op("Conv", graph.normal(7, 20, 5, 5), graph.normal(33, 20, 3, 3, scale=0.1)))
    check(graph, graph.op("Conv", y, image, strides=[2, 2]), folder)


case("conv computed inside", normalised_weights)


def computed_bias(folder):
    weight = numpy_helper.from_array(numpy.random.default_rng(1).standard_normal((17, 3, 3, 3)).astype(numpy.float32), "w")
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["y"])]
    infos = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 5, 9]), helper.make_tensor_value_info("b", TensorProto.FLOAT, [17])]
    graph = helper.make_graph(nodes, "g", infos, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    random = numpy.random.default_rng(2)
    compare(model, folder, lambda n: {"x": random.standard_normal((n, 3, 5, 9), dtype=numpy.float32), "b": random.standard_normal(17, dtype=numpy.float32)},
            tolerance=5e-6)


case("conv computed bias only", computed_bias)


# Pools


def pool(folder, kind, shape, dtype=numpy.float32, indices=False, tolerance=0.0, opset=22, **attributes):
    element = helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype))
    outputs = {"y": (element, None)} | ({"i": (TensorProto.INT64, None)} if indices else {})
    model = one_node(kind, {"x": (element, ["N", *shape])}, outputs, opset, **attributes)
    random = numpy.random.default_rng(4)

    def make(batch):
        if numpy.issubdtype(dtype, numpy.integer):
            limits = numpy.iinfo(dtype)
            return {"x": random.integers(limits.min, limits.max, (batch, *shape), dtype, endpoint=True)}
        return {"x": (random.standard_normal((batch, *shape)) - 1).astype(dtype)}

    compare(model, folder, make, tolerance=tolerance)


WINDOWS = {
    "k3 s2 p1": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "k2 s3 ceil": {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1},
    "k3 s2 p0121 ceil": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 1, 2, 1], "ceil_mode": 1},
    "k32 upper": {"kernel_shape": [3, 2], "strides": [2, 1], "auto_pad": "SAME_UPPER"},
    "k23 lower": {"kernel_shape": [2, 3], "strides": [1, 2], "auto_pad": "SAME_LOWER"},
}
for name, window in WINDOWS.items():
    for dtype in [numpy.int8, numpy.uint8, numpy.float64]:
        case(f"max {dtype.__name__} {name}", pool, "MaxPool", (3, 9, 10), dtype, **window)
    case(f"max indices {name}", pool, "MaxPool", (17, 9, 10), indices=True, **window)
    case(f"max indices column-major {name}", pool, "MaxPool", (3, 9, 10), indices=True, storage_order=1, **window)
    case(f"max indices dilated {name}", pool, "MaxPool", (3, 9, 10), indices=True, dilations=[2, 3], **{k: v for k, v in window.items() if k != "auto_pad"})
    for power in [1, 2, 3]:
        case(f"lp{power} {name}", pool, "LpPool", (3, 9, 10), p=power, tolerance=2e-6, **window)
for kind in ["MaxPool", "AveragePool", "LpPool"]: # one window, larger than the image
    case(f"{kind} beyond the image", pool, kind, (3, 5, 4), kernel_shape=[6, 5], strides=[2, 3], ceil_mode=1, tolerance=2e-6)
case("max indices 1-D", pool, "MaxPool", (3, 17), indices=True, kernel_shape=[3], strides=[2])
case("max indices 3-D", pool, "MaxPool", (3, 4, 5, 6), indices=True, kernel_shape=[2, 3, 2], strides=[1, 2, 2])
case("max float16", pool, "MaxPool", (17, 9, 10), numpy.float16, kernel_shape=[3, 3], strides=[2, 2])
case("lp 1-D dilated", pool, "LpPool", (3, 17), kernel_shape=[3], dilations=[2], tolerance=2e-6)
for power in [1, 2, 5]:
    case(f"global lp{power}", pool, "GlobalLpPool", (3, 9, 10), opset=2, p=power, tolerance=2e-6)
case("global max of a large image", pool, "GlobalMaxPool", (3, 256, 250))
case("global average of a large image", pool, "GlobalAveragePool", (3, 256, 250), tolerance=2e-6)
case("global average 3-D", pool, "GlobalAveragePool", (17, 5, 6, 7), tolerance=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_window(name, tmp_path):
    CASES[name](tmp_path)


def test_double_mean(tmp_path):
    """ONNX Runtime has no double AveragePool; onnx's reference evaluator has."""
    x = numpy.random.default_rng(1).standard_normal((2, 3, 9, 10))
    for include in (0, 1):
        model = one_node("AveragePool", {"x": (TensorProto.DOUBLE, ["N", 3, 9, 10])}, {"y": (TensorProto.DOUBLE, None)}, kernel_shape=[3, 3], strides=[2, 2],
                         pads=[1, 0, 1, 1], count_include_pad=include)
        want = ReferenceEvaluator(model).run(None, {"x": x})[0]
        numpy.testing.assert_allclose(run_artifact(compile_model(model, tmp_path / f"m{include}.so"), {"x": x})["y"], want, rtol=0, atol=1e-15)


def test_double_conv(tmp_path):
    weight = numpy.random.default_rng(1).standard_normal((5, 3, 3, 3))
    model = one_node("Conv", {"x": (TensorProto.DOUBLE, ["N", 3, 9, 10])}, {"y": (TensorProto.DOUBLE, None)}, weights=[numpy_helper.from_array(weight, "w")],
                     pads=[1, 1, 1, 1])
    random = numpy.random.default_rng(2)
    artifact = compile_model(model, tmp_path / "m.so")
    for batch in BATCHES:
        x = random.standard_normal((batch, 3, 9, 10))
        want = ReferenceEvaluator(model).run(None, {"x": x})[0]
        numpy.testing.assert_allclose(run_artifact(artifact, {"x": x})["y"], want, rtol=0, atol=1e-13)


@pytest.mark.parametrize("indices", [False, True])
def test_max_of_special_values(indices, tmp_path):
    """A NaN in the window is its maximum, as in numpy; a window of -inf has -inf."""
    x = numpy.full((1, 1, 4, 4), -numpy.inf, numpy.float32)
    x[0, 0, 1, 1], x[0, 0, 0, 2], x[0, 0, 2, 0] = numpy.nan, numpy.inf, -0.0
    model = one_node("MaxPool", {"x": (TensorProto.FLOAT, ["N", 1, 4, 4])}, {"y": (TensorProto.FLOAT, None)} | ({"i": (TensorProto.INT64, None)} if indices else {}),
                     kernel_shape=[2, 2], strides=[2, 2])
    got = run_artifact(compile_model(model, tmp_path / "m.so"), {"x": x})
    numpy.testing.assert_array_equal(got["y"][0, 0], [[numpy.nan, numpy.inf], [0, -numpy.inf]])
    if indices:
        assert got["i"].reshape(-1).tolist() == [5, 2, 8, 10]
