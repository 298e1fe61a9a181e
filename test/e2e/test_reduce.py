"""Reductions, normalisations, softmaxes, scans and products of computed tensors: one symbolic-batch artifact per case against ONNX Runtime (or numpy where
ONNX Runtime has no kernel)."""

import numpy
import pytest
from graphs import BATCHES, Graph, check, identifier
from harness import compile_model, run_artifact, tool
from lathe import Model
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CASES = {}


def case(name, function, *arguments, **keywords):
    name = identifier(name.replace("-", "minus "))
    assert name not in CASES, name
    CASES[name] = lambda folder: function(folder, *arguments, **keywords)


# Reductions: contiguous and strided axes, more and fewer elements than lanes, long chains.

KINDS = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"]


def reduction(folder, kind, shape, axes, opset=18, batches=BATCHES, **attributes):
    graph = Graph(shape, opset=opset)
    if kind == "ReduceProd":
        x = graph.op("Add", graph.op("Mul", "x", graph.constant(numpy.float32(0.1))), graph.constant(numpy.float32(1)))
    else:
        x = "x"
    as_input = opset >= (13 if kind == "ReduceSum" else 18)
    inputs = [x] + ([graph.constant(numpy.array(axes, numpy.int64))] if as_input else [])
    check(graph, graph.op(kind, *inputs, **({} if as_input else {"axes": axes}), **attributes), folder, batches)


for kind in KINDS:
    for axes in [[1], [2], [3], [-1, 1], [2, 3], [1, 2, 3]]:
        case(f"{kind} {axes}", reduction, kind, (7, 5, 19), axes, keepdims=len(axes) % 2)
    case(f"{kind} opset 11", reduction, kind, (33, 6), [1], opset=11)
for shape in [(1,), (3,), (16,), (17,), (64, 1), (1, 65), (130, 3), (3, 131), (1000,)]:
    for axis in range(1, len(shape) + 1):
        case(f"sum {shape} axis {axis}", reduction, "ReduceSum", shape, [axis])
case("mean of 300 000", reduction, "ReduceMean", (300000,), [1], batches=(1, 2))
case("mean of columns of 70 000", reduction, "ReduceMean", (70000, 3), [1], batches=(1, 2))
case("max of columns of 70 000", reduction, "ReduceMax", (70, 1000), [1])


def behind_convolution(folder, kind, axes, channels=21, size=(9, 13)):
    """Of a blocked value, with channels that do not fill the last block."""
    graph = Graph((3, *size), opset=18)
    x = graph.op("Relu", graph.conv("x", 3, channels, (3, 3), pads=[1, 1, 1, 1]))
    r = graph.op(kind, x, graph.constant(numpy.array(axes, numpy.int64)), keepdims=1)
    check(graph, graph.op("Mul", x, r), folder)


for axes in [[2, 3], [1], [2], [3], [1, 2, 3]]:
    for kind in ["ReduceMean", "ReduceMax", "ReduceL2"]:
        case(f"{kind} {axes} behind a convolution", behind_convolution, kind, axes)
case("mean behind a convolution over whole images", behind_convolution, "ReduceMean", [2, 3], 48, (64, 64))


# Softmaxes

def unary(folder, kind, shape, opset=17, scale=1.0, behind=0, batches=BATCHES, **attributes):
    graph = Graph(shape, opset=opset)
    x = graph.conv("x", shape[0], behind, (1, 1)) if behind else "x"
    if scale != 1:
        x = graph.op("Mul", x, graph.constant(numpy.float32(scale)))
    check(graph, graph.op(kind, x, **attributes), folder, batches)


for kind in ["Softmax", "LogSoftmax", "Hardmax"]:
    for axis in [1, 2, -1]:
        case(f"{kind} axis {axis}", unary, kind, (5, 7, 19), axis=axis)
    case(f"{kind} of large numbers", unary, kind, (37,), scale=60.0)
    case(f"{kind} 1000", unary, kind, (1000,))
    for extent in [16, 17, 31, 50, 79, 143]:
        case(f"{kind} of rows of {extent}", unary, kind, (3, extent), axis=2)
    case(f"{kind} 2-D", unary, kind, (5, 7, 3), opset=11)
    case(f"{kind} behind a convolution", unary, kind, (3, 5, 7), behind=21, axis=1)


# Normalisations

def instance_norm(folder, shape, behind=0, offset=0.0):
    graph = Graph(shape)
    x = graph.conv("x", shape[0], behind, (1,) * (len(shape) - 1)) if behind else "x"
    if offset:
        x = graph.op("Add", x, graph.constant(numpy.float32(offset)))
    channels = behind or shape[0]
    check(graph, graph.op("Relu", graph.op("InstanceNormalization", x, graph.normal(channels), graph.normal(channels))), folder)


