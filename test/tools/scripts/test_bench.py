"""The parts of ./dev bench that need no peer and no measurement."""

import math
import sys
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test" / "bench"))

import report  # noqa: E402
import rounds  # noqa: E402
import shapes  # noqa: E402


class Engine:
    """Takes the seconds that it is told, and fails after some calls."""

    def __init__(self, seconds, lives=math.inf):
        self.value, self.lives = seconds, lives

    def seconds(self, count, clock):
        self.lives -= 1
        if self.lives < 0:
            raise RuntimeError("broken")
        return self.value


def test_ratio_is_theirs_to_ours():
    ours = numpy.linspace(1, 2, 9)
    ratio, low, high = rounds.ratio_interval(3 * ours, ours)  # both drift, the ratio does not
    assert (ratio, low, high) == pytest.approx((3, 3, 3))
    assert rounds.ratio_interval(numpy.array([6.0]), ours) == (4, None, None)


def test_an_engine_that_fails_leaves_the_others():
    failed = {}
    engines = {"a": Engine(1e-3), "b": Engine(1e-3, lives=5)}
    times = rounds.measure(engines, 4, 1e-3, "wall", {"a": 1e-3, "b": 1e-3}, failed=failed)
    assert list(times) == ["a"] and len(times["a"]) == 4 and failed == {"b": "broken"}


def test_rows_and_summary():
    won = report.Row("won", 1, 1, {"lathe": numpy.full(9, 1.0), "x": numpy.full(9, 2.0), "y": numpy.full(9, 3.0)})
    lost = report.Row("lost", 1, 1, {"lathe": numpy.full(9, 1.0), "x": numpy.full(9, 0.5)}, {"y": "ends with signal 11"})
    broken = report.Row("broken", 1, 1, {}, {"lathe": "does not compile"})
    assert won.best == "x" and won.ratio[0] == 2 and broken.ratio is None
    assert "geometric mean of (best peer ÷ Lathe) **1.00** over 2 networks, minimum **0.50** (lost)" in report.summary([won, lost, broken])
    assert "lower end is below 1 for 1." in report.summary([won, lost, broken])


def test_readme_block(tmp_path):
    (tmp_path / "README.md").write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")
    row = report.Row("n", 8, 2, {"lathe": numpy.full(9, 1.0), "x": numpy.full(9, 2.0)})
    report.update_readme(tmp_path / "README.md", "./dev bench --batch=8", [row], "p.svg")
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before") and text.endswith("\nafter\n") and "old" not in text
    assert "Batch 8, 2 threads" in text and "`./dev bench --batch=8`" in text and "(p.svg)" in text


def test_shapes_are_the_same_every_time(tmp_path):
    first, again = shapes.draw_shapes(64), shapes.draw_shapes(64)
    assert [shape.text for shape in first] == [shape.text for shape in again]
    assert [shape.text for shape in shapes.draw_shapes(64, seed=6)] != [shape.text for shape in first]
    assert {shape.family for shape in first} == set(shapes.FAMILIES)
    assert all(shape.fits() and min(shape.output) > 0 for shape in first)


@pytest.mark.parametrize("index", range(len(shapes.FAMILIES)), ids=list(shapes.FAMILIES))
def test_a_shape_is_what_onnx_infers(index, tmp_path):
    import onnx

    shape = shapes.draw_shapes(len(shapes.FAMILIES))[index]
    shape.save(tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert tuple(dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim) == shape.output
    model.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0].type.tensor_type.shape.dim
    assert tuple(dim.dim_value for dim in inferred) == shape.output
