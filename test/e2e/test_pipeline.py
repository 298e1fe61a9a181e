"""Stopping at a phase and going on from it gives the same artifact; the IR dumps are small and each is accepted by lathe-opt."""

import re

import pytest
from harness import compile_model, tool

PHASES = ["nn", "linalg", "memref", "loops", "llvm"]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", ["digits", "resnet50"])
def test_compile_to_and_from_a_phase_gives_the_same_bytes(request, name, phase, tmp_path):
    direct, model = request.getfixturevalue(name), request.getfixturevalue(f"{name}_onnx")
    stopped = compile_model(model, tmp_path / f"{phase}.mlir", f"--compile-to={phase}")
    resumed = compile_model(stopped, tmp_path / "resumed.so", f"--compile-from={phase}")
    assert resumed.read_bytes() == direct.read_bytes()


@pytest.fixture(scope="module", params=["digits", "resnet50"])
def dump(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"{request.param}_dump")
    artifact = compile_model(request.getfixturevalue(f"{request.param}_onnx"), folder / "model.so", f"--dump-ir={folder / 'ir'}")
    assert artifact.read_bytes() == request.getfixturevalue(request.param).read_bytes(), "dumping changes the artifact"
    return folder / "ir"


def test_dump_is_small(dump):
    assert sum(path.stat().st_size for path in dump.rglob("*") if path.is_file()) < 20e6


def test_dump_has_every_phase_and_an_index(dump):
    names = sorted(path.name for path in dump.iterdir())
    assert "index.html" in names
    numbered = [name for name in names if re.fullmatch(r"\d{2,3}-[\w.+-]+\.(mlir|ll|s)", name)]
    assert len({name.split("-")[0] for name in numbered}) >= len(PHASES)
    assert any(name.endswith(".ll") for name in numbered) and any(name.endswith(".s") for name in numbered)


def test_lathe_opt_accepts_every_dump(dump):
    for path in sorted(dump.glob("*.mlir")):
        done = tool("lathe-opt", path, "-o", "/dev/null")
        assert done.returncode == 0, f"{path.name}: {done.stderr[:2000]}"
