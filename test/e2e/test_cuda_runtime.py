"""Artifacts for NVIDIA GPUs through the real runtime, on the emulated device (docs/rationale/Emulator.md): right numbers, the C API's pointers and streams, and
one line with exit code 5 for whatever is not there. Each process has one driver, so each test starts processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import onnx
import pytest
import zoo_weights
from emulated_gpu import CACHE, LIBRARY
from harness import BUILD, ROOT, Oracle, assert_close, compile_model, per_sample_max, tool
from onnx import TensorProto, helper

DIGITS = ROOT / "test" / "digits" / "digits_cnn.onnx"
BATCHES = (1, 2, 5)


def environment(**settings):
    """Of a process on the emulated device: arch=80, driver=11040, memory=…, fail="cuGraphLaunch:719" …; other names are taken as they are."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("LATHE_EMU_") and name != "LATHE_DEVICE"}
    variables |= {"LD_LIBRARY_PATH": str(LIBRARY.parent), "LATHE_EMU_CACHE": str(CACHE)}
    return variables | {name if name.isupper() else f"LATHE_EMU_{name.upper()}": str(value) for name, value in settings.items()}


def without_driver():
    return {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}


def run_on_gpu(artifact, inputs, folder, **settings):
    """{output: array} of `lathe run`."""
    folder.mkdir(exist_ok=True)
    flags = []
    for i, (name, array) in enumerate(inputs.items()):
        numpy.save(folder / f"in-{i}.npy", array)
        flags.append(f"--input={name}:@{folder / f'in-{i}.npy'}")
    done = tool("lathe", "run", artifact, *flags, f"--output-dir={folder / 'out'}", timeout=900, env=environment(**settings))
    assert done.returncode == 0, done.stderr
    info = json.loads(tool("lathe", "info", artifact, "--json").stdout)
    files = sorted((folder / "out").iterdir())
    return {output["name"]: numpy.load(file) for output, file in zip(info["outputs"], files, strict=True)}


def child(what, artifact, **settings):
    done = subprocess.run([sys.executable, Path(__file__).with_name("cuda_child.py"), what, artifact], env=environment(**settings), capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return compile_model(DIGITS, tmp_path_factory.mktemp("digits") / "digits.so", "--target=cuda")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "image.npy"
    numpy.save(path, numpy.zeros((3, 1, 8, 8), numpy.float32))
    return path


# ---- numbers ----

@pytest.mark.parametrize("settings", [{}, {"schedule": "descending"}, {"schedule": "random:7", "streams": "late"}, {"arch": 80}])
def test_digits(digits, tmp_path, settings):
    with numpy.load(ROOT / "test" / "digits" / "digits_test.npz") as data:
        images, labels, logits = data["images"].astype(numpy.float32)[:, None], data["labels"], data["logits"]
    got = run_on_gpu(digits, {"image": images}, tmp_path / "all", **settings)["logits"]
    assert (got.argmax(axis=1) == labels).sum() == 357
    assert numpy.abs(got - logits).max() <= 1e-4


def with_size(network, size, folder):
    """The network of the zoo for images of another size, with a symbolic batch."""
    model = onnx.load(zoo_weights.generate(network, ROOT / "build" / "zoo"))
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim, value in zip(dims, ("N", None, size, size)):
        if isinstance(value, str):
            dim.dim_param = value
        elif value:
            dim.dim_value = value
    model.graph.output[0].type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    path = folder / f"{network}.onnx"
    onnx.save(model, path)
    return path


# DCGAN has 200 MFLOP an image, which take the emulated device some 15 s.
@pytest.mark.parametrize("network, size, batches", [("dqn", None, BATCHES), ("dscnn", None, BATCHES), ("m5", None, BATCHES),
                                                    ("resnet18_bn_opset11", 32, BATCHES), ("dcgan", None, (1, 2)), ("unet", 32, BATCHES)])
def test_network(network, size, batches, tmp_path):
    path = with_size(network, size, tmp_path) if size else zoo_weights.generate(network, ROOT / "build" / "zoo")
    artifact, oracle = compile_model(path, tmp_path / "m.so", "--target=cuda"), Oracle(path)
    info = onnx.load(path, load_external_data=False).graph.input[0]
    shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim][1:]
    inputs = numpy.random.default_rng(7).standard_normal((max(batches), *shape), dtype=numpy.float32)
    for batch in batches:
        part = {info.name: inputs[:batch]}
        want = oracle.run(part)
        for name, got in run_on_gpu(artifact, part, tmp_path / str(batch)).items():
            assert want[name].std() > 0
            assert_close(got, want[name], 1e-4 * per_sample_max(want[name]), f"output '{name}', batch {batch}")


