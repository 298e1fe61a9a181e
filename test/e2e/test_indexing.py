"""Operators that compute where to read or write: gathers, scatters, sorting, detection. In every element type once, with odd shapes and a symbolic batch."""

import numpy
import onnx
import pytest
from harness import compile_model, run_artifact, tool
from onnx import TensorProto, helper
from single import Reference, assert_same, check_node, node_model

TYPES = ["float32", "float16", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"]


def values(shape, dtype="float32", seed=0):
    random = numpy.random.default_rng([3, seed, *shape])
    if dtype == "bool":
        return random.random(shape) < 0.5
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    info = numpy.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def indices(shape, extent, dtype="int64", seed=0):
    """Negative ones, too."""
    return numpy.random.default_rng([5, seed, *shape]).integers(-extent, extent, shape).astype(dtype)


# Gather

@pytest.mark.parametrize("dtype", TYPES)
def test_gather_types(dtype, tmp_path):
    check_node(tmp_path, "Gather", [("x", values((5, 7), dtype), False), ("i", indices((3, 2), 5), False)])


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)], ids=str)
def test_gather_axes(axis, shape, tmp_path):
    x = values((3, 5, 7))
    check_node(tmp_path, "Gather", [("x", x, False), ("i", indices(shape, x.shape[axis], "int32"), len(shape) % 2 == 0)], axis=axis)


def test_gather_batched_data(tmp_path):
    check_node(tmp_path, "Gather", [("x", values((1, 5, 7)), False), ("i", indices((3,), 5), True)], batched=["x"], axis=1,
               make=lambda n: {"x": values((n, 5, 7))})


def test_gather_batched_indices(tmp_path):
    """An embedding."""
    check_node(tmp_path, "Gather", [("x", values((9, 4)), True), ("i", indices((1, 3), 9), False)], batched=["i"], make=lambda n: {"i": indices((n, 3), 9)})


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_gather_elements(axis, dtype, tmp_path):
    x = values((4, 5, 6), dtype)
    shape = [2, 3, 4]
    shape[axis] = 9
    check_node(tmp_path, "GatherElements", [("x", x, False), ("i", indices(shape, x.shape[axis]), False)], axis=axis)


def test_gather_elements_batched(tmp_path):
    check_node(tmp_path, "GatherElements", [("x", values((1, 5)), False), ("i", indices((1, 8), 5), False)], batched=["x", "i"], axis=1,
               make=lambda n: {"x": values((n, 5)), "i": indices((n, 8), 5)})


@pytest.mark.parametrize("depth,batch_dims", [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2)])
def test_gather_nd(depth, batch_dims, tmp_path):
    x = values((4, 3, 5))
    shape = [*x.shape[:batch_dims], 7, depth]
    i = numpy.stack([indices(shape[:-1], x.shape[batch_dims + d], seed=d) for d in range(depth)], axis=-1)
    check_node(tmp_path, "GatherND", [("x", x, False), ("i", i, False)], batch_dims=batch_dims)


def test_gather_nd_batched(tmp_path):
    check_node(tmp_path, "GatherND", [("x", values((1, 6, 3)), False), ("i", indices((1, 4, 1), 6), False)], batched=["x", "i"], batch_dims=1,
               make=lambda n: {"x": values((n, 6, 3)), "i": indices((n, 4, 1), 6)})


@pytest.mark.parametrize("kind", ["Gather", "GatherElements", "GatherND"])
def test_indices_out_of_range_stay_inside(kind, tmp_path):
    """A kernel cannot fail: an index that is computed and out of range reads the nearest element, never other memory."""
    x = values((3, 4))
    i = numpy.array([[-9, 2], [10**12, 3]], numpy.int64)
    artifact = compile_model(node_model(kind, [("x", x, False), ("i", i, False)], 21), tmp_path / "m.so")
    got = next(iter(run_artifact(artifact, {"x": x, "i": i}).values()))
    rows = numpy.clip(i, 0, 2)
    want = {"Gather": lambda: x[rows], "GatherElements": lambda: numpy.take_along_axis(x[:, :2], rows, 0),
            "GatherND": lambda: x[rows[:, 0], numpy.clip(i[:, 1], 0, 3)]}[kind]()
    assert_same(got, want, 0, kind)


