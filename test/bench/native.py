"""native.c, compiled on the machine that is measured: calls in a loop with no Python in between, and what the machine can do at most."""

import bisect
import ctypes
import math
import subprocess
from ctypes import POINTER, c_double, c_int, c_long, c_size_t, c_ssize_t, c_void_p
from functools import cache
from pathlib import Path

from paths import WORK

CLOCKS = {"wall": 1, "cpu": 2}  # CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID
SIZES = [2**power for power in range(15, 29)]  # 32 KB to 256 MB


@cache
def library():
    """clang-22 and not the system's compiler: it knows vector types of any width and contracts their multiplications and additions."""
    source, target = Path(__file__).with_name("native.c"), WORK / "native.so"
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["clang-22", "-O3", "-march=native", "-mprefer-vector-width=512", "-ffp-contract=fast", "-shared", "-fPIC", source, "-o", target], check=True)
    loaded = ctypes.CDLL(str(target))
    loaded.bench_calls.argtypes, loaded.bench_calls.restype = [c_void_p, POINTER(c_ssize_t), c_long, c_int], c_double
    loaded.bench_fma.argtypes, loaded.bench_fma.restype = [c_long, c_int], c_double
    loaded.bench_read.argtypes, loaded.bench_read.restype = [c_void_p, c_size_t, c_long, c_int], c_double
    return loaded


class Calls:
    """A C function with its arguments. `seconds` is how long it takes, the mean of `count` calls."""

    def __init__(self, function, *arguments):
        self.function = ctypes.cast(function, c_void_p)
        values = [argument.value or 0 if isinstance(argument, c_void_p) else argument if isinstance(argument, int) else ctypes.addressof(argument)
                  for argument in arguments]
        self.arguments, self.keep = (c_ssize_t * 6)(*values), arguments

    def seconds(self, count, clock):
        seconds = library().bench_calls(self.function, self.arguments, count, CLOCKS[clock])
        if seconds < 0:
            raise RuntimeError("the engine reports an error")
        return seconds


class Machine:
    """One core's limits, measured: multiplications and additions, and reading from memory by how much is read over and over."""

    def __init__(self, clock):
        self.clock = CLOCKS[clock]
        self.memory = ctypes.create_string_buffer(SIZES[-1] + 64)
        ctypes.memset(self.memory, 1, SIZES[-1])  # pages of their own
        self.address = (ctypes.addressof(self.memory) + 63) & ~63
        self.flops = 0
        self.look_again()
        self.bandwidths = [max(self.read(size) for _ in range(4)) for size in SIZES]
        self.memory = None

    def look_again(self):
        """What a neighbour on the same core takes away varies: the peak is the most that was ever seen."""
        self.flops = max([self.flops, *(self.fma() for _ in range(60))])

    def fma(self, count=50000):
        return library().bench_fma(count, self.clock)

    def read(self, size):
        return library().bench_read(self.address, size, max(1, SIZES[-7] // size), self.clock)

    def bandwidth(self, size):
        """Bytes per second of something that touches `size` bytes again and again. Between the sizes that were measured: a straight line over log(size)."""
        if size <= SIZES[0]:
            return self.bandwidths[0]
        if size >= SIZES[-1]:
            return self.bandwidths[-1]
        i = bisect.bisect_left(SIZES, size)
        share = math.log2(size / SIZES[i - 1])
        return self.bandwidths[i - 1] * (1 - share) + self.bandwidths[i] * share

    def bound(self, flops, size):
        """The least seconds for so many floating-point operations and bytes, and which of the two it is."""
        return max((flops / self.flops, "arithmetic"), (size / self.bandwidth(size), "memory"))
