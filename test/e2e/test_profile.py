"""`lathe bench --profile` and --export-profile on a compiled network: every step, under the names of its ONNX nodes."""

import json
import re

import pytest
from graphs import Graph
from harness import compile_model, tool


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    graph = Graph((3, 17, 33))
    x = graph.op("Relu", graph.conv("x", 3, 58, (3, 3), pads=[1, 1, 1, 1]))
    y = graph.op("GlobalAveragePool", graph.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]))
    return compile_model(graph.model(y), tmp_path_factory.mktemp("profile") / "m.so")


def bench(artifact, *flags):
    done = tool("lathe", "bench", artifact, "--duration=0.05", "--warm-up=1", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_trace_holds_every_step(artifact, tmp_path):
    bench(artifact, "--threads=1", f"--export-profile={tmp_path / 'p.json'}", "--roofline=100,10", "--shapes=x:2x3x17x33")
    trace = json.loads((tmp_path / "p.json").read_text())
    info = json.loads(tool("lathe", "info", artifact, "--json").stdout)
    steps = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert len(steps) == len(info["calls"])
    for step, call in zip(steps, info["calls"]):
        arguments = step["args"]
        assert arguments["nodes"] == call["nodes"] and step["name"] == " + ".join(call["nodes"])
        assert arguments["flops"] == call["flops"][0] + 2 * call["flops"][1]
        assert arguments["bytes"] == call["bytes"][0] + 2 * call["bytes"][1]
        assert step["dur"] >= 0 and 0 <= arguments["share"] <= 1 and arguments["roofline"] >= 0
    assert sum(step["args"]["share"] for step in steps) == pytest.approx(1)
    assert {node for step in steps for node in step["args"]["nodes"]} >= {"conv_1", "relu_2", "maxpool_3", "globalaveragepool_4"}
    # Nothing was compiled for it: 2 × 58 × 17 × 33 × 27 multiplications and additions per image, as the file has them.
    assert max(step["args"]["flops"] for step in steps) >= 2 * 2 * 58 * 17 * 33 * 27


def test_table(artifact):
    text = bench(artifact, "--threads=2", "--profile")
    rows = re.findall(r"^ +\d+ +[\d.]+ +[\d.]+% +[\d.]+ +[\d.]+ +\d+% of (?:memory|arithmetic|none) +\S+ +(.+)$", text, re.MULTILINE)
    assert any("conv_1" in row for row in rows), text
    assert re.search(r"^roofline +\d+ GFLOP/s; reading 32 KB again and again \d+ GB/s, 1 MB \d+, 32 MB \d+; measured just now$", text, re.MULTILINE), text


def test_without_the_flags_there_is_no_profile(artifact):
    text = bench(artifact, "--threads=1", "--json")
    assert "roof" not in text and "share" not in text
    assert json.loads(text.splitlines()[-1])["peak_rss_mb"] < 60, "of lathe-run alone, not of what started it"
