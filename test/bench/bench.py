"""./dev bench: Lathe beside its peers, in one process, on the same pinned cores, taking turns.

Each round gives every engine one time slot, in an order that rotates; a round's number is the median latency of the slot. Reported are the median of
the rounds and the ratio of medians to the best peer, with a 95 % bootstrap interval over the rounds. Absolute times drift with the machine; ratios of
one run do not.

On a machine that does other work, wall-clock times of milliseconds are made of other processes' turns: --clock=cpu counts the process's CPU time instead,
of all its threads. With one thread it is the latency of a machine that is idle."""

import argparse
import os
import platform
import sys
import tempfile
import textwrap
import time
from pathlib import Path

# Before numpy and the engines are loaded: their thread pools look at the affinity once.
ALL_CORES = sorted(os.sched_getaffinity(0))

import numpy  # noqa: E402
import zoo_weights  # noqa: E402
from engines import PEERS, ROOT, CannotRun, Lathe, Network, compile_with_lathe, first_result_ms, version  # noqa: E402

NETWORKS = ["digits", *sorted(path.stem for path in (ROOT / "test" / "zoo").glob("*.onnx"))]
FEWEST_CALLS = 3     # of a slot, unless they take longer than
LONGEST = 0.5        # seconds
HOPELESS = 8         # an engine that is this many times slower than the quickest gets one slot, not one in every round
SAME_NUMBERS = 1e-3  # of the largest magnitude of an output


def load(name):
    path = ROOT / "test" / "digits" / "digits_cnn.onnx" if name == "digits" else zoo_weights.generate(name, ROOT / "build" / "zoo")
    return Network.load(name, path)


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def slot(call, seconds, clock):
    """Median latency in ms of calls that fill the slot."""
    times, begin, now = [], clock(), 0
    while not times or now < seconds or (len(times) < FEWEST_CALLS and now < LONGEST):
        start = clock()
        call()
        end = clock()
        times.append(end - start)
        now = end - begin
    return float(numpy.median(times)) * 1e3


def measure(engines, rounds, seconds, clock):
    """{engine name: array of one median per round}"""
    warm = {engine.name: slot(engine.call, seconds / 2, clock) for engine in engines}
    hopeless = {name for name, value in warm.items() if value > HOPELESS * min(warm.values())}
    result = {name: [warm[name]] if name in hopeless else [] for name in warm}
    engines = [engine for engine in engines if engine.name not in hopeless]
    for index in range(rounds):
        first = index % len(engines)
        for engine in engines[first:] + engines[:first]:
            time.sleep(0.02)  # another engine's threads stop spinning
            engine.call()
            result[engine.name].append(slot(engine.call, seconds, clock))
    return {name: numpy.array(values) for name, values in result.items()}


def ratio_interval(ours, theirs):
    """Ratio of medians, with the 95 % interval of a bootstrap over the rounds (ours and theirs of a round stay together)."""
    ratio = numpy.median(ours) / numpy.median(theirs)
    if len(ours) != len(theirs):
        return ratio, None, None
    random = numpy.random.default_rng(0)
    picks = random.integers(0, len(ours), (4000, len(ours)))
    ratios = numpy.median(ours[picks], axis=1) / numpy.median(theirs[picks], axis=1)
    return ratio, *numpy.percentile(ratios, [2.5, 97.5])


def milliseconds(value):
    return f"{value:.4f}" if value < 1 else f"{value:.2f}"


def same_numbers(results, reference):
    return len(results) == len(reference) and all(
        got.size == want.size and numpy.allclose(got.reshape(want.shape), want, rtol=SAME_NUMBERS, atol=SAME_NUMBERS * numpy.abs(want).max(initial=0))
        for got, want in zip(results, reference))


def start_engines(network, inputs, threads, peers, notes):
    """Lathe and the peers that run the network and agree with the first peer. `notes` gets {name: why not}."""
    engines, reference = [], None
    for kind in [*(PEERS[name] for name in peers), Lathe]:
        try:
            engine = kind(network, inputs, threads)
            engine.call()
            results = engine.outputs()
            if reference is None:
                reference = results
            elif not same_numbers(results, reference):
                raise CannotRun(f"other numbers than {engines[0].name}")
            engines.append(engine)
        except CannotRun as reason:
            notes[kind.name] = str(reason)
    return engines


