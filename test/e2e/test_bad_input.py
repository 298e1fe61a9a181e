"""Damaged, hostile and unsupported models (crafted*.py): each is refused with exit 2 or 3 and one line per cause, at once, in little memory, and leaves nothing
behind; the importer built with ASan and UBSan says the same."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy
import onnx
import onnxruntime
import pytest
import crafted_files, crafted_nodes  # noqa: F401, E401: they fill CASES
from crafted import CASES, branch, call, function, ints, model, node, tensor, value
from crafted_tensors import external
from harness import BUILD, TIMEOUT, Context, Model, tool

MAX_SECONDS, MAX_KILOBYTES, MAX_LINES = 1, 250 * 1000, 4
SANITIZERS = {"ASAN_OPTIONS": "allow_user_poisoning=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


def measured(command, folder):
    """(exit code, stderr, seconds of processor time, peak kilobytes)."""
    launcher = [sys.executable, "-I", "-S", Path(__file__).with_name("measure.py"), folder / "usage"]
    with open(folder / "stderr", "wb") as errors:
        subprocess.run(list(map(str, [*launcher, *command])), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, timeout=TIMEOUT, check=True)
    code, seconds, kilobytes = (folder / "usage").read_text().split()
    (folder / "usage").unlink()
    return int(code), (folder / "stderr").read_bytes().decode(), float(seconds), int(kilobytes)


def made(case, folder):
    """The path of the case's model, and its flags."""
    content = case.make(folder)
    if not isinstance(content, Path):
        path = folder / "m.onnx"
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        content = path
    return content, [flag.replace("FOLDER", str(folder)) for flag in case.flags]


def check_lines(case, code, text):
    lines = text.splitlines()
    assert code in case.codes, f"exit {code}, expected {case.codes}: {text[:2000]}"
    assert 1 <= len(lines) <= MAX_LINES, text[:2000]
    assert all(len(line) < 1000 for line in lines), "a line of more than 1000 characters"
    assert not any(ord(c) < 32 for line in lines for c in line), "control characters"
    assert any(all(word in line for word in case.words) for line in lines), f"no line with {case.words}: {text}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_refused(case, tmp_path):
    (tmp_path / "in").mkdir()
    path, flags = made(case, tmp_path / "in")
    before = set(tmp_path.rglob("*"))
    code, text, seconds, kilobytes = measured([BUILD / "bin" / "lathe-compile", path, "-o", tmp_path / "out.so", "--threads=1", *flags], tmp_path)
    check_lines(case, code, text)
    assert all(line.startswith("error: ") for line in text.splitlines()), text
    assert seconds < MAX_SECONDS and kilobytes < MAX_KILOBYTES, f"{seconds} s, {kilobytes} KB"
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "stderr"}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_refused_under_sanitizers(case, tmp_path):
    path, flags = made(case, tmp_path)
    done = subprocess.run([BUILD / "bin" / "import-sanitized", path, *flags], capture_output=True, text=True, timeout=TIMEOUT, env={**os.environ, **SANITIZERS})
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr[:4000]
    check_lines(case, done.returncode, done.stderr)


def test_enough_cases():
    assert len(CASES) >= 200 and len({case.name for case in CASES}) == len(CASES)


# What is refused beside what is not: the same files, as they should be.


def test_external_data_that_is_allowed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.bin").write_bytes(b"\0" * 776)
    (tmp_path / "link").symlink_to("sub/w.bin")
    for location, flags in (("sub/w.bin", []), ("./sub//w.bin", []), ("link", [f"--external-data-root={tmp_path}"])):
        onnx.save(external(location, offset="8"), tmp_path / "m.onnx")
        done = tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", *flags)
        assert done.returncode == 0, done.stderr


