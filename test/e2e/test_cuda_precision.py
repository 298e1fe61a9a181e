"""--tf32, --fp16 and --bf16: networks on the emulated device against ONNX Runtime in f32, within what such numbers can hold."""

import numpy
import onnx
import pytest
import zoo_weights
from harness import ROOT, Oracle, assert_close, compile_model, per_sample_max, tool
from test_cuda_runtime import DIGITS, run_on_gpu, with_size

# Of the largest output of a sample.
TOLERANCE = {"tf32": 1e-2, "fp16": 2e-2, "bf16": 5e-2}


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("network, size", [("dqn", None), ("dscnn", None), ("m5", None), ("resnet18_bn_opset11", 32), ("dcgan", None), ("unet", 32)])
def test_network(network, size, precision, tmp_path):
    path = with_size(network, size, tmp_path) if size else zoo_weights.generate(network, ROOT / "build" / "zoo")
    artifact, oracle = compile_model(path, tmp_path / "m.so", "--target=cuda", f"--{precision}"), Oracle(path)
    info = onnx.load(path, load_external_data=False).graph.input[0]
    shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim][1:]
    batch = 1 if network == "dcgan" else 2
    inputs = {info.name: numpy.random.default_rng(7).standard_normal((batch, *shape), dtype=numpy.float32)}
    want = oracle.run(inputs)
    for name, got in run_on_gpu(artifact, inputs, tmp_path / "run").items():
        assert want[name].std() > 0
        assert_close(got, want[name], TOLERANCE[precision] * per_sample_max(want[name]), f"output '{name}'")
        assert not numpy.array_equal(got, want[name]) # or it was not that precision


@pytest.mark.parametrize("precision", TOLERANCE)
def test_digits(precision, tmp_path):
    artifact = compile_model(DIGITS, tmp_path / "m.so", "--target=cuda", f"--{precision}")
    with numpy.load(ROOT / "test" / "digits" / "digits_test.npz") as data:
        images, labels = data["images"].astype(numpy.float32)[:, None], data["labels"]
    right = (run_on_gpu(artifact, {"image": images}, tmp_path / "all")["logits"].argmax(axis=1) == labels).sum()
    assert right == 357 if precision == "fp16" else right >= 350


@pytest.mark.parametrize("flags, message", [
    (["--fp16"], "--fp16 is expected with --target=cuda only"),
    (["--target=cuda", "--fp16", "--tf32"], "expected one of --tf32, --fp16 and --bf16"),
])
def test_flags(flags, message, tmp_path):
    done = tool("lathe", "compile", DIGITS, "-o", tmp_path / "m.so", *flags)
    assert (done.returncode, done.stderr) == (1, f"error: {message}\n")
    assert not list(tmp_path.iterdir())


def test_weights_take_half_the_memory(tmp_path):
    sizes = {flag: compile_model(DIGITS, tmp_path / f"m{len(flag)}.so", "--target=cuda", *flag).stat().st_size for flag in [(), ("--fp16",)]}
    assert sizes["--fp16",] < 0.8 * sizes[()]
