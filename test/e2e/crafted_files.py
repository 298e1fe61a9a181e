"""Crafted models: the file itself, its header, the graph and its inputs."""

import os

import numpy as np
from crafted import FLOAT, INVALID, RELU, UNSUPPORTED, changed, floats, model, node, refused, table, tensor, value
from onnx import TensorProto, helper

# Files ----------------------------------------------------------------------------------------------------------------------------------------------


@table(INVALID, "is not an ONNX model")
def file():
    good = model(node("Add", "x w"), tensor("w", floats(3, 8, 8))).SerializeToString()
    return {
        "empty": b"", "text": b"ir_version: 8\ngraph { name: \"g\" }\n", "cut": good[:-1], "cut_early": good[:9], "doubled_length": good.replace(b"\x12", b"\xff"),
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(64), "zip": b"PK\3\4" + bytes(64), "elf": b"\x7fELF\2\1\1" + bytes(64), "random": np.random.default_rng(1).bytes(4096),
        "zeros": bytes(4096), "endless_varint": b"\xff" * 4096, "huge_length": b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "groups": b"\x3b" * 100000,
        "pickle": b"\x80\4\x95" + bytes(64), "tensor": tensor("w", floats(3)).SerializeToString(), "json": b'{"graph": {}}',
    }


@refused(INVALID, "is a directory")
def file_directory(folder):
    (folder / "d.onnx").mkdir()
    return folder / "d.onnx"


@refused(INVALID, "is not a regular file")
def file_fifo(folder):
    os.mkfifo(folder / "f.onnx")
    return folder / "f.onnx"


@refused(INVALID, "cannot be opened")
def file_missing(folder):
    return folder / "none.onnx"


@refused(INVALID, "cannot be opened")
def file_name_too_long(folder):
    return folder / ("n" * 300 + ".onnx")


@refused(INVALID, "is not an ONNX model")
def file_gigabyte_of_zeros(folder):
    with open(folder / "m.onnx", "wb") as out:
        out.truncate(1 << 30)
    return folder / "m.onnx"


@refused(UNSUPPORTED, "is larger than 2 GiB")
def file_beyond_protobuf(folder):
    with open(folder / "m.onnx", "wb") as out:
        out.truncate(1 << 33)
    return folder / "m.onnx"


@refused(INVALID)
def file_nested_100000(folder):
    # Lengths from the inside out: model > graph > node > attribute > graph > node > …
    body = b""
    for depth in range(100000):
        body = (b"\x0a", b"\x2a", b"\x32")[depth % 3] + varint(len(body)) + body if len(body) < 200000 else b"\x0a" + varint(len(body)) + body
        if len(body) > 400000:
            break
    return b"\x08\x08" + b"\x3a" + varint(len(body)) + body


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


# Header ---------------------------------------------------------------------------------------------------------------------------------------------


@refused(INVALID, "has no graph")
def header_no_graph(folder):
    return changed(model(RELU), lambda m: m.ClearField("graph"))


@table(INVALID, "opset")
def opset():
    twice = model(RELU)
    twice.opset_import.add(domain="ai.onnx", version=13)
    return {"zero": model(RELU, opset=0), "negative": model(RELU, opset=-1), "least": model(RELU, opset=-(2**63)), "twice": twice}


@table(UNSUPPORTED, "opset")
def opset_too():
    return {"new": model(RELU, opset=999), "huge": model(RELU, opset=2**63 - 1)}


@refused(INVALID, "no version of the standard operator set")
def opset_missing(folder):
    return changed(model(RELU), lambda m: m.ClearField("opset_import"))


@table(INVALID, "ir_version")
def ir_version():
    return {"zero": changed(model(RELU), lambda m: setattr(m, "ir_version", 0)), "negative": changed(model(RELU), lambda m: setattr(m, "ir_version", -5)),
            "missing": changed(model(RELU), lambda m: m.ClearField("ir_version"))}


@table(UNSUPPORTED, "ir_version")
def ir_version_too():
    return {"huge": changed(model(RELU), lambda m: setattr(m, "ir_version", 2**62))}


# Graph ----------------------------------------------------------------------------------------------------------------------------------------------


@refused(INVALID, "neither an input of the graph")
def graph_cycle(folder):
    return model([node("Add", "x b", "a", "first"), node("Relu", "a", "b", "second"), node("Relu", "b", "y", "third")])


