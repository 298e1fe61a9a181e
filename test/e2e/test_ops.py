"""Each supported operator over its attributes, shapes and batch sizes: one symbolic-batch artifact per case against ONNX Runtime."""

import numpy
import pytest
from graphs import BATCHES, Graph, check, identifier
from onnx import numpy_helper

CASES = {}


def case(name, function, *arguments, **keywords):
    name = identifier(name)
    assert name not in CASES, name
    CASES[name] = lambda folder: function(folder, *arguments, **keywords)


def padded(kernel, dilation, extra=0):
    """Pads that keep the size, plus `extra` at the end."""
    begin = [dilation * (k - 1) // 2 for k in kernel]
    return begin + [dilation * (k - 1) - b + extra for k, b in zip(kernel, begin)]


# Conv

def conv(folder, channels, filters, size, kernel, seed=0, bias=True, group=1, **attributes):
    graph = Graph((channels, *size), seed)
    check(graph, graph.conv("x", channels, filters, kernel, bias, group, **attributes), folder)


for kernel in [(1, 1), (3, 3), (5, 5), (7, 7), (1, 7), (7, 1)]:
    for size in [(1, 1), (5, 9), (17, 33)]:
        case(f"conv k{kernel} {size}", conv, 7, 17, size, kernel, pads=padded(kernel, 1))
for channels in [1, 3, 7, 17, 58, 64]:
    for filters in [1, 3, 16, 58]:
        case(f"conv c{channels} f{filters}", conv, channels, filters, (5, 9), (3, 3), pads=[1, 1, 1, 1])
        case(f"conv pointwise c{channels} f{filters}", conv, channels, filters, (5, 9), (1, 1), bias=False)
for stride in [(1, 1), (2, 2), (3, 3), (1, 2), (3, 1)]:
    for dilation in [1, 2]:
        for kernel in [(1, 1), (3, 3), (7, 7)]:
            case(f"conv s{stride} d{dilation} k{kernel}", conv, 3, 17, (17, 33), kernel, bias=stride != (1, 1), strides=stride,
                 dilations=[dilation, dilation], pads=padded(kernel, dilation))
for index, pads in enumerate([[0, 0, 0, 0], [0, 1, 2, 0], [2, 0, 0, 1], [1, 2, 0, 0], [3, 3, 3, 3], [0, 0, 2, 2]]):
    case(f"conv pads {index}", conv, 7, 16, (5, 9), (3, 3), pads=pads)
    case(f"conv pads {index} stride 2", conv, 7, 16, (17, 33), (5, 5), pads=pads, strides=[2, 2])
for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]:
    for kernel in [(3, 3), (2, 4), (7, 1)]:
        for stride in [1, 2, 3]:
            case(f"conv {auto_pad} k{kernel} s{stride}", conv, 3, 7, (17, 33), kernel, auto_pad=auto_pad, strides=[stride, stride])
# Depthwise, whole groups per tile, several groups per tile; on the network's plain input and behind another convolution.
for channels, filters, group in [(17, 17, 17), (58, 58, 58), (96, 96, 96), (64, 32, 32), (64, 64, 4), (48, 96, 3), (6, 9, 3), (34, 17, 17), (128, 128, 32), (17, 34, 17), (64, 128, 8), (72, 72, 3), (20, 40, 5), (60, 36, 3)]:
    case(f"conv groups {group} c{channels} f{filters}", conv, channels, filters, (9, 17), (3, 3), group=group, pads=[1, 1, 1, 1])


def conv_grouped_behind(folder, channels, filters, group, **attributes):
    graph = Graph((3, 9, 17), seed=5)
    check(graph, graph.op("Relu", graph.conv(graph.conv("x", 3, channels, (1, 1)), channels, filters, (3, 3), group=group, **attributes)), folder)


for channels, filters, group in [(17, 17, 17), (96, 96, 96), (64, 64, 4), (48, 96, 3), (34, 17, 17), (17, 34, 17), (64, 128, 8), (72, 72, 3), (96, 96, 4), (20, 40, 5), (24, 72, 3), (60, 36, 3), (96, 120, 3)]:
    case(f"conv groups {group} c{channels} f{filters} behind a convolution", conv_grouped_behind, channels, filters, group, pads=[1, 1, 1, 1])
