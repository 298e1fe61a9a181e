"""ResNet-50 from one artifact at several batch sizes: its numbers against ONNX Runtime and OpenVINO, and the same bits whatever runs them."""

import time

import numpy
import pytest
from harness import OpenVino, Oracle, assert_close, largest_error, per_sample_max, run_artifact, tool
from lathe import Context, Model

SHAPE = (5, 3, 224, 224)


def make_input(kind):
    random = numpy.random.default_rng([50, kind])
    if kind == 2:  # raw bytes of an image, mostly dark: far from the standard-normal values that the weights were scaled for
        return {"x": numpy.where(random.random(SHAPE) < 0.7, 0, random.integers(0, 256, SHAPE)).astype(numpy.float32)}
    return {"x": random.standard_normal(SHAPE, dtype=numpy.float32)}


@pytest.fixture(scope="module")
def oracles(resnet50_onnx):
    return Oracle(resnet50_onnx), Oracle(resnet50_onnx, optimised=False), OpenVino(resnet50_onnx)


@pytest.fixture(scope="module")
def model(resnet50):
    return Model(resnet50)


@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("kind", [0, 1, 2])
def test_numbers(model, oracles, kind, batch):
    inputs = {"x": make_input(kind)["x"][:batch]}
    want, unoptimised, openvino = (oracle.run(inputs) for oracle in oracles)
    got = run_artifact(model, inputs)
    assert list(got) == list(want)
    for name, reference in want.items():
        between_peers = numpy.maximum(largest_error(unoptimised[name], reference), largest_error(openvino[name], reference))
        assert_close(got[name], reference, numpy.maximum(2e-6 * per_sample_max(reference), 4 * between_peers), f"output '{name}'")


def bits(outputs):
    return {name: array.tobytes() for name, array in outputs.items()}


def test_same_bits_for_any_thread_count(model):
    inputs = make_input(0)
    assert bits(run_artifact(model, inputs, threads=1)) == bits(run_artifact(model, inputs, threads=2))


def test_same_bits_for_any_place_in_a_batch(model):
    inputs = make_input(1)["x"]
    (name, whole), = run_artifact(model, {"x": inputs}).items()
    rolled = run_artifact(model, {"x": numpy.roll(inputs, 2, axis=0)})[name]
    assert numpy.roll(rolled, -2, axis=0).tobytes() == whole.tobytes()
    for index in range(len(inputs)):
        alone = run_artifact(model, {"x": inputs[index : index + 1]})[name]
        assert alone.tobytes() == whole[index : index + 1].tobytes(), f"sample {index}"


def test_one_context_serves_all_batch_sizes(model):
    context = Context(model, max_batch=5)
    inputs = make_input(0)["x"]
    first = context.run({"x": inputs[:2]})
    context.run({"x": inputs})
    assert bits(context.run({"x": inputs[:2]})) == bits(first)


def test_process_start_to_first_result(resnet50, tmp_path, record_property):
    """The target is a steady inference + 60 ms; other work on a shared machine may delay a process, so the test allows 300 ms more."""
    inputs = {"x": make_input(0)["x"][:1]}
    numpy.save(tmp_path / "x.npy", inputs["x"])
    call, _ = Context(Model(resnet50)).bind(inputs)
    steady, first = [], []
    for _ in range(10):
        start = time.perf_counter()
        call()
        steady.append(time.perf_counter() - start)
    for _ in range(5):
        start = time.perf_counter()
        done = tool("lathe", "run", resnet50, f"--input=x:@{tmp_path / 'x.npy'}", f"--output-dir={tmp_path / 'out'}", "--threads=1")
        first.append(time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
    extra = (min(first) - sorted(steady)[len(steady) // 2]) * 1e3
    record_property("first_result_above_steady_ms", f"{extra:.1f}")
    print(f"process start to first result: a steady inference + {extra:.1f} ms")
    assert extra <= 360
