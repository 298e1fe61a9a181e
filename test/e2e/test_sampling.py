"""Resize, Upsample, GridSample and AffineGrid over their modes, against ONNX Runtime; where that contradicts the specification, the reference evaluator."""

import numpy
import pytest
from graphs import Graph, check
from harness import compile_model, run_artifact
from single import Reference, check_node, node_model

COORDINATES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]
NEAREST = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


def values(shape, seed=0):
    return numpy.random.default_rng([23, seed, *shape]).standard_normal(shape).astype(numpy.float32)


def resize(folder, shape, scales=None, sizes=None, roi=None, opset=19, tolerance=1e-5, oracle=None, dtype=numpy.float32, **attributes):
    """One artifact for all batch sizes."""
    inputs = [("x", values((1, *shape)).astype(dtype), False), None if roi is None else ("r", numpy.array(roi, numpy.float32), True),
              None if scales is None else ("s", numpy.array(scales, numpy.float32), True)]
    if sizes is not None:
        inputs.append(("z", numpy.array(sizes, numpy.int64), True))
    check_node(folder, "Resize", inputs, opset=opset, batched=["x"], tolerance=tolerance, oracle=oracle,
               make=lambda n: {"x": values((n, *shape)).astype(dtype)}, **attributes)


@pytest.mark.parametrize("scales", [(2, 2), (3, 1), (1, 2.5), (0.5, 0.75), (1.6, 0.4)], ids=str)
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_scales(mode, coordinates, scales, tmp_path):
    shape = (3, 10, 20)  # multiples of whole results: what the length of a result means otherwise is another test
    oracle = Reference if coordinates == "half_pixel_symmetric" else None
    resize(tmp_path, shape, scales=(1, 1, *scales), mode=mode, coordinate_transformation_mode=coordinates, oracle=oracle)


@pytest.mark.parametrize("sizes", [(7, 5), (9, 14), (18, 21), (1, 1), (13, 6)], ids=str)
@pytest.mark.parametrize("nearest", NEAREST)
def test_nearest_sizes(nearest, sizes, tmp_path):
    resize(tmp_path, (2, 9, 7), sizes=sizes, axes=[2, 3], mode="nearest", nearest_mode=nearest, oracle=Reference)


