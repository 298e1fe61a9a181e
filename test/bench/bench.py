"""./dev bench: Lathe beside its peers, in one process, on the same pinned cores, taking turns.

Each round gives every engine one turn, in an order that rotates; a round's number is the median of the turn. Reported are the medians of the rounds, and
the median over the rounds of (best peer ÷ Lathe) with a 95 % bootstrap interval. Absolute times drift with the machine; ratios of one run do not.

On a machine that does other work, wall-clock times of milliseconds are made of other processes' turns: --clock=cpu counts the process's CPU time instead,
of all its threads. With one thread it is the latency of a machine that is idle."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

# Before numpy and the engines are loaded: their thread pools look at the affinity once.
ALL_CORES = sorted(os.sched_getaffinity(0))

import ablate  # noqa: E402
import shapes  # noqa: E402
import speedup  # noqa: E402
import zoo_weights  # noqa: E402
from alone import describe, lathe_alone, peer_alone  # noqa: E402
from engines import CannotRun, Lathe, Network, compile_with_lathe  # noqa: E402
from native import Machine  # noqa: E402
from paths import BUILD, ROOT, WORK  # noqa: E402
from peers import PEERS, version  # noqa: E402
from report import Row, cpu_name, milliseconds, paragraph, plot, ratio_text, resource_table, speed_table, summary, update_readme  # noqa: E402
from rounds import estimates, measure, same_numbers  # noqa: E402

NETWORKS = ["digits", *sorted(path.stem for path in (ROOT / "test" / "zoo").glob("*.onnx"))]
HOPELESS = 8  # a peer that is this many times slower than the quickest is timed once, in a process of its own, and not in every round
SAME_NUMBERS = 1e-3  # of the largest magnitude of an output
PAUSE = 0.02  # seconds between turns when there are several threads: those of the engine before stop spinning


def load(name):
    path = ROOT / "test" / "digits" / "digits_cnn.onnx" if name == "digits" else zoo_weights.generate(name, ROOT / "build" / "zoo")
    return Network.load(name, path)


def say(text):
    print(text, file=sys.stderr, flush=True)


def manifest(artifact):
    done = subprocess.run([BUILD / "bin" / "lathe-run", "info", artifact, "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def work_of(info, inputs, outputs, batch):
    """Floating-point operations of one inference, and the bytes that it cannot do without: weights, inputs and outputs."""
    flops = sum(call["flops"][0] + call["flops"][1] * batch for call in info["calls"])
    return flops, info["weights_bytes"] + sum(array.nbytes for array in [*inputs.values(), *outputs])


def start_peers(row, network, inputs, peers, clock):
    """{name: [engine, one per setting]} of those that run the network alone and are not hopeless; the others leave a note or their one time in `row`."""
    folder, quickest = WORK / "alone" / network.name, None
    describe(network, inputs, folder)
    for name in peers:
        try:
            if hasattr(PEERS[name], "prepare"):
                PEERS[name].prepare(network, inputs)
            found = peer_alone(name, folder, row.threads)
            row.alone[name] = {"first_ms": found["first_ms"][clock], "peak_mb": found["peak_mb"], "steady": found["steady_ms"][clock] * 1e-3}
        except CannotRun as problem:
            row.notes[name] = str(problem)
    quickest = min((found["steady"] for found in row.alone.values()), default=0)
    engines = {}
    for name, found in row.alone.items():
        # With several threads one may be better, and threads that wait for each other on a busy machine are slow now and then.
        if found["steady"] > max(HOPELESS * quickest, 0.1 if row.threads == 1 else 2):
            row.times[name] = [found["steady"]]
            continue
        try:
            # Small networks can be quicker on fewer threads than there are.
            engines[name] = [PEERS[name](network, inputs, threads) for threads in sorted({1, row.threads}, reverse=True)]
        except (CannotRun, RuntimeError) as problem:
            row.notes[name] = str(problem)
    return engines


def choose(engines, clock):
    """The better of each peer's settings."""
    chosen = {}
    for name, settings in engines.items():
        chosen[name] = min(settings, key=lambda engine: min(engine.seconds(1, clock) for _ in range(3))) if len(settings) > 1 else settings[0]
        for engine in settings:
            if engine is not chosen[name]:
                engine.close()
    return chosen


