"""Functions of one element: each on plain input and behind a convolution, over special values, and over a sample of all floats."""

import numpy
import pytest
from graphs import Graph, check
from harness import Oracle, compile_model, run_artifact

OPSET = 20
SPECIAL = numpy.array([0.0, -0.0, 1e-45, -1e-45, 1e-39, -1e-39, 1.2e-38, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 1e-4, -1e-4, 0.6249, 0.6251, 88.7, -88.7, 89.5, -104.5,
                       1e10, -1e10, 8388607.5, 3.4e38, -3.4e38, numpy.inf, -numpy.inf, numpy.nan], numpy.float32)

# name: (operator, attributes, constant inputs, opset)
CASES = {}
for kind in ["Abs", "Ceil", "Celu", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Neg", "Reciprocal", "Round",
             "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"]:
    CASES[kind] = (kind, {}, [], OPSET)
CASES |= {
    "Celu-alpha": ("Celu", {"alpha": 0.7}, [], OPSET),
    "Clip": ("Clip", {}, [], OPSET),
    "Clip-low": ("Clip", {}, [-0.5], OPSET),
    "Clip-both": ("Clip", {}, [0, 6], OPSET),
    "Clip-crossed": ("Clip", {}, [1, -1], OPSET),
    "Clip-attributes": ("Clip", {"min": -0.25, "max": 0.75}, [], 10),
    "Elu-alpha": ("Elu", {"alpha": 2.5}, [], OPSET),
    "Gelu-tanh": ("Gelu", {"approximate": "tanh"}, [], OPSET),
    "HardSigmoid-alpha": ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}, [], OPSET),
    "LeakyRelu-alpha": ("LeakyRelu", {"alpha": 0.3}, [], OPSET),
    "Selu-alpha": ("Selu", {"alpha": 2.0, "gamma": 3.0}, [], OPSET),
    "ThresholdedRelu-alpha": ("ThresholdedRelu", {"alpha": 0.2}, [], OPSET),
} | {f"Pow{exponent}": ("Pow", {}, [exponent], OPSET) for exponent in [2, 0.5, -1, 3]}

# What ONNX Runtime makes of a NaN here differs from ONNX's reference, which passes it on.
LOSES_NAN = {"HardSigmoid", "HardSwish", "Sign"}


def apply(graph, name, x):
    kind, attributes, constants, _ = CASES[name]
    return graph.op(kind, x, *[graph.constant(numpy.float32(value)) for value in constants], **attributes)


@pytest.mark.parametrize("shape", [(1,), (3, 5, 9), (17, 4), (58, 3, 3)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_alone(name, shape, tmp_path):
    graph = Graph(shape, opset=CASES[name][3])
    y = apply(graph, name, graph.op("Abs", "x") if name in ("Log", "Sqrt", "Pow0.5") else "x")
    check(graph, graph.op("Clip", y, graph.constant(numpy.float32(-50)), graph.constant(numpy.float32(50))) if name in ("Reciprocal", "Pow-1") else y, tmp_path)


@pytest.mark.parametrize("channels", [1, 3, 17, 58])
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("Ceil", "Floor", "Round", "Sign", "Reciprocal", "Pow-1", "ThresholdedRelu", "ThresholdedRelu-alpha")])
def test_behind_conv(name, channels, tmp_path):
    """Without those that jump where a last bit differs."""
    graph = Graph((7, 5, 9), opset=CASES[name][3])
    y = graph.conv("x", 7, channels, (3, 3), pads=[1, 1, 1, 1])
    if name in ("Log", "Sqrt", "Pow0.5"):
        y = graph.op("Add", graph.op("Relu", y), graph.constant(numpy.float32(0.5)))
    check(graph, apply(graph, name, y), tmp_path)


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "no fma"])
@pytest.mark.parametrize("name", CASES)
def test_special_values(name, flags, tmp_path):
    """Once in the lanes of vectors, once as scalars; behind nothing, so that the values arrive as they are."""
    graph = Graph((len(SPECIAL),), opset=CASES[name][3])
    model = graph.model(apply(graph, name, "x"))
    x = numpy.stack([SPECIAL, SPECIAL[::-1]])
    want = next(iter(Oracle(model, optimised=False).run({"x": x}).values()))
    if name.split("-")[0] in LOSES_NAN:
        want[numpy.isnan(x)] = numpy.nan
    got = next(iter(run_artifact(compile_model(model, tmp_path / "m.so", *flags), {"x": x}).values()))
    with numpy.errstate(all="ignore"):
        same = (got == want) | (numpy.isnan(got) & numpy.isnan(want)) | (numpy.abs(got - want) <= 2e-6 * numpy.maximum(numpy.abs(want), 0.1))  # ONNX Runtime has exp(x) - 1 in Elu
    assert same.all(), f"{name}: " + "; ".join(f"f({a!r}) is {b!r}, expected {c!r}" for a, b, c in zip(x[~same], got[~same], want[~same]))


