"""What the tools say, and their exit codes, when the model or the inputs are not what they should be."""

import numpy
import onnx
import pytest
from harness import compile_model, tool
from onnx import TensorProto, helper

UNSUPPORTED = [("RandomNormalLike", "roll_dice", {}), ("Det", "take_det", {}), ("NonZero", "find_nonzero", {}), ("Bernoulli", "toss_coin", {}),
               ("Unique", "find_unique", {})]


def one_line(done, code, *words):
    """The tool ended with this code and one line on stderr, which names all these words."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr}"
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_all_unsupported_nodes_are_named_in_one_run(tmp_path):
    nodes = [helper.make_node("Relu", ["x"], ["t"], name="fine")]
    nodes += [helper.make_node(op, ["t"], [f"y{i}"], name=name, **attributes) for i, (op, name, attributes) in enumerate(UNSUPPORTED)]
    dtypes = [TensorProto.INT64 if op == "NonZero" else TensorProto.FLOAT for op, _, _ in UNSUPPORTED]
    outputs = [helper.make_tensor_value_info(f"y{i}", dtype, None) for i, dtype in enumerate(dtypes)]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 4, 4])], outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    for command in (["lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so"], ["lathe", "check", tmp_path / "m.onnx"]):
        done = tool(*command)
        assert done.returncode == 2, done.stderr
        said = done.stdout + done.stderr
        for op, name, _ in UNSUPPORTED:
            line = [line for line in said.splitlines() if name in line]
            assert line and op in line[0], f"'{name}' ({op}) is not named in:\n{said}"
        assert "fine" not in said
        assert not (tmp_path / "m.so").exists()


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x12" + b"\xff" * 64, None], ids=["empty", "text", "cut", "missing"])
def test_unreadable_model(tmp_path, content):
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    one_line(tool("lathe", "compile", path, "-o", tmp_path / "m.so"), 3, "broken.onnx")


def test_missing_weights_file(tmp_path, resnet50_onnx):
    (tmp_path / "resnet50.onnx").write_bytes(resnet50_onnx.read_bytes())
    done = tool("lathe", "compile", tmp_path / "resnet50.onnx", "-o", tmp_path / "m.so")
    assert done.returncode == 3 and "resnet50.weights" in done.stderr, done.stderr


def test_unknown_flag_suggests_the_nearest(tmp_path, digits_onnx):
    one_line(tool("lathe", "compile", digits_onnx, "-o", tmp_path / "m.so", "--dump-irr=x"), 1, "--dump-irr", "--dump-ir")


def test_unknown_phase(tmp_path, digits_onnx):
    one_line(tool("lathe", "compile", digits_onnx, "-o", tmp_path / "m.so", "--compile-to=lianlg"), 1, "lianlg")


def test_unknown_cpu(tmp_path, digits_onnx):
    one_line(tool("lathe", "compile", digits_onnx, "-o", tmp_path / "m.so", "--mcpu=x86-64-v9"), 1, "x86-64-v9")


def test_output_that_cannot_be_written(tmp_path, digits_onnx):
    done = tool("lathe", "compile", digits_onnx, "-o", tmp_path / "no" / "such" / "m.so")
    assert done.returncode == 6 and "m.so" in done.stderr, done.stderr


def test_dump_folder_that_cannot_be_made(tmp_path, digits_onnx):
    (tmp_path / "file").write_text("in the way")
    done = tool("lathe", "compile", digits_onnx, "-o", tmp_path / "m.so", f"--dump-ir={tmp_path / 'file'}")
    assert done.returncode == 6 and "file" in done.stderr, done.stderr


class TestRun:
    def run(self, digits, tmp_path, *flags, **arrays):
        for name, array in arrays.items():
            numpy.save(tmp_path / f"{name}.npy", array)
        return tool("lathe", "run", digits, *[f"--input={name}:@{tmp_path / name}.npy" for name in arrays], f"--output-dir={tmp_path / 'out'}", *flags)

    def test_right_input(self, digits, tmp_path):
        done = self.run(digits, tmp_path, image=numpy.zeros((2, 1, 8, 8), numpy.float32))
        assert done.returncode == 0, done.stderr
        assert numpy.load(tmp_path / "out" / "00-logits.npy").shape == (2, 10)

    def test_wrong_rank(self, digits, tmp_path):
        one_line(self.run(digits, tmp_path, image=numpy.zeros((1, 8, 8), numpy.float32)), 3, "image")

    def test_wrong_dim(self, digits, tmp_path):
        one_line(self.run(digits, tmp_path, image=numpy.zeros((1, 1, 8, 9), numpy.float32)), 3, "image", "9", "8")

    def test_wrong_dtype(self, digits, tmp_path):
        one_line(self.run(digits, tmp_path, image=numpy.zeros((1, 1, 8, 8), numpy.float64)), 3, "image", "float64", "float32")

    def test_missing_input(self, digits, tmp_path):
        one_line(self.run(digits, tmp_path), 3, "image")

    def test_unknown_input(self, digits, tmp_path):
        one_line(self.run(digits, tmp_path, imag=numpy.zeros((1, 1, 8, 8), numpy.float32)), 3, "imag", "image")

    def test_missing_file(self, digits, tmp_path):
        one_line(tool("lathe", "run", digits, f"--input=image:@{tmp_path / 'none.npy'}"), 3, "none.npy")

    def test_not_an_artifact(self, tmp_path):
        (tmp_path / "m.so").write_bytes(b"no artifact")
        one_line(tool("lathe", "run", tmp_path / "m.so"), 5, "m.so")

    def test_output_folder_that_cannot_be_made(self, digits, tmp_path):
        (tmp_path / "out").write_text("in the way")
        one_line(self.run(digits, tmp_path, image=numpy.zeros((1, 1, 8, 8), numpy.float32)), 6, "out")
