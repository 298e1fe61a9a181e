"""Products of matrices and convolutions that a block of threads computes (lathe-tile-block), one kernel at a time: from IR with a tiling by hand to PTX, on the
emulated GPU, against a sum in double."""

import re

import ml_dtypes
import numpy
import pytest
from emulated_gpu import CudaError, Gpu
from harness import tool

STORED = {"f32": numpy.float32, "tf32": numpy.float32, "f16": numpy.float16, "bf16": ml_dtypes.bfloat16}
# Of the largest result: products are exact in f32 but for tf32, whose factors have 10 bits; what is stored has 10 or 7.
TOLERANCE = {"f32": 2e-6, "tf32": 2e-3, "f16": 2e-3, "bf16": 1e-2}
LANES = 32

TARGET = """#nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10, multiprocessors = 108,
  tensorFmaPerCycle = 1024, sharedBytes = 101376>"""


class WrongNumber(Exception):
    pass


def blocks(channels):
    return -(-channels // LANES)


class Conv:
    """x [N, C, spatial...], w [K, C, window...]; batch 0: any, of which `images` are run."""

    def __init__(self, c, k, spatial, window, strides=None, dilations=None, pads=None, batch=1, images=None, block=(32, 32, 2, 2, 4), residual=False):
        rank = len(spatial)
        self.c, self.k, self.spatial, self.window, self.block, self.residual = c, k, spatial, window, block, residual
        self.strides, self.dilations, self.pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * (2 * rank)
        self.batch, self.images = batch, images or batch
        self.out = [(n + self.pads[d] + self.pads[rank + d] - (window[d] - 1) * self.dilations[d] - 1) // self.strides[d] + 1 for d, n in enumerate(spatial)]

    def types(self):
        n = self.batch or "?"
        join = lambda values: "x".join(map(str, values))
        tile = self.block[1]
        return (f"{n}x{blocks(self.c)}x{join(self.spatial)}x{LANES}", f"{-(-self.k // tile)}x{blocks(self.c)}x{join(self.window)}x{LANES}x{tile}",
                f"{-(-self.k // tile) * tile}", f"{n}x{blocks(self.k)}x{join(self.out)}x{LANES}")

    def operation(self, names):
        x, w, bias, *residual, y = names
        tx, tw, tb, ty = (f"memref<{t}xf32>" for t in self.types())
        extra = (", " + residual[0], ", " + ty) if residual else ("", "")
        array = lambda values: "array<i64: " + ", ".join(map(str, values)) + ">"
        return f"""
    nn.conv ins({x}, {w} : {tx}, {tw}) extras({bias}{extra[0]} : {tb}{extra[1]}) outs({y} : {ty}) attributes {{channels = {array([self.c, self.k])},
      dilations = {array(self.dilations)}, groups = 1 : i64, pads = {array(self.pads)}, strides = {array(self.strides)},
      tiling = {self.tiling(self.out[-1])}}} epilogue {{"""

    def tiling(self, line):
        return f"#nn.tiling<ku = {self.block[1] // LANES}, unroll = 4, merge = 1, segments = [{line}], block = [{', '.join(map(str, self.block))}]>"

    def inputs(self, random):
        x = random.standard_normal([self.images, self.c, *self.spatial])
        w = random.standard_normal([self.k, self.c, *self.window])
        return x, w, random.standard_normal(self.k), random.standard_normal([self.images, self.k, *self.out])

    def packed_input(self, x):
        """NaN in the channels behind the last: they are never to be used."""
        n, c, *spatial = x.shape
        full = numpy.full([n, blocks(c) * LANES, *spatial], numpy.nan)
        full[:, :c] = x
        return numpy.moveaxis(full.reshape(n, blocks(c), LANES, *spatial), 2, -1)

    packed_output = packed_input

    def packed_weights(self, w):
        tile = self.block[1]
        k, c, *window = w.shape
        full = numpy.zeros([-(-k // tile) * tile, blocks(c) * LANES, *window])
        full[:k, :c] = w
        split = full.reshape(-1, tile, blocks(c), LANES, *window)
        return numpy.moveaxis(numpy.moveaxis(split, 3, -1), 1, -1)

    def expected(self, x, w):
        rank = len(self.spatial)
        padded = numpy.pad(x, [(0, 0), (0, 0)] + [(self.pads[d], self.pads[rank + d]) for d in range(rank)])
        y = numpy.zeros([self.images, self.k, *self.out])
        for tap in numpy.ndindex(*self.window):
            part = padded[(slice(None), slice(None)) + tuple(
                slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, o, s in zip(tap, self.dilations, self.out, self.strides))]
            y += numpy.einsum("nc...,kc->nk...", part, w[(slice(None), slice(None)) + tap])
        return y

    def unpacked(self, y):
        return numpy.moveaxis(y, -1, 2).reshape(self.images, -1, *self.out)[:, :self.k]


class MatMul(Conv):
    """x [N, M, C], w [K, C]; plain."""

    def __init__(self, c, k, rows, batch=1, images=None, block=(32, 32, 2, 2, 4), residual=False):
        super().__init__(c, k, [rows], [1], batch=batch, images=images, block=block, residual=residual)

    def types(self):
        n, tile = self.batch or "?", self.block[1]
        return (f"{n}x{self.out[0]}x{self.c}", f"{-(-self.k // tile)}x{blocks(self.c)}x1x{LANES}x{tile}", f"{-(-self.k // tile) * tile}",
                f"{n}x{self.out[0]}x{self.k}")

    def operation(self, names):
        x, w, bias, *residual, y = names
        tx, tw, tb, ty = (f"memref<{t}xf32>" for t in self.types())
        extra = (", " + residual[0], ", " + ty) if residual else ("", "")
        return f"""
    nn.matmul ins({x}, {w} : {tx}, {tw}) extras({bias}{extra[0]} : {tb}{extra[1]}) outs({y} : {ty}) attributes {{channels = array<i64: {self.c}, {self.k}>,
      tiling = {self.tiling(self.out[0])}}} epilogue {{"""

    def packed_input(self, x):
        return numpy.moveaxis(x, 1, 2)

    packed_output = packed_input

    def unpacked(self, y):
        return numpy.moveaxis(y, 2, 1)


def module(case, precision):
    """The kernel, and a network that is a call of it."""
    stored = precision if precision in ("f16", "bf16") else "f32"
    names = ["x", "w", "bias"] + ["r"] * case.residual + ["y"]
    tx, tw, tb, ty = case.types()
    wide = {"x": tx, "w": tw, "bias": tb, "r": ty, "y": ty}
    types = {n: f"memref<{t}x{'f32' if n == 'bias' else stored}>" for n, t in wide.items()}
    arguments = ", ".join(f"%{n}: {types[n]}" for n in names)
    seen, used = "", []
    for n in names:
        narrow = stored != "f32" and n != "bias"
        used.append(f"%{n}_wide" if narrow else f"%{n}")
        if narrow:
            seen += f"    %{n}_wide = nn.stored_as %{n} : {types[n]} as memref<{wide[n]}xf32>\n"
    scalars = "%acc: f32, %b: f32" + ", %e: f32" * case.residual
    body = "%s = arith.addf %acc, %b : f32\n" + ("%t = arith.addf %s, %e : f32\n" if case.residual else "") + \
        "%z = arith.constant 0.0 : f32\n%m = arith.maximumf " + ("%t" if case.residual else "%s") + ", %z : f32\nnn.yield %m : f32"
    attributes = f"nn.target = {TARGET}, nn.flags = \"-O3 --disable-pass=spill-check\"" + (f', nn.precision = "{precision}"' if precision != "f32" else "")
    arg_attributes = lambda n: f' {{nn.name = "{n}"{", nn.output" if n == "y" else ""}}}'
    entry = ", ".join(f"%{n}: {types[n]}{arg_attributes(n)}" for n in names)
    batch = ', nn.batch = "N", nn.batch_range = array<i64: 1, 64>' if not case.batch else ""
    return f"""module attributes {{{attributes}{batch}}} {{
  func.func @main({entry}) {{
    nn.call @k({", ".join("%" + n for n in names)}) {{nodes = ["c"], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}} : {", ".join(types[n] for n in names)}
    return
  }}
  func.func private @k({arguments}) attributes {{nn.kernel}} {{
{seen}{case.operation(used)}
    ^bb0({scalars}):
      {body}
    }}
    return
  }}
}}
"""


@pytest.fixture(scope="module")
def gpu():
    return Gpu(races=1)


def compiled(case, precision, folder):
    """PTX, threads of a block, shared bytes, blocks for a batch."""
    file = folder / "k.mlir"
    file.write_text(module(case, precision))
    llvm = tool("lathe", "compile", "--compile-from=memref", file, "--compile-to=llvm", "-o", folder / "llvm.mlir")
    assert llvm.returncode == 0, llvm.stderr
    text = (folder / "llvm.mlir").read_text()
    number = lambda pattern: int(re.search(pattern, text).group(1))
    space = re.search(r"space \[(\d+), (\d+)\]", text)
    ptx = tool("lathe", "compile", "--compile-from=memref", file, "--emit=ptx", "-o", folder / "k.ptx")
    assert ptx.returncode == 0, ptx.stderr
    return ((folder / "k.ptx").read_text(), number(r"nn.lanes = (\d+)"), number(r"nn.scratch = (\d+)"), int(space.group(1)) + int(space.group(2)) * case.images)


def check(case, precision, gpu, folder, mutate=None):
    ptx, threads, shared, space = compiled(case, precision, folder)
    if mutate:
        changed = mutate(ptx)
        if changed == ptx:
            raise ValueError("the fault is not in the kernel")
        ptx = changed
    store = STORED[precision]
    x, w, bias, residual = case.inputs(numpy.random.default_rng(7))
    x, w, residual = (v.astype(store).astype(numpy.float64) for v in (x, w, residual))
    padded_bias = numpy.zeros(int(case.types()[2]), numpy.float32)
    padded_bias[:case.k] = bias
    buffers = [case.packed_input(x).astype(store), case.packed_weights(w).astype(store), padded_bias]
    if case.residual:
        buffers.append(case.packed_output(residual).astype(store))
    y = numpy.full(case.packed_output(residual).shape, numpy.nan).astype(store)
    function = gpu.function(gpu.load(ptx), "lathe_k0")
    if shared > 48 * 1024:
        gpu.call("cuFuncSetAttribute", function, 8, shared)
    pointers = [gpu.upload(b) for b in [*buffers, y]]
    table = gpu.upload(numpy.array(([] if case.batch else [case.images]) + pointers, numpy.uint64))
    gpu.launch(function, [table, space], grid=space, block=threads, shared=shared)
    gpu.call("cuStreamSynchronize", None)
    result = case.unpacked(gpu.download(pointers[-1], y.shape, store)).astype(numpy.float64)
    for pointer in [*pointers, table]:
        gpu.free(pointer)
    wanted = case.expected(x, w) + numpy.float32(bias).reshape([1, -1] + [1] * len(case.out)) + (residual if case.residual else 0)
    wanted = numpy.maximum(wanted, 0)
    error = numpy.abs(result - wanted).max() / numpy.abs(wanted).max()
    if not error <= TOLERANCE[precision]: # NaN too
        raise WrongNumber(f"error {error}, expected at most {TOLERANCE[precision]} of the largest")


CASES = {
    "1x1": Conv(64, 64, [9, 11], [1, 1]),
    "3x3": Conv(64, 64, [5, 9], [3, 3], pads=[1, 1, 1, 1], block=(32, 64, 1, 4, 3)),
    "one_channel": Conv(1, 1, [17, 33], [3, 3], pads=[1, 1, 1, 1]),
    "tails_3_7": Conv(3, 7, [9, 5], [3, 3], pads=[1, 1, 1, 1]),
    "tails_58": Conv(58, 58, [7, 7], [3, 3], pads=[1, 1, 1, 1], block=(64, 64, 2, 2, 4)),
    "tails_65_17": Conv(65, 17, [9, 4], [2, 3], pads=[0, 1, 1, 1]),
    "one_pixel": Conv(33, 96, [1, 1], [3, 3], pads=[1, 1, 1, 1], batch=3, block=(32, 96, 2, 2, 2)),
    "strides": Conv(32, 32, [33, 17], [3, 3], strides=[2, 3], pads=[1, 0, 1, 2], residual=True),
    "dilation": Conv(32, 64, [13, 11], [3, 2], dilations=[2, 3], pads=[2, 1, 2, 2], block=(64, 32, 4, 1, 4)),
    "batch": Conv(64, 32, [5, 5], [3, 3], pads=[1, 1, 1, 1], batch=0, images=5, residual=True),
    "batch_1": Conv(64, 32, [5, 5], [3, 3], pads=[1, 1, 1, 1], batch=0, images=1),
    "batch_large_tile": Conv(32, 128, [3, 3], [1, 1], batch=0, images=16, block=(128, 128, 2, 2, 2)),
    "line": Conv(40, 64, [37], [5], strides=[2], pads=[2, 2], block=(32, 64, 2, 2, 4)),
    "volume": Conv(32, 32, [4, 5, 6], [3, 3, 3], strides=[1, 2, 1], pads=[1] * 6),
    "matmul": MatMul(64, 96, 50, block=(64, 96, 2, 2, 3), residual=True),
    "matmul_ragged": MatMul(40, 37, 19, batch=0, images=3, residual=True),
    "matmul_rows_of_one": MatMul(48, 10, 1, batch=0, images=12),
}


@pytest.mark.parametrize("precision", STORED)
@pytest.mark.parametrize("name", CASES)
def test_product(gpu, name, precision, tmp_path):
    check(CASES[name], precision, gpu, tmp_path)


@pytest.mark.parametrize("schedule", ["descending", "random:1", "random:2"])
@pytest.mark.parametrize("precision", STORED)
def test_any_order_of_threads(schedule, precision, tmp_path):
    check(CASES["strides"], precision, Gpu(schedule=schedule, races=1), tmp_path)


DEEP = Conv(96, 64, [6, 6], [3, 3], pads=[1, 1, 1, 1], block=(32, 64, 1, 4, 3))


def release_early(ptx):
    """Copies go to the stage that is multiplied next, not to the one behind it."""
    end = max(int(v) for v in re.findall(r"setp\.eq\.b32\s+%p\d+, %r\d+, (\d+);", ptx))
    last = end // DEEP.block[4] * (DEEP.block[4] - 1)
    return re.sub(rf"(mov\.b32\s+%r\d+), {last};", r"\1, 0;", ptx, count=1)


FAULTS = {
    "removed barrier": lambda ptx: re.sub(r"\b(bar|barrier)\.sync", r"// \1.sync", ptx),
    "wait_group one too lax": lambda ptx: re.sub(r"cp\.async\.wait_group\s+1;", "cp.async.wait_group 2;", ptx),
    "stage released early": release_early,
}


@pytest.mark.parametrize("schedule", ["ascending", "descending", "random:1"])
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(fault, schedule, tmp_path):
    """By what the emulator says of races, and without that by the wrong numbers."""
    with pytest.raises(CudaError):
        check(DEEP, "f16", Gpu(schedule=schedule, races=1), tmp_path, FAULTS[fault])
    with pytest.raises(WrongNumber):
        check(DEEP, "f16", Gpu(schedule=schedule), tmp_path, FAULTS[fault])


def test_without_a_fault(tmp_path):
    check(DEEP, "f16", Gpu(races=1), tmp_path)
