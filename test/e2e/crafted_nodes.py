"""Crafted models: attributes, functions and subgraphs, and what grows when it is computed."""

import numpy as np
from crafted import INVALID, REFUSED, RELU, RELU_Z, UNSUPPORTED, branch, call, floats, function, ints, model, node, refused, table, tensor, value
from onnx import AttributeProto, TensorProto, helper

# Attributes -----------------------------------------------------------------------------------------------------------------------------------------


def conv(**attributes):
    return model(node("Conv", "x w", **attributes), tensor("w", floats(4, 3, 3, 3)))


def conv_with(change, **attributes):
    made = conv(**attributes)
    change(made.graph.node[0])
    return made


LEAST, GREATEST = -(2**63), 2**63 - 1


@table(REFUSED, "'n'")
def attribute():
    return {
        "strides_zero": conv(strides=[0, 1]), "strides_negative": conv(strides=[-1, 1]), "strides_too_few": conv(strides=[1]),
        "dilations_zero": conv(dilations=[0, 0]), "dilations_negative": conv(dilations=[-2, 1]), "group_zero": conv(group=0), "group_negative": conv(group=-3),
        "group_least": conv(group=LEAST), "group_no_divisor": conv(group=2), "kernel_differs": conv(kernel_shape=[5, 5]),
        "kernel_zero": model(node("MaxPool", "x", kernel_shape=[0, 0])), "kernel_negative": model(node("MaxPool", "x", kernel_shape=[-2, -2])),
        "kernel_missing": model(node("MaxPool", "x")), "kernel_rank": model(node("MaxPool", "x", kernel_shape=[2])),
        "pads_too_many": conv(pads=[1] * 6), "auto_pad_unknown": conv(auto_pad="SAME"), "wrong_type": conv(strides="one"), "float_as_int": conv(group=1.0),
        "int_for_ints": conv(strides=2), "twice": conv_with(lambda n: n.attribute.append(n.attribute[0]), group=1),
        "unnamed": conv_with(lambda n: n.attribute.append(AttributeProto(type=AttributeProto.INT, i=1))),
        "axis_out_of_range": model(node("Flatten", "x", axis=7)), "axis_least": model(node("Flatten", "x", axis=LEAST)),
        "concat_axis": model(node("Concat", "x x", axis=4)), "softmax_axis": model(node("Softmax", "x", axis=-5)),
        "concat_no_axis": model(node("Concat", "x x")), "perm_twice": model(node("Transpose", "x", perm=[0, 1, 1, 2])),
        "perm_out_of_range": model(node("Transpose", "x", perm=[0, 1, 2, 4])), "perm_negative": model(node("Transpose", "x", perm=[0, 1, 2, -1])),
        "perm_too_short": model(node("Transpose", "x", perm=[1, 0])), "block_zero": model(node("DepthToSpace", "x", blocksize=0)),
        "cast_to_unknown": model(node("Cast", "x", to=4711)), "cast_without_to": model(node("Cast", "x")),
        "gemm_ranks": model(node("Gemm", "x x")), "channels_differ": model(node("Conv", "x w"), tensor("w", floats(4, 5, 3, 3))),
        "window_beyond_input": model(node("Conv", "x w"), tensor("w", floats(4, 3, 9, 9))), "dilated_beyond_input": conv(dilations=[9, 9]),
        "broadcast": model(node("Add", "x w"), tensor("w", floats(5))), "rank_of_conv": model(node("Conv", "x w"), tensor("w", floats(4, 3, 3))),
        "reshape_lies": model(node("Reshape", "x s"), ints("s", 7)), "reshape_two_unknown": model(node("Reshape", "x s"), ints("s", -1, -1)),
        "reshape_overflows": model(node("Reshape", "x s"), ints("s", 2**62, 2**62, 0)), "reshape_negative": model(node("Reshape", "x s"), ints("s", -2, 96)),
        "squeeze_wrong": model(node("Squeeze", "x s"), ints("s", 1)), "unsqueeze_twice": model(node("Unsqueeze", "x s"), ints("s", 0, 0)),
        "unsqueeze_range": model(node("Unsqueeze", "x s"), ints("s", 9)), "slice_step_zero": model(node("Slice", "x a b c d"), ints("a", 0), ints("b", 1), ints("c", 0), ints("d", 0)),
        "slice_lengths": model(node("Slice", "x a b"), ints("a", 0, 1), ints("b", 1)), "gather_range": model(node("Gather", "x a", axis=1), ints("a", 3)),
        "gather_least": model(node("Gather", "x a", axis=1), ints("a", LEAST)), "pad_lengths": model(node("Pad", "x p"), ints("p", 1, 1)),
        "pad_removes_all": model(node("Pad", "x p"), ints("p", 0, 0, -9, 0, 0, 0, 0, 0)), "expand_wrong": model(node("Expand", "x s"), ints("s", 5)),
        "tile_lengths": model(node("Tile", "x r"), ints("r", 2)), "tile_negative": model(node("Tile", "x r"), ints("r", 1, 1, 1, -1)),
        "split_sum": model(node("Split", "x s", "y z", axis=1), ints("s", 1, 1)), "split_negative": model(node("Split", "x s", "y z", axis=1), ints("s", 4, -1)),
        "too_many_inputs": model(node("Relu", "x x")), "no_inputs": model(node("Relu", "")), "no_outputs": model([node("Relu", "x", ""), node("Relu", "x", "y", "m")]),
        "left_out_input": model(node("Relu", "-")), "range_delta_zero": model(node("Range", "a b c"), *[tensor(n, np.array(v, np.int64)) for n, v in (("a", 0), ("b", 9), ("c", 0))]),
        "bn_sizes": model(node("BatchNormalization", "x w w w w"), tensor("w", floats(4))), "batch_norm_inputs": model(node("BatchNormalization", "x w"), tensor("w", floats(3))),
    }


