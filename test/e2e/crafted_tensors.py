"""Crafted models: tensors in the file and outside of it."""

import os

import numpy as np
from crafted import FLOAT, INVALID, RELU, UNSUPPORTED, branch, changed, floats, function, ints, model, node, refused, table, tensor, value
from onnx import TensorProto, helper

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