@pytest.mark.parametrize("kind", ["Gather", "GatherElements"])
def test_constant_indices_out_of_range_are_refused(kind, tmp_path):
    model = node_model(kind, [("x", values((3, 4)), False), ("i", numpy.array([[0, 3]], numpy.int64), True)], 21)
    onnx.save(model, tmp_path / "m.onnx")
    done = tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so")
    assert done.returncode == 3 and "in [-3, 3) (got 3)" in done.stderr, done.stderr


# Scatter

REDUCTIONS = ["none", "add", "mul", "max", "min"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_elements(axis, reduction, tmp_path):
    """Duplicate indices: later updates come later."""
    x = values((4, 5, 6))
    shape = [3, 4, 5]
    shape[axis] = 9
    i = indices(shape, x.shape[axis])
    check_node(tmp_path, "ScatterElements", [("x", x, False), ("i", i, False), ("u", values(shape, seed=1), False)], opset=18, axis=axis, reduction=reduction,
               oracle=Reference, tolerance=1e-5)


@pytest.mark.parametrize("dtype", TYPES)
def test_scatter_elements_types(dtype, tmp_path):
    check_node(tmp_path, "ScatterElements", [("x", values((4, 5), dtype), False), ("i", indices((2, 5), 4), False), ("u", values((2, 5), dtype, 1), False)], opset=18)


@pytest.mark.parametrize("reduction", ["add", "max", "min"])
@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "uint64"])
def test_scatter_elements_reductions_of_types(dtype, reduction, tmp_path):
    with numpy.errstate(over="ignore"):
        check_node(tmp_path, "ScatterElements", [("x", values((4, 5), dtype), False), ("i", indices((7, 5), 4), False), ("u", values((7, 5), dtype, 1), False)],
                   opset=18, reduction=reduction, oracle=Reference)


def test_scatter_elements_batched(tmp_path):
    def make(n):
        return {"x": values((n, 5)), "i": indices((n, 3), 5), "u": values((n, 3), seed=1)}

    check_node(tmp_path, "ScatterElements", [(name, array, False) for name, array in make(1).items()], opset=18, batched=["x", "i", "u"], axis=1, make=make,
               reduction="add", tolerance=1e-6)


def test_scatter_opset_9(tmp_path):
    check_node(tmp_path, "Scatter", [("x", values((4, 5)), False), ("i", indices((2, 5), 4), False), ("u", values((2, 5)), False)], opset=9)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_scatter_nd(depth, reduction, tmp_path):
    x = values((4, 3, 5))
    i = numpy.stack([indices((6, 2), x.shape[d], seed=d) for d in range(depth)], axis=-1)
    check_node(tmp_path, "ScatterND", [("x", x, False), ("i", i, False), ("u", values((6, 2, *x.shape[depth:]), seed=1), False)], opset=18, reduction=reduction,
               oracle=Reference, tolerance=1e-5)


# Positions

@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["int64", "int32", "float32", "uint8"])
def test_one_hot(axis, dtype, tmp_path):
    i = numpy.array([[0, 3], [6, 5]]).astype(dtype) if dtype == "uint8" else numpy.array([[-1, 3], [6, -8]]).astype(dtype)
    check_node(tmp_path, "OneHot", [("i", i, False), ("d", numpy.array(7, numpy.int64), True), ("v", numpy.array([2, 5], numpy.float32), False)], axis=axis,
               oracle=Reference)


@pytest.mark.parametrize("numbers,dtype", [((1, 5, 2), "float32"), ((10, 6, -3), "int32"), ((0, 1000, 3), "int64"), ((0.5, 2, 0.25), "float64"), ((3, 3, 1), "float32")])
def test_range(numbers, dtype, tmp_path):
    check_node(tmp_path, "Range", [(name, numpy.array(v, dtype), True) for name, v in zip("sld", numbers)], tolerance=1e-6)


@pytest.mark.parametrize("k", [-6, -1, 0, 2, 9])
@pytest.mark.parametrize("upper", [0, 1])
def test_trilu(k, upper, tmp_path):
    check_node(tmp_path, "Trilu", [("x", values((1, 4, 5)), False), ("k", numpy.array(k, numpy.int64), True)], batched=["x"], upper=upper,
               make=lambda n: {"x": values((n, 4, 5))})


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_eye_like(k, tmp_path):
    check_node(tmp_path, "EyeLike", [("x", values((4, 5), "int32"), False)], k=k, dtype=1)