def test_output_whose_size_the_run_finds(tmp_path):
    """NonZero: its true dims lie in the arena of the device."""
    graph = helper.make_graph([helper.make_node("NonZero", ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 6])],
                              [helper.make_tensor_value_info("y", TensorProto.INT64, [2, None])])
    artifact = compile_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "m.so", "--target=cuda")
    x = (numpy.arange(24).reshape(4, 6) % 5 == 0).astype(numpy.float32)
    got = run_on_gpu(artifact, {"x": x}, tmp_path / "run")["y"]
    assert numpy.array_equal(got, numpy.array(numpy.nonzero(x)))


# ---- the C API ----

@pytest.mark.parametrize("streams", ["early", "late"])
@pytest.mark.parametrize("what", ["pointers", "streams", "threads", "reserve", "dlpack"])
def test_api(digits, what, streams):
    child(what, digits, streams=streams)


CALLS = ["cuMemAlloc_v2:2", "cuMemAlloc_v2:2:2", "cuMemAlloc_v2:2:3", "cuStreamCreate:2", "cuEventCreate:2:2", "cuStreamBeginCapture_v2:900",
         "cuGraphInstantiateWithFlags:1", "cuModuleGetFunction:500:3", "cuMemcpyHtoD_v2:1", "cuMemcpyHtoDAsync_v2:1", "cuMemcpyDtoHAsync_v2:1",
         "cuCtxPushCurrent_v2:201", "cuMemsetD8Async:1", "cuLaunchKernel:1:4", "cuGraphLaunch:719", "cuStreamSynchronize:700:2", "cuDevicePrimaryCtxRetain:2"]


@pytest.mark.parametrize("fail", ["", *CALLS])
def test_memory_safe(digits, fail):
    """With ASan and UBSan, both where everything works and where a call fails: the first failure is told, and nothing is left on the device."""
    program = BUILD / "bin" / "run-on-gpu-sanitized"
    done = subprocess.run([program, digits], env=environment(leaks=1, **({"fail": fail} if fail else {})), capture_output=True, text=True, timeout=120)
    if fail:
        assert done.returncode == 5 and done.stderr.startswith(f"error: {digits}: device 0 (Emulated GPU (sm_90))"), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
    else:
        assert done.returncode == 0 and done.stderr == ""


def test_nothing_is_left_on_the_device(digits):
    """Also when the interpreter ends first and collects models before their contexts."""
    said = child("forgotten", digits, leaks=1)
    assert "leaked" not in said, said


def test_second_device(digits, image):
    """By LATHE_DEVICE, or by the context's options."""
    for settings in ({"LATHE_DEVICE": 1}, {"LATHE_DEVICE": 0}):
        assert tool("lathe", "run", digits, f"--input=@{image}", env=environment(devices=2, **settings)).returncode == 0
    child("second_device", digits, devices=2)


def test_memory_of_another_device(digits):
    child("wrong_device", digits, devices=2)


@pytest.mark.parametrize("what", ["stream_on_cpu", "dlpack_on_cpu"])
def test_what_is_for_gpus_only(what, tmp_path):
    child(what, compile_model(DIGITS, tmp_path / "cpu.so"))


def test_bench_and_profile(digits):
    done = tool("lathe", "bench", digits, "--duration=0.2", "--warm-up=0", "--profile", "--json", env=environment())
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert 0 < last["device_ms"]["min"] <= last["device_ms"]["p50"] <= last["device_ms"]["p99"]
    assert any(line.startswith("device") for line in done.stdout.splitlines())
    table = [line.split() for line in done.stdout.splitlines() if "k2._f_f.3_Conv" in line]
    assert len(table) == 1 and float(table[0][1]) > 0