def bench(network, peers, batch, threads, arguments, folder):
    """One row of the table, as a list of cells."""
    what = f"{network.name}, batch {batch}, {threads} thread{'s' * (threads > 1)}"
    print(f"{what}: compiling", file=sys.stderr, flush=True)
    start, notes = [network.name, str(batch), str(threads)], {}
    empty = ["–"] * (len(header(peers)) - len(start) - 1)
    os.sched_setaffinity(0, ALL_CORES)
    try:
        inputs = network.random_inputs(batch)
        compiled = compile_with_lathe(network.path)
    except CannotRun as reason:
        return [*start, str(reason), *empty]
    os.sched_setaffinity(0, ALL_CORES[:threads])
    engines = start_engines(network, inputs, threads, peers, notes)
    if Lathe.name in notes:
        return [*start, notes[Lathe.name].upper(), *empty]
    print(f"{what}: {arguments.rounds} rounds", file=sys.stderr, flush=True)
    times = measure(engines, arguments.rounds, arguments.slot, CLOCKS[arguments.clock])
    medians = {name: numpy.median(values) for name, values in times.items()}
    cells = [*start, milliseconds(medians["lathe"]), *(milliseconds(medians[name]) if name in medians else notes[name] for name in peers)]
    rivals = [name for name in peers if name in medians]
    if rivals:
        best = min(rivals, key=medians.get)
        ratio, low, high = ratio_interval(times["lathe"], times[best])
        cells += [best, f"{ratio:.2f}" + (f" ({low:.2f}–{high:.2f})" if low is not None else "")]
    else:
        cells += ["–", "–"]
    # Of a process of its own, which no clock of this one measures.
    first = f"{first_result_ms(network.path, inputs, folder, threads) - medians['lathe']:.0f}" if arguments.clock == "wall" else "–"
    return [*cells, first, f"{compiled['seconds']:.1f}", f"{compiled['peak_mb']:.0f}",
            f"{compiled['artifact'].stat().st_size / 1e6:.1f}"]


def header(peers):
    return ["network", "batch", "threads", "lathe, ms", *(f"{name}, ms" for name in peers), "best peer", "lathe ÷ best peer", "first result above steady, ms",
            "compile, s", "compiler's peak, MB", "artifact, MB"]


def cpu_name():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())
    widest = next((isa for isa in ("avx512f", "avx2", "sse4_2") if isa in text), "")
    return f"{name} ({widest})" if widest else name


def page(arguments, peers, rows):
    versions = ", ".join(f"{name} {version(name)}" for name in peers)
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in [header(peers), ["---"] * len(header(peers)), *rows])
    how = f"""Written by `./dev bench`; rows that we lose stay, and so do networks that do not compile. Machine: {cpu_name()}, {len(ALL_CORES)} cores. Peers:
{versions}. float32, the same cores for all, {arguments.rounds} rounds of {arguments.slot} s turns. Times are medians of the
rounds{', in CPU time, since the machine did other work' if arguments.clock == 'cpu' else ''}; the ratio is to the quickest peer, below 1 means that Lathe is
faster, in brackets the 95 % interval. All engines give the same numbers, to {SAME_NUMBERS:g} of the largest; a peer that does not has no time. One that is
more than {HOPELESS} times slower than the quickest has one turn only."""
    return f"# Measured beside the peers\n\n{textwrap.fill(' '.join(how.split()), 158)}\n\n{table}\n"


def words(text, kind, known):
    result = text.split(",")
    for word in result:
        if word not in known:
            sys.exit(f"bench: unknown {kind} '{word}', expected of: {', '.join(known)}")
    return result


def numbers(text, flag):
    try:
        result = [int(word) for word in text.split(",")]
    except ValueError:
        result = [0]
    if min(result) < 1:
        sys.exit(f"bench: {flag} is '{text}', expected numbers from 1, with commas between them")
    return result


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated; default: digits and the zoo")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated: %(default)s")
    parser.add_argument("--batch", default="1", help="comma-separated batch sizes")
    parser.add_argument("--threads", default="1", help="comma-separated thread counts")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slot", type=float, default=0.3, help="seconds of an engine's turn")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: for one thread on a machine that does other work (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "bench.md", help="default: docs/bench.md; - for standard output only")
    arguments = parser.parse_args()
    networks, peers = words(arguments.networks, "network", NETWORKS), words(arguments.peers, "peer", PEERS)
    batches, thread_counts = numbers(arguments.batch, "--batch"), numbers(arguments.threads, "--threads")
    if arguments.clock == "cpu" and max(thread_counts) > 1:
        sys.exit("bench: --clock=cpu adds up the time of all threads, expected --threads=1")
    if max(thread_counts) > len(ALL_CORES):
        sys.exit(f"bench: {max(thread_counts)} threads, but this process may use {len(ALL_CORES)} cores")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in networks:
            network = load(name)
            for batch in batches:
                for threads in thread_counts:
                    rows.append(bench(network, peers, batch, threads, arguments, Path(folder)))
                    print("  " + " | ".join(rows[-1]), file=sys.stderr, flush=True)
    text = page(arguments, peers, rows)
    print(text)
    if str(arguments.output) != "-":
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