@pytest.mark.parametrize("axes", [(0, 1), (1, 0)])
def test_reverse_sequence(axes, tmp_path):
    x = values((4, 4, 3))
    check_node(tmp_path, "ReverseSequence", [("x", x, False), ("n", numpy.array([1, 4, 2, 3], numpy.int64), False)], time_axis=axes[0], batch_axis=axes[1])


# Sorting

@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("k", [1, 3, 4])
def test_top_k(k, axis, largest, tmp_path):
    """With ties: the lower index comes first."""
    x = numpy.round(values((5, 4, 6)) * 2)
    check_node(tmp_path, "TopK", [("x", x, False), ("k", numpy.array([k], numpy.int64), True)], outputs=2, axis=axis, largest=largest)


@pytest.mark.parametrize("dtype", ["float64", "int32", "int64"])
def test_top_k_types(dtype, tmp_path):
    check_node(tmp_path, "TopK", [("x", values((3, 9), dtype), False), ("k", numpy.array([9], numpy.int64), True)], outputs=2)


@pytest.mark.parametrize("dtype", ["uint8", "uint64", "int8", "float16"])
def test_top_k_types_without_onnxruntime(dtype, tmp_path):
    check_node(tmp_path, "TopK", [("x", values((3, 9), dtype), False), ("k", numpy.array([5], numpy.int64), True)], outputs=2, oracle=Reference, axis=-1, largest=1)


def test_top_k_batched(tmp_path):
    check_node(tmp_path, "TopK", [("x", values((1, 40)), False), ("k", numpy.array([7], numpy.int64), True)], outputs=2, batched=["x"],
               make=lambda n: {"x": values((n, 40))})


def test_top_k_of_nan(tmp_path):
    """A NaN is larger than every number, as NumPy and PyTorch sort it."""
    x = numpy.array([[1, numpy.nan, 3, -numpy.inf, numpy.nan, numpy.inf]], numpy.float32)
    for largest, order in [(1, [1, 4, 5, 2, 0, 3]), (0, [3, 0, 2, 5, 1, 4])]:
        model = node_model("TopK", [("x", x, False), ("k", numpy.array([6], numpy.int64), True)], 21, 2, attributes={"largest": largest})
        got = run_artifact(compile_model(model, tmp_path / f"m{largest}.so"), {"x": x})
        assert got["y1"].tolist() == [order]
        assert_same(got["y0"], x[:, order], 0, "values")


# Sizes that the run finds

def boxes(images, count, seed=0):
    random = numpy.random.default_rng([17, seed])
    corner = random.random((images, count, 2)) * 4
    return numpy.concatenate([corner, corner + 0.5 + random.random((images, count, 2)) * 2], axis=2).astype(numpy.float32)


@pytest.mark.parametrize("centre", [0, 1])
@pytest.mark.parametrize("most,iou,score", [(3, 0.5, 0.0), (50, 0.3, 0.4), (50, 0.9, None), (5, None, 0.99)])
def test_non_max_suppression(most, iou, score, centre, tmp_path):
    thresholds = [None if value is None else (name, numpy.array([value], numpy.float32), True) for name, value in [("t", iou), ("s", score)]]
    check_node(tmp_path, "NonMaxSuppression", [("b", boxes(2, 40), False), ("p", numpy.random.default_rng(3).random((2, 3, 40), numpy.float32), False),
                                               ("m", numpy.array([most], numpy.int64), True), *thresholds], opset=11, center_point_box=centre)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_non_zero(shape, dtype, tmp_path):
    x = values(shape, "bool").astype(dtype)
    check_node(tmp_path, "NonZero", [("x", x, False)])


@pytest.mark.parametrize("content", [0, 1])
def test_non_zero_of_all_or_nothing(content, tmp_path):
    check_node(tmp_path, "NonZero", [("x", numpy.full((3, 4), content, numpy.float32), False)])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_compress(axis, tmp_path):
    x = values((3, 4, 5))
    condition = numpy.array([True, False, True])
    check_node(tmp_path, "Compress", [("x", x, False), ("c", condition, False)], **({} if axis is None else {"axis": axis}))