case("conv depthwise stride 2", conv_grouped_behind, 58, 58, 58, strides=[2, 2], pads=[1, 1, 1, 1])
case("conv depthwise dilation 2", conv_grouped_behind, 7, 7, 7, dilations=[2, 2], pads=[2, 2, 2, 2])
for channels, filters, group in [(7, 7, 7), (17, 17, 17), (58, 58, 58), (64, 64, 64), (7, 21, 7), (16, 32, 16), (14, 34, 2), (64, 64, 2), (64, 48, 4), (96, 96, 32),
                                 (6, 9, 3), (34, 34, 17)]:
    for attributes in [{"pads": [1, 1, 1, 1]}, {"strides": [2, 2], "pads": [0, 1, 2, 0]}]:
        case(f"conv group {group} of {channels} to {filters} {attributes}", conv, channels, filters, (9, 11), (3, 3), group=group, **attributes)
    case(f"conv group {group} of {channels} to {filters} pointwise", conv, channels, filters, (5, 9), (1, 1), group=group, bias=False)
for size, kernel in [((33,), (3,)), ((1,), (1,)), ((5, 6, 7), (3, 2, 3)), ((4, 5, 9), (1, 1, 1))]:
    rank = len(size)
    case(f"conv {rank}d k{kernel} {size}", conv, 7, 17, size, kernel, pads=padded(kernel, 1))
    case(f"conv {rank}d k{kernel} {size} strided", conv, 7, 17, size, kernel, strides=[2] * rank, dilations=[2] * rank, pads=padded(kernel, 2))
    case(f"conv {rank}d k{kernel} {size} depthwise", conv, 17, 17, size, kernel, group=17, pads=padded(kernel, 1))
case("conv default attributes", conv, 17, 33, (17, 33), (3, 3))
case("conv whole image", conv, 7, 17, (5, 9), (5, 9))
case("conv wide image", conv, 3, 16, (1, 130), (1, 3), pads=[0, 1, 0, 1])
case("conv tall image", conv, 3, 16, (130, 1), (3, 1), pads=[1, 0, 1, 0])
case("conv many channels", conv, 256, 130, (5, 9), (3, 3), pads=[1, 1, 1, 1])
case("conv first layer", conv, 3, 64, (33, 33), (7, 7), strides=[2, 2], pads=[3, 3, 3, 3])


def conv_fused(folder, activation, residual, norm, filters=17):
    graph = Graph((7, 9, 11), seed=3)
    y = graph.conv("x", 7, filters, (3, 3), pads=[1, 1, 1, 1])
    if norm:
        y = graph.batch_norm(y, filters)
    if residual:
        y = graph.op("Add", y, graph.conv("x", 7, filters, (1, 1)))
    if activation:
        y = graph.op("Relu", y)
    check(graph, y, folder)


for activation in (False, True):
    for residual in (False, True):
        for norm in (False, True):
            case(f"conv fused relu{activation} add{residual} bn{norm}", conv_fused, activation, residual, norm)


# Pooling

def pool(folder, kind, channels, size, **attributes):
    graph = Graph((channels, *size), seed=1)
    check(graph, graph.op(kind, "x", **attributes), folder)


def pool_up_to_the_end(folder, kind):
    """With ceil_mode, the next window of each line would begin right behind the last element: it does not exist (onnx's shape inference counts it)."""
    graph = Graph((17, 5, 8), seed=1)
    graph.output_shape = ["N", 17, 2, 3]
    check(graph, graph.op(kind, "x", kernel_shape=[3, 3], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1), folder)


for kind in ["MaxPool", "AveragePool"]:
    extra = [{}] if kind == "MaxPool" else [{"count_include_pad": 0}, {"count_include_pad": 1}]
    for more in extra:
        for ceil_mode in (0, 1):
            for kernel, stride, pads in [((2, 2), (2, 2), [0, 0, 0, 0]), ((3, 3), (2, 2), [1, 1, 1, 1]), ((3, 3), (1, 1), [1, 1, 1, 1]),
                                         ((3, 2), (3, 1), [1, 0, 0, 1]), ((1, 7), (1, 3), [0, 3, 0, 2])]:
                case(f"{kind} {more} ceil{ceil_mode} k{kernel} s{stride} p{pads}", pool, kind, 17, (17, 33), kernel_shape=kernel, strides=stride, pads=pads,
                     ceil_mode=ceil_mode, **more)
    case(f"{kind} ceil1 at the end", pool_up_to_the_end, kind)
    for channels in [1, 3, 58]:
        case(f"{kind} c{channels}", pool, kind, channels, (5, 9), kernel_shape=[2, 3])
    for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
        case(f"{kind} {auto_pad}", pool, kind, 7, (17, 33), kernel_shape=[3, 3], strides=[2, 2], auto_pad=auto_pad)