@table(UNSUPPORTED, "'n'")
def attribute_too():
    return {
        "pads_negative": conv(pads=[-1, 0, 0, 0]), "stride_huge": conv(strides=[GREATEST, GREATEST]), "pads_huge": conv(pads=[GREATEST, 0, GREATEST, 0]),
        "dilation_huge": conv(dilations=[GREATEST, 1]), "kernel_huge": model(node("MaxPool", "x", kernel_shape=[GREATEST, 1], pads=[GREATEST - 1, 0, 1, 0])),
        "unknown": model(node("Relu", "x", alpha=1.0)), "domain_unknown": model(node("Relu", "x", domain="ai.onnx.ml")),
        "python": model(node("PyOp", "x", domain="ai.onnx.contrib", code="import os")), "operator_unknown": model(node("Frobnicate", "x")),
        "operator_empty": model(node("", "x")),
        "loop": model(node("Loop", "m c x", body=helper.make_graph([], "b", [], [])), ints("m"), tensor("c", np.array(True))),
    }


# Functions and subgraphs ----------------------------------------------------------------------------------------------------------------------------


@table(INVALID, "function")
def function_bad():
    relu = function("F", "a", "b", [node("Relu", "a", "b")])
    return {
        "calls_itself": model(call("F", "x", "y"), functions=[function("F", "a", "b", [call("F")])]),
        "call_each_other": model(call("F", "x", "y"), functions=[function("F", "a", "b", [call("G")]), function("G", "a", "b", [call("F")])]),
        "twice": model(call("F", "x", "y"), functions=[relu, relu]),
        "too_many_inputs": model(call("F", "x x", "y"), functions=[relu]), "too_many_outputs": model(call("F", "x", "y z"), functions=[relu]),
        "output_missing": model(call("F", "x", "y"), functions=[function("F", "a", "b", [node("Relu", "a", "c")])]),
        "attribute_unknown": model(call("F", "x", "y", alpha=1.0), functions=[relu]), "no_name": model(RELU, functions=[function("", "a", "b", [node("Relu", "a", "b")])]),
    }


@refused(UNSUPPORTED, "nested more than 32 deep")
def function_deep(folder):
    chain = [function(f"F{i}", "a", "b", [call(f"F{i + 1}")]) for i in range(1000)]
    return model(call("F0", "x", "y"), functions=[*chain, function("F1000", "a", "b", [node("Relu", "a", "b")])])