case("instance norm", instance_norm, (5, 9, 13))
case("instance norm 1-D", instance_norm, (5, 200))
case("instance norm 3-D", instance_norm, (3, 4, 5, 6))
case("instance norm behind a convolution", instance_norm, (3, 9, 13), behind=21)
case("instance norm of a large image", instance_norm, (3, 100, 90), behind=16)


def layer_norm(folder, shape, axis, bias=True, outputs=("y",), behind=False):
    graph = Graph(shape)
    x = graph.conv("x", shape[0], shape[0], (1,) * (len(shape) - 1)) if behind else "x"
    tail = shape[(axis - 1 if axis > 0 else len(shape) + axis) :]
    y = graph.op("LayerNormalization", x, graph.normal(*tail), *([graph.normal(*tail)] if bias else []), axis=axis, epsilon=1e-4, outputs=3)
    check(graph, [y, y + "_1", y + "_2"], folder)


for axis in [1, 2, -1]:
    case(f"layer norm axis {axis}", layer_norm, (6, 7, 33), axis, bias=axis != 2)
case("layer norm behind a convolution", layer_norm, (6, 7, 33), -1, behind=True)


def group_norm(folder, groups, channels):
    graph = Graph((channels, 5, 7), opset=21)
    graph.output_shape = ["N", channels, 5, 7]
    check(graph, graph.op("GroupNormalization", "x", graph.normal(channels), graph.normal(channels), num_groups=groups), folder)


for groups, channels in [(1, 6), (2, 6), (6, 6)]:
    case(f"group norm {groups} of {channels}", group_norm, groups, channels)
for axis in [1, 3, -1]:
    for p in [1, 2]:
        case(f"lp norm {p} axis {axis}", unary, "LpNormalization", (5, 6, 7), axis=axis, p=p)
case("mean variance norm", unary, "MeanVarianceNormalization", (5, 6, 7), axes=[2, 3])
for size in [1, 3, 5, 13]:
    case(f"lrn {size}", unary, "LRN", (11, 5, 7), size=size, alpha=0.3, beta=0.75 if size != 3 else 0.6, bias=1.5)
case("lrn behind a convolution", unary, "LRN", (3, 5, 7), behind=21, size=5)


def batch_norm(folder):
    graph = Graph((6, 5, 7))
    parameters = [graph.random.uniform(0.5, 2, 6), graph.random.standard_normal(6), graph.random.standard_normal(6), graph.random.uniform(0.3, 3, 6)]
    names = [graph.constant(p.astype(numpy.float32)) for p in parameters]
    check(graph, graph.op("BatchNormalization", "x", *names), folder)


case("batch norm", batch_norm)


# Products of computed tensors: rows and columns that fill no tile, one of them, none.

def product(folder, left, right, transposed=False):
    """x, N × left, by a function of x of the shape N × right (or its transposed)."""
    graph = Graph(left)
    means = graph.op("ReduceMean", "x", axes=[-2], keepdims=1)
    swapped = [*range(len(left) - 1), len(left), len(left) - 1]
    if transposed:
        b = graph.op("Transpose", graph.op("Mul", means, graph.normal(*right)), perm=swapped)
    else:
        b = graph.op("Mul", graph.op("Transpose", means, perm=swapped), graph.normal(*right))
    check(graph, graph.op("MatMul", "x", b), folder)


for m, k, n in [(1, 1, 1), (5, 3, 2), (7, 17, 33), (6, 16, 64), (13, 5, 70), (1, 64, 100), (50, 32, 1), (4, 300, 16), (20, 700, 131)]:
    case(f"product {m}x{k}x{n}", product, (m, k), (k, n))
case("product of stacks", product, (3, 7, 5), (3, 5, 18))
case("product with a transposed factor", product, (9, 40), (11, 40), transposed=True)
case("attention scores", product, (4, 10, 16), (4, 10, 16), transposed=True)


# What the batch has no part in: any element type, against the reference evaluator.