def test_splats_cost_nothing(tmp_path):
    big = [1, 3, 8192, 8192]  # 800 MB, were it written down
    nodes = [node("ConstantOfShape", "s", "c", "fill"), node("Add", "x c", "z", "add"), node("MaxPool", "z", "y", "pool", kernel_shape=[64, 64], strides=[64, 64])]
    onnx.save(model(nodes, ints("s", *big), x=big), tmp_path / "m.onnx")
    code, text, seconds, kilobytes = measured([BUILD / "bin" / "lathe-compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", "--threads=1"], tmp_path)
    assert code == 0, text
    assert kilobytes < MAX_KILOBYTES and (tmp_path / "m.so").stat().st_size < 1 << 20


# Functions of the model and branches that are known are inlined.


def outputs(made_model, folder, x):
    onnx.save(made_model, folder / "m.onnx")
    done = tool("lathe", "compile", folder / "m.onnx", "-o", folder / "m.so")
    assert done.returncode == 0, done.stderr
    artifact = Model(folder / "m.so")
    return Context(artifact, threads=1).run({"x": x})["y"]


def unnamed(made_model):
    """A copy for ONNX Runtime, which wants no name of a node twice, not even in two functions."""
    copy = onnx.ModelProto()
    copy.CopyFrom(made_model)
    lists = [copy.graph.node, *[one.node for one in copy.functions]]
    for nodes in lists:
        for one in nodes:
            one.name = ""
            lists.extend(attribute.g.node for attribute in one.attribute if attribute.HasField("g"))
    return copy


def agrees(made_model, folder, shape=(2, 3, 8, 8)):
    """With ONNX Runtime, which does its own inlining."""
    onnx.checker.check_model(made_model)
    x = numpy.random.default_rng(7).standard_normal(shape, numpy.float32)
    want = onnxruntime.InferenceSession(unnamed(made_model).SerializeToString()).run(None, {"x": x})[0]
    numpy.testing.assert_allclose(outputs(made_model, folder, x), want, rtol=1e-5, atol=1e-6)
    assert numpy.ptp(want) > 0


def reference(name, to, kind=onnx.AttributeProto.FLOAT):
    return onnx.AttributeProto(name=name, ref_attr_name=to, type=kind)


def with_reference(op, inputs, result, *references, **attributes):
    made_node = node(op, inputs, result, op.lower(), **attributes)
    made_node.attribute.extend(references)
    return made_node


def typed(made_model):
    made_model.graph.output[0].CopyFrom(value("y", made_model.graph.input[0].type.tensor_type.shape.dim and [2, 3, 8, 8]))
    made_model.graph.input[0].CopyFrom(value("x", [2, 3, 8, 8]))
    made_model.opset_import.add(domain="f", version=1)
    return made_model


def test_function_with_attributes(tmp_path):
    leaky = function("Leaky", "a", "b", [with_reference("LeakyRelu", "a", "t", reference("alpha", "slope")), node("Abs", "t", "b")], ["slope"])
    agrees(typed(model([call("Leaky", "x", "t", slope=0.3), call("Leaky", "t", "y", slope=0.7)], functions=[leaky])), tmp_path)


def test_function_with_a_default(tmp_path):
    leaky = function("Leaky", "a", "b", [with_reference("LeakyRelu", "a", "b", reference("alpha", "slope"))], attribute_protos=[onnx.helper.make_attribute("slope", 0.4)])
    agrees(typed(model([call("Leaky", "x", "t"), call("Leaky", "t", "y", slope=0.9)], functions=[leaky])), tmp_path)


def test_functions_that_call_functions_and_share_names(tmp_path):
    inner = function("Inner", "a c", "b t", [node("Mul", "a c", "t"), node("Sub", "t a", "b")])
    outer = function("Outer", "a", "b", [call("Inner", "a a", "t u"), call("Inner", "t u", "v b")])
    agrees(typed(model([node("Neg", "x", "t"), call("Outer", "t", "b"), node("Add", "b t", "y")], functions=[outer, inner])), tmp_path)


