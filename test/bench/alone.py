"""One engine in a process of its own: how long until its first result, and how much memory it takes. It also keeps what crashes or hangs away from the
process that measures.

    alone.py ENGINE FOLDER THREADS      FOLDER holds network.json and a .npy file per input; prints one line of JSON

What Python itself takes to start, and its memory, are taken off: they are not the peer's."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy
from engines import CannotRun, Network, compile_with_lathe
from paths import BUILD

LONGEST = 60  # seconds that a peer gets for loading a network and running it
SLOW = 5  # seconds until the first result: then that is all that is measured


def status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) / 1024


def child(name, folder, threads):
    from peers import PEERS

    described = json.loads((folder / "network.json").read_text())
    inputs = {key: numpy.load(folder / file) for key, file in described["files"].items()}
    network = Network(described["name"], Path(described["path"]), {key: (tuple(dims), inputs[key].dtype) for key, dims in described["dims"].items()},
                      described["outputs"])
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, start, cpu = status("VmRSS"), time.perf_counter(), time.process_time()
    try:
        engine = PEERS[name](network, inputs, threads)
    except CannotRun as reason:
        return {"problem": str(reason)}
    first = {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    peak = status("VmHWM") - before
    steady = first
    if first["wall"] < SLOW:
        steady = {clock: min(engine.seconds(1, clock) for _ in range(3)) for clock in first}
    return {"first_ms": {clock: seconds * 1e3 for clock, seconds in first.items()}, "peak_mb": peak,
            "steady_ms": {clock: seconds * 1e3 for clock, seconds in steady.items()}}


def describe(network, inputs, folder):
    """Writes what the child reads."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for index, (name, array) in enumerate(inputs.items()):
        files[name] = f"{index}.npy"
        numpy.save(folder / files[name], array)
    (folder / "network.json").write_text(json.dumps({"name": network.name, "path": str(network.path), "outputs": network.outputs, "files": files,
                                                     "dims": {name: dims for name, (dims, _) in network.inputs.items()}}))


def peer_alone(name, folder, threads):
    """What the child prints, or raises CannotRun with how it ended."""
    try:
        done = subprocess.run([sys.executable, __file__, name, folder, str(threads)], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"no result within {LONGEST} s") from None
    if done.returncode < 0:
        raise CannotRun(f"ends with signal {-done.returncode}")
    if done.returncode:
        raise CannotRun((done.stderr.strip().splitlines() or ["fails"])[-1][:80])
    result = json.loads(done.stdout.strip().splitlines()[-1])
    if "problem" in result:
        raise CannotRun(result["problem"])
    return result


def drop_from_page_cache(path):
    """Whether the system dropped the file's pages cannot be seen; it keeps those that are dirty or mapped, and there are none."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run_ms(command, clock):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    error = process.stderr.read()
    _, state, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(state)
    if process.returncode:
        raise CannotRun((error.strip().splitlines() or ["fails"])[0].removeprefix("error: "))
    return 1e3 * (wall if clock == "wall" else usage.ru_utime + usage.ru_stime)


def lathe_alone(network, folder, threads, clock):
    """The same of Lathe, whole: `lathe run` from its start to its end, with the result written; and the peak of `lathe bench`, which only loads and runs."""
    artifact, inputs = compile_with_lathe(network.path)["artifact"], json.loads((folder / "network.json").read_text())
    lathe, common = BUILD / "bin" / "lathe-run", [f"--threads={threads}"]
    command = [lathe, "run", artifact, *(f"--input={name}:@{folder / file}" for name, file in inputs["files"].items()), f"--output-dir={folder / 'out'}", *common]
    drop_from_page_cache(artifact)
    cold = run_ms(command, clock)
    first = min(run_ms(command, clock) for _ in range(3))
    shapes = [f"--shapes={name}:{'x'.join(map(str, numpy.load(folder / file, mmap_mode='r').shape))}" for name, file in inputs["files"].items()]
    # A small process starts it: what a large one forks begins its life with the peak of that.
    shown = subprocess.run([lathe, "bench", artifact, "--duration=0", "--warm-up=0", "--json", *shapes, *common], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL)
    if shown.returncode:
        raise CannotRun(shown.stderr.strip().removeprefix("error: "))
    report = json.loads(shown.stdout.strip().splitlines()[-1])
    return {"first_ms": first, "cold_ms": cold, "peak_mb": report["peak_rss_mb"], "arena_mb": report["arena_bytes"] / 1e6}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps(child(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