def fixed_model(folder, kind, inputs, opset=22, weights=(), tolerance=0.0, outputs=1, **attributes):
    names = [f"i{i}" for i in range(len(inputs))]
    results = [f"o{i}" for i in range(outputs)]
    node = helper.make_node(kind, [*names, *[w.name for w in weights]], results, **attributes)
    infos = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in zip(names, inputs)]
    graph = helper.make_graph([node], "g", infos, [helper.make_empty_tensor_value_info(n) for n in results], list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    feed = dict(zip(names, inputs))
    want = ReferenceEvaluator(model).run(None, feed)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(w.dtype), w.shape) for n, w in zip(results, want))
    for flags in [[], ["-O0"]]:
        got = run_artifact(Model(compile_model(model, folder / f"m{len(flags)}.so", *flags)), feed)
        for name, value in zip(results, want):
            assert got[name].dtype == value.dtype and got[name].shape == value.shape
            bound = tolerance * numpy.abs(value.astype(numpy.float64)[numpy.isfinite(value)]).max(initial=1)
            numpy.testing.assert_allclose(got[name].astype(numpy.float64), value.astype(numpy.float64), rtol=0, atol=bound, err_msg=f"{flags} '{name}'")


def numbers(shape, dtype, seed=0):
    random = numpy.random.default_rng([11, seed])
    if numpy.issubdtype(dtype, numpy.floating):
        return random.standard_normal(shape).astype(dtype)
    if dtype == numpy.bool_:
        return random.integers(0, 2, shape).astype(dtype)
    low = 0 if numpy.issubdtype(dtype, numpy.unsignedinteger) else -9
    return random.integers(low, 10, shape).astype(dtype)


def axes(*values):
    return numpy_helper.from_array(numpy.array(values, numpy.int64), "axes")


for dtype in [numpy.float16, numpy.float64, numpy.int32, numpy.int64, numpy.uint32, numpy.uint64]:
    name = numpy.dtype(dtype).name
    loose = {"float16": 2e-3, "float64": 1e-14}.get(name, 0)
    # The reference evaluator widens squares of 32 bits.
    for kind in ["ReduceSum", "ReduceProd", "ReduceL1"] + ["ReduceSumSquare"] * (name not in ("int32", "uint32")):
        x = numbers((3, 5, 4), dtype) if kind != "ReduceProd" else numpy.where(numbers((3, 5, 4), dtype) > 0, 2, 1).astype(dtype)
        case(f"{kind} {name}", fixed_model, kind, [x], weights=[axes(1)], tolerance=loose)
    case(f"matmul {name}", fixed_model, "MatMul", [numbers((2, 5, 7), dtype), numbers((7, 18), dtype, 1)], tolerance=loose)
    case(f"gemm {name}", fixed_model, "Gemm", [numbers((7, 5), dtype), numbers((18, 7), dtype, 1), numbers((18,), dtype, 2)], transA=1, transB=1, tolerance=loose)
    case(f"einsum {name}", fixed_model, "Einsum", [numbers((2, 5, 7), dtype), numbers((2, 7, 3), dtype, 1)], equation="bij,bjk->bik", tolerance=loose)
    if name != "uint64":
        case(f"cumsum {name}", fixed_model, "CumSum", [numbers((3, 5, 4), dtype)], weights=[numpy_helper.from_array(numpy.array(1), "axis")], tolerance=loose, reverse=1)
for dtype in [numpy.bool_, numpy.int8, numpy.uint8, numpy.int64, numpy.uint64, numpy.float16, numpy.float64]:
    for kind in ["ReduceMax", "ReduceMin"]:
        case(f"{kind} {numpy.dtype(dtype).name}", fixed_model, kind, [numbers((3, 5, 40), dtype)], weights=[axes(1, 2)])
        case(f"{kind} {numpy.dtype(dtype).name} of columns", fixed_model, kind, [numbers((3, 5, 40), dtype)], weights=[axes(1)], keepdims=0)
for kind in ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]:
    case(f"{kind} of nothing", fixed_model, kind, [numpy.zeros((2, 0, 4), numpy.float32)], weights=[axes(1)])
    case(f"{kind} noop", fixed_model, kind, [numpy.abs(numbers((2, 3), numpy.float32)) + 1], noop_with_empty_axes=1, tolerance=1e-6)

SPECIAL = numpy.array([[1, numpy.nan, 3, 5], [numpy.inf, -numpy.inf, 0, 2], [-numpy.inf] * 4, [3, numpy.inf, 1, numpy.inf], [7, 7, -0.0, 0]], numpy.float32)
for kind in ["ReduceMax", "ReduceMin", "ReduceSum"]:
    case(f"{kind} special", fixed_model, kind, [SPECIAL], weights=[axes(1)])
for kind in ["ArgMax", "ArgMin"]:
    for last in [0, 1]:
        case(f"{kind} special {last}", fixed_model, kind, [SPECIAL[1:]], axis=1, select_last_index=last)
        case(f"{kind} columns {last}", fixed_model, kind, [numbers((4, 9, 5), numpy.int32)], axis=1, keepdims=0, select_last_index=last)
    case(f"{kind} NaN", fixed_model, kind, [SPECIAL], axis=1)
