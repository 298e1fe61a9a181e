"""./dev bench: Lathe beside ONNX Runtime and OpenVINO, in one process, on the same pinned cores, taking turns.

Each round gives every engine one time slot, in an order that rotates; a round's number is the median latency of the slot. Reported are the median of
the rounds and the ratio of medians with a 95 % bootstrap interval over the rounds. Absolute times drift with the machine; ratios of one run do not."""

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

# Before numpy and the engines are loaded: their thread pools look at the affinity once.
ALL_CORES = sorted(os.sched_getaffinity(0))

import numpy  # noqa: E402
import zoo_weights  # noqa: E402
from engines import ENGINES, ROOT, compile_with_lathe, first_result_ms  # noqa: E402

NETWORKS = {
    "digits": ("image", (1, 8, 8)),
    "resnet50": ("x", (3, 224, 224)),
}


def model_path(network):
    return ROOT / "test" / "digits" / "digits_cnn.onnx" if network == "digits" else zoo_weights.generate(network, ROOT / "build" / "zoo")


def slot(call, seconds):
    """Median latency in ms of calls that fill the slot, at least five."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return float(numpy.median(times)) / 1e6


def measure(engines, rounds, seconds):
    """{engine name: array of one median per round}"""
    result = {engine.name: [] for engine in engines}
    for engine in engines:
        slot(engine.call, seconds / 2)  # warm-up
    for index in range(rounds):
        for engine in engines[index % len(engines):] + engines[: index % len(engines)]:
            time.sleep(0.02)  # another engine's threads stop spinning
            engine.call()
            result[engine.name].append(slot(engine.call, seconds))
    return {name: numpy.array(values) for name, values in result.items()}


def ratio_interval(ours, theirs):
    """Ratio of medians, with the 95 % interval of a bootstrap over the rounds (ours and theirs of a round stay together)."""
    random = numpy.random.default_rng(0)
    picks = random.integers(0, len(ours), (4000, len(ours)))
    ratios = numpy.median(ours[picks], axis=1) / numpy.median(theirs[picks], axis=1)
    return numpy.median(ours) / numpy.median(theirs), *numpy.percentile(ratios, [2.5, 97.5])


def milliseconds(value):
    return f"{value:.4f}" if value < 1 else f"{value:.2f}"


def bench(network, names, batch, threads, rounds, seconds, folder):
    """One row of the table, as a list of cells."""
    input_name, shape = NETWORKS[network]
    inputs = {input_name: numpy.random.default_rng(0).standard_normal((batch, *shape), dtype=numpy.float32)}
    model = model_path(network)
    print(f"{network}, batch {batch}, {threads} thread{'s' * (threads > 1)}: compiling", file=sys.stderr, flush=True)
    if "lathe" in names:
        os.sched_setaffinity(0, ALL_CORES)
        compiled = compile_with_lathe(model)
    os.sched_setaffinity(0, ALL_CORES[:threads])
    engines = [ENGINES[name](model, inputs, threads) for name in names]
    results = []
    for engine in engines:
        engine.call()
        results.append(engine.outputs())
    for engine, outputs in zip(engines[1:], results[1:]):
        for got, want in zip(outputs, results[0]):
            if not numpy.allclose(got, want, rtol=1e-3, atol=1e-3 * numpy.abs(want).max()):
                raise RuntimeError(f"{network}: {engines[0].name} and {engine.name} give different numbers; a time would mean nothing")
    print(f"{network}, batch {batch}, {threads} thread{'s' * (threads > 1)}: {rounds} rounds", file=sys.stderr, flush=True)
    times = measure(engines, rounds, seconds)
    cells = [network, str(batch), str(threads), *(milliseconds(numpy.median(times[name])) for name in names)]
    if names[0] == "lathe":
        for name in names[1:]:
            ratio, low, high = ratio_interval(times["lathe"], times[name])
            cells.append(f"{ratio:.2f} ({low:.2f}–{high:.2f})")
        first = first_result_ms(model, inputs, folder, threads)
        cells += [f"{first - numpy.median(times['lathe']):.0f}", f"{compiled['seconds']:.1f}", f"{compiled['peak_mb']:.0f}",
                  f"{compiled['artifact'].stat().st_size / 1e6:.1f}"]
    return cells, {engine.name: getattr(engine, "version", "") for engine in engines}


def header(names):
    cells = ["network", "batch", "threads", *(f"{name}, ms" for name in names)]
    if names[0] == "lathe":
        cells += [*(f"lathe ÷ {name}" for name in names[1:]), "first result above steady, ms", "compile, s", "compiler's peak, MB", "artifact, MB"]
    return cells


def cpu_name():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())
    widest = next((isa for isa in ("avx512f", "avx2", "sse4_2") if isa in text), "")
    return f"{name} ({widest})" if widest else name


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated: %(default)s")
    parser.add_argument("--engines", default=",".join(ENGINES), help="comma-separated: %(default)s")
    parser.add_argument("--batches", default="1", help="comma-separated batch sizes")
    parser.add_argument("--threads", default="1", help="comma-separated thread counts")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slot", type=float, default=0.5, help="seconds of an engine's turn")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "bench.md", help="default: docs/bench.md; - for standard output only")
    arguments = parser.parse_args()
    networks, names = arguments.networks.split(","), arguments.engines.split(",")
    batches, thread_counts = ([int(word) for word in text.split(",")] for text in (arguments.batches, arguments.threads))
    for kind, given, known in (("network", networks, NETWORKS), ("engine", names, ENGINES)):
        for word in given:
            if word not in known:
                sys.exit(f"bench: unknown {kind} '{word}', expected of: {', '.join(known)}")
    if max(thread_counts) > len(ALL_CORES):
        sys.exit(f"bench: {max(thread_counts)} threads, but this process may use {len(ALL_CORES)} cores")
    rows, versions = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for network in networks:
            for batch in batches:
                for threads in thread_counts:
                    cells, found = bench(network, names, batch, threads, arguments.rounds, arguments.slot, Path(folder))
                    rows.append(cells)
                    versions |= found
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in [header(names), ["---"] * len(rows[0]), *rows])
    peers = ", ".join(f"{name} {version}".strip() for name, version in versions.items())
    text = f"""# Measured beside the peers

Written by `./dev bench`; rows that we lose stay. Machine: {cpu_name()}, {len(ALL_CORES)} cores. Engines: {peers}. float32, the same cores for all,
{arguments.rounds} rounds of {arguments.slot} s turns; times are medians of the rounds, ratios below 1 mean that Lathe is faster, in brackets the 95 % interval.

{table}
"""
    print(text)
    if str(arguments.output) != "-":
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