# ---- what is not there ----

ARTIFACTS = {"portable": ["--target=cuda"], "cubin": ["--target=cuda", "--gpu-arch=sm_80,sm_90"], "only": ["--target=cuda", "--gpu-arch=sm_90", "--no-ptx"],
             "newer": ["--target=cuda", "--gpu-arch=compute_90", "--no-ptx"]}


def has_ptxas():
    return tool("lathe", "compile", DIGITS, "--target=cuda", "--gpu-arch=sm_80", "-o", "/dev/null").returncode != 1


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    result = {}
    for name, flags in ARTIFACTS.items():
        if tool("lathe", "compile", DIGITS, *flags, "-o", folder / f"{name}.so").returncode == 0:
            result[name] = folder / f"{name}.so"
    return result


REFUSALS = [
    ("portable", {"devices": 0}, "needs an NVIDIA GPU, and the driver finds none"),
    ("portable", {"driver": 11020}, "needs an NVIDIA driver for CUDA 11.4 or later, the driver here is for CUDA 11.2"),
    ("portable", {"arch": 75}, "has code for compute_80 only, and device 0 (Emulated GPU (sm_75)) is sm_75"),
    ("portable", {"memory": 100000}, "device 0 (Emulated GPU (sm_90)) has no memory for the weights: 120576 bytes asked for, 100000 of 100000 free"),
    ("portable", {"memory": 150000},
     "device 0 (Emulated GPU (sm_90)) has no memory for a context for batch 3: 50176 bytes asked for, 29424 of 150000 free"),
    ("portable", {"LATHE_DEVICE": 3}, "LATHE_DEVICE is 3, but the NVIDIA driver has 1 device"),
    ("portable", {"fail": "cuInit:999"}, "the NVIDIA driver cannot be started: CUDA_ERROR_UNKNOWN (999): unknown error"),
    ("portable", {"fail": "cuModuleLoadDataEx:218"},
     "device 0 (Emulated GPU (sm_90)): the driver refuses its code for compute_80: CUDA_ERROR_INVALID_PTX (218): a PTX JIT compilation failed"),
    ("portable", {"fail": "cuDevicePrimaryCtxRetain:101"}, "device 0 (Emulated GPU (sm_90)): it cannot be used: CUDA_ERROR_INVALID_DEVICE (101): invalid device ordinal"),
    ("portable", {"fail": "cuLaunchKernel:719:2"}, "device 0 (Emulated GPU (sm_90)): step 1, kernel 'k1._f_f.0_Conv+_f_f.1_BatchNormalization+_f_f.2_Relu', "
     "cannot be recorded: CUDA_ERROR_LAUNCH_FAILED (719): unspecified launch failure"),
    ("portable", {"fail": "cuGraphInstantiateWithFlags:2"}, "device 0 (Emulated GPU (sm_90)): no graph can be made of its work: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory"),
    ("portable", {"fail": "cuGraphLaunch:719"},
     "device 0 (Emulated GPU (sm_90)): the network cannot be started: CUDA_ERROR_LAUNCH_FAILED (719): unspecified launch failure"),
    ("portable", {"fail": "cuStreamSynchronize:700:2"},
     "device 0 (Emulated GPU (sm_90)): the network failed: CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered"),
    ("portable", {"fail": "cuMemcpyDtoHAsync_v2:700"},
     "device 0 (Emulated GPU (sm_90)): output 'logits' cannot be copied: CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered"),
    ("cubin", {"arch": 75}, "has code for sm_80, sm_90, compute_80 only, and device 0 (Emulated GPU (sm_75)) is sm_75"),
    ("only", {"arch": 89}, "has code for sm_90 only, and device 0 (Emulated GPU (sm_89)) is sm_89"),
    ("only", {"arch": 100}, "has code for sm_90 only, and device 0 (Emulated GPU (sm_100)) is sm_100"),
    ("only", {}, "device 0 (Emulated GPU (sm_90)): the driver refuses its code for sm_90: CUDA_ERROR_NO_BINARY_FOR_GPU (209): "
     "no kernel image is available for execution on the device"),
    ("newer", {"driver": 11040}, "needs an NVIDIA driver for CUDA 11.8 or later for device 0 (Emulated GPU (sm_90)), the driver here is for CUDA 11.4"),
]