for kind in ["MaxPool", "AveragePool"]:
    for size, kernel in [((33,), (3,)), ((5, 6, 7), (3, 2, 3))]:
        case(f"{kind} {len(size)}d", pool, kind, 17, size, kernel_shape=kernel, strides=[2] * len(size), pads=[1, *[0] * (2 * len(size) - 1)])
for dilation in [(2, 2), (1, 3)]:
    case(f"MaxPool dilation {dilation}", pool, "MaxPool", 7, (17, 33), kernel_shape=[3, 3], dilations=dilation, pads=[1, 1, 1, 1])
for size in [(1, 1), (5, 9), (17, 33)]:
    for channels in [1, 7, 58]:
        case(f"GlobalAveragePool c{channels} {size}", pool, "GlobalAveragePool", channels, size)


def max_pool_of_negatives(folder):
    """Padding is minus infinity, not zero."""
    graph = Graph((7, 5, 9))
    below = graph.op("Sub", "x", graph.constant(numpy.float32(100)))
    check(graph, graph.op("MaxPool", below, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]), folder)


case("MaxPool of negatives", max_pool_of_negatives)


# Several groups in a vector, as many channels in as out.
for channels, group in [(32, 16), (64, 16), (64, 8), (24, 6), (40, 5)]:
    case(f"conv groups {group} in lanes c{channels}", conv, channels, channels, (9, 17), (3, 3), group=group, pads=[1, 1, 1, 1])
    case(f"conv groups {group} in lanes c{channels} strided", conv_grouped_behind, channels, channels, group, strides=[2, 2], pads=[1, 1, 1, 1])
    case(f"conv groups {group} in lanes c{channels} dilated", conv_grouped_behind, channels, channels, group, dilations=[1, 2], pads=[0, 2, 2, 1])

# Few channels in the last vector: input channels share its registers, where they are adjacent (behind another convolution) and their number allows it.
for channels in [16, 17, 58, 64]:
    for filters in [1, 2, 3, 4, 8, 9, 20, 24, 40, 72]:
        case(f"conv share c{channels} f{filters}", conv_grouped_behind, channels, filters, 1, pads=[1, 1, 1, 1])
for filters in [3, 24]:
    case(f"conv share f{filters} strided", conv_grouped_behind, 16, filters, 1, strides=[2, 2], pads=[1, 0, 2, 1])
    case(f"conv share f{filters} dilated", conv_grouped_behind, 24, filters, 1, dilations=[2, 2], pads=[2, 2, 2, 2])


# Gemm and MatMul

def gemm(folder, k, n, bias=None, transposed=True, **attributes):
    graph = Graph((k,), seed=2)
    weight = graph.normal(*((n, k) if transposed else (k, n)), scale=k**-0.5)
    inputs = ["x", weight] + ([graph.normal(*bias)] if bias is not None else [])
    check(graph, graph.op("Gemm", *inputs, transB=int(transposed), **attributes), folder)


for k, n in [(1, 1), (3, 7), (17, 10), (58, 130), (512, 1000)]:
    case(f"Gemm {k} {n}", gemm, k, n, (n,))
    case(f"Gemm {k} {n} plain", gemm, k, n, None, transposed=False)
for bias in [(), (1,), (1, 1), (17,), (1, 17)]:
    case(f"Gemm C of {len(bias)} {bias}", gemm, 7, 17, bias, alpha=0.5, beta=2.0)
case("Gemm alpha", gemm, 17, 33, None, alpha=-1.5)
case("Gemm beta 0", gemm, 17, 33, (33,), beta=0.0)


def gemm_rows(folder, rows, k, n, activation):
    """The rows are a batch that is known."""
    graph = Graph((k,), seed=2, batch=rows)
    y = graph.op("Gemm", "x", graph.normal(k, n, scale=k**-0.5), graph.normal(n))
    check(graph, graph.op("Relu", graph.op("Add", y, graph.normal(rows, n))) if activation else y, folder, batches=(rows,))


for rows, k, n in [(2, 17, 9), (8, 130, 58), (13, 64, 3), (24, 320, 100), (47, 58, 17)]:
    for activation in [False, True]:
        case(f"Gemm of {rows} rows {k} {n} {activation}", gemm_rows, rows, k, n, activation)


def matmul(folder, shape, weight):
    graph = Graph(shape, seed=2)
    check(graph, graph.op("MatMul", "x", graph.normal(*weight, scale=weight[0] ** -0.5)), folder)


for shape, weight in [((7,), (7, 17)), ((130,), (130, 58)), ((5, 17), (17, 9))]:
    case(f"MatMul {shape} {weight}", matmul, shape, weight)


# BatchNormalization and elementwise operators

