"""What each optional pass brings: the time without it ÷ the time with all of them."""

import os
import subprocess
import sys

import numpy
from engines import CannotRun, Lathe
from paths import BUILD
from report import cpu_name, paragraph, percent, table  # noqa: F401
from rounds import estimates, measure, ratio_interval, same_numbers

SAME_NUMBERS = 1e-3
LONGEST = 2.0  # seconds: an inference that takes longer is not repeated


def variants():
    """{name: (flags, what is different)} as the compiler itself lists them."""
    lathe = BUILD / "bin" / "lathe"
    listed = subprocess.run([lathe, "compile", "--disable-pass=help"], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listed.splitlines():
        name, without = line.split(None, 1)
        found[name] = [f"--disable-pass={name}"], without
    if "--no-winograd" in subprocess.run([lathe, "compile", "--help"], check=True, capture_output=True, text=True).stdout:
        found["winograd"] = ["--no-winograd"], "every convolution is computed directly"
    return found


def bench_network(network, batch, found, arguments):
    """{name: ratio or why there is none}"""
    cells, engines = {}, {}
    try:
        inputs = network.random_inputs(batch)
        engines["all"] = Lathe(network, inputs, 1)
    except CannotRun as problem:
        return {name: str(problem) for name in found}
    for name, (flags, _) in found.items():
        try:
            engines[name] = Lathe(network, inputs, 1, flags)
            if not same_numbers(engines[name].outputs(), engines["all"].outputs(), SAME_NUMBERS):
                cells[name] = "OTHER NUMBERS"
                engines.pop(name).close()
        except CannotRun as problem:
            cells[name] = str(problem)
    known = estimates(engines, arguments.clock)
    slow = {name for name in engines if known[name] > max(LONGEST, 20 * known["all"])}
    times = measure({name: engine for name, engine in engines.items() if name not in slow}, arguments.rounds, arguments.slot, arguments.clock, known)
    for name in engines:
        if name in slow:
            cells[name] = f"{known[name] / known['all']:.0f}"
        elif name != "all":
            cells[name] = f"{ratio_interval(times[name], times['all'])[0]:.2f}"
        engines[name].close()
    return cells


def bench(arguments, networks, batch):
    found, rows = variants(), []
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    for network in networks:
        print(network.name, file=sys.stderr, flush=True)
        cells = bench_network(network, batch, found, arguments)
        rows.append([network.name, *(cells[name] for name in found)])
        print("  " + ", ".join(f"{name} {cells[name]}" for name in found), file=sys.stderr, flush=True)
    means = []
    for index, name in enumerate(found, 1):
        values = [float(row[index]) for row in rows if row[index].replace(".", "", 1).isdigit()]
        means.append(f"**{numpy.exp(numpy.mean(numpy.log(values))):.2f}**" if values else "–")
    how = f"""Written by `./dev bench {' '.join(arguments.words)}`. Machine: {cpu_name()}, one core, batch {batch}. Each number is the time of the network compiled without
that pass (`lathe compile --disable-pass=…`), divided by its time with all of them: the median over {arguments.rounds} rounds of turns{', in CPU time' if arguments.clock == 'cpu' else ''}.
1.00: the pass brings this network nothing."""
    legend = "\n".join(f"- `{name}`: without it {without}" for name, (_, without) in found.items())
    return f"# What each pass brings\n\n{paragraph(how)}\n\n{table(['network', *found], [*rows, ['geometric mean', *means]])}\n\n{legend}\n"
