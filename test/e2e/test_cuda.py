"""--target=cuda: PTX of all networks, which ptxas assembles where there is one and the emulated device understands. Nothing here runs."""

import re
import shutil
import subprocess

import pytest
import zoo_weights
from emulated_gpu import Gpu
from harness import ROOT, tool

NETWORKS = ["digits", *sorted(path.stem for path in (ROOT / "test" / "zoo").glob("*.onnx"))]
ARCHITECTURES = ("sm_80", "sm_90")


def path_of(network):
    return ROOT / "test" / "digits" / "digits_cnn.onnx" if network == "digits" else zoo_weights.generate(network, ROOT / "build" / "zoo")


def kernels_of(text):
    """[(name, PTX)] of what the compiler writes one after the other."""
    parts = re.split(r"^// ---- (.*) ----\n", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2]))


def compile_ptx(model, *flags):
    done = tool("lathe", "compile", model, "--target=cuda", "--emit=ptx", "-o", "-", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def gpu():
    return Gpu()


@pytest.mark.parametrize("network", NETWORKS)
def test_network(network, gpu, tmp_path):
    kernels = kernels_of(compile_ptx(path_of(network)))
    assert kernels
    for index, (_, ptx) in enumerate(kernels):
        assert f".visible .entry lathe_k{index}(" in ptx
        assert ".target sm_80" in ptx
        assert ".extern" not in ptx, "a function that no GPU has"
        gpu.call("cuModuleUnload", gpu.load(ptx))  # fails at an unknown instruction
    if not shutil.which("ptxas"):
        return  # test_assembler says so
    # One file: the headers of all but the first are left out.
    bodies = [ptx if index == 0 else ptx.split(".address_size 64")[1] for index, (_, ptx) in enumerate(kernels)]
    file = tmp_path / "all.ptx"
    file.write_text("\n".join(bodies))
    for architecture in ARCHITECTURES:
        done = subprocess.run(["ptxas", f"-arch={architecture}", file, "-o", tmp_path / "all.cubin"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:2000]


def test_assembler():
    if not shutil.which("ptxas"):
        pytest.skip("there is no ptxas: the PTX of the networks has not been assembled")


def test_same_bytes_for_any_number_of_threads():
    assert compile_ptx(path_of("digits"), "--threads=1") == compile_ptx(path_of("digits"), "--threads=2")


@pytest.mark.parametrize("flags, message", [
    (["--target=cuda", "--emit=asm"], "--emit is 'asm', expected so, obj or ptx for --target=cuda"),
    (["--target=cuda", "--gpu-arch=sm_35", "-o", "m.so"],
     "--gpu-arch names 'sm_35', expected sm_80, sm_86, sm_87, sm_89, sm_90, or the same with compute_ for PTX"),
    (["--target=cuda", "--gpu-arch=sm_80,,sm_90", "-o", "m.so"],
     "--gpu-arch names '', expected sm_80, sm_86, sm_87, sm_89, sm_90, or the same with compute_ for PTX"),
    (["--target=cuda", "--no-ptx", "-o", "m.so"], "--no-ptx leaves no code, expected an architecture such as --gpu-arch=sm_80"),
    (["--target=cuda", "--emit=ptx", "--mcpu=native"], "--mcpu has no effect with --target=cuda, which has --gpu-arch"),
    (["--gpu-arch=sm_80", "-o", "m.so"], "--gpu-arch is 'sm_80', expected with --target=cuda only"),
    (["--no-ptx", "-o", "m.so"], "--no-ptx is given, expected with --target=cuda only"),
    (["--emit=ptx", "-o", "m.so"], "--emit is 'ptx', expected so, obj or asm"),
    (["--target=tpu", "-o", "m.so"], "--target is 'tpu', expected cpu or cuda"),
])
def test_usage(flags, message, tmp_path):
    done = tool("lathe", "compile", path_of("digits"), *flags, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == f"error: {message}\n"
    assert not list(tmp_path.iterdir())


def test_resumed(tmp_path):
    """From the IR of each phase on, the same PTX; as code for a CPU it is refused."""
    direct = compile_ptx(path_of("digits"))
    for phase in ("nn", "linalg", "memref", "loops", "llvm"):
        written = tool("lathe", "compile", path_of("digits"), "--target=cuda", f"--compile-to={phase}", "-o", tmp_path / "m.mlir")
        assert written.returncode == 0, written.stderr
        resumed = tool("lathe", "compile", tmp_path / "m.mlir", f"--compile-from={phase}", "--emit=ptx", "-o", "-")
        assert resumed.returncode == 0, resumed.stderr
        assert resumed.stdout == direct
    refused = tool("lathe", "compile", tmp_path / "m.mlir", "--compile-from=llvm", "--emit=asm", "-o", tmp_path / "m.s")
    assert refused.returncode == 1 and refused.stderr == f"error: '{tmp_path / 'm.mlir'}' is for NVIDIA GPUs, expected --emit=so, obj or ptx\n"
