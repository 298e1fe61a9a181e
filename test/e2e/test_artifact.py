"""What is promised of every artifact and of the runtime library as files: determinism, no dependencies, size, no allocation."""

import re
import shutil
import subprocess

import numpy
import pytest
from harness import BUILD, LLVM_BIN, ROOT, compile_model
from lathe import Model

MAY_BE_UNDEFINED = {"memcpy", "memset", "memmove"}
RUNTIME = BUILD / "lib" / "liblathe_runtime.so"


def output_of(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def needed(path):
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of(LLVM_BIN / "llvm-readelf", "-d", path)))


@pytest.mark.parametrize("name", ["digits", "resnet50"])
class TestArtifact:
    def test_two_compilations_give_the_same_bytes(self, request, name, tmp_path):
        again = compile_model(request.getfixturevalue(f"{name}_onnx"), tmp_path / "again.so")
        assert again.read_bytes() == request.getfixturevalue(name).read_bytes()

    def test_needs_nothing(self, request, name):
        artifact = request.getfixturevalue(name)
        assert needed(artifact) == set()
        undefined = {line.split()[-1].split("@")[0] for line in output_of(LLVM_BIN / "llvm-nm", "-uD", artifact).splitlines() if line.strip()}
        assert undefined <= MAY_BE_UNDEFINED

    def test_has_no_writable_code(self, request, name):
        for line in output_of(LLVM_BIN / "llvm-readelf", "-lW", request.getfixturevalue(name)).splitlines():
            if re.match(r"\s+(LOAD|GNU_STACK)\s", line):
                flags = line[line.rindex("0x", 0, line.rindex("0x")) :]
                assert not ("W" in flags and "E" in flags), line

    def test_weights_are_in_it_once(self, request, name):
        model = request.getfixturevalue(f"{name}_onnx")
        external = model.with_suffix(".weights")
        weights = (external if external.exists() else model).stat().st_size
        assert request.getfixturevalue(name).stat().st_size <= 1.25 * weights + 2_000_000


@pytest.mark.parametrize("mcpu", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_needs_nothing_for_any_instruction_set(digits_onnx, tmp_path, mcpu):
    TestArtifact().test_needs_nothing(_Fixture(compile_model(digits_onnx, tmp_path / "digits.so", f"--mcpu={mcpu}")), "digits")


class _Fixture:
    def __init__(self, value):
        self.value = value

    def getfixturevalue(self, _):
        return self.value


def test_runtime_library_is_small_and_needs_libc_only(tmp_path):
    stripped = tmp_path / "stripped.so"
    subprocess.run([LLVM_BIN / "llvm-strip", "-o", stripped, RUNTIME], check=True)
    assert stripped.stat().st_size <= 256 * 1024
    assert needed(RUNTIME) <= {"libc.so.6", "libm.so.6"}


def test_nothing_is_allocated_between_inferences(resnet50, tmp_path):
    program = tmp_path / "count_allocations"
    subprocess.run(["clang-22", "-O1", "-o", program, ROOT / "test/e2e/Inputs/count_allocations.c", f"-I{ROOT / 'runtime/include'}", RUNTIME,
                    f"-Wl,-rpath,{RUNTIME.parent}"], check=True)
    for threads in (1, 2):
        done = subprocess.run([program, resnet50, str(threads)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "0 allocations"


def test_artifact_stands_alone(digits, tmp_path):
    """Moved elsewhere, without the model or anything else beside it, it still loads."""
    moved = tmp_path / "elsewhere" / "m.so"
    moved.parent.mkdir()
    shutil.copyfile(digits, moved)
    model = Model(moved)
    assert [(info.name, info.shape(3), info.dtype) for info in model.inputs] == [("image", (3, 1, 8, 8), numpy.float32)]
    assert [(info.name, info.shape(3), info.dtype) for info in model.outputs] == [("logits", (3, 10), numpy.float32)]
