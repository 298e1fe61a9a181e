"""scaling.py ARTIFACT…: how inference would scale with threads, by counted work. Prints a Markdown table; docs/Scaling.md holds one.

A call's iterations are cut into equal contiguous parts, no more of them than space / grain (runtime/core/Context.c), and the next call begins when all have
ended. So with T threads a call takes the time of its largest part, and a barrier. What is counted: a call's time on one core is its arithmetic at the peak
of the core or its compulsory traffic at the core's bandwidth, whichever is longer; all iterations of a call are taken as equal. Bandwidth that cores share,
and clocks that fall, are not in it: the table shows what the compiler can be blamed for, parts that are too few or uneven and barriers that are too many."""

import argparse
import json
import subprocess
from pathlib import Path

THREADS = (1, 2, 4, 8, 16, 32, 64)
LATHE = Path(__file__).resolve().parents[2] / "build/release/bin/lathe"


def at(affine, batch):
    return affine[0] + affine[1] * batch


class Call:
    def __init__(self, call, batch, options):
        self.space, self.grain, self.name = at(call["space"], batch), call["grain"], " + ".join(call["nodes"])
        self.seconds = max(at(call["flops"], batch) / (options.gflops * 1e9), at(call["bytes"], batch) / (options.bandwidth * 1e9))

    def parts(self, threads):
        return max(1, min(threads, self.space // self.grain))

    def on(self, threads, barrier):
        parts = self.parts(threads)
        if parts == 1:
            return self.seconds
        largest = -(-self.space // parts)
        return self.seconds * largest / self.space + barrier(parts)


def read(path, options):
    text = subprocess.run([LATHE, "info", "--json", path], check=True, capture_output=True, text=True).stdout
    return [call for call in (Call(call, options.batch, options) for call in json.loads(text)["calls"]) if call.space > 0]


def row(path, options):
    calls = read(path, options)
    barrier = lambda parts: (options.barrier + options.per_thread * parts) * 1e-6
    one = sum(call.seconds for call in calls)
    speedups = [one / sum(call.on(threads, barrier) for call in calls) for threads in THREADS]
    most = max(THREADS)
    excess = {call.name: call.on(most, barrier) - call.seconds / most for call in calls}
    worst = max(excess, key=excess.get)
    share = excess[worst] / max(sum(excess.values()), 1e-30)
    return [Path(path).stem, str(len(calls)), f"{one * 1e3:.2f}"] + [f"{s:.2f}" for s in speedups[1:]] + [f"{worst[:48]} ({100 * share:.0f} %)"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifacts", nargs="+")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--gflops", type=float, default=130, help="peak of one core (default: 130)")
    parser.add_argument("--bandwidth", type=float, default=19, help="GB/s of one core (default: 19)")
    parser.add_argument("--barrier", type=float, default=1, help="us to hand out a call and wait for it (default: 1)")
    parser.add_argument("--per-thread", type=float, default=0.1, help="us more for each thread (default: 0.1)")
    options = parser.parse_args()
    header = ["network", "calls", "1 thread, ms"] + [str(t) for t in THREADS[1:]] + [f"the call that is furthest from 1/{max(THREADS)}"]
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for path in options.artifacts:
        print("| " + " | ".join(row(path, options)) + " |")


if __name__ == "__main__":
    main()