def batch_norm(folder, channels, size, **attributes):
    graph = Graph((channels, *size))
    check(graph, graph.batch_norm("x", channels, **attributes), folder)


for channels in [1, 7, 58]:
    case(f"BatchNormalization c{channels}", batch_norm, channels, (5, 9))
case("BatchNormalization epsilon", batch_norm, 7, (5, 9), epsilon=0.1)
case("BatchNormalization flat", batch_norm, 17, ())


def norm_before_conv(folder, activation):
    """A batch norm that cannot go into the weights when there is padding: the padded zeros are not normalised."""
    graph = Graph((7, 9, 11))
    y = graph.batch_norm("x", 7)
    y = graph.op("Relu", y) if activation else y
    check(graph, graph.conv(y, 7, 17, (3, 3), pads=[1, 1, 1, 1]), folder)


case("BatchNormalization before Conv", norm_before_conv, False)
case("BatchNormalization Relu before Conv", norm_before_conv, True)


def unary(folder, kind, shape):
    graph = Graph(shape)
    check(graph, graph.op(kind, "x"), folder)


for shape in [(1,), (7,), (17, 5, 9), (3, 17, 33)]:
    case(f"Relu {shape}", unary, "Relu", shape)


def binary(folder, kind, shape, other, swapped=False):
    """With a constant that is broadcast; away from zero, so that Div stays finite."""
    graph = Graph(shape, seed=4)
    constant = graph.constant((graph.random.uniform(0.5, 2, other) * graph.random.choice([-1, 1], other)).astype(numpy.float32))
    if swapped and kind == "Div":
        x = graph.op("Add", graph.op("Relu", "x"), graph.constant(numpy.float32(0.5)))
        return check(graph, graph.op(kind, constant, x), folder)
    check(graph, graph.op(kind, *((constant, "x") if swapped else ("x", constant))), folder)


for kind in ["Add", "Sub", "Mul", "Div"]:
    for shape, other in [((7, 5, 9), ()), ((7, 5, 9), (1,)), ((7, 5, 9), (7, 1, 1)), ((7, 5, 9), (1, 7, 1, 1)), ((7, 5, 9), (9,)), ((7, 5, 9), (5, 1)),
                         ((7, 5, 9), (7, 5, 9)), ((17,), (17,)), ((1, 5, 9), (3, 1, 1))]:
        case(f"{kind} {shape} {other}", binary, kind, shape, other)
    case(f"{kind} swapped", binary, kind, (7, 5, 9), (7, 1, 1), swapped=True)


def binary_of_two(folder, kind, shape):
    """Both operands computed, one of them broadcast over the image."""
    graph = Graph(shape, seed=5)
    left, right = graph.conv("x", shape[0], 17, (3, 3), pads=[1, 1, 1, 1]), graph.op("GlobalAveragePool", graph.conv("x", shape[0], 17, (1, 1)))
    right = graph.op("Add", graph.op("Relu", right), graph.constant(numpy.float32(1)))
    check(graph, graph.op(kind, left, right), folder)


for kind in ["Add", "Sub", "Mul", "Div"]:
    case(f"{kind} of two", binary_of_two, kind, (7, 5, 9))


def constant_after_conv(folder, kind, other, shape=(17, 5, 17)):
    """As many columns as channels: what is per column must not be taken for what is per channel."""
    graph = Graph((7, *shape[1:]), seed=6)
    y = graph.conv("x", 7, shape[0], (3, 3), pads=[1, 1, 1, 1])
    constant = graph.constant((graph.random.uniform(0.5, 2, other) * graph.random.choice([-1, 1], other)).astype(numpy.float32))
    check(graph, graph.op(kind, y, constant), folder)


for kind in ["Add", "Sub", "Mul", "Div"]:
    for other in [(), (1,), (17,), (5, 1), (1, 5, 17), (17, 1, 1), (1, 17, 1, 1), (17, 5, 17), (1, 17, 5, 17), (17, 1, 17)]:
        case(f"{kind} after conv {other}", constant_after_conv, kind, other)


def value_read_again(folder, swapped):
    """A sum that could be written over one of its operands, which a later sum reads again; then over one that nothing reads."""
    graph = Graph((17, 9, 11), seed=8)
    first = graph.op("MaxPool", "x", kernel_shape=[2, 2])
    second = graph.op("AveragePool", "x", kernel_shape=[2, 2])
    total = graph.op("Relu", graph.op("Sub", *((second, first) if swapped else (first, second))))
    again = graph.op("Sub", first, total)
    check(graph, graph.op("MaxPool", graph.op("Mul", again, graph.op("Sub", total, second)), kernel_shape=[2, 2]), folder)


