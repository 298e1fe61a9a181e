"""Elementwise operators in all element types, against the onnx package's reference evaluator (ONNX Runtime lacks many of them). One artifact per type or
family, with an output per operator; the batch is symbolic."""

import numpy
import onnx
import pytest
from harness import compile_model, run_artifact
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

OPSET = 24
FLOATS = ["float16", "float32", "float64"]
SIGNED, UNSIGNED = ["int8", "int16", "int32", "int64"], ["uint8", "uint16", "uint32", "uint64"]
INTEGERS = SIGNED + UNSIGNED
BATCHES = (1, 2, 5)


def proto_type(dtype):
    return helper.np_dtype_to_tensor_dtype(numpy.dtype(dtype))


class Typed:
    """Inputs of any types; each operator is an output."""

    def __init__(self, opset=OPSET):
        self.inputs, self.outputs, self.nodes, self.arrays, self.constants, self.batched, self.opset = [], [], [], {}, [], set(), opset

    def input(self, name, array, batch=True):
        self.arrays[name] = array
        if batch:
            self.batched.add(name)
        self.inputs.append(helper.make_tensor_value_info(name, proto_type(array.dtype), ["N", *array.shape[1:]] if batch else list(array.shape)))
        return name

    def constant(self, name, array):
        self.constants.append(onnx.numpy_helper.from_array(numpy.asarray(array), name))
        return name

    def op(self, kind, inputs, dtype, label=None, **attributes):
        label = label or kind
        self.nodes.append(helper.make_node(kind, inputs, [label], name=label, **attributes))
        self.outputs.append(helper.make_tensor_value_info(label, proto_type(dtype), None))
        return label

    def model(self):
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)
        return onnx.shape_inference.infer_shapes(model)

    def results(self, folder, *flags, batches=(None,)):
        """For each batch: (what we compute, what the reference says), by name."""
        model = self.model()
        artifact = compile_model(model, folder / "m.so", *flags)
        reference = ReferenceEvaluator(model)
        for batch in batches:
            inputs = {name: array[:batch] if batch and name in self.batched else array for name, array in self.arrays.items()}
            with numpy.errstate(all="ignore"):
                want = dict(zip(reference.output_names, reference.run(None, inputs)))
            yield run_artifact(artifact, inputs), want

    def check(self, folder, *flags, batches=(None,), rtol=0.0, special=()):
        for got, want in self.results(folder, *flags, batches=batches):
            for name in want:
                if name not in special:
                    compare(name, got[name], numpy.asarray(want[name]), rtol)


def compare(name, got, want, rtol=0.0, atol=0.0):
    assert got.dtype == want.dtype, f"{name}: dtype is {got.dtype}, expected {want.dtype}"
    assert got.shape == want.shape, f"{name}: shape is {got.shape}, expected {want.shape}"
    same = got == want
    if want.dtype.kind == "f":
        with numpy.errstate(all="ignore"):
            difference = numpy.abs(got.astype(numpy.float64) - want.astype(numpy.float64))
            same |= (numpy.isnan(got) & numpy.isnan(want)) | (difference <= rtol * numpy.abs(want.astype(numpy.float64)) + atol)
    at = numpy.unravel_index(numpy.argmin(same), same.shape) if same.size else ()
    assert same.all(), f"{name}: {(~same).sum()} of {same.size} differ, at {at} {got[at]!r} instead of {want[at]!r}"


def values(dtype, *shape, seed=0):
    """Small numbers, and the ends of the range."""
    random = numpy.random.default_rng([seed, len(shape)])
    dtype = numpy.dtype(dtype)
    if dtype.kind == "f":
        array = (random.standard_normal(shape) * 4).astype(dtype)
        edges = [0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1.0, -1.0, 2.5, -2.5]
    elif dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    else:
        info = numpy.iinfo(dtype)
        array = random.integers(max(info.min, -100), min(info.max, 100), shape).astype(dtype)
        edges = [0, 1, info.min, info.max, info.max - 1, 2]
    flat = array.reshape(-1)
    flat[random.permutation(flat.size)[: len(edges)]] = numpy.array(edges, dtype)[: flat.size]
    return array