@refused(INVALID, "takes its own output 'y'", "'n'")
def graph_node_of_itself(folder):
    return model(node("Add", "x y"))


@refused(INVALID, "neither an input of the graph")
def graph_wrong_order(folder):
    return model([node("Relu", "a", "y"), node("Relu", "x", "a")])


@refused(INVALID, "neither an input of the graph", "'nothing'")
def graph_missing_value(folder):
    return model(node("Add", "x nothing"))


@refused(INVALID, "defined before")
def graph_defined_twice(folder):
    return model([node("Relu", "x", "y", "first"), node("Abs", "x", "y", "second")])


@refused(INVALID, "defined before")
def graph_output_twice_in_node(folder):
    return model(node("MaxPool", "x", "y y", kernel_shape=[2, 2]))


@refused(INVALID, "defined before")
def graph_input_redefined(folder):
    return model(node("Relu", "x", "x"), outputs="x")


@refused(INVALID, "declared twice")
def graph_input_twice(folder):
    return model(RELU, inputs=[value("x", [1, 3]), value("x", [1, 3])])


@refused(INVALID, "declared twice")
def graph_output_declared_twice(folder):
    return model(RELU, outputs="y y")


@refused(INVALID, "defined twice")
def graph_initializer_twice(folder):
    return model(node("Add", "x w"), tensor("w", floats(3, 8, 8)), tensor("w", floats(3, 8, 8)))


@refused(INVALID, "no name")
def graph_unnamed_input(folder):
    return model(RELU, inputs=[value("", [1, 3]), value("x", [1, 3])])


@refused(INVALID, "no name")
def graph_unnamed_initializer(folder):
    return model(RELU, tensor("", floats(3)))


@refused(INVALID, "no outputs")
def graph_no_outputs(folder):
    return model(RELU, outputs="")


@refused(INVALID, "not defined")
def graph_output_of_nobody(folder):
    return model(RELU, outputs="z")


@refused(INVALID, "not defined")
def graph_unnamed_output(folder):
    return model(RELU, outputs=[value("", [1])])


@refused(INVALID, "output 'y'")
def graph_empty(folder):
    return model([])


@refused(INVALID, "UTF-8")
def name_not_utf8(folder):
    return model(node("Relu", "x", "QQQQ"), outputs="QQQQ").SerializeToString().replace(b"QQQQ", b"\xff\xfe\xc0\x80")


@refused(INVALID, "UTF-8")
def name_of_node_not_utf8(folder):
    return model(node("Relu", "x", name="QQQQ")).SerializeToString().replace(b"QQQQ", b"\xff\xfe\xc0\x80")


@refused(UNSUPPORTED, "bytes")
def name_of_a_megabyte(folder):
    return model(node("Relu", "x", "y" * (1 << 20)), outputs="y" * (1 << 20))


@refused(UNSUPPORTED, "operator", "bytes")
def name_of_operator_of_a_megabyte(folder):
    return model(node("R" * (1 << 20), "x"))


@refused(INVALID, "\\x0a")
def name_with_line_breaks(folder):
    return changed(model(RELU), lambda m: m.graph.node[0].input.__setitem__(0, "red\x1b[31m\nlines"))


# Inputs ---------------------------------------------------------------------------------------------------------------------------------------------


@table(UNSUPPORTED, "input 'x'")
def input():
    sequence = model(RELU, inputs=[helper.make_tensor_sequence_value_info("x", FLOAT, [3])])
    untyped = changed(model(RELU), lambda m: m.graph.input[0].ClearField("type"))
    return {"string": model(RELU, inputs=[value("x", [1], TensorProto.STRING)]), "complex": model(RELU, inputs=[value("x", [1], TensorProto.COMPLEX64)]),
            "type_unknown": model(RELU, inputs=[value("x", [1], 77)]), "sequence": sequence, "untyped": untyped, "no_shape": model(RELU, x=None),
            "extent_2_62": model(RELU, x=[1, 2**62]), "extent_greatest": model(RELU, x=[2**63 - 1])}


@table(UNSUPPORTED, "'x'")
def input_product():
    return {"rank": model(RELU, x=[1] * 5000), "overflows": model(RELU, x=[2**31, 2**31, 2**31]), "wraps_to_zero": model(RELU, x=[2**16, 2**16, 2**16, 2**16]),
            "too_large": model(RELU, x=[2**20, 2**20]), "wraps_to_one": model(RELU, x=[641, 6700417, 2**30])}