@pytest.mark.parametrize("artifact, settings, message", REFUSALS)
def test_refusal(artifacts, image, artifact, settings, message):
    if artifact not in artifacts:
        pytest.skip("there is no ptxas, so there are no cubins to refuse")
    path = artifacts[artifact]
    done = tool("lathe", "run", path, f"--input=@{image}", env=environment(**settings))
    assert done.stderr == f"error: {path}: {message}\n"
    assert done.returncode == 5 and done.stdout == ""


def test_no_driver(digits, image):
    for command in (["run", digits, f"--input=@{image}"], ["bench", digits], ["info", digits, "--verify"]):
        done = tool("lathe", *command, env=without_driver())
        assert done.returncode == 5
        assert done.stderr.startswith(f"error: {digits}: needs an NVIDIA driver: libcuda.so.1: ") and done.stderr.count("\n") == 1
    shown = tool("lathe", "info", digits, env=without_driver())
    assert shown.returncode == 0 and "runs here  no: " in shown.stdout and "code       compute_80, " in shown.stdout


def test_wrong_number_of_a_device(digits, image):
    done = tool("lathe", "run", digits, f"--input=@{image}", env=environment(LATHE_DEVICE="first"))
    assert done.returncode == 1 and done.stderr == "error: LATHE_DEVICE is 'first', expected the number of a GPU\n"


def test_next_best_image(artifacts, image):
    """The emulated driver takes no cubin: the PTX beside it runs. So does older PTX, where the driver is too old for the newest."""
    if "cubin" in artifacts:
        assert tool("lathe", "run", artifacts["cubin"], f"--input=@{image}", env=environment(arch=90)).returncode == 0
    for arch in (80, 86, 89, 90, 100):
        assert tool("lathe", "run", artifacts["portable"], f"--input=@{image}", env=environment(arch=arch, driver=11040)).returncode == 0


def test_damaged_ptx(digits, image, tmp_path):
    """What the driver cannot translate is told with the driver's own line."""
    content = digits.read_bytes()
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(content.replace(b"fma.rn.f32", b"fma.xx.f32"))
    done = tool("lathe", "run", damaged, f"--input=@{image}", env=environment())
    assert done.returncode == 5
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "the driver refuses its code for compute_80: " in lines[0] and "fma.xx.f32" in lines[0]


# ---- the artifact ----

def test_same_bytes(tmp_path):
    flags = ["--target=cuda", *([] if not has_ptxas() else ["--gpu-arch=sm_80,sm_90"])]
    files = [compile_model(DIGITS, tmp_path / f"{i}.so", *flags, f"--threads={threads}") for i, threads in enumerate((1, 2, 2))]
    assert len({file.read_bytes() for file in files}) == 1


def test_weights_in_a_file(tmp_path, image, digits):
    artifact = compile_model(DIGITS, tmp_path / "m.so", "--target=cuda", "--weights=file")
    assert (tmp_path / "m.so.weights").stat().st_size == 120576
    images = {"image": numpy.random.default_rng(1).standard_normal((2, 1, 8, 8)).astype(numpy.float32)}
    want = run_on_gpu(digits, images, tmp_path / "a")["logits"]
    assert numpy.array_equal(run_on_gpu(artifact, images, tmp_path / "b")["logits"], want)


def test_needs_nothing(digits):
    """Neither the artifact nor the runtime asks the dynamic linker for anything of CUDA, and the runtime stays small."""
    for file in (digits, BUILD / "lib" / "liblathe_runtime.so"):
        undefined = subprocess.run(["nm", "-uD", file], capture_output=True, text=True, check=True).stdout
        assert not [line for line in undefined.splitlines() if " cu" in line.lower()]
        needed = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
        assert "cuda" not in needed
    assert (BUILD / "lib" / "liblathe_runtime.so").stat().st_size <= 256 * 1024