case("value read again", value_read_again, False)
case("value read again swapped", value_read_again, True)


# Shapes

def flatten(folder, axis, batch="N"):
    graph = Graph((3, 5, 9), batch=batch)
    check(graph, graph.op("Flatten", "x", axis=axis), folder, batches=BATCHES if batch == "N" else [batch])


for axis in [1, -3]:
    case(f"Flatten axis {axis}", flatten, axis)
for axis in [0, 2, 4]:  # the batch is part of a product of dimensions: it must be fixed
    case(f"Flatten axis {axis}", flatten, axis, batch=2)


def reshape(folder, target):
    graph = Graph((6, 5, 4))
    check(graph, graph.op("Reshape", "x", graph.constant(numpy.array(target, numpy.int64))), folder)


for target in [[0, -1], [-1, 120], [0, 2, 3, 5, 4], [0, 0, 20], [-1, 6, 20]]:
    case(f"Reshape {target}", reshape, target)


def reshape_as_exporters_write_it(folder, opset):
    """view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat."""
    graph = Graph((6, 5, 4), opset=opset)
    graph.output_shape = ["N", 10]
    batch = graph.op("Gather", graph.op("Shape", "x"), graph.constant(numpy.array(0, numpy.int64)), axis=0)
    axes = {"axes": [0]} if opset < 13 else {}
    inputs = [batch] if opset < 13 else [batch, graph.constant(numpy.array([0], numpy.int64))]
    batch = graph.op("Unsqueeze", *inputs, **axes)
    target = graph.op("Concat", batch, graph.constant(numpy.array([-1], numpy.int64)), axis=0)
    flat = graph.op("Reshape", "x", target)
    check(graph, graph.op("Gemm", flat, graph.normal(10, 120, scale=0.1), transB=1), folder)


for opset in [11, 12, 13, 17]:
    case(f"Reshape with shape arithmetic opset {opset}", reshape_as_exporters_write_it, opset)


def reshape_to_vector_of_shape(folder):
    """Shape, Slice, Concat: the batch stays a vector."""
    graph = Graph((6, 5, 4))
    one = lambda value: graph.constant(numpy.array([value], numpy.int64))
    batch = graph.op("Slice", graph.op("Shape", "x"), one(0), one(1))
    check(graph, graph.op("Reshape", "x", graph.op("Concat", batch, one(30), one(4), axis=0)), folder)


case("Reshape with Slice of Shape", reshape_to_vector_of_shape)


# Nodes that vanish

def identity_and_dropout(folder, opset):
    graph = Graph((7, 5, 9), opset=opset)
    y = graph.op("Dropout", graph.op("Identity", "x"), **({"ratio": 0.5} if opset < 12 else {}))
    check(graph, graph.op("Identity", graph.op("Relu", y)), folder)


case("Identity and Dropout", identity_and_dropout, 17)
case("Identity and Dropout opset 11", identity_and_dropout, 11)


def constant_node(folder):
    graph = Graph((3, 5, 9))
    value = numpy_helper.from_array(graph.random.standard_normal((3, 1, 1)).astype(numpy.float32))
    check(graph, graph.op("Add", "x", graph.op("Constant", value=value)), folder)


case("Constant", constant_node)


def constant_float(folder):
    graph = Graph((3, 5, 9))
    check(graph, graph.op("Mul", "x", graph.op("Constant", value_float=2.5)), folder)


case("Constant value_float", constant_float)


def several_outputs(folder):
    """An output that other nodes use too, one that is only an activation, and one twice removed."""
    graph = Graph((7, 9, 11))
    first = graph.conv("x", 7, 17, (3, 3), pads=[1, 1, 1, 1])
    second = graph.op("Relu", first)
    check(graph, [second, first, graph.op("GlobalAveragePool", second)], folder)


case("several outputs", several_outputs)


def outputs_that_are_the_input(folder):
    graph = Graph((7, 9, 11))
    check(graph, [graph.op("Identity", "x"), graph.op("Identity", "x"), graph.op("Flatten", "x")], folder)


case("outputs that are the input", outputs_that_are_the_input)


def output_twice_used(folder):
    graph = Graph((7, 9, 11))
    y = graph.op("Relu", graph.conv("x", 7, 7, (3, 3), pads=[1, 1, 1, 1]))
    check(graph, graph.op("Add", y, y), folder)


case("operand used twice", output_twice_used)


@pytest.mark.parametrize("name", CASES)
def test_op(name, tmp_path):
    CASES[name](tmp_path)