def test_function_that_passes_its_input_through(tmp_path):
    both = function("Both", "a", "a b", [node("Relu", "a", "b")])
    x = numpy.random.default_rng(7).standard_normal((2, 3, 8, 8), numpy.float32)  # ONNX Runtime refuses it
    got = outputs(typed(model([call("Both", "x", "t u"), node("Sub", "u t", "y")], functions=[both])), tmp_path, x)
    numpy.testing.assert_array_equal(got, numpy.maximum(x, 0) - x)


def test_function_of_an_older_opset(tmp_path):
    """Until opset 12 the axes of Squeeze and Unsqueeze are attributes. (The checker wants one opset in the whole model.)"""
    old = function("Old", "a", "b", [node("Unsqueeze", "a", "t", axes=[0]), node("Relu", "t", "u"), node("Squeeze", "u", "b", axes=[0])], opset=11)
    x = numpy.random.default_rng(7).standard_normal((2, 3, 8, 8), numpy.float32)
    got = outputs(typed(model([call("Old", "x", "t"), node("Neg", "t", "y")], functions=[old])), tmp_path, x)
    numpy.testing.assert_array_equal(got, -numpy.maximum(x, 0))


def test_function_with_large_weights_reads_them_where_they_are(tmp_path):
    weights = tensor("w", numpy.random.default_rng(5).standard_normal((3, 3, 300, 301)).astype(numpy.float32))
    body = [node("Constant", "", "w", "k", value=weights), node("MaxPool", "w", "m", "r", kernel_shape=[300, 301]), node("Mul", "a m", "b")]
    heavy = function("Heavy", "a", "b", body, opset=13)
    small = model([call("Heavy", "x", "t"), node("Relu", "t", "y")], functions=[heavy], x=(3, 3, 1, 1))
    x = numpy.ones((3, 3, 1, 1), numpy.float32)
    numpy.testing.assert_allclose(outputs(small, tmp_path, x).ravel(), onnx.numpy_helper.to_array(weights).max(axis=(2, 3)).ravel())


@pytest.mark.parametrize("condition", [True, False])
def test_branch_that_is_known(condition, tmp_path):
    choice = node("If", "c", "y", then_branch=branch([node("Relu", "x", "t"), node("Neg", "t", "z")]), else_branch=branch([node("Abs", "x", "t"), node("Add", "t x", "z")]))
    made_model = model(choice, tensor("c", numpy.array(condition)))
    agrees(typed_only(made_model), tmp_path)


def test_branches_that_share_names(tmp_path):
    one = lambda result, source: node("If", "c", result, result, then_branch=branch([node("Neg", source, "z")]), else_branch=branch(node("Relu", source, "z")))
    agrees(typed_only(model([one("t", "x"), one("y", "t")], tensor("c", numpy.array(True)))), tmp_path)


def typed_only(made_model):
    made_model.graph.input[0].CopyFrom(value("x", [2, 3, 8, 8]))
    made_model.graph.output[0].CopyFrom(value("y", [2, 3, 8, 8]))
    return made_model


# lathe check -----------------------------------------------------------------------------------------------------------------------------------------


def check(folder, made_model, *flags):
    onnx.save(made_model, folder / "m.onnx")
    done = tool("lathe", "check", folder / "m.onnx", "--json", *flags)
    assert not done.stderr
    return done.returncode, json.loads(done.stdout)