SHAPES = [((5, 3, 7), (7,)), ((5, 3, 1), (5, 1, 17)), ((5, 33), (5, 33))]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_two_operands(dtype, shapes, tmp_path):
    graph = Typed()
    floating = dtype in FLOATS
    a = graph.input("a", values(dtype, *shapes[0]))
    divisor = values(dtype, *shapes[1], seed=1)
    if not floating:
        divisor[divisor == 0] = 3  # numpy's answer is a warning
    b = graph.input("b", divisor, batch=len(shapes[1]) == len(shapes[0]))
    for kind in ["Add", "Sub", "Mul", "Div", "Max", "Min"]:
        graph.op(kind, [a, b], dtype)
    for kind in ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]:
        graph.op(kind, [a, b], bool)
    graph.op("Mod", [a, b], dtype, "Mod0", **({"fmod": 0}))
    graph.op("Mod", [a, b], dtype, "Mod1", fmod=1)
    if not floating:
        for kind in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"]:
            graph.op(kind, [a, b], dtype)
    graph.op("Where", ["Less", a, b], dtype)
    # The reference divides integers with //, which rounds down and not towards zero; int8's smallest number has no quotient by -1.
    special = ["Div"] if dtype in SIGNED else []
    for got, want in graph.results(tmp_path, batches=BATCHES):
        for name in want:
            if name not in special:
                compare(name, got[name], numpy.asarray(want[name]), rtol={"float16": 1e-3, "float32": 2e-7}.get(dtype, 0) if name != "Where" else 0)
        if special:
            x, y = (graph.arrays[n][: len(got["Div"])] if n in graph.batched else graph.arrays[n] for n in ("a", "b"))
            wide = [v.astype(object) for v in numpy.broadcast_arrays(x, y)]
            quotient = numpy.vectorize(lambda p, q: (abs(int(p)) // abs(int(q))) * (1 if (p < 0) == (q < 0) else -1), otypes=[object])(*wide)
            bits = numpy.iinfo(dtype).bits
            wrapped = numpy.vectorize(lambda v: (v + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1), otypes=[object])(quotient)
            compare("Div", got["Div"], wrapped.astype(dtype))


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint16", "int64", "uint64"])
def test_division_by_zero(dtype, tmp_path):
    """0, as in NumPy; no trap, and nothing else is disturbed."""
    graph = Typed()
    x = graph.input("x", numpy.arange(1, 34, dtype=dtype).reshape(1, 33))
    zeros = numpy.zeros((1, 33), dtype)
    zeros[0, 5] = 2
    y = graph.input("y", zeros)
    graph.op("Div", [x, y], dtype)
    graph.op("Mod", [x, y], dtype)
    got, _ = next(graph.results(tmp_path))
    assert got["Div"][0, 5] == 3 and numpy.count_nonzero(got["Div"]) == 1
    assert got["Mod"][0, 5] == 0 and not got["Mod"].any()


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_float_remainder(dtype, flags, tmp_path):
    """Exact for quotients of any size, denormals included."""
    info = numpy.finfo(dtype)
    random = numpy.random.default_rng(3)
    numbers = numpy.concatenate([[0, -0.0, info.max, -info.max, info.tiny, info.smallest_subnormal, info.smallest_subnormal * 7, 1, -1, 3, -0.1, numpy.inf, -numpy.inf, numpy.nan],
                                 random.standard_normal(20) * 2.0 ** random.integers(-12, 12, 20)]).astype(dtype)
    graph = Typed()
    x = graph.input("x", numpy.repeat(numbers, len(numbers)).reshape(1, -1))
    y = graph.input("y", numpy.tile(numbers, len(numbers)).reshape(1, -1))
    graph.op("Mod", [x, y], dtype, fmod=1)
    graph.op("Mod", [x, y], dtype, "floored", fmod=0)
    got, want = next(graph.results(tmp_path, *flags))
    compare("Mod", got["Mod"], want["Mod"])
    compare("floored", got["floored"], want["floored"], rtol=float(info.eps))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts(dtype, tmp_path):
    graph = Typed(opset=26 if dtype in SIGNED else 11)
    bits = numpy.iinfo(dtype).bits
    amounts = numpy.array([0, 1, 3, bits - 1, bits, bits + 5] + ([-1] if dtype in SIGNED else []), dtype)
    x = graph.input("x", values(dtype, 2, 9, 1))
    by = graph.input("by", amounts, batch=False)
    graph.op("BitShift", [x, by], dtype, "left", direction="LEFT")
    graph.op("BitShift", [x, by], dtype, "right", direction="RIGHT")
    graph.check(tmp_path)


def test_logic(tmp_path):
    graph = Typed()
    a, b = graph.input("a", values(bool, 5, 3, 7)), graph.input("b", values(bool, 3, 1, seed=1), batch=False)
    for kind in ["And", "Or", "Xor", "Equal"]:
        graph.op(kind, [a, b], bool)
    graph.op("Not", [a], bool)
    graph.op("Where", [a, b, "Not"], bool)
    graph.check(tmp_path, batches=BATCHES)


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_tests(dtype, flags, tmp_path):
    graph = Typed()
    x = graph.input("x", values(dtype, 5, 19))
    graph.op("IsNaN", [x], bool)
    for negative in (0, 1):
        for positive in (0, 1):
            graph.op("IsInf", [x], bool, f"IsInf{negative}{positive}", detect_negative=negative, detect_positive=positive)
    graph.check(tmp_path, *flags, batches=BATCHES)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_one_operand_integers(dtype, tmp_path):
    graph = Typed()
    x = graph.input("x", values(dtype, 5, 3, 19))
    graph.op("Abs", [x], dtype)
    graph.op("Sign", [x], dtype)
    graph.op("BitwiseNot", [x], dtype)
    low, high = graph.constant("low", numpy.array(3, dtype)), graph.constant("high", numpy.array(90, dtype))
    graph.op("Clip", [x, low, high], dtype)
    graph.op("Clip", [x, "", high], dtype, "Clip-high")
    if dtype in SIGNED:
        graph.op("Neg", [x], dtype)
        graph.op("Relu", [x], dtype)
    graph.check(tmp_path, batches=BATCHES)


@pytest.mark.parametrize("dtype", FLOATS)
def test_clip_by_computed_bounds(dtype, tmp_path):
    graph = Typed()
    x = graph.input("x", values(dtype, 5, 3, 19))
    low, high = graph.input("low", numpy.array(-1.5, dtype), batch=False), graph.input("high", numpy.array(2, dtype), batch=False)
    graph.op("Clip", [x, low, high], dtype)
    graph.op("Clip", [x, low], dtype, "Clip-low")
    graph.op("Clip", [x, high, low], dtype, "Clip-crossed")
    graph.check(tmp_path, batches=BATCHES)


# Cast

def in_range(array, target):
    """What the type can hold; C leaves the rest open."""
    info = numpy.iinfo(target)
    wide = array.astype(numpy.float64)
    return (wide > info.min - 1.0) & (wide < float(info.max + 1))


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
@pytest.mark.parametrize("source", FLOATS + INTEGERS + ["bool"])
def test_cast(source, flags, tmp_path):
    """To all types. Floats that an integer type cannot hold become its nearest end, and NaN 0, which is ours to say."""
    graph = Typed()
    x = values(source, 2, 3, 37)
    if source in FLOATS:
        edges = [127.5, 128, -128.5, -129, 255.9, 256, 32767.5, 32768, 65504, -0.5, 0.49999, 1e-8, 1e10, -1e10, 4294967295, 9.3e18, -9.3e18, 1.8e19, 1.9e19, 2.5, 3.5, 1e300,
                 65520, 65519.99, 5.96e-8, 2.98e-8, 2.981e-8, 1.0004883, 1.00048828125]
        with numpy.errstate(all="ignore"):
            x.reshape(-1)[20 : 20 + len(edges)] = numpy.array(edges).astype(source)
    graph.input("x", x)
    targets = FLOATS + INTEGERS + ["bool"]
    for target in targets:
        graph.op("Cast", ["x"], target, f"to-{target}", to=proto_type(target))
        graph.op("CastLike", ["x", graph.constant(f"like-{target}", numpy.zeros(1, target))], target, f"like-{target}-value")
    got, _ = next(graph.results(tmp_path, *flags))
    for target in targets:
        with numpy.errstate(all="ignore"):
            want = x.astype(target)
            if source in FLOATS and target in INTEGERS:
                info = numpy.iinfo(target)
                want[~in_range(x, target) & (x > 0)] = info.max
                want[~in_range(x, target) & (x < 0)] = info.min
                want[numpy.isnan(x)] = 0
        compare(f"{source} to {target}", got[f"to-{target}"], want)
        compare(f"{source} like {target}", got[f"like-{target}-value"], want)


# Functions

def test_half_exhaustively(tmp_path):
    """All 65,536 numbers to float32 and back."""
    x = numpy.arange(1 << 16, dtype=numpy.uint16).view(numpy.float16).reshape(4, -1)
    for flags in [(), ("--mcpu=x86-64-v2",)]:
        graph = Typed()
        graph.input("x", x)
        graph.op("Cast", ["x"], numpy.float32, "single", to=TensorProto.FLOAT)
        graph.op("Cast", ["single"], numpy.float16, "back", to=TensorProto.FLOAT16)
        graph.check(tmp_path, *flags)


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
def test_to_half(flags, tmp_path):
    """Numbers around every boundary of rounding, from float32 and float64."""
    halves = numpy.arange(0, 0x7C00, 7, dtype=numpy.uint16)
    low, high = halves.view(numpy.float16).astype(numpy.float64), (halves + 1).view(numpy.float16).astype(numpy.float64)
    high[~numpy.isfinite(high)] = 65536
    middle = (low + high) / 2
    doubles = numpy.concatenate([middle, numpy.nextafter(middle, 0), numpy.nextafter(middle, numpy.inf), -middle, [1e5, numpy.inf, numpy.nan, 1e-30]])
    for dtype in (numpy.float32, numpy.float64):
        x = doubles.astype(dtype)
        x = numpy.concatenate([x, numpy.nextafter(x, dtype(0)), numpy.nextafter(x, dtype(numpy.inf))]).reshape(1, -1)
        graph = Typed()
        graph.input("x", x)
        graph.op("Cast", ["x"], numpy.float16, to=TensorProto.FLOAT16)
        with numpy.errstate(all="ignore"):
            graph.check(tmp_path, *flags)


FUNCTIONS = ["Abs", "Ceil", "Celu", "Elu", "Exp", "Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid",
             "Sign", "Softplus", "Softsign", "Sqrt", "Swish", "Tanh", "ThresholdedRelu"]


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_functions(dtype, flags, tmp_path):
    graph = Typed()
    random = numpy.random.default_rng(5)
    x = numpy.concatenate([random.standard_normal(300) * 5, [0, 1, -1, 20, -20, 0.5, 1.5, 2.5, 1e-4, -1e-4]]).astype(dtype).reshape(2, -1)
    graph.input("x", x)
    for kind in FUNCTIONS:
        graph.op(kind, ["x"], dtype)
    slope = graph.constant("slope", numpy.array(0.3, dtype))
    graph.op("PRelu", ["x", slope], dtype)
    for kind in ["Sum", "Mean", "Max", "Min"]:
        graph.op(kind, ["x", "Tanh", "Relu"], dtype)
    for got, want in graph.results(tmp_path, *flags):
        for name in want:
            # The reference computes in float16 throughout, we round once; its constants are float32.
            loose = name in ("Celu", "Elu", "Selu", "Mish", "HardSwish", "HardSigmoid", "LeakyRelu")
            bounds = {"rtol": 2e-2, "atol": 1e-3} if dtype == "float16" else ({"rtol": 1e-6, "atol": 1e-7} if loose else {"rtol": 1e-13})
            compare(name, got[name], numpy.asarray(want[name]).astype(dtype), **bounds)


EXACT = {"Sin": numpy.sin, "Cos": numpy.cos, "Tan": numpy.tan, "Asin": numpy.arcsin, "Acos": numpy.arccos, "Atan": numpy.arctan, "Sinh": numpy.sinh, "Cosh": numpy.cosh,
         "Asinh": numpy.arcsinh, "Acosh": numpy.arccosh, "Atanh": numpy.arctanh}


@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
def test_trigonometry_all_floats(flags, tmp_path):
    """2^19 bit patterns and the numbers around 1, against numpy in double precision: half a last place, and what double leaves."""
    patterns = (numpy.arange(1 << 19, dtype=numpy.uint64) << 13) + numpy.random.default_rng(9).integers(0, 1 << 13, 1 << 19, dtype=numpy.uint64)
    x = patterns.astype(numpy.uint32).view(numpy.float32)
    one = numpy.float32(1).view(numpy.uint32)
    x[:512] = numpy.arange(one - 256, one + 256, dtype=numpy.uint32).view(numpy.float32)
    # Hard cases of the reduction: multiples of pi / 2, and floats that are very close to one.
    x[512:1536] = (numpy.arange(1024) * 4099 * (numpy.pi / 2)).astype(numpy.float32)
    x[1536:1540] = [16367173.0 * 2.0**72, -16367173.0 * 2.0**72, 2.0**24, 2.0**24 - 1]
    graph = Typed()
    graph.input("x", x.reshape(64, -1))
    for kind in EXACT:
        graph.op(kind, ["x"], numpy.float32)
    artifact = compile_model(graph.model(), tmp_path / "m.so", *flags)
    results = run_artifact(artifact, graph.arrays)
    from test_elementwise import ulps

    for kind, function in EXACT.items():
        with numpy.errstate(all="ignore"):
            want = function(x.astype(numpy.float64))
            overflows = numpy.abs(want) >= 2.0**128
            want[overflows] = numpy.copysign(numpy.inf, want[overflows])
        error = ulps(results[kind].ravel(), want)
        worst = error.argmax()
        print(f"{kind}: {error[worst]:.3f} ulp at {x[worst]!r}")
        assert error[worst] <= 0.51, f"{kind}({x[worst]!r}) is {results[kind].ravel()[worst]!r}, expected {want[worst]!r}: {error[worst]:.3f} ulp"


# Pow

@pytest.mark.parametrize("flags", [(), ("--mcpu=x86-64-v2",)], ids=["native", "v2"])
def test_pow_floats(flags, tmp_path):
    """Special values as in C, all others to half a last place."""
    from test_elementwise import ulps

    random = numpy.random.default_rng(4)
    edges = numpy.array([0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, -2.5, 1e-40, -1e-40, 1e30, -1e30, 16777216, 16777217, numpy.inf, -numpy.inf, numpy.nan], numpy.float32)
    x = numpy.concatenate([numpy.repeat(edges, len(edges)), numpy.exp(random.standard_normal(20000) * 5), random.uniform(0.9, 1.1, 20000)]).astype(numpy.float32)
    y = numpy.concatenate([numpy.tile(edges, len(edges)), random.standard_normal(20000) * 8, random.standard_normal(20000) * 600]).astype(numpy.float32)
    graph = Typed()
    graph.input("x", x.reshape(1, -1))
    graph.input("y", y.reshape(1, -1))
    graph.op("Pow", ["x", "y"], numpy.float32)
    got = run_artifact(compile_model(graph.model(), tmp_path / "m.so", *flags), {name: array.reshape(1, -1) for name, array in graph.arrays.items()})["Pow"].ravel()
    with numpy.errstate(all="ignore"):
        want = x.astype(numpy.float64) ** y.astype(numpy.float64)
        overflows = numpy.abs(want) >= 2.0**128
        want[overflows] = numpy.copysign(numpy.inf, want[overflows])
    error = ulps(got, want)
    worst = error.argmax()
    assert error[worst] <= 0.51, f"pow({x[worst]!r}, {y[worst]!r}) is {got[worst]!r}, expected {want[worst]!r}"


@pytest.mark.parametrize("base", ["int32", "int64", "float32", "float64"])
def test_pow_types(base, tmp_path):
    graph = Typed()
    x = graph.input("x", numpy.array([[1, 2, 3, -3, 7, 0, -1, 10]], base))
    for exponent in ["int32", "int64", "uint32", "uint64", "float32", "float64"]:
        y = graph.input(f"y-{exponent}", numpy.array([[5, 0, 2, 3, 1, 4, 7, 6]], exponent))
        graph.op("Pow", [x, y], base, f"Pow-{exponent}")
    graph.check(tmp_path, rtol=1e-13 if base == "float64" else 0)


def test_pow_wraps(tmp_path):
    """As repeated multiplication; negative exponents give quotients."""
    graph = Typed()
    x = graph.input("x", numpy.array([[3, 7, 2, 2, 1, -1, -1, 5]], numpy.int32))
    y = graph.input("y", numpy.array([[41, 30, 31, 32, -5, -5, -4, -1]], numpy.int32))
    graph.op("Pow", [x, y], numpy.int32)
    got = run_artifact(compile_model(graph.model(), tmp_path / "m.so"), graph.arrays)["Pow"].ravel().tolist()
    wrap = lambda v: (v + 2**31) % 2**32 - 2**31  # noqa: E731
    assert got == [wrap(3**41), wrap(7**30), wrap(2**31), 0, 1, -1, 1, 0]


# What is old, and what has no elements

def test_opset_6_broadcasting(tmp_path):
    """B's dimensions begin at `axis`."""
    graph = Typed(opset=6)
    x = graph.input("x", values("float32", 2, 3, 5, 7))
    b = graph.constant("b", numpy.arange(15, dtype=numpy.float32).reshape(3, 5) + 1)
    for kind in ["Add", "Sub", "Mul", "Div"]:
        graph.op(kind, [x, b], numpy.float32, axis=1, broadcast=1)
    got = run_artifact(compile_model(graph.model(), tmp_path / "m.so"), graph.arrays)
    with numpy.errstate(all="ignore"):
        a, c = graph.arrays["x"], numpy.arange(15, dtype=numpy.float32).reshape(3, 5, 1) + 1
        for kind, want in [("Add", a + c), ("Sub", a - c), ("Mul", a * c), ("Div", a / c)]:
            compare(kind, got[kind], want)


def test_no_elements(tmp_path):
    graph = Typed()
    for dtype in ["float32", "int64", "float16"]:
        x = graph.input(f"x-{dtype}", numpy.zeros((2, 0, 3), dtype), batch=False)
        graph.op("Add", [x, x], dtype, f"Add-{dtype}")
        graph.op("Equal", [x, x], bool, f"Equal-{dtype}")
        graph.op("Cast", [x], numpy.float64, f"Cast-{dtype}", to=TensorProto.DOUBLE)
        graph.op("Pow", [x, x], dtype, f"Pow-{dtype}")
    graph.check(tmp_path)


@pytest.mark.parametrize("opset", [6, 9, 13])
def test_dropout(opset, tmp_path):
    """Without training nothing is dropped; the mask says so, in the data's type until opset 9."""
    graph = Typed(opset=opset)
    x = graph.input("x", values("float32", 2, 9))
    graph.nodes.append(helper.make_node("Dropout", [x], ["y", "mask"], **({"is_test": 1} if opset == 6 else {})))
    mask = numpy.float32 if opset < 10 else bool
    graph.outputs += [helper.make_tensor_value_info("y", TensorProto.FLOAT, None), helper.make_tensor_value_info("mask", proto_type(mask), None)]
    got = run_artifact(compile_model(graph.model(), tmp_path / "m.so"), graph.arrays)
    compare("y", got["y"], graph.arrays["x"])
    compare("mask", got["mask"], numpy.ones((2, 9), mask))
