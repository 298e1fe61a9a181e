"""--input-format: image bytes as input, against the same preprocessing in Pillow and NumPy in front of ONNX Runtime, and what is refused."""

import numpy
import onnx
import pytest
from graphs import Graph
from harness import Oracle, compile_model, run_artifact, tool
from lathe import Model
from PIL import Image
from test_errors import one_line

MEAN, SCALE = (123.675, 116.28, 103.53), (0.0171, 0.0175, 0.0174)
WORDS = ["--mean=" + ",".join(map(str, MEAN)), "--scale=" + ",".join(map(str, SCALE))]


def images(count, height, width, seed=0):
    """Photographs' like: smooth, with edges and noise; all values occur."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[:height, :width]
    waves = [numpy.sin(x * a / width + y * b / height + c) for a, b, c in random.uniform(1, 20, (3 * count, 3))]
    smooth = numpy.stack(waves).reshape(count, 3, height, width).transpose(0, 2, 3, 1) * 90 + 128
    smooth[:, height // 3 : height // 2] = random.integers(0, 256, 3)
    return numpy.clip(smooth + random.normal(0, 12, smooth.shape), 0, 255).astype(numpy.uint8)


def identity(shape):
    """A model that gives back what it gets, but for a node: what comes out is what the preprocessing made."""
    graph = Graph(shape)
    return graph.model(graph.op("Add", "x", graph.constant(numpy.zeros((1,), numpy.float32))))


def preprocessed(batch, size=None, reverse=False, mean=(0, 0, 0), scale=(1, 1, 1)):
    """[N, H, W, C] bytes to what the model gets: Pillow resizes, NumPy does the rest."""
    if size:
        batch = numpy.stack([numpy.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR)) for image in batch])
    if reverse:
        batch = batch[..., ::-1]
    return ((batch.astype(numpy.float32) - numpy.float32(mean)) * numpy.float32(scale)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("size, target", [((40, 60), (24, 24)), ((31, 17), (24, 24)), ((100, 150), (17, 33)), ((12, 9), (24, 30)), ((24, 40), (24, 31)), ((5, 5), (5, 5)),
                                          ((480, 640), (224, 224))])
def test_resize_as_pillow(tmp_path, size, target):
    artifact = Model(compile_model(identity((3, *target)), tmp_path / "m.so", f"--input-format=x:u8:nhwc:{size[0]}x{size[1]}", f"--resize={target[0]}x{target[1]}"))
    assert [(info.name, info.dtype, info.shape(2)) for info in artifact.inputs] == [("x", numpy.uint8, (2, *size, 3))]
    batch = images(2, *size)
    (got,) = run_artifact(artifact, {"x": batch}).values()
    want = preprocessed(batch, target)
    assert got.shape == want.shape and got.dtype == numpy.float32
    assert numpy.abs(got - want).max() <= 1.001  # one step: Pillow rounds to bytes after each axis
    assert numpy.abs(got - want).mean() < 0.5


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("order", ["", ":rgb", ":bgr"])
def test_bytes_to_normalised_planes(tmp_path, layout, order, batch):
    artifact = compile_model(identity((3, 9, 14)), tmp_path / "m.so", f"--input-format=x:u8:{layout}{order}", *WORDS)
    data = images(batch, 9, 14)
    (got,) = run_artifact(artifact, {"x": data if layout == "nhwc" else numpy.ascontiguousarray(data.transpose(0, 3, 1, 2))}).values()
    want = preprocessed(data, reverse=order == ":bgr", mean=MEAN, scale=SCALE)
    assert numpy.abs(got - want).max() <= 1e-6 * numpy.abs(want).max()


def test_float_input_and_one_number_for_all_channels(tmp_path):
    artifact = compile_model(identity((3, 9, 14)), tmp_path / "m.so", "--input-format=x:f32:nhwc", "--mean=x:127.5", "--scale=x:0.0078125")
    data = numpy.random.default_rng(0).standard_normal((2, 9, 14, 3), dtype=numpy.float32)
    (got,) = run_artifact(artifact, {"x": data}).values()
    numpy.testing.assert_allclose(got, ((data - numpy.float32(127.5)) * numpy.float32(0.0078125)).transpose(0, 3, 1, 2), rtol=1e-6)


def test_in_front_of_a_network(tmp_path):
    graph = Graph((3, 24, 24))
    y = graph.op("Relu", graph.conv("x", 3, 20, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))
    model = graph.model(graph.op("Flatten", graph.op("GlobalAveragePool", y)))
    artifact = compile_model(model, tmp_path / "m.so", "--input-format=x:u8:nhwc:bgr", *WORDS)
    batch = images(2, 24, 24)
    (got,), (want,) = run_artifact(artifact, {"x": batch}).values(), Oracle(model).run({"x": preprocessed(batch, None, True, MEAN, SCALE)}).values()
    assert numpy.abs(got - want).max() <= 5e-6 * numpy.abs(want).max()


def test_size_from_shapes(tmp_path):
    graph = Graph(("H", "W"))  # an input that leaves its size open
    graph.shape = (3, "H", "W")
    model = graph.model(graph.op("Relu", "x"))
    artifact = Model(compile_model(model, tmp_path / "m.so", "--input-format=x:u8:nhwc", "--shapes=x:1..4x20x30x3", "--resize=7x9"))
    assert artifact.inputs[0].shape(1) == (1, 20, 30, 3) and artifact.outputs[0].shape(1) == (1, 3, 7, 9)


REFUSED = [
    (["--input-format=x"], "expected NAME:u8|f32:nhwc|nchw"),
    (["--input-format=x:u8"], "expected NAME:u8|f32:nhwc|nchw"),
    (["--input-format=x:i8:nhwc"], "'i8' does not fit there"),
    (["--input-format=x:u8:nhwc:0x5"], "'0x5' does not fit there"),
    (["--input-format=x:u8:nhwc", "--input-format=x:u8:nchw"], "gives 'x' twice"),
    (["--input-format=y:u8:nhwc"], "the model has no input 'y'"),
    (["--mean=1"], "--mean has no effect without --input-format"),
    (["--input-format=x:u8:nhwc", "--mean=1,2"], "has 3 channels; --mean gives 2 numbers"),
    (["--input-format=x:u8:nhwc", "--scale=1,b,3"], "--scale is '1,b,3'"),
    (["--input-format=x:u8:nhwc", "--scale=inf"], "finite"),
    (["--input-format=x:u8:nhwc", "--mean=y:1"], "--mean is for 'y'"),
    (["--input-format=x:u8:nhwc", "--mean=1", "--mean=2"], "--mean is given twice"),
    (["--input-format=x:u8:nhwc:48x64"], "--resize=9x14"),
    (["--input-format=x:u8:nhwc:48x64", "--resize=9x15"], "--resize=9x15 cannot be fed to it"),
    (["--input-format=x:u8:nhwc:48x64", "--resize=9"], "expected [NAME:]HEIGHTxWIDTH"),
    (["--input-format=x:u8:nhwc", "--shapes=x:2x9x15x3"], "has dimension 2 fixed at 14"),
]


@pytest.mark.parametrize("flags, words", REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_contradictions_are_refused(tmp_path, flags, words):
    onnx.save(identity((3, 9, 14)), tmp_path / "m.onnx")
    one_line(tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", *flags), 1, words)
    assert not (tmp_path / "m.so").exists()


def test_an_unknown_source_size_is_refused(tmp_path):
    onnx.save(identity((3, 9, 14)), tmp_path / "m.onnx")
    done = tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", "--input-format=x:u8:nhwc", "--resize=9x14")
    assert done.returncode == 2 and "unknown dimension 1" in done.stderr, done.stderr


@pytest.mark.parametrize("shape", [(3, 9), (9, 14, 3, 2)])
def test_only_batches_of_images(tmp_path, shape):
    graph = Graph(shape)
    onnx.save(graph.model(graph.op("Relu", "x")), tmp_path / "m.onnx")
    one_line(tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so", "--input-format=x:u8:nhwc"), 1, "no batch of images")