def ulps(got, want):
    """Distance in units of the last place of the exact value; infinite where only one is NaN."""
    with numpy.errstate(all="ignore"):
        exponent = numpy.maximum(numpy.frexp(want)[1], -125)
        edge = numpy.ldexp(1.0, 128)
        distance = numpy.abs(numpy.clip(got.astype(numpy.float64), -edge, edge) - numpy.clip(want, -edge, edge)) / numpy.ldexp(1.0, numpy.clip(exponent, -125, 128) - 24)
    distance[(got == want) | (numpy.isnan(got) & numpy.isnan(want))] = 0
    distance[numpy.isnan(got) != numpy.isnan(want)] = numpy.inf
    return distance


def exact_erf(x):
    import math

    return numpy.array([math.erf(value) for value in x])


def exact_sigmoid(x):
    e = numpy.exp(-numpy.abs(x))
    return numpy.where(x < 0, e, 1) / (1 + e)


# The functions, and the largest error allowed. Sigmoid and Softplus combine a function with roundings of their own.
EXACT = {
    "Exp": (numpy.exp, 2), "Log": (numpy.log, 2), "Tanh": (numpy.tanh, 2), "Erf": (exact_erf, 2), "Sigmoid": (exact_sigmoid, 3),
    "Softplus": (lambda x: numpy.logaddexp(0, x), 3), "Elu": (lambda x: numpy.where(x > 0, x, numpy.expm1(numpy.minimum(x, 0))), 2),
}


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "no fma"])
@pytest.mark.parametrize("name", EXACT)
def test_all_floats(name, flags, tmp_path):
    """2^22 bit patterns, one of each 2^10 neighbours, against numpy in double precision."""
    graph = Graph((1 << 16,), opset=OPSET)
    artifact = compile_model(graph.model(apply(graph, name, "x")), tmp_path / "m.so", *flags)
    patterns = (numpy.arange(1 << 22, dtype=numpy.uint64) << 10) + numpy.random.default_rng(9).integers(0, 1 << 10, 1 << 22, dtype=numpy.uint64)
    x = patterns.astype(numpy.uint32).view(numpy.float32)
    x[: len(SPECIAL)] = SPECIAL
    got = next(iter(run_artifact(artifact, {"x": x.reshape(64, -1)}).values())).ravel()
    function, allowed = EXACT[name]
    with numpy.errstate(all="ignore"):
        want = function(x.astype(numpy.float64))
    error = ulps(got, want)
    worst = error.argmax()
    print(f"{name}: {error[worst]:.3f} ulp at {x[worst]!r}")
    assert error[worst] <= allowed, f"{name}({x[worst]!r}) is {got[worst]!r}, expected {want[worst]!r}: {error[worst]:.3f} ulp, allowed {allowed}"


# Several operands

@pytest.mark.parametrize("slope", [(1,), (17, 1, 1), (1, 1, 9), (17, 5, 9)], ids=str)
@pytest.mark.parametrize("fused", [False, True], ids=["alone", "fused"])
def test_prelu(slope, fused, tmp_path):
    graph = Graph((17, 5, 9))
    y = graph.conv("x", 17, 17, (1, 1)) if fused else "x"
    check(graph, graph.op("PRelu", y, graph.normal(*slope)), tmp_path)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("kind", ["Min", "Max", "Sum", "Mean"])
def test_chain(kind, count, tmp_path):
    """Computed operands, one of them broadcast, and a constant."""
    graph = Graph((17, 5, 9))
    operands = [graph.conv("x", 17, 17, (1, 1)), "x", graph.op("GlobalAveragePool", "x"), graph.normal(17, 1, 1)]
    check(graph, graph.op(kind, *operands[:count]), tmp_path)


@pytest.mark.parametrize("kind", ["Min", "Max"])
def test_nan_wins(kind, tmp_path):
    graph = Graph((3,))
    model = graph.model(graph.op(kind, "x", graph.constant(numpy.array([1, numpy.nan, 1], numpy.float32))))
    x = numpy.array([[numpy.nan, 1, 2]], numpy.float32)
    got = next(iter(run_artifact(compile_model(model, tmp_path / "m.so"), {"x": x}).values()))
    assert numpy.isnan(got).tolist() == [[True, True, False]]


@pytest.mark.parametrize("gate", ["Sigmoid", "HardSigmoid", "Tanh"])
def test_gate(gate, tmp_path):
    """x * f(x), as exporters write SiLU, whose producer has two uses."""
    graph = Graph((7, 5, 9))
    y = graph.conv("x", 7, 17, (3, 3), pads=[1, 1, 1, 1])
    check(graph, graph.op("Mul", y, graph.op(gate, y)), tmp_path)
