"""A tile for which the registers do not suffice is made smaller: less is spilled, the numbers stay, and every way to the artifact gives the same one."""

import re

import pytest
from graphs import Graph, check_artifact
from harness import compile_model
from lathe import Model

FLAGS = ("--mcpu=x86-64-v3", "--no-winograd")
LEFT_OUT = "--disable-pass=spill-check"
# With 16 registers: 22, 24 and 20 accumulators, without room for weights and a broadcast.
TILES = {"wide": "ku = 2, unroll = 4, merge = 1, segments = [11, 11, 11]", "deep": "ku = 8, unroll = 4, merge = 1, segments = [3" + ", 3" * 10 + "]",
         "uneven": "ku = 4, unroll = 8, merge = 1, segments = [5" + ", 5" * 5 + ", 3]"}


@pytest.fixture(scope="module")
def graph():
    graph = Graph((17, 17, 33))
    blocked = graph.op("MaxPool", "x", kernel_shape=[1, 1])
    return graph, graph.op("Relu", graph.conv(blocked, 17, 64, (3, 3), pads=[1, 1, 1, 1]))


def by_hand(graph, folder, tile, *flags):
    """The module at the end of phase nn with this tile written at the convolution."""
    text = compile_model(graph[0].model(graph[1]), folder / "m.mlir", "--compile-to=nn", *FLAGS, *flags).read_text()
    text, count = re.subn(r"(nn\.conv [^\n]*attributes \{)", rf"\1tiling = #nn.tiling<{tile}>, ", text)
    assert count == 1
    (folder / "m.mlir").write_text(text)
    return folder / "m.mlir"


def lost(report):
    """Part of the time of the multiply-adds that spills cost, in percent, of the slowest kernel."""
    return max(map(int, re.findall(r"innermost loop\(s\), (\d+) % of the time", report.read_text())), default=0)


@pytest.mark.parametrize("tile", TILES.values(), ids=[name.replace(" ", "-") for name in TILES])
def test_a_tile_that_spills_is_made_smaller(graph, tile, tmp_path):
    before, after = tmp_path / "before.txt", tmp_path / "after.txt"
    compile_model(by_hand(graph, tmp_path, tile, LEFT_OUT), tmp_path / "s.so", "--compile-from=nn", f"--opt-report={before}")
    artifact = compile_model(by_hand(graph, tmp_path, tile), tmp_path / "m.so", "--compile-from=nn", f"--opt-report={after}")
    assert lost(before) > 5 and "made smaller" not in before.read_text()
    assert lost(after) < lost(before) and "made smaller, since vectors were spilled" in after.read_text()
    check_artifact(Model(artifact), graph[0], graph[0].model(graph[1]))


def test_the_artifact_does_not_depend_on_the_way(graph, tmp_path):
    model = by_hand(graph, tmp_path, TILES["wide"])
    direct = compile_model(model, tmp_path / "m.so", "--compile-from=nn").read_bytes()
    assert compile_model(model, tmp_path / "one.so", "--compile-from=nn", "--threads=1").read_bytes() == direct
    assert compile_model(model, tmp_path / "dumped.so", "--compile-from=nn", f"--dump-ir={tmp_path / 'ir'}").read_bytes() == direct
    assert any("spill-check" in path.name for path in (tmp_path / "ir").iterdir())
    for phase in ["memref", "loops", "llvm"]:
        stopped = compile_model(model, tmp_path / f"{phase}.mlir", "--compile-from=nn", f"--compile-to={phase}")
        assert compile_model(stopped, tmp_path / "resumed.so", f"--compile-from={phase}").read_bytes() == direct, phase