@pytest.mark.parametrize("axes", [(2, 3), (3, 2), (1, 3), (3,)], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_axes(mode, axes, tmp_path):
    resize(tmp_path, (4, 6, 5), sizes=[9, 8][: len(axes)], axes=list(axes), mode=mode, oracle=Reference)


@pytest.mark.parametrize("channels", [1, 3, 7, 17, 58])
@pytest.mark.parametrize("scales", [(2, 2), (1.6, 3), (0.4, 1)], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_between_convolutions(mode, scales, channels, tmp_path):
    """Channels are lanes of vectors where the image's producer has them so."""
    graph = Graph((3, 5, 9))
    x = graph.op("Resize", graph.conv("x", 3, channels, (3, 3), pads=[1] * 4), "", graph.constant(numpy.array([1, 1, *scales], numpy.float32)), mode=mode)
    check(graph, graph.conv(x, channels, 5, (1, 1)), tmp_path)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_aspect_ratio(policy, tmp_path):
    resize(tmp_path, (2, 6, 9), sizes=[9, 12], axes=[2, 3], mode="linear", keep_aspect_ratio_policy=policy)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_crop(mode, tmp_path):
    resize(tmp_path, (2, 6, 9), sizes=[7, 5], roi=[0.25, -0.25, 0.75, 1.25], axes=[2, 3], mode=mode, coordinate_transformation_mode="tf_crop_and_resize",
           extrapolation_value=3.5, oracle=Reference)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("sizes", [(3, 4), (12, 5), (1, 1), (5, 9)], ids=str)
def test_antialias(mode, sizes, tmp_path):
    resize(tmp_path, (2, 11, 9), sizes=sizes, axes=[2, 3], mode=mode, antialias=1, oracle=Reference)


@pytest.mark.parametrize("coefficient", [-0.5, -0.75])
def test_cubic_exclude_outside(coefficient, tmp_path):
    resize(tmp_path, (2, 6, 5), scales=(1, 1, 1.5, 2), mode="cubic", cubic_coeff_a=coefficient, exclude_outside=1)


@pytest.mark.parametrize("size", [(9,), (4, 5, 6)], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_other_ranks(mode, size, tmp_path):
    resize(tmp_path, (3, *size), scales=(1, 1, *[2] * len(size)), mode=mode)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "uint8", "int64"])
def test_nearest_types(dtype, tmp_path):
    resize(tmp_path, (3, 4, 5), scales=(1, 1, 2, 3), mode="nearest", dtype=numpy.dtype(dtype).type, oracle=Reference, tolerance=0)


@pytest.mark.parametrize("dtype,tolerance", [("float16", 0.02), ("float64", 1e-12), ("uint8", 1), ("int8", 1)])
def test_linear_types(dtype, tolerance, tmp_path):
    x = (values((1, 3, 4, 5)) * 20).astype(dtype) if dtype != "uint8" else numpy.abs(values((1, 3, 4, 5)) * 50).astype(dtype)
    check_node(tmp_path, "Resize", [("x", x, False), None, None, ("z", numpy.array([1, 3, 7, 9], numpy.int64), True)], opset=19, mode="linear", oracle=Reference,
               tolerance=tolerance)


@pytest.mark.parametrize("scales", [(1, 1, 2, 3), (1, 1, 0.5, 0.6)], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_opset_10(mode, scales, tmp_path):
    check_node(tmp_path, "Resize", [("x", values((1, 2, 6, 5)), False), ("s", numpy.array(scales, numpy.float32), True)], opset=10, mode=mode, tolerance=1e-5)


def test_tf_half_pixel_of_opset_11(tmp_path):
    check_node(tmp_path, "Resize", [("x", values((1, 2, 6, 5)), False), ("r", numpy.zeros(0, numpy.float32), True),
                                    ("s", numpy.array([1, 1, 0.5, 2], numpy.float32), True)], opset=11, mode="nearest", nearest_mode="floor",
               coordinate_transformation_mode="tf_half_pixel_for_nn")


@pytest.mark.parametrize("mode,scale", [("nearest", 2), ("nearest", 3), ("nearest", 1.5), ("linear", 2), ("cubic", 2)])
def test_between_convolutions(mode, scale, tmp_path):
    """Rows longer than a vector and shorter than two, values that the convolution in front holds in blocks, and a concatenation behind."""
    graph = Graph((3, 12, 22), opset=19)
    x = graph.conv("x", 3, 24, (3, 3), pads=[1, 1, 1, 1])
    large = graph.op("Resize", x, "", graph.constant(numpy.array([1, 1, scale, scale], numpy.float32)), mode=mode, coordinate_transformation_mode="asymmetric")
    check(graph, graph.conv(graph.op("Concat", large, graph.op("Relu", large), axis=1), 48, 17, (1, 1)), tmp_path)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_of_every_other_element(mode, axis, tmp_path):
    """Rows whose elements do not lie side by side in the operand that they are a slice of."""
    graph = Graph((6, 10, 70), opset=19)
    bounds = [graph.constant(numpy.array([value], numpy.int64)) for value in (0, 100, axis, 2)]
    sliced = graph.op("Slice", "x", *bounds)
    scales = graph.constant(numpy.array([1, 1, 2, 2], numpy.float32))
    check(graph, graph.op("Resize", sliced, "", scales, mode=mode, coordinate_transformation_mode="asymmetric"), tmp_path)


@pytest.mark.parametrize("opset", [7, 9])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_upsample(mode, opset, tmp_path):
    scales = [1.0, 1.0, 2.0, 3.0]
    x = ("x", values((1, 3, 5, 4)), False)
    if opset == 7:
        check_node(tmp_path, "Upsample", [x], opset=opset, batched=["x"], make=lambda n: {"x": values((n, 3, 5, 4))}, tolerance=1e-5, mode=mode, scales=scales)
    else:
        check_node(tmp_path, "Upsample", [x, ("s", numpy.array(scales, numpy.float32), True)], opset=opset, batched=["x"], tolerance=1e-5, mode=mode,
                   make=lambda n: {"x": values((n, 3, 5, 4))})


def grid(shape, seed=0):
    """Beyond the borders on all sides."""
    return values(shape, seed) * 1.2


@pytest.mark.parametrize("corners", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_grid_sample(mode, padding, corners, tmp_path):
    check_node(tmp_path, "GridSample", [("x", values((1, 3, 5, 6)), False), ("g", grid((1, 4, 7, 2)), False)], opset=20, batched=["x", "g"], tolerance=2e-5,
               make=lambda n: {"x": values((n, 3, 5, 6)), "g": grid((n, 4, 7, 2))}, mode=mode, padding_mode=padding, align_corners=corners)


@pytest.mark.parametrize("corners", [0, 1])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_grid_sample_of_volumes(mode, corners, tmp_path):
    check_node(tmp_path, "GridSample", [("x", values((2, 3, 4, 5, 6)), False), ("g", grid((2, 3, 2, 4, 3)), False)], opset=20, tolerance=2e-5, mode=mode,
               align_corners=corners, padding_mode="border")


def test_grid_sample_far_away_and_nan(tmp_path):
    """Nothing outside the image is read, whatever the coordinates are."""
    far = numpy.array([numpy.inf, -numpy.inf, 1e30, -1e30, 5.0, numpy.nan], numpy.float32)
    places = numpy.stack(numpy.meshgrid(far, far), axis=-1)[None].astype(numpy.float32)
    x = values((1, 2, 4, 4))
    for padding in ["zeros", "border", "reflection"]:
        model = node_model("GridSample", [("x", x, False), ("g", places, False)], 20, attributes={"padding_mode": padding})
        got = run_artifact(compile_model(model, tmp_path / f"{padding}.so"), {"x": x, "g": places})["y0"]
        if padding == "zeros":
            assert not got[:, :, :5, :5].any()
        else:
            assert numpy.isfinite(got).all() and numpy.abs(got).max() <= numpy.abs(x).max() * 1.001


@pytest.mark.parametrize("corners", [0, 1])
@pytest.mark.parametrize("size", [(5, 6), (3, 4, 5)], ids=str)
def test_affine_grid(size, corners, tmp_path):
    rank = len(size)
    check_node(tmp_path, "AffineGrid", [("t", values((2, rank, rank + 1)), False), ("z", numpy.array([2, 3, *size], numpy.int64), True)], opset=20,
               align_corners=corners, tolerance=1e-5)
