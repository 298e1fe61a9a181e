"""Models that are damaged, hostile or not supported, made by hand: what the compiler must refuse, with which code, and what its line must say.

A case is a function that makes the model (bytes, a ModelProto, or a path of its own) in a folder; `@refused` says what must come of it. Each class of attack
or damage that importers of ONNX have fallen for has at least one; docs/ThreatModel.md says what the limits are."""

import os
from typing import Callable, NamedTuple

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
UNSUPPORTED, INVALID = 2, 3
REFUSED = (2, 3)  # where it depends on how much of the operator is supported


class Case(NamedTuple):
    name: str
    codes: tuple[int, ...]
    words: tuple[str, ...]
    make: Callable
    flags: tuple[str, ...]


CASES: list[Case] = []


def codes_of(code):
    return code if isinstance(code, tuple) else (code,)


def refused(code, *words, flags=()):
    """The case must end with this code (or one of these), and one line of it must hold all these words."""

    def register(make):
        CASES.append(Case(make.__name__, codes_of(code), words, make, tuple(flags)))
        return make

    return register


def table(code, *words):
    """Several cases that differ in one value: a dictionary from names to models."""

    def register(make):
        for name in make():
            CASES.append(Case(f"{make.__name__}_{name}", codes_of(code), words, lambda folder, name=name: make()[name], ()))
        return make

    return register


def node(op, inputs, outputs="y", name="n", **attributes):
    names = lambda text: ["" if one == "-" else one for one in text.split()]
    return helper.make_node(op, names(inputs), names(outputs), name=name, **attributes)


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def ints(name, *values):
    return tensor(name, np.array(values, np.int64))


def floats(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def model(nodes, *weights, x=(1, 3, 8, 8), outputs="y", opset=17, inputs=None, **keywords):
    nodes = nodes if isinstance(nodes, list) else [nodes]
    outputs = [value(one, None) for one in outputs.split()] if isinstance(outputs, str) else outputs
    graph = helper.make_graph(nodes, "g", [value("x", x)] if inputs is None else inputs, outputs, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **keywords)


def changed(made, change):
    change(made)
    return made


RELU, RELU_Z = node("Relu", "x"), node("Relu", "x", "z", "r")

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


# Tensors --------------------------------------------------------------------------------------------------------------------------------------------


def weights(change, array=None):
    made = model(node("Add", "x w"), tensor("w", floats(3, 8, 8) if array is None else array))
    change(made.graph.initializer[0])
    return made


def dims(*extents):
    return lambda w: (w.ClearField("dims"), w.dims.extend(extents))


def typed(field, count, dtype=FLOAT, keep_raw=False):
    def change(w):
        if not keep_raw:
            w.ClearField("raw_data")
        w.data_type = dtype
        getattr(w, field).extend([1] * count)
    return change


@table(INVALID, "tensor 'w'")
def tensor_size():
    return {"raw_short": weights(lambda w: setattr(w, "raw_data", w.raw_data[:-1])), "raw_long": weights(lambda w: setattr(w, "raw_data", w.raw_data + b"1")),
            "raw_empty": weights(lambda w: setattr(w, "raw_data", b"")), "no_data": weights(lambda w: w.ClearField("raw_data")),
            "dims_negative": weights(dims(-3, 8, 8)), "dims_two_negative": weights(dims(-3, -8, 8)), "dims_least": weights(dims(-(2**63))),
            "dims_overflow": weights(dims(2**32, 2**32)), "dims_wrap_to_size": weights(dims(3, 8, 8, 2**62 + 1, 4)), "dims_2_31": weights(dims(2**31)),
            "dims_2_62": weights(dims(2**62)), "rank_5000": weights(dims(*[1] * 5000)), "typed_short": weights(typed("float_data", 191)),
            "typed_long": weights(typed("float_data", 193)), "typed_in_wrong_field": weights(typed("int32_data", 192)),
            "raw_and_typed": weights(typed("float_data", 192, keep_raw=True)), "raw_and_other_typed": weights(typed("int64_data", 3, keep_raw=True)),
            "scalar_of_192": weights(dims()), "zero_with_data": weights(dims(0, 3))}


@table(INVALID, "tensor 'w'")
def tensor_elements():
    return {"int8_of_1000": weights(lambda w: (dims(2)(w), typed("int32_data", 0, TensorProto.INT8)(w), w.int32_data.extend([1000, 1]))),
            "bool_of_7": weights(lambda w: (dims(2)(w), typed("int32_data", 0, TensorProto.BOOL)(w), w.int32_data.extend([7, 1]))),
            "float16_of_70000": weights(lambda w: (dims(2)(w), typed("int32_data", 0, TensorProto.FLOAT16)(w), w.int32_data.extend([70000, -1])))}


@table(UNSUPPORTED, "w")
def tensor_kind():
    return {"string": model(node("Add", "x w"), helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])),
            "int4": weights(lambda w: setattr(w, "data_type", TensorProto.INT4)), "unknown_type": weights(lambda w: setattr(w, "data_type", 4711)),
            "type_zero": weights(lambda w: setattr(w, "data_type", 0)), "negative_type": weights(lambda w: setattr(w, "data_type", -1))}