for kind in ["Softmax", "LogSoftmax"]:
    case(f"{kind} special", fixed_model, kind, [SPECIAL[[0, 1, 4]]], tolerance=1e-6)
for exclusive in [0, 1]:
    for reverse in [0, 1]:
        case(f"cumsum {exclusive} {reverse}", fixed_model, "CumSum", [numbers((3, 5, 4), numpy.float64)], weights=[numpy_helper.from_array(numpy.array(-2), "axis")],
             exclusive=exclusive, reverse=reverse, tolerance=1e-15)
        case(f"cumprod {exclusive} {reverse}", fixed_model, "CumProd", [numbers((3, 5, 4), numpy.float64)], opset=26, weights=[numpy_helper.from_array(numpy.array(2), "axis")],
             exclusive=exclusive, reverse=reverse, tolerance=1e-15)

for equation, shapes in {
    "ij->ji": [(3, 5)], "ii->i": [(4, 4)], "ii": [(5, 5)], "...ii->...i": [(2, 3, 4, 4)], "i,j->ij": [(3,), (21,)], "i,i": [(40,), (40,)], "->": [()],
    "bij,bjk->bik": [(2, 3, 5), (2, 5, 20)], "...ij,...jk": [(2, 1, 3, 5), (4, 5, 6)], "ijk->k": [(3, 4, 50)], "ij,jk,kl->il": [(3, 4), (4, 5), (5, 6)], "a b , b -> a": [(3, 4), (4,)],
    "bhid,bhjd->bhij": [(2, 3, 6, 8), (2, 3, 7, 8)], "zab,a": [(2, 3, 4), (3,)], "ij,jk": [(3, 1), (4, 5)],
}.items():
    case(f"einsum {len(CASES)} {equation}", fixed_model, "Einsum", [numbers(s, numpy.float32, i) for i, s in enumerate(shapes)], equation=equation, tolerance=2e-6)
for a, b in [((7,), (7,)), ((7,), (7, 3)), ((5, 7), (7,)), ((3, 5, 7), (7,)), ((7,), (2, 7, 3)), ((1, 5, 7), (4, 7, 3)), ((2, 1, 5, 7), (3, 7, 4)), ((5, 0), (0, 3))]:
    case(f"matmul {a} {b}", fixed_model, "MatMul", [numbers(a, numpy.float32), numbers(b, numpy.float32, 1)], tolerance=2e-6)
case("gemm alpha beta", fixed_model, "Gemm", [numbers((5, 7), numpy.float32), numbers((7, 3), numpy.float32, 1), numbers((5, 1), numpy.float32, 2)], alpha=0.5, beta=-2.0, tolerance=2e-6)
parameters = [numpy.abs(numbers((4,), numpy.float32, i)) + 0.5 for i in range(4)]
case("batch norm of computed parameters", fixed_model, "BatchNormalization", [numbers((2, 4, 5), numpy.float32), *parameters], tolerance=2e-6)
case("batch norm in training", fixed_model, "BatchNormalization", [numbers((2, 4, 5), numpy.float32), *parameters], training_mode=1, outputs=3, tolerance=2e-6)
case("rms norm", fixed_model, "RMSNormalization", [numbers((2, 4, 37), numpy.float32), numbers((37,), numpy.float32, 1)], opset=23, tolerance=2e-6)
case("instance norm of a large mean", fixed_model, "InstanceNormalization", [numbers((1, 2, 400), numpy.float64) + 1000, *[p[:2].astype(numpy.float64) for p in parameters[:2]]], tolerance=1e-10)
case("group norm 18", fixed_model, "GroupNormalization", [numbers((2, 6, 5), numpy.float32), *[p[:3] for p in parameters[:2]]], opset=18, num_groups=3, tolerance=2e-6)
case("lrn of an even size", fixed_model, "LRN", [numbers((7, 7, 3, 2), numpy.float32)], size=4, alpha=0.3, bias=1.5, tolerance=2e-6)
case("lp norm of zeros", fixed_model, "LpNormalization", [numpy.zeros((2, 5), numpy.float32)])


@pytest.mark.parametrize("name", CASES)
def test_reduce(name, tmp_path):
    CASES[name](tmp_path)


def test_reduction_over_the_batch_is_refused(tmp_path):
    graph = Graph((4,), opset=17)
    model = graph.model(graph.op("ReduceMax", "x", axes=[0]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    done = tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so")
    assert done.returncode == 2 and "is the batch" in done.stderr