def test_table_of_images(artifacts):
    if "cubin" not in artifacts:
        pytest.skip("there is no ptxas, so there are no cubins to list")
    info = json.loads(tool("lathe", "info", artifacts["cubin"], "--json").stdout)
    assert [(image["kind"], image["arch"], image["isa"]) for image in info["images"]] == [("cubin", 80, 0), ("cubin", 90, 0), ("ptx", 80, 70)]
    assert all(image["entries"] == [0, 7] for image in info["images"]) and len(info["launches"]) == 7 and info["assembler"]


def test_verify(digits, tmp_path):
    """Images and weights are compared with their hashes."""
    done = tool("lathe", "info", digits, "--verify", env=environment())
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "verified   structure, code references, and BLAKE3 of 120576 bytes of weights and of 1 image"
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(digits.read_bytes().replace(b"fma.rn.f32", b"fma.rz.f32", 1))
    done = tool("lathe", "info", damaged, "--verify", env=environment())
    assert done.returncode == 5 and f"error: {damaged}: image 0 has the BLAKE3 hash " in done.stderr


def test_no_assembler(tmp_path):
    """In a file system of its own, since the compiler also looks into /usr/local/cuda."""
    hide = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'for d in /usr/local/cuda; do [ ! -d $d ] || mount -t tmpfs none $d || exit 99; done; exec "$@"', "sh"]
    command = [BUILD / "bin" / "lathe", "compile", DIGITS, "--target=cuda", "--gpu-arch=sm_80", "-o", tmp_path / "m.so"]
    done = subprocess.run([*hide, *command], env=environment(PATH="/usr/bin:/bin", CUDA_HOME="/nonexistent"), capture_output=True, text=True, timeout=60)
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip(f"/usr/local/cuda cannot be hidden: {done.stderr.splitlines()[0]}")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: a cubin needs NVIDIA's ptxas, which is neither in PATH nor in $CUDA_HOME/bin nor in /usr/local/cuda/bin")
    assert not list(tmp_path.iterdir())


def test_wrong_assembler(tmp_path):
    """A ptxas that fails, or is none, ends in one line."""
    for script, message in (("exit 0", "does not tell its version"), ('echo "release 1.0, V1.0.0"; case "$1" in --version) ;; *) echo "ptxas fatal : no" >&2; exit 3;; esac',
                                                                     "failed for sm_80 with status 3: ptxas fatal : no")):
        program = tmp_path / "ptxas"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        done = tool("lathe", "compile", DIGITS, "--target=cuda", "--gpu-arch=sm_80", "-o", tmp_path / "m.so", env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
        assert done.returncode in (1, 4) and message in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not (tmp_path / "m.so").exists()


def test_resumed(tmp_path, digits):
    """From IR of a phase: PTX of the IR's architecture, and what --gpu-arch adds."""
    ir = tmp_path / "m.mlir"
    assert tool("lathe", "compile", DIGITS, "--target=cuda", "--compile-to=memref", "-o", ir).returncode == 0
    assert tool("lathe", "compile", ir, "--compile-from=memref", "-o", tmp_path / "m.so").returncode == 0
    assert (tmp_path / "m.so").read_bytes() == digits.read_bytes()
    assert tool("lathe", "compile", ir, "--compile-from=memref", "--gpu-arch=compute_90", "-o", tmp_path / "n.so").returncode == 0
    info = json.loads(tool("lathe", "info", tmp_path / "n.so", "--json").stdout)
    assert [(image["kind"], image["arch"]) for image in info["images"]] == [("ptx", 80), ("ptx", 90)]
    assert tool("lathe", "compile", DIGITS, "--target=cuda", "--gpu-arch=compute_90", "--no-ptx", "--compile-to=memref", "-o", ir).returncode == 0
    done = tool("lathe", "compile", ir, "--compile-from=memref", "--gpu-arch=compute_80", "-o", tmp_path / "o.so")
    assert done.returncode == 1 and done.stderr == f"error: '{ir}' is for sm_90 and later, --gpu-arch is 'compute_80'\n"
