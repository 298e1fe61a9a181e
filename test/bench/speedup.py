"""What several cores bring: the time on one core ÷ the time on all that were asked for, and how much of what the machine would allow that is."""

import os
import sys
import threading

from engines import CannotRun, Lathe, compile_with_lathe
from native import SIZES, library
from report import cpu_name, milliseconds, paragraph, percent, ratio_text, table
from rounds import estimates, measure, ratio_interval

PAUSE = 0.02  # seconds between turns: the workers of the engine before stop spinning


def bandwidth(machine, cores):
    """Bytes per second that so many cores read from memory together, each its own."""
    import ctypes

    start, found = threading.Barrier(len(cores)), {}

    def read(core):
        os.sched_setaffinity(0, {core})
        memory = ctypes.create_string_buffer(SIZES[-1] + 64)
        ctypes.memset(memory, 1, SIZES[-1])
        address = (ctypes.addressof(memory) + 63) & ~63
        start.wait()
        found[core] = max(library().bench_read(address, SIZES[-1], 1, machine.clock) for _ in range(4))

    threads = [threading.Thread(target=read, args=(core,)) for core in cores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found.values())


def bench_network(network, batch, threads, arguments, known_bandwidth, bytes_of):
    engines = {}
    try:
        inputs = network.random_inputs(batch)
        for count in (1, threads):
            engines[count] = Lathe(network, inputs, count)
    except CannotRun as problem:
        return [network.name, str(batch), str(problem), *["–"] * 4]
    try:
        known = estimates(engines, arguments.clock)
        times = measure(engines, arguments.rounds, arguments.slot, arguments.clock, known, PAUSE)
        ratio = ratio_interval(times[1], times[threads])
        one, least = float(sorted(times[1])[len(times[1]) // 2]), times[1].min() / times[threads].min()
        moved = bytes_of(compile_with_lathe(network.path)["artifact"], inputs, engines[1].outputs())
        allowed = one / max(one / threads, moved / known_bandwidth)
        return [network.name, str(batch), milliseconds(one), milliseconds(one / ratio[0]), ratio_text(ratio), f"{least:.2f}", percent(least / allowed)]
    finally:
        for engine in engines.values():
            engine.close()


def bench(arguments, machine, networks, batches, threads, cores, bytes_of):
    known, rows = bandwidth(machine, cores[:threads]), []
    os.sched_setaffinity(0, cores[:threads])
    for network in networks:
        for batch in batches:
            rows.append(bench_network(network, batch, threads, arguments, known, bytes_of))
            print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    how = f"""Written by `./dev bench {' '.join(arguments.words)}`. Machine: {cpu_name()}, {len(cores)} cores; {threads} of them read {known * 1e-9:.1f} GB/s from memory
together. Lathe on one core and on {threads}, by turns, {arguments.rounds} rounds of {arguments.slot:g} s: the median over the rounds of the two times divided, in brackets
its 95 % interval; the same of the two least times; and that as a share of what is possible, {threads} cores or the time that they need to read all weights and
write the result, whichever is less. A machine that others use takes from {threads} threads what it takes from the one that is hit most: the medians show that, the least
times hardly."""
    header = ["network", "batch", "1 core, ms", f"{threads} cores, ms", "1 ÷ all", "least times", "of what is possible"]
    return f"# What more cores bring\n\n{paragraph(how)}\n\n{table(header, rows)}\n"
