"""Quantised operators against ONNX Runtime and the onnx package's reference evaluator, and a quantised network on real data."""

import numpy
import onnx
import pytest
from harness import ROOT, Oracle, compile_model, run_artifact
from onnx import TensorProto, helper
from test_types import Typed, compare

RANGES = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767)}


def spread(shape, seed=0, scale=3.0):
    return (numpy.random.default_rng(seed).standard_normal(shape) * scale).astype(numpy.float32)


def bytes_of(dtype, shape, seed=0):
    low, high = RANGES[dtype]
    return numpy.random.default_rng(seed).integers(low, high + 1, shape).astype(dtype)


# QuantizeLinear, DequantizeLinear

@pytest.mark.parametrize("source", ["float32", "float16"])
@pytest.mark.parametrize("dtype", RANGES)
def test_per_tensor(dtype, source, tmp_path):
    """Halves to the even number, saturation at both ends, with a zero point and without; there and back."""
    low, high = RANGES[dtype]
    graph = Typed()
    x = numpy.concatenate([numpy.arange(-40, 40) * 0.25, [3e4, -3e4, 2e4, -2e4]]).astype(source).reshape(4, -1)
    graph.input("x", x)
    scale = graph.constant("scale", numpy.array(0.5, source))
    zero = graph.constant("zero", numpy.array((low + high + 1) // 2 + 3, dtype))
    none = graph.constant("none", numpy.array(0, dtype))
    graph.op("QuantizeLinear", ["x", scale, zero], dtype, "q")
    graph.op("QuantizeLinear", ["x", scale, none], dtype, "q0")
    graph.op("DequantizeLinear", ["q", scale, zero], source, "d")
    graph.op("DequantizeLinear", ["q0", scale], source, "d0")
    graph.check(tmp_path, batches=(1, 2, 4))


@pytest.mark.parametrize("computed", [False, True], ids=["constants", "computed"])
@pytest.mark.parametrize("axis", [1, -2])
def test_per_axis(axis, computed, tmp_path):
    graph = Typed()
    graph.input("x", spread((5, 4, 3, 7)))
    count = {1: 4, -2: 3}[axis]
    add = (lambda name, array: graph.input(name, array, batch=False)) if computed else graph.constant
    scale = add("scale", numpy.linspace(0.01, 0.3, count, dtype=numpy.float32))
    zero = add("zero", numpy.arange(count, dtype=numpy.int8) * 9 - 20)
    graph.op("QuantizeLinear", ["x", scale, zero], numpy.int8, "q", axis=axis)
    graph.op("DequantizeLinear", ["q", scale, zero], numpy.float32, "d", axis=axis)
    graph.check(tmp_path, batches=(1, 2, 5))


def test_by_blocks(tmp_path):
    """The last block is a short one."""
    graph = Typed()
    graph.input("x", spread((3, 8, 5)), batch=False)
    scale = graph.constant("scale", numpy.abs(spread((3, 3, 5), 1)) + 0.01)
    zero = graph.constant("zero", bytes_of("uint8", (3, 3, 5), 2))
    graph.op("QuantizeLinear", ["x", scale, zero], numpy.uint8, "q", axis=1, block_size=3)
    graph.op("DequantizeLinear", ["q", scale, zero], numpy.float32, "d", axis=1, block_size=3)
    graph.check(tmp_path)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32"])
def test_constant(dtype, tmp_path):
    """Of a constant nothing is computed at run time."""
    graph = Typed()
    graph.input("x", spread((2, 4, 300)))
    weights = numpy.random.default_rng(1).integers(0 if dtype == "uint8" else -100, 100, (4, 300)).astype(dtype)
    inputs = [graph.constant("w", weights), graph.constant("scale", numpy.array([0.1, 0.25, 3, 0.7], numpy.float32))]
    if dtype != "int32":
        inputs.append(graph.constant("zero", numpy.array([1, 7, 0, 100], dtype)))
    graph.op("DequantizeLinear", inputs, numpy.float32, "d", axis=0)
    graph.op("Add", ["x", "d"], numpy.float32, "y")
    graph.outputs = graph.outputs[1:]
    graph.check(tmp_path)
    listing = compile_model(graph.model(), tmp_path / "m.mlir", "--compile-to=nn").read_text()
    assert "nn.map" not in listing and "to_float" in listing


@pytest.mark.parametrize("x", [spread((2, 3, 5)), numpy.zeros((4,), numpy.float32), numpy.abs(spread((33,))), -numpy.abs(spread((7, 2)))], ids=["both", "zero", "above", "below"])
def test_dynamic(x, tmp_path):
    graph = Typed()
    graph.input("x", x, batch=False)
    graph.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"]))
    graph.outputs = [helper.make_tensor_value_info(name, kind, None) for name, kind in [("y", TensorProto.UINT8), ("scale", TensorProto.FLOAT), ("zero", TensorProto.UINT8)]]
    graph.check(tmp_path)


# Products of integers: exact

@pytest.mark.parametrize("types", [("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")], ids="-".join)
@pytest.mark.parametrize("shapes", [((5, 7), (7, 3)), ((2, 5, 7), (7, 3)), ((2, 1, 5, 7), (3, 7, 4)), ((4, 1), (1, 9))], ids=str)
def test_matmul_integer(shapes, types, tmp_path):
    graph = Typed()
    a, b = graph.input("a", bytes_of(types[0], shapes[0])), graph.input("b", bytes_of(types[1], shapes[1], 1), batch=False)
    zeros = [graph.constant("az", bytes_of(types[0], (), 2)), graph.constant("bz", bytes_of(types[1], (), 3))]
    rows = graph.constant("azr", bytes_of(types[0], (shapes[0][-2],), 4)) if len(shapes[0]) == 2 and shapes[0][0] > 4 else zeros[0]
    columns = graph.constant("bzc", bytes_of(types[1], (shapes[1][-1],), 5))
    graph.op("MatMulInteger", [a, b], numpy.int32, "plain")
    graph.op("MatMulInteger", [a, b, *zeros], numpy.int32, "zeros")
    graph.op("MatMulInteger", [a, b, zeros[0], columns], numpy.int32, "columns")
    got = run_artifact(compile_model(graph.model(), tmp_path / "m.so"), graph.arrays)
    x, y = (graph.arrays[n].astype(numpy.int64) for n in "ab")
    of = {t.name: onnx.numpy_helper.to_array(t).astype(numpy.int64) for t in graph.constants}
    assert rows
    for name, want in [("plain", x @ y), ("zeros", (x - of["az"]) @ (y - of["bz"])), ("columns", (x - of["az"]) @ (y - of["bzc"]))]:
        compare(name, got[name], want.astype(numpy.int32))


@pytest.mark.parametrize("kernel, attributes", [((3, 3), {"pads": [1, 1, 1, 1]}), ((1, 1), {}), ((3, 2), {"strides": [2, 1], "dilations": [1, 2]}), ((3, 3), {"group": 2, "auto_pad": "SAME_UPPER"})],
                         ids=str)
def test_conv(kernel, attributes, tmp_path):
    """ConvInteger and QLinearConv, whose padding is the zero point. ONNX Runtime rounds the product with the scale as we do."""
    graph = Typed(opset=17)
    group = attributes.get("group", 1)
    x = graph.input("x", bytes_of("uint8", (2, 4, 9, 8)))
    w = graph.constant("w", bytes_of("uint8", (6, 4 // group, *kernel), 1))
    xz, wz = graph.constant("xz", numpy.uint8(130)), graph.constant("wz", numpy.uint8(121))
    scale = lambda name, value: graph.constant(name, numpy.asarray(value, numpy.float32))  # noqa: E731
    graph.op("ConvInteger", [x, w, xz, wz], numpy.int32, **attributes)
    bias = graph.constant("bias", numpy.arange(6, dtype=numpy.int32) * 500 - 1000)
    yz = graph.constant("yz", numpy.uint8(100))
    graph.op("QLinearConv", [x, scale("xs", 0.03), xz, w, scale("ws", 0.02), wz, scale("ys", 1.0 if kernel == (1, 1) else 2.5), yz, bias], numpy.uint8, **attributes)
    model = graph.model()
    got, want = run_artifact(compile_model(model, tmp_path / "m.so"), graph.arrays), Oracle(model, optimised=False).run(graph.arrays)
    compare("ConvInteger", got["ConvInteger"], want["ConvInteger"])
    assert numpy.unique(want["QLinearConv"]).size > 20, "a saturated result compares nothing"
    assert numpy.abs(got["QLinearConv"].astype(int) - want["QLinearConv"].astype(int)).max() <= 1
    assert (got["QLinearConv"] != want["QLinearConv"]).mean() < 0.01


def test_conv_per_channel(tmp_path):
    graph = Typed(opset=17)
    x = graph.input("x", bytes_of("uint8", (5, 3, 6, 6)))
    w = graph.constant("w", bytes_of("int8", (4, 3, 3, 3), 1))
    c = lambda name, value, dtype: graph.constant(name, numpy.asarray(value, dtype))  # noqa: E731
    graph.op("QLinearConv", [x, c("xs", 0.02, numpy.float32), c("xz", 120, numpy.uint8), w, c("ws", [0.01, 0.02, 0.003, 0.05], numpy.float32),
                             c("wz", [0, 0, 0, 0], numpy.int8), c("ys", 0.9, numpy.float32), c("yz", 128, numpy.uint8)], numpy.uint8, "y")
    model = graph.model()
    for batch in (1, 2, 5):
        inputs = {"x": graph.arrays["x"][:batch]}
        got, want = run_artifact(compile_model(model, tmp_path / f"m{batch}.so"), inputs)["y"], Oracle(model, optimised=False).run(inputs)["y"]
        assert numpy.abs(got.astype(int) - want.astype(int)).max() <= 1 and (got != want).mean() < 0.01 and numpy.unique(want).size > 20


@pytest.mark.parametrize("shapes", [((3, 8), (8, 5)), ((2, 3, 8), (2, 8, 5))], ids=str)
def test_qlinear_matmul(shapes, tmp_path):
    graph = Typed(opset=17)
    a, b = graph.input("a", bytes_of("uint8", shapes[0]), batch=False), graph.input("b", bytes_of("uint8", shapes[1], 1), batch=False)
    c = lambda name, value, dtype: graph.constant(name, numpy.asarray(value, dtype))  # noqa: E731
    graph.op("QLinearMatMul", [a, c("as", 0.02, numpy.float32), c("az", 120, numpy.uint8), b, c("bs", 0.01, numpy.float32), c("bz", 130, numpy.uint8),
                               c("ys", 0.1, numpy.float32), c("yz", 128, numpy.uint8)], numpy.uint8, "y")
    model = graph.model()
    got, want = run_artifact(compile_model(model, tmp_path / "m.so"), graph.arrays)["y"], Oracle(model, optimised=False).run(graph.arrays)["y"]
    assert numpy.abs(got.astype(int) - want.astype(int)).max() <= 1 and (got != want).mean() < 0.02 and numpy.unique(want).size > 10


# A network

@pytest.fixture(scope="module")
def qdq(tmp_path_factory):
    return compile_model(ROOT / "test" / "digits" / "digits_cnn_int8_qdq.onnx", tmp_path_factory.mktemp("qdq") / "m.so")


def test_digits(qdq):
    """At least 355 of 360 right; at most one step of the result's scale from ONNX Runtime, whose sums are exact where ours are rounded."""
    path = ROOT / "test" / "digits" / "digits_cnn_int8_qdq.onnx"
    with numpy.load(ROOT / "test" / "digits" / "digits_test.npz") as data:
        images, labels = data["images"].astype(numpy.float32)[:, None], data["labels"]
    got = run_artifact(qdq, {"image": images})["logits"]
    assert (got.argmax(axis=1) == labels).sum() >= 355
    want = Oracle(path, optimised=False).run({"image": images})["logits"]
    scale = next(onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer if t.name == "logits_scale")
    steps = numpy.abs(got - want) / scale
    assert steps.max() <= 1.01 and (steps > 0.5).mean() < 0.02


def test_quantisation_is_in_the_epilogues(tmp_path):
    """Only the network's input, and the mean behind a Flatten, are rounded by operations of their own."""
    listing = compile_model(ROOT / "test" / "digits" / "digits_cnn_int8_qdq.onnx", tmp_path / "m.mlir", "--compile-to=nn").read_text()
    assert listing.count("math.roundeven") == 8 and listing.count("nn.map") <= 4