@refused(INVALID, "segments")
def tensor_segment(folder):
    return weights(lambda w: setattr(w.segment, "end", 5))


@refused(UNSUPPORTED, "sparse")
def tensor_sparse(folder):
    sparse = helper.make_sparse_tensor(tensor("s", np.ones(1, np.float32)), ints("i", 10**12), [10**13])
    return changed(model(RELU), lambda m: m.graph.sparse_initializer.append(sparse))


@refused(UNSUPPORTED, "sparse_value")
def tensor_sparse_constant(folder):
    sparse = helper.make_sparse_tensor(tensor("s", np.ones(1, np.float32)), ints("i", 0), [10**13])
    return model([node("Constant", "", "c", "k", sparse_value=sparse), node("Add", "x c")])


@refused(INVALID, "tensor 'k'")
def tensor_in_attribute_lies(folder):
    lying = changed(tensor("", floats(4)), lambda t: t.dims.append(9))
    return model([node("Constant", "", "c", "k", value=lying), node("Add", "x c")])


# External data --------------------------------------------------------------------------------------------------------------------------------------


def external(location, offset="0", length="768", extra=()):
    def change(w):
        w.ClearField("raw_data")
        w.data_location = TensorProto.EXTERNAL
        for key, text in (("location", location), ("offset", offset), ("length", length), *extra):
            if text is not None:
                w.external_data.add(key=key, value=text)
    return weights(change)