def drop_who_differs(row, engines):
    """The first peer is the reference."""
    reference = None
    for name in [*(name for name in PEERS if name in engines), *(["lathe"] if "lathe" in engines else [])]:
        results = engines[name].outputs()
        if reference is None:
            reference, whose = results, name
        elif not same_numbers(results, reference, SAME_NUMBERS):
            row.notes[name] = f"other numbers than {whose}" if name != "lathe" else f"OTHER NUMBERS than {whose}"
            engines.pop(name).close()


def bench(network, peers, batch, threads, machine, arguments):
    """One row."""
    row, clock = Row(network.name, batch, threads), arguments.clock
    row.onnx_mb = sum(path.stat().st_size for path in {network.path, network.path.with_suffix(".weights")} if path.exists()) / 1e6
    engines = {}
    try:
        os.sched_setaffinity(0, ALL_CORES)
        inputs = network.random_inputs(batch)
        compiled = compile_with_lathe(network.path)
        info = manifest(compiled["artifact"])
        row.compiled = {**compiled, "artifact_mb": compiled["artifact"].stat().st_size / 1e6, "weights_mb": info["weights_bytes"] / 1e6}
        os.sched_setaffinity(0, ALL_CORES[:threads])
        describe(network, inputs, WORK / "alone" / network.name)
        row.alone_lathe = lathe_alone(network, WORK / "alone" / network.name, threads, clock)
        engines["lathe"] = Lathe(network, inputs, threads)
    except CannotRun as problem:
        row.notes["lathe"] = str(problem)
        return row
    engines = {**choose(start_peers(row, network, inputs, peers, clock), clock), **engines}
    row.alone["lathe"] = row.alone_lathe
    drop_who_differs(row, engines)
    if "lathe" in engines:
        row.flops, row.bytes = work_of(info, inputs, engines["lathe"].outputs(), batch)
    known = estimates(engines, clock)
    row.times |= measure(engines, arguments.rounds, arguments.slot, clock, known, PAUSE if threads > 1 else 0, row.notes)
    machine.look_again()
    row.bandwidth = machine.bandwidth(row.bytes)
    for engine in engines.values():
        engine.close()
    return row


def page(arguments, peers, rows, machine, picture):
    versions = ", ".join(f"{name} {version(name)}" for name in peers)
    cpu = arguments.clock == "cpu"
    how = f"""Written by `./dev bench{' ' + ' '.join(arguments.words) if arguments.words else ''}`; rows that we lose stay, and so do networks that do not compile.
Machine: {cpu_name()}, {len(ALL_CORES)} cores; one core does {machine.flops * 1e-9:.0f} GFLOP/s in f32 FMAs and reads {machine.bandwidths[-1] * 1e-9:.1f} GB/s from memory
({machine.bandwidth(1 << 20) * 1e-9:.0f} GB/s of 1 MB), measured by the same run. Peers: {versions}. float32, batch and image size fixed for the peers, the same cores
for all, each peer with the better of one thread and all. {arguments.rounds} rounds of turns of {arguments.slot:g} s. Times are medians of the
rounds{', in CPU time, since the machine did other work' if cpu else ''}; the ratio is the median over the rounds of the best peer's time divided by ours, in
brackets its 95 % interval: above 1 Lathe is faster. Of what is timed nothing is Python, except for ncnn, whose wheel offers nothing else: there the cost of
the same calls of an empty network is taken off. All engines give the same numbers, to {SAME_NUMBERS:g} of the largest; a peer that does not has no time. A
peer that takes more than {HOPELESS} times as long as the quickest is timed once."""
    speed = f"""GFLOP/s count the multiplications and additions of the network as the ONNX file has them, so an algorithm that needs fewer may exceed the peak. "Of
memory" compares with reading weights and input and writing the output, once, at the speed at which this machine reads that many bytes again and again."""
    memory = f"""Each engine alone in a process that loads the network and runs it. Peak RSS and first result: of Lathe the whole process, from its start to the
result written ({'CPU time' if cpu else 'wall clock'}, best of three with a warm page cache; cold: the artifact's pages were dropped before); of the peers what is
added to a Python that has started and imported NumPy, with the network's file read, in {'CPU time' if cpu else 'wall clock'}."""
    parts = ["# Measured beside the peers", paragraph(how), speed_table(rows, peers, machine), summary(rows)]
    if picture:
        parts.append(f"![best peer ÷ Lathe]({picture})")
    parts += [paragraph(speed), "## Memory, start, compilation", paragraph(memory), resource_table(rows, peers)]
    return "\n\n".join(part for part in parts if part) + "\n"


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


