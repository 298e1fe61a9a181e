"""Channels that shuffles, splits and concatenations move, read where they were computed: nn-gather-channels."""

import re

import numpy
import pytest
from graphs import BATCHES, Graph, check_artifact, identifier
from harness import compile_model, run_artifact
from lathe import Model

EXACT = "--disable-pass=winograd,share-lanes"
READS = "operations where they are"


def shuffle(graph, x, channels, groups, size):
    def reshaped(y, *dims):
        return graph.op("Reshape", y, graph.constant(numpy.array([0, *dims, *size])))

    split = reshaped(x, groups, channels // groups)
    return reshaped(graph.op("Transpose", split, perm=[0, 2, 1, *range(3, 3 + len(size))]), channels)


def part(graph, x, begin, end, step=1):
    return graph.op("Slice", x, *[graph.constant(numpy.array([v])) for v in (begin, end, 1, step)])


def units(graph, channels, groups, count):
    """As in ShuffleNet: of each unit's result one half goes on as it is, and one through convolutions."""
    size = graph.shape[1:]
    a = graph.op("Relu", graph.conv("x", graph.shape[0], channels, (1, 1)))
    b = graph.op("Relu", graph.conv("x", graph.shape[0], channels, (3, 3), pads=[1, 1, 1, 1]))
    for _ in range(count):
        joined = shuffle(graph, graph.op("Concat", a, b, axis=1), 2 * channels, groups, size)
        a, b = part(graph, joined, 0, channels), part(graph, joined, channels, 2 * channels)
        b = graph.op("Relu", graph.conv(b, channels, channels, (1, 1)))
        b = graph.conv(b, channels, channels, (3, 3), group=channels, pads=[1, 1, 1, 1])
        b = graph.op("Relu", graph.conv(b, channels, channels, (1, 1)))
    return shuffle(graph, graph.op("Concat", a, b, axis=1), 2 * channels, groups, size)


def ends_dense(graph, channels, groups):
    y = units(graph, channels, groups, 3)
    return graph.op("Relu", graph.conv(y, 2 * channels, 19, (3, 3), strides=[2, 2], pads=[1, 1, 1, 1]))


def ends_depthwise(graph, channels, groups):
    y = units(graph, channels, groups, 3)
    a = graph.conv(y, 2 * channels, 2 * channels, (3, 3), group=2 * channels, strides=[2, 2], pads=[1, 1, 1, 1])
    a = graph.conv(a, 2 * channels, 18, (1, 1))
    return graph.op("Add", a, graph.conv(y, 2 * channels, 18, (1, 1), strides=[2, 2]))


def ends_pooled(graph, channels, groups):
    y = graph.op("MaxPool", units(graph, channels, groups, 2), kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    return graph.conv(y, 2 * channels, 21, (1, 1))


CASES = {}
for channels, groups in [(1, 2), (3, 2), (3, 3), (6, 4), (7, 2), (17, 2), (58, 2), (58, 4), (116, 2)]:
    for size in [(1, 1), (5, 9), (17, 33)] if channels == 17 else [(5, 9)]:
        for end in [ends_dense, ends_depthwise, ends_pooled]:
            CASES[identifier(f"{end.__name__} c{channels} g{groups} {size}")] = (end, channels, groups, size)


@pytest.mark.parametrize("name", CASES)
def test_right_and_the_same_bits_as_moved(name, tmp_path):
    end, channels, groups, size = CASES[name]
    graph = Graph((5, *size), seed=channels)
    model = graph.model(end(graph, channels, groups))
    report = tmp_path / "report.txt"
    gathered = Model(compile_model(model, tmp_path / "gathered.so", EXACT, f"--opt-report={report}"))
    reads = report.read_text().count(READS)
    if end is ends_dense:
        assert reads == (1 if channels == 1 else 4)  # half of two channels is one map, as it is
    if end is ends_depthwise and groups == 2:
        assert reads == (2 if channels == 1 else 5 if channels >= 17 else 0)  # few channels are more vectors in parts
    if reads and size != (1, 1):
        assert not re.search("^  (copied|moved)", report.read_text(), re.MULTILINE)
    check_artifact(gathered, graph, model, BATCHES)
    moved = Model(compile_model(model, tmp_path / "moved.so", f"{EXACT},nn-gather-channels", f"--opt-report={report}"))
    assert READS not in report.read_text()
    inputs = {"x": graph.input(3)}
    for key, want in run_artifact(moved, inputs).items():
        for threads in [1, 3]:
            assert run_artifact(gathered, inputs, threads=threads)[key].tobytes() == want.tobytes()


@pytest.mark.parametrize("flag", ["--mcpu=x86-64-v3", "--mcpu=x86-64-v2", "--shapes=x:2x5x5x9"])
def test_compiled_otherwise(flag, tmp_path):
    graph = Graph((5, 5, 9))
    model = graph.model(ends_depthwise(graph, 17, 2))
    check_artifact(Model(compile_model(model, tmp_path / "m.so", "--no-winograd", flag)), graph, model, [2])


def every_other(graph):
    a, b = (graph.conv("x", 5, 11, (3, 3), pads=[1, 1, 1, 1]) for _ in range(2))
    return part(graph, graph.op("Concat", a, b, axis=1), 1, 22, 3), 7


@pytest.mark.parametrize("reader, why", [
    (lambda graph, x, channels: graph.op("Concat", graph.conv(x, channels, 4, (1, 1)), x, axis=1), "needs them in their order"),
    (lambda graph, x, channels: graph.conv(x, channels, 7, (1, 1), group=7), "needs them in their order"),
    (lambda graph, x, channels: graph.op("GlobalAveragePool", x), "needs them in their order"),
    (lambda graph, x, channels: graph.conv(x, channels, 64, (3, 3), pads=[1, 1, 1, 1]), "Winograd"),
    (lambda graph, x, channels: graph.op("Sigmoid", x), "needs them in their order"),
])
def test_what_needs_channels_in_their_order_has_them_moved(reader, why, tmp_path):
    graph = Graph((5, 5, 9))
    x, channels = every_other(graph)
    report = tmp_path / "report.txt"
    model = graph.model(reader(graph, x, channels))
    artifact = Model(compile_model(model, tmp_path / "m.so", "--no-winograd", f"--opt-report={report}"))
    assert why in report.read_text() and READS not in report.read_text()
    check_artifact(artifact, graph, model, [2])


def test_channels_of_several_dimensions(tmp_path):
    """One and three spatial dimensions; a channel that is read twice, and one that is not read."""
    for size in [(13,), (3, 4, 5)]:
        graph = Graph((5, *size))
        a, b = (graph.conv("x", 5, 7, (1,) * len(size)) for _ in range(2))
        x = part(graph, graph.op("Concat", b, a, b, axis=1), 2, 21, 2)
        model = graph.model(graph.conv(x, 10, 9, (1,) * len(size)))
        report = tmp_path / "report.txt"
        artifact = Model(compile_model(model, tmp_path / "m.so", "--no-winograd", f"--opt-report={report}"))
        assert "reads 10 channels of 2 operations where they are" in report.read_text()
        check_artifact(artifact, graph, model, BATCHES)


def test_a_map_that_becomes_a_part_of_a_larger_image(tmp_path):
    """There the distances between channels are others."""
    graph = Graph((5, 5, 9))
    a = graph.conv("x", 5, 34, (1, 1))
    joined = graph.op("Concat", a, graph.conv("x", 5, 34, (1, 1)), axis=3)
    padded = graph.op("Pad", graph.op("Relu", joined), graph.constant(numpy.array([0, 0, 1, 2, 0, 0, 3, 1])))
    model = graph.model(graph.conv(shuffle(graph, a, 34, 2, (5, 9)), 34, 18, (1, 1)), joined, padded)
    check_artifact(Model(compile_model(model, tmp_path / "m.so", "--no-winograd")), graph, model, BATCHES)