def test_run_time_size_is_refused_where_it_is_not_supported(tmp_path):
    nodes = [helper.make_node("NonZero", ["x"], ["i"], name="where"), helper.make_node("Gather", ["i", "i"], ["y"], name="pick")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.INT64, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    done = tool("lathe", "compile", tmp_path / "m.onnx", "-o", tmp_path / "m.so")
    assert done.returncode == 2 and "node 'pick'" in done.stderr and "a size that only the run finds" in done.stderr, done.stderr


# Regions and windows

@pytest.mark.parametrize("sampling", [0, 2])
@pytest.mark.parametrize("coordinates", ["half_pixel", "output_half_pixel"])
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_roi_align(mode, coordinates, sampling, tmp_path):
    rois = numpy.array([[0.5, 1, 6, 7.5], [-3, -2, 3, 4], [5, 5, 30, 30], [4, 4, 4, 4], [2, 1, 1.5, 6]], numpy.float32)
    if sampling == 0 and coordinates == "half_pixel":
        rois = rois[:3]  # regions without area have no samples
    check_node(tmp_path, "RoiAlign", [("x", values((2, 3, 9, 8)), False), ("r", rois, False), ("i", numpy.arange(len(rois)) % 2, False)], opset=16, mode=mode,
               coordinate_transformation_mode=coordinates, sampling_ratio=sampling, output_height=3, output_width=4, spatial_scale=0.75, tolerance=1e-5)


def test_max_roi_pool(tmp_path):
    rois = numpy.array([[0, 1, 1, 6, 7], [1, 0, 0, 3, 3], [1, 5, 5, 9, 9], [0, 4, 4, 4, 4]], numpy.float32)
    check_node(tmp_path, "MaxRoiPool", [("x", values((2, 3, 9, 8)), False), ("r", rois, False)], pooled_shape=[3, 2], spatial_scale=0.8)


@pytest.mark.parametrize("attributes", [{}, {"strides": [2, 1], "pads": [1, 0, 2, 1], "dilations": [1, 2]}], ids=["plain", "all"])
def test_col2im(attributes, tmp_path):
    image, block = (9, 7), (3, 2)
    strides, pads, dilations = (attributes.get(name, default) for name, default in [("strides", [1, 1]), ("pads", [0] * 4), ("dilations", [1, 1])])
    count = numpy.prod([(image[d] + pads[d] + pads[2 + d] - dilations[d] * (block[d] - 1) - 1) // strides[d] + 1 for d in range(2)])
    shape = (4 * 6, int(count))
    check_node(tmp_path, "Col2Im", [("x", values((1, *shape)), False), ("i", numpy.array(image), True), ("b", numpy.array(block), True)], opset=18, batched=["x"],
               make=lambda n: {"x": values((n, *shape))}, tolerance=1e-5, **attributes)


@pytest.mark.parametrize("images", [1, 3])
def test_max_unpool(images, tmp_path):
    """With indices as MaxPool gives them: they count from the first image."""
    plane = numpy.arange(4)[:, None] * 6 + numpy.arange(3) * 2 + numpy.array([[0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 1, 0]])
    i = numpy.arange(images * 2).reshape(images, 2, 1, 1) * 24 + plane
    check_node(tmp_path, "MaxUnpool", [("x", values((images, 2, 4, 3)), False), ("i", i, False)], opset=11, kernel_shape=[1, 2], strides=[1, 2])


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("groups", [(1, 1), (2, 1), (2, 4), (1, 2)])
def test_deform_conv(groups, constant, mask, tmp_path):
    group, offset_group = groups
    weights, bias = values((6, 4 // group, 3, 2)), values((6,))

    def make(n):
        feed = {"x": values((n, 4, 7, 6)), "o": values((n, offset_group * 12, 4, 7)) * 2}
        if mask:
            feed["m"] = values((n, offset_group * 6, 4, 7), seed=1)
        return feed if constant else {**feed, "w": weights, "b": bias}

    first = make(1)
    inputs = [("x", first["x"], False), ("w", weights, constant), ("o", first["o"], False), ("b", bias, constant)] + ([("m", first["m"], False)] if mask else [])
    check_node(tmp_path, "DeformConv", inputs, opset=19, batched=["x", "o", "m"], make=make, group=group, offset_group=offset_group, kernel_shape=[3, 2],
               strides=[2, 1], pads=[1, 1, 1, 1], dilations=[1, 1], tolerance=2e-5)