def bytes_in(folder, name="w.bin"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(floats(3, 8, 8).tobytes())
    return path


@table(INVALID, "'..'")
def external_dotdot():
    return {"first": external("../secret"), "nested": external("a/../../secret"), "last": external("a/.."), "many": external("../" * 500 + "etc/passwd"),
            "dots_between": external("./../secret"), "doubled": external("a//..//..//etc/passwd")}


@table(INVALID, "absolute path")
def external_absolute():
    return {"passwd": external("/etc/passwd"), "device": external("/dev/zero"), "proc": external("/proc/self/mem"), "double": external("//etc/passwd")}


@table(INVALID, "tensor 'w'")
def external_location():
    return {"empty": external(""), "missing": external(None), "dot": external("."), "nul": external("w.bin\0.txt"), "no_file": external("none.bin"),
            "memory": external("*/_ORT_MEM_ADDR_/*"), "long": external("n" * 100000), "backslash": external("..\\..\\secret"), "drive": external("C:\\secret"),
            "url": external("file:///etc/passwd"), "itself_beyond": external("m.onnx", "0", "768"), "many_parts": external("a/" * 5000 + "w")}


def file_case(code, *words, flags=(), **entries):
    """External data of the file that the function makes in the folder; it returns the location."""

    def register(make):
        def build(folder):
            return external(make(folder), **entries)
        build.__name__ = make.__name__
        return refused(code, *words, flags=flags)(build)

    return register


@file_case(INVALID, "symbolic link", "--external-data-root=DIR")
def external_symlink(folder):
    (folder / "link").symlink_to(bytes_in(folder))
    return "link"


@file_case(INVALID, "symbolic link", "--external-data-root=DIR")
def external_symlink_to_passwd(folder):
    (folder / "link").symlink_to("/etc/passwd")
    return "link"


@file_case(INVALID, "symbolic link", "--external-data-root=DIR")
def external_symlink_of_folder(folder):
    bytes_in(folder, "real/w.bin")
    (folder / "linked").symlink_to("real")
    return "linked/w.bin"


@file_case(INVALID, "leads out of the external data root", flags=["--external-data-root=FOLDER/root"])
def external_symlink_out_of_root(folder):
    (folder / "root").mkdir()
    (folder / "link").symlink_to(bytes_in(folder))
    return "link"


@file_case(INVALID, "external data root", flags=["--external-data-root=FOLDER/none"])
def external_root_missing(folder):
    (folder / "link").symlink_to(bytes_in(folder))
    return "link"


@file_case(INVALID, "symbolic link")
def external_symlink_loop(folder):
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    return "a"


@file_case(INVALID, "hard links", "--external-data-root=DIR")
def external_hard_link(folder):
    os.link(bytes_in(folder), folder / "second.bin")
    return "second.bin"


@file_case(INVALID, "not a regular file")
def external_fifo(folder):
    os.mkfifo(folder / "fifo")
    return "fifo"


@file_case(INVALID, "not a regular file", flags=["--external-data-root=/dev"])
def external_device(folder):
    (folder / "zero").symlink_to("/dev/zero")
    return "zero"


@file_case(INVALID, "is a directory")
def external_directory(folder):
    (folder / "sub").mkdir()
    return "sub"


@file_case(INVALID, "holds 768 bytes", offset=str(2**63 - 1))
def external_offset_wraps(folder):
    return bytes_in(folder).name


@file_case(INVALID, "holds 768 bytes", offset="1")
def external_offset_beyond(folder):
    return bytes_in(folder).name


@file_case(INVALID, "expects a byte count", offset=str(2**64 - 768))
def external_offset_beyond_signed(folder):
    return bytes_in(folder).name


@file_case(INVALID, "expects a byte count", offset="-768")
def external_offset_negative(folder):
    return bytes_in(folder).name


@file_case(INVALID, "expects a byte count", offset="0x10")
def external_offset_hexadecimal(folder):
    return bytes_in(folder).name


@file_case(INVALID, "length", length="767")
def external_length_short(folder):
    return bytes_in(folder).name


@file_case(INVALID, "length", length=str(2**62))
def external_length_huge(folder):
    return bytes_in(folder).name


@file_case(INVALID, "twice", extra=(("location", "other.bin"),))
def external_location_twice(folder):
    return bytes_in(folder).name


@file_case(INVALID, "'__class__'", extra=(("__class__", "x"),))
def external_unknown_key(folder):
    return bytes_in(folder).name


@refused(INVALID, "both external and inline")
def external_and_inline(folder):
    return changed(external("w.bin"), lambda m: m.graph.initializer[0].double_data.append(1))


@refused(INVALID, "'..'")
def external_in_attribute(folder):
    one = external("../secret").graph.initializer[0]
    return model([node("Constant", "", "c", "k", value=one), node("Add", "x c")])


@refused(INVALID, "'..'")
def external_in_function(folder):
    one = external("../secret").graph.initializer[0]
    body = [node("Constant", "", "c", "k", value=one), node("Add", "a c", "b")]
    return model(node("F", "x", domain="f"), functions=[function("F", "a", "b", body)])


@refused(INVALID, "'..'")
def external_in_branch(folder):
    one = external("../secret").graph.initializer[0]
    return model(node("If", "c", then_branch=branch(node("Add", "x w", "z"), one), else_branch=branch(node("Relu", "x", "z"))), tensor("c", np.array(True)))


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


def function(name, inputs, outputs, body, attributes=(), opset=17, **keywords):
    return helper.make_function("f", name, inputs.split(), outputs.split(), body, [helper.make_opsetid("", opset), helper.make_opsetid("f", 1)], list(attributes),
                                **keywords)


def branch(nodes, *weights):
    return helper.make_graph(nodes if isinstance(nodes, list) else [nodes], "b", [], [value("z", None)], list(weights))


def call(name, inputs="a", outputs="b", **attributes):
    return node(name, inputs, outputs, "call", domain="f", **attributes)


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