def test_check_lists_everything_as_json(tmp_path):
    nodes = [node("Frobnicate", "x", "a", "first"), node("Relu", "x", "b", "second", alpha=1.0), node("Conv", "x w", "d", "third", auto_pad="SAME"),
             node("Relu", "x", "y", "fine"), node("Conv", "x v", "e", "fourth")]
    weights = [tensor("w", numpy.ones((1, 3, 1, 1), numpy.float32)), tensor("v", numpy.array([b"a"], object))]
    code, report = check(tmp_path, model(nodes, *weights))
    assert code == report["exit_code"] == 3 and report["schema"] == "lathe-check/1" and report["opset"] == 17 and report["compilable"] is False
    assert report["operators"] == {"Frobnicate": 1, "Relu": 2, "Conv": 2}
    found = {finding["node"]: finding for finding in report["findings"]}
    assert list(found) == ["first", "second", "third", "fourth"]
    assert found["first"]["op"] == "Frobnicate" and found["first"]["kind"] == "unsupported" and found["first"]["opset"] == 17
    assert found["second"]["attribute"] == "alpha" and found["second"]["kind"] == "unsupported"
    assert found["third"]["attribute"] == "auto_pad" and found["third"]["kind"] == "invalid"
    assert found["fourth"]["input"] == 1 and "float32" in found["fourth"]["supported"]
    keys = {"kind", "exit_code", "message", "node", "op", "opset", "attribute", "input", "problem", "supported", "hint"}
    assert all(set(finding) == keys for finding in report["findings"])
    lines = tool("lathe", "check", tmp_path / "m.onnx").stderr.splitlines()
    assert lines == ["error: " + finding["message"] for finding in report["findings"]]


def test_check_of_a_good_model(tmp_path):
    code, report = check(tmp_path, model(node("Relu", "x")))
    assert code == 0 and report["compilable"] is True and report["findings"] == []


def test_check_of_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\xff\xfe")
    done = tool("lathe", "check", tmp_path / "m.onnx", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 3 and report["opset"] is None and report["findings"][0]["node"] is None and "not an ONNX model" in report["findings"][0]["problem"]


def test_check_gives_hints(tmp_path):
    code, report = check(tmp_path, model(node("Relu", "x"), x=None))
    assert code == 2 and report["findings"][0]["hint"].startswith("give it, as in --shapes=")


# Output ---------------------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def heavy_model(tmp_path):
    weights = numpy.random.default_rng(3).standard_normal((64, 64, 9, 9), numpy.float32)  # 1.3 MB
    onnx.save(model(node("Conv", "x w"), tensor("w", weights), x=(1, 64, 16, 16)), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


@pytest.mark.parametrize("flags", [[], ["--weights=file"], ["--emit=obj"]], ids=["embedded", "file", "object"])
def test_disk_that_fills_up(heavy_model, tmp_path, flags):
    """A file may grow to 200 KB and not further, as on a full disk: what was there stays, and nothing is left beside it."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "m.so").write_text("the artifact of yesterday")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = tool("lathe-compile", heavy_model, "-o", out / "m.so", *flags, preexec_fn=limit)
    assert done.returncode == 6, f"exit {done.returncode}: {done.stderr}"
    assert len(done.stderr.splitlines()) == 1 and "m.so" in done.stderr, done.stderr
    assert {path.name: path.read_text() for path in out.iterdir()} == {"m.so": "the artifact of yesterday"}


def test_device_that_is_full(heavy_model):
    done = tool("lathe-compile", heavy_model, "--compile-to=nn", "-o", "/dev/full")
    assert done.returncode == 6 and len(done.stderr.splitlines()) == 1, done.stderr


def test_folder_that_is_not_writable(heavy_model, tmp_path):
    for output in (tmp_path / "none" / "m.so", tmp_path / "m.onnx" / "m.so", Path("/proc/m.so")):
        done = tool("lathe-compile", heavy_model, "-o", output)
        assert done.returncode == 6 and len(done.stderr.splitlines()) == 1 and str(output) in done.stderr, done.stderr


def test_output_that_is_a_link_is_replaced_and_not_followed(heavy_model, tmp_path):
    (tmp_path / "precious").write_text("not to be overwritten")
    (tmp_path / "m.so").symlink_to("precious")
    done = tool("lathe-compile", heavy_model, "-o", tmp_path / "m.so")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "precious").read_text() == "not to be overwritten" and not (tmp_path / "m.so").is_symlink()
