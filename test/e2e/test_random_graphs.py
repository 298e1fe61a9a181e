"""Small random networks, seeded: what fuses with what, in shapes that nobody chose.

Each is compiled as it is meant to be, without optimisation, and with one optional pass left out (each pass in turn), and all of them are compared with ONNX
Runtime. LATHE_RANDOM_SEEDS=1000..2000 tries other networks."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
from graphs import BATCHES, check, check_artifact, tolerance
from harness import BUILD, Oracle, assert_close, compile_model, description
from lathe import Context, Model
from random_graphs import network

FIRST, LAST = map(int, os.environ.get("LATHE_RANDOM_SEEDS", "0..500").split(".."))
SEEDS = range(FIRST, LAST)
PASSES = [line.split()[0] for line in subprocess.run([BUILD / "bin" / "lathe-compile", "--disable-pass=help"], capture_output=True, text=True,
                                                     check=True).stdout.splitlines()]


class Ahead:
    """Compiles the networks of the next seeds while one is being run."""

    def __init__(self, folder):
        self.folder, self.jobs, self.pool = folder, {}, ThreadPoolExecutor(os.cpu_count())

    def compile(self, seed):
        graph, outputs = network(seed)
        model, folder = graph.model(*outputs), self.folder / str(seed)
        folder.mkdir()
        variants = {"-O3": "-O3", "exact": "--disable-pass=winograd,share-lanes", "-O0": "-O0", PASSES[seed % len(PASSES)]: f"--disable-pass=winograd,share-lanes,{PASSES[seed % len(PASSES)]}"}
        return graph, model, {name: compile_model(model, folder / f"{name}.so", flag, "--threads=1") for name, flag in variants.items()}

    def get(self, seed):
        for later in range(seed, min(seed + 4, LAST)):
            if later not in self.jobs:
                self.jobs[later] = self.pool.submit(self.compile, later)
        return self.jobs.pop(seed).result()


@pytest.fixture(scope="module")
def ahead(tmp_path_factory):
    ahead = Ahead(tmp_path_factory.mktemp("random"))
    yield ahead
    ahead.pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graph(seed, ahead):
    graph, model, artifacts = ahead.get(seed)
    inputs, _ = check_artifact(Model(artifacts.pop("-O3")), graph, model, BATCHES, bound=5e-5)  # Winograd's algorithm, in layers that were not scaled for it
    want = Oracle(model, optimised=False).run(inputs)
    got = Context(Model(artifacts.pop("exact")), max_batch=len(inputs["x"])).run(inputs)
    for name in want:
        assert_close(got[name], want[name], tolerance(want[name]), f"exact, output '{name}' {want[name].shape}")
    for variant, path in artifacts.items():
        other = Context(Model(path), max_batch=len(inputs["x"])).run(inputs)
        for name in want:
            assert_close(other[name], want[name], tolerance(want[name]), f"{variant}, output '{name}' {want[name].shape}")
            # Every optimisation but these promises the same bits, the same arithmetic in the same order: Winograd's algorithm and shared lanes have another,
            # batch norms change weights, and the tree of a reduction follows the layout of what it reduces, which canonical forms decide too, and the parts in
            # which a large map is written.
            if variant not in ("nn-fold-batch-norm", "nn-propagate-layout", "canonicalize", "lathe-fuse-statistics"):
                assert other[name].tobytes() == got[name].tobytes(), f"{variant}, output '{name}': other bits than without Winograd and shared lanes"


@pytest.mark.parametrize("flag", ["--mcpu=x86-64-v3", "--shapes=x:2"])
@pytest.mark.parametrize("seed", range(6))
def test_random_graph_compiled_otherwise(seed, flag, tmp_path):
    graph, outputs = network(seed)
    if flag.startswith("--shapes"):  # a fixed batch
        check(graph, outputs, tmp_path, batches=[2], flags=["x".join([flag, *map(str, graph.shape)])])
    else:
        check(graph, outputs, tmp_path, flags=[flag])


@pytest.mark.parametrize("seed", range(FIRST, LAST, 5))
def test_random_graph_in_small_caches(seed, tmp_path):
    """Where few maps stay near, most chains of convolutions and pools are one kernel."""
    graph, outputs = network(seed)
    model = graph.model(*outputs)
    flags = [f"--target-description={description(tmp_path, 1 << 13)}", "--no-winograd"]
    inputs, want = check_artifact(Model(compile_model(model, tmp_path / "m.so", *flags)), graph, model, [2, 3])
    apart = Context(Model(compile_model(model, tmp_path / "apart.so", *flags, "--disable-pass=lathe-group")), max_batch=3).run(inputs)
    for name in want:
        assert apart[name].tobytes() == want[name].tobytes(), f"output '{name}': other bits apart"


def test_each_pass_is_left_out_often():
    counts = numpy.bincount([seed % len(PASSES) for seed in SEEDS], minlength=len(PASSES))
    assert len(PASSES) >= 8 and counts.min() >= len(SEEDS) // (len(PASSES) + 1)