@refused(UNSUPPORTED, "function", "nodes")
def function_bomb(folder):
    doubling = [function(f"F{i}", "a", "b", [call(f"F{i + 1}", "a", "c"), call(f"F{i + 1}", "c", "b")]) for i in range(30)]
    return model(call("F0", "x", "y"), functions=[*doubling, function("F30", "a", "b", [node("Relu", "a", "b")])])


@table(UNSUPPORTED, "'n'")
def branches():
    nested = branch(RELU_Z)
    for _ in range(20):
        nested = branch(node("If", "c", "z", then_branch=nested, else_branch=branch(RELU_Z)))
    runtime = node("If", "c", then_branch=branch(RELU_Z), else_branch=branch(RELU_Z))
    return {"at_run_time": model(runtime, inputs=[value("x", [1, 3]), value("c", [], TensorProto.BOOL)]),
            "deep": model(node("If", "c", then_branch=nested, else_branch=nested), inputs=[value("x", [1, 3]), value("c", [], TensorProto.BOOL)])}


# Bombs ----------------------------------------------------------------------------------------------------------------------------------------------


def filled(*shape):
    return [node("ConstantOfShape", "s", "c", "fill"), node("Add", "x c")], ints("s", *shape)


@table(REFUSED)
def bomb():
    data = tensor("w", floats(1, 1024))
    return {
        "expand": model(node("Expand", "x s"), ints("s", 2**30, 3, 8, 8)), "expand_overflows": model(node("Expand", "x s"), ints("s", 2**40, 2**20, 1, 3, 8, 8)),
        "tile": model(node("Tile", "x r"), ints("r", 2**20, 2**10, 1, 1)), "tile_overflows": model(node("Tile", "x r"), ints("r", 2**40, 2**40, 1, 1)),
        "pad": model(node("Pad", "x p"), ints("p", 0, 0, 2**40, 0, 0, 0, 0, 0)), "pad_wraps": model(node("Pad", "x p"), ints("p", 0, 0, 2**62, 0, 0, 0, 2**62, 0)),
        "fill": model(filled(2**35, 3)[0], filled(2**35, 3)[1]), "fill_overflows": model(*filled(2**62, 2**62)), "fill_2_40": model(*filled(2**20, 2**20)),
        "fold_expand": model([node("Expand", "w s", "c", "e"), node("Add", "c x")], data, ints("s", 2**20, 1024), x=[1]),
        "fold_tile": model([node("Tile", "w s", "c", "e"), node("Add", "c x")], data, ints("s", 2**20, 1), x=[1]),
        "fold_output": model([RELU, node("Expand", "w s", "c", "e")], data, ints("s", 2**20, 1024), outputs="y c"),
        "fold_concat": model([node("Concat", " ".join(["w"] * 2000), "c0", "c", axis=0), node("Concat", " ".join(["c0"] * 1000), "c1", "d", axis=0), node("Add", "c1 x")], data, x=[1]),
        "range": model([node("Range", "a b d", "c", "r"), node("Cast", "c", "f", "k", to=1), node("Add", "f x")],
                       *[tensor(n, np.array(v, np.int64)) for n, v in (("a", 0), ("b", 2**60), ("d", 1))], x=[1]),
        "one_hot": model([node("OneHot", "i d v", "c", "o"), node("Add", "c x")], ints("i", *range(200)), ints("d", 2**40), tensor("v", floats(2)), x=[1]),
        "resize": model(node("Resize", "x - s"), tensor("s", np.array([1, 1, 1e9, 1e9], np.float32))),
        "resize_sizes": model(node("Resize", "x - - s"), ints("s", 1, 3, 2**40, 2**40)),
        "outer_product": model([node("Add", "w v", "c", "a"), node("Add", "c x")], tensor("w", floats(100000, 1)), tensor("v", floats(1, 100000)), x=[1]),
        "matmul": model(node("MatMul", "x z"), inputs=[value("x", [2**30, 1]), value("z", [1, 2**30])]),
        "conv_transpose": model(node("ConvTranspose", "x w", strides=[2**24, 2**24]), tensor("w", floats(3, 4, 3, 3))),
        "output_shape": model(node("ConvTranspose", "x w", output_shape=[2**40, 2**40]), tensor("w", floats(3, 4, 3, 3))),
        "gather": model([node("Expand", "i s", "j", "e"), node("Gather", "x j", axis=1)], ints("i", 0), ints("s", 2**36)),
    }
