"""Chains of windowed operations in one kernel, a block of rows at a time: lathe-group."""

import re

import numpy
import pytest
from graphs import BATCHES, Graph, check_artifact, identifier
from harness import compile_model, description, run_artifact
from lathe import Model

GROUPED = "operations are one kernel"


def residual(graph, channels, filters):
    """Expand, depthwise, project, with the sum of a residual that the first operation reads too."""
    x = graph.conv("x", graph.shape[0], filters, (3, 3), pads=[1, 1, 1, 1])
    a = graph.op("Clip", graph.conv(x, filters, channels, (1, 1)), graph.constant(numpy.float32(0)), graph.constant(numpy.float32(6)))
    b = graph.op("Relu", graph.conv(a, channels, channels, (3, 3), group=channels, pads=[1, 1, 1, 1]))
    return graph.op("Add", graph.conv(b, channels, filters, (1, 1)), x)


def strided(graph, channels, filters):
    """Steps of 2, a window of 5, and other padding before than behind."""
    a = graph.op("HardSwish", graph.conv("x", graph.shape[0], channels, (1, 1)))
    b = graph.conv(a, channels, channels, (5, 5), group=channels, strides=[2, 2], pads=[2, 2, 2, 3])
    return graph.conv(b, channels, filters, (1, 1))


def sparse(graph, channels, filters):
    """Steps that leave rows out, and a window with gaps."""
    a = graph.conv("x", graph.shape[0], channels, (1, 2))
    b = graph.conv(a, channels, channels, (2, 1), group=channels, strides=[3, 3], pads=[1, 0, 1, 0])
    return graph.conv(b, channels, filters, (3, 3), dilations=[2, 1], pads=[3, 1, 2, 1])


def stem(graph, channels, filters):
    """As ResNet begins: planes in, a pool behind, whose windows lap over the borders."""
    a = graph.op("Relu", graph.conv("x", graph.shape[0], channels, (7, 7), strides=[2, 2], pads=[3, 3, 3, 3]))
    return graph.op("MaxPool", a, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def average(graph, channels, filters):
    """Counts of elements in the padding, which depend on where a row lies in the map; a pool that reads a pool."""
    a = graph.conv("x", graph.shape[0], channels, (3, 3), pads=[2, 2, 2, 2])
    b = graph.op("AveragePool", a, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    c = graph.op("AveragePool", b, kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    return graph.conv(c, channels, filters, (1, 1))


def long(graph, channels, filters):
    """Four in a row: each row of the last needs nine of the first."""
    y = graph.conv("x", graph.shape[0], channels, (3, 3), pads=[1, 1, 1, 1])
    for _ in range(2):
        y = graph.conv(graph.op("Relu", y), channels, channels, (3, 3), group=channels, pads=[1, 1, 1, 1])
    return graph.conv(y, channels, filters, (5, 5), pads=[2, 2, 2, 2])


def volume(graph, channels, filters):
    a = graph.conv("x", graph.shape[0], channels, (3, 3, 3), pads=[1] * 6)
    return graph.conv(a, channels, filters, (3, 2, 3), strides=[2, 1, 1], pads=[1] * 6)


def compile_groups(model, folder, rows, *flags):
    """Compiled with `rows` written at every convolution and pool."""
    flags = ("--no-winograd", *flags)
    text = compile_model(model, folder / "m.mlir", "--compile-to=linalg", *flags).read_text()
    text = re.sub(r"(nn\.(?:conv|pool) [^\n]*attributes \{)", rf"\1nn.rows = {rows} : i64, ", text)
    (folder / "m.mlir").write_text(text)
    report = folder / "report.txt"
    artifact = compile_model(folder / "m.mlir", folder / f"rows{rows}.so", "--compile-from=linalg", f"--opt-report={report}")
    return artifact, report.read_text()


CASES = {}
for number, (channels, filters) in enumerate([(1, 3), (3, 17), (7, 1), (17, 58), (58, 7), (32, 24)]):
    for size in [(1, 1), (5, 9), (17, 33)]:
        for build in [residual, strided, sparse, stem, average, long]:
            CASES[identifier(f"{build.__name__} c{channels} k{filters} {size}")] = (build, channels, filters, (3, *size), 1 + number % 3)
CASES["large"] = (residual, 24, 16, (3, 112, 112), 4)
CASES["3-D"] = (volume, 17, 24, (2, 6, 5, 7), 2)


@pytest.mark.parametrize("name", CASES)
def test_right_and_the_same_as_apart(name, tmp_path):
    build, channels, filters, shape, rows = CASES[name]
    graph = Graph(shape)
    if build in (sparse,) and shape[1] == 1:
        pytest.skip("no window fits")
    model = graph.model(build(graph, channels, filters))
    artifact, report = compile_groups(model, tmp_path, rows)
    assert report.count(GROUPED) >= 1
    together = Model(artifact)
    check_artifact(together, graph, model, BATCHES)
    artifact, report = compile_groups(model, tmp_path, 0)
    assert GROUPED not in report
    apart = Model(artifact)
    inputs = {"x": graph.input(3)}
    for key, want in run_artifact(apart, inputs).items():
        for threads in [1, 2, 3]:
            assert numpy.array_equal(run_artifact(together, inputs, threads=threads)[key], want)


@pytest.mark.parametrize("cpu", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_other_processors(cpu, tmp_path):
    graph = Graph((3, 17, 33))
    model = graph.model(residual(graph, 17, 7))
    artifact, report = compile_groups(model, tmp_path, 3, f"--mcpu={cpu}")
    assert GROUPED in report
    if cpu != "x86-64-v4":  # not every machine has it
        check_artifact(Model(artifact), graph, model, BATCHES)


# Maps of 33 x 48 x 48 floats, 304 kB: of 40 channels in memory.
@pytest.mark.parametrize("level2, why", [(1 << 18, None), (1 << 20, "the map stays in the near caches anyway"), (1 << 14, "a row is more than a part of")])
def test_the_second_level_decides(level2, why, tmp_path):
    graph = Graph((16, 48, 48))
    model = graph.model(strided(graph, 33, 8))
    report = tmp_path / "report.txt"
    artifact = compile_model(model, tmp_path / "m.so", f"--opt-report={report}", f"--target-description={description(tmp_path, level2)}")
    if why:
        assert why in report.read_text() and GROUPED not in report.read_text()
        return
    assert GROUPED in report.read_text()
    check_artifact(Model(artifact), graph, model, BATCHES)
    compile_model(model, tmp_path / "a.so", f"--opt-report={report}", f"--target-description={description(tmp_path, level2)}", "--disable-pass=lathe-group")
    assert GROUPED not in report.read_text()