def parse(words_given):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated; default: digits and the zoo")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated: %(default)s")
    parser.add_argument("--batch", default="1", help="comma-separated batch sizes")
    parser.add_argument("--threads", default="1", help="comma-separated thread counts")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slot", type=float, default=None, help="seconds of an engine's turn (default: 0.05, with --shapes 0.003)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: for one thread on a machine that does other work (default: %(default)s)")
    parser.add_argument("--shapes", action="store_true", help="instead of networks, random convolutions, pools and products beside ONNX Runtime")
    parser.add_argument("--count", type=int, default=300, help="of those shapes")
    parser.add_argument("--seed", type=int, default=shapes.SEED, help="of those shapes")
    parser.add_argument("--ablate", action="store_true", help="instead of peers, Lathe without each of its optional passes")
    parser.add_argument("--speedup", action="store_true", help="instead of peers, Lathe on as many cores as --threads says beside Lathe on one")
    parser.add_argument("--output", type=Path, help="default: docs/bench.md, docs/bench-shapes.md, docs/bench-ablate.md, docs/bench-speedup.md; - for standard output only")
    arguments = parser.parse_args(words_given)
    arguments.words = [word for word in words_given if not word.startswith("--output")]
    arguments.slot = arguments.slot or (0.003 if arguments.shapes else 0.05)
    return arguments


def main():
    arguments = parse(sys.argv[1:])
    networks, peers = words(arguments.networks, "network", NETWORKS), words(arguments.peers, "peer", PEERS)
    batches, thread_counts = numbers(arguments.batch, "--batch"), numbers(arguments.threads, "--threads")
    if arguments.clock == "cpu" and max(thread_counts) > 1:
        sys.exit("bench: --clock=cpu adds up the time of all threads, expected --threads=1")
    if arguments.speedup and max(thread_counts) < 2:
        sys.exit("bench: --speedup compares several threads with one, expected --threads=2 or more")
    if max(thread_counts) > len(ALL_CORES):
        sys.exit(f"bench: {max(thread_counts)} threads, but this process may use {len(ALL_CORES)} cores")
    os.sched_setaffinity(0, ALL_CORES[:1])
    machine = Machine(arguments.clock)
    say(f"this core: {machine.flops * 1e-9:.0f} GFLOP/s, reads {machine.bandwidths[-1] * 1e-9:.1f} GB/s from memory")
    picture = None
    if arguments.shapes:
        default, text = "bench-shapes.md", shapes.bench(arguments, machine, ALL_CORES)
    elif arguments.ablate:
        default, text = "bench-ablate.md", ablate.bench(arguments, [load(name) for name in networks], batches[0])
    elif arguments.speedup:
        default = "bench-speedup.md"
        text = speedup.bench(arguments, machine, [load(name) for name in networks], batches, max(thread_counts), ALL_CORES,
                             lambda artifact, inputs, outputs: work_of(manifest(artifact), inputs, outputs, 1)[1])
    else:
        rows = []
        for network in map(load, networks):
            for batch in batches:
                for threads in thread_counts:
                    say(f"{network.name}, batch {batch}, {threads} thread{'s' * (threads > 1)}")
                    try:
                        rows.append(bench(network, peers, batch, threads, machine, arguments))
                    except Exception as problem:  # the other rows are not lost for one
                        rows.append(Row(network.name, batch, threads, notes={"lathe": f"the bench fails: {str(problem)[:100]}"}))
                    last = rows[-1]
                    say("  " + ", ".join([*(f"{name} {milliseconds(last.median(name))} ms" for name in last.times),
                                          *(f"{name}: {note}" for name, note in last.notes.items()), *([ratio_text(last.ratio)] if last.ratio else [])]))
        default = "bench.md"
        output = arguments.output or ROOT / "docs" / default
        if str(output) != "-":
            picture = output.with_suffix(".svg")
            plot(rows, picture)
        text = page(arguments, peers, rows, machine, picture.name if picture and picture.exists() else None)
    print(text)
    if arguments.output is None and default == "bench.md" and networks == NETWORKS:
        update_readme(ROOT / "README.md", " ".join(["./dev bench", *arguments.words]), rows, "docs/bench.svg")
    if str(arguments.output) != "-":
        (arguments.output or ROOT / "docs" / default).write_text(text)


if __name__ == "__main__":
    main()
