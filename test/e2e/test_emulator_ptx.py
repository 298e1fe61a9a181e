"""Each instruction that the emulated device knows, against NumPy or a reference of a few lines, on values that are special for its type."""

import math
import shutil
import subprocess

import ml_dtypes
import numpy
import pytest
from emulated_gpu import HEADER, CudaError, Gpu
from numpy import array, float16, float32, float64, int16, int32, int64, uint8, uint16, uint32, uint64

bfloat16 = ml_dtypes.bfloat16
THREADS = 256
PTXAS = shutil.which("ptxas")


@pytest.fixture(scope="module")
def gpu():
    return Gpu()


def assembles(ptx, tmp_path):
    """ptxas takes it, where there is one."""
    if PTXAS:
        (tmp_path / "k.ptx").write_text(HEADER + ptx)
        done = subprocess.run([PTXAS, "-arch=sm_80", tmp_path / "k.ptx", "-o", tmp_path / "k.cubin"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + ptx


def test_assembler():
    if not PTXAS:
        pytest.skip("there is no ptxas: the PTX of these tests has not been assembled")


SPECIAL = {
    float32: array([0, 0x80000000, 1, 0x80000001, 0x007FFFFF, 0x00800000, 0x3F800000, 0xBF800000, 0x3F800001, 0x40490FDB, 0x4B000001, 0xCB7FFFFF, 0x4F000000, 0xCF000001,
                    0x5F000000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x3F000000, 0x3FC00000, 0xC0200000, 0x33800000], uint32).view(float32),
    float64: array([0.0, -0.0, 1.0, -1.5, 2.5, 0.5, 1e-310, 1e308, -1e308, math.inf, -math.inf, math.nan, 4294967296.5, -2147483649.0, 1.0 + 2**-40, 1e-46, 65519.99, 65520.0]),
    float16: array([0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x3C01, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x3800, 0x4248, 0x6400], uint16).view(float16),
    bfloat16: array([0, 0x8000, 1, 0x8001, 0x007F, 0x0080, 0x3F80, 0xBF80, 0x3F81, 0x7F7F, 0xFF7F, 0x7F80, 0xFF80, 0x7FC0, 0x3F00, 0x4049, 0x4300], uint16).view(bfloat16),
}
for unsigned, signed in ((uint16, int16), (uint32, int32), (uint64, int64)):
    bits = unsigned(0).nbytes * 8
    few = [0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 255, 256, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2 ** (bits - 1) + 1, 2**bits - 1, 2**bits - 2, 0x5A5A & (2**bits - 1)]
    SPECIAL[unsigned] = array(few, unsigned)
    SPECIAL[signed] = array(few, unsigned).view(signed)


def operands(types, seed):
    """Special values with each other, and some of any bits."""
    random = numpy.random.default_rng(seed)
    result = []
    for one in types:
        values = random.choice(SPECIAL[one], THREADS)
        size = numpy.dtype(one).itemsize
        values[THREADS // 2 :: 4] = random.integers(0, 256, (len(values[THREADS // 2 :: 4]), size), dtype=uint8).view(one)[:, 0]
        result.append(values)
    return result


def register(dtype, name):
    size = numpy.dtype(dtype).itemsize
    return {2: "%h", 4: "%r", 8: "%d"}[size] + name


def elementwise(gpu, rows, tmp_path):
    """rows: [(instruction with {d}, {a}, {b}, {c}, type of the result, types of the sources, reference of arrays)], all in one kernel."""
    body, sources, targets = "", [], []
    for i, (text, result, types, _) in enumerate(rows):
        values = operands(types, i)
        names = {}
        for letter, one, data in zip("abc", types, values):
            names[letter] = register(one, f"{letter}{i}")
            size = data.itemsize
            body += f".reg .b{size * 8} {names[letter]};\n ld.param.u64 %p, [p{len(sources)}]; mad.wide.u32 %p, %tid, {size}, %p; ld.global.b{size * 8} {names[letter]}, [%p];\n"
            sources.append(data)
        names["d"] = register(result, f"d{i}")
        size = numpy.dtype(result).itemsize
        body += f".reg .b{size * 8} {names['d']};\n{{ .reg .pred p, q; .reg .b32 t, u; .reg .b64 v; .reg .b16 h, g;\n{text.format(**names)}\n}}\n"
        body += f" ld.param.u64 %p, [q{i}]; mad.wide.u32 %p, %tid, {size}, %p; st.global.b{size * 8} [%p], {names['d']};\n"
        targets.append((THREADS, result))
    params = ", ".join([f".param .u64 p{i}" for i in range(len(sources))] + [f".param .u64 q{i}" for i in range(len(targets))])
    ptx = f".visible .entry k({params})\n{{\n.reg .b64 %p; .reg .b32 %tid; mov.u32 %tid, %tid.x;\n{body} ret;\n}}\n".replace("%tid,", "%id,").replace("%tid;", "%id;")
    ptx = ptx.replace(".u32 %p, %tid", ".u32 %p, %id")
    assembles(ptx, tmp_path)
    results = gpu.run(ptx, sources, targets, block=THREADS)
    at = 0
    for (text, result, types, reference), got in zip(rows, results):
        values = sources[at : at + len(types)]
        at += len(types)
        with numpy.errstate(all="ignore"):
            want = numpy.asarray(reference(*values)).astype(result)
        same = (got.view(f"u{got.itemsize}") == want.view(f"u{got.itemsize}")) | ((got != got) & (want != want))
        assert same.all(), f"{text}: of {[value[~same][:3] for value in values]} got {got[~same][:3]}, expected {want[~same][:3]}"


def scalar(function):
    """A reference of integers, element by element."""
    return lambda *values: array([function(*(int(v) for v in each)) for each in zip(*values)], dtype=object)


def wrapped(bits, function):
    """The result's low bits, as the unsigned number of that width."""
    return scalar(lambda *values: function(*values) & (2**bits - 1))


def signed(value, bits):
    value &= 2**bits - 1
    return value - 2**bits if value >> (bits - 1) else value


def test_integers(gpu, tmp_path):
    rows = []
    for bits, u, s in ((16, uint16, int16), (32, uint32, int32), (64, uint64, int64)):
        rows += [
            (f"add.s{bits} {{d}}, {{a}}, {{b}};", u, [u, u], wrapped(bits, lambda a, b: a + b)),
            (f"sub.s{bits} {{d}}, {{a}}, {{b}};", u, [u, u], wrapped(bits, lambda a, b: a - b)),
            (f"mul.lo.s{bits} {{d}}, {{a}}, {{b}};", u, [u, u], wrapped(bits, lambda a, b: a * b)),
            (f"mul.hi.u{bits} {{d}}, {{a}}, {{b}};", u, [u, u], wrapped(bits, lambda a, b, n=bits: a * b >> n)),
            (f"mul.hi.s{bits} {{d}}, {{a}}, {{b}};", u, [s, s], wrapped(bits, lambda a, b, n=bits: a * b >> n)),
            (f"mad.lo.s{bits} {{d}}, {{a}}, {{b}}, {{c}};", u, [u, u, u], wrapped(bits, lambda a, b, c: a * b + c)),
            (f"min.u{bits} {{d}}, {{a}}, {{b}};", u, [u, u], numpy.minimum),
            (f"max.s{bits} {{d}}, {{a}}, {{b}};", s, [s, s], numpy.maximum),
            (f"neg.s{bits} {{d}}, {{a}};", u, [u], wrapped(bits, lambda a: -a)),
            (f"abs.s{bits} {{d}}, {{a}};", u, [s], wrapped(bits, abs)),
            (f"div.u{bits} {{d}}, {{a}}, {{b}};", u, [u, u], wrapped(bits, lambda a, b: a // b if b else -1)),
            (f"rem.u{bits} {{d}}, {{a}}, {{b}};", u, [u, u], wrapped(bits, lambda a, b: a % b if b else a)),
            (f"div.s{bits} {{d}}, {{a}}, {{b}};", u, [s, s], wrapped(bits, lambda a, b: int(abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1) if b else -1)),
            (f"rem.s{bits} {{d}}, {{a}}, {{b}};", u, [s, s], wrapped(bits, lambda a, b: abs(a) % abs(b) * (-1 if a < 0 else 1) if b else a)),
            (f"and.b{bits} {{d}}, {{a}}, {{b}};", u, [u, u], numpy.bitwise_and),
            (f"or.b{bits} {{d}}, {{a}}, {{b}};", u, [u, u], numpy.bitwise_or),
            (f"xor.b{bits} {{d}}, {{a}}, {{b}};", u, [u, u], numpy.bitwise_xor),
            (f"not.b{bits} {{d}}, {{a}};", u, [u], numpy.invert),
            (f"cnot.b{bits} {{d}}, {{a}};", u, [u], lambda a: a == 0),
            (f"shl.b{bits} {{d}}, {{a}}, {{b}};", u, [u, uint32], wrapped(bits, lambda a, b, n=bits: a << b if b < n else 0)),
            (f"shr.u{bits} {{d}}, {{a}}, {{b}};", u, [u, uint32], wrapped(bits, lambda a, b, n=bits: a >> b if b < n else 0)),
            (f"shr.s{bits} {{d}}, {{a}}, {{b}};", u, [s, uint32], wrapped(bits, lambda a, b, n=bits: a >> min(b, n - 1))),
            (f"setp.gt.s{bits} p, {{a}}, {{b}}; selp.b{bits} {{d}}, {{a}}, {{b}}, p;", s, [s, s], numpy.maximum),
            (f"setp.lo.u{bits} p, {{a}}, {{b}}; selp.b{bits} {{d}}, {{a}}, {{b}}, p;", u, [u, u], numpy.minimum),
        ]
    rows += [
        ("mul.wide.s16 {d}, {a}, {b};", int32, [int16, int16], lambda a, b: a.astype(int32) * b),
        ("mul.wide.u32 {d}, {a}, {b};", uint64, [uint32, uint32], lambda a, b: a.astype(uint64) * b),
        ("mul.wide.s32 {d}, {a}, {b};", int64, [int32, int32], lambda a, b: a.astype(int64) * b),
        ("mad.wide.u32 {d}, {a}, {b}, {c};", uint64, [uint32, uint32, uint64], wrapped(64, lambda a, b, c: a * b + c)),
        ("add.sat.s32 {d}, {a}, {b};", int32, [int32, int32], scalar(lambda a, b: max(-(2**31), min(a + b, 2**31 - 1)))),
        ("slct.b32.s32 {d}, {a}, {b}, {c};", uint32, [uint32, uint32, int32], lambda a, b, c: numpy.where(c >= 0, a, b)),
        ("sad.u32 {d}, {a}, {b}, {c};", uint32, [uint32, uint32, uint32], wrapped(32, lambda a, b, c: abs(a - b) + c)),
        ("sad.s32 {d}, {a}, {b}, {c};", uint32, [int32, int32, uint32], wrapped(32, lambda a, b, c: abs(a - b) + c)),
        # 64 bits in two halves
        ("add.cc.u32 {d}, {a}, {b}; addc.u32 {d}, {a}, {b};", uint32, [uint32, uint32], wrapped(32, lambda a, b: a + b + (a + b >> 32))),
        ("sub.cc.u32 {d}, {a}, {b}; subc.u32 {d}, {a}, {b};", uint32, [uint32, uint32], wrapped(32, lambda a, b: a - b - (a < b))),
    ]
    elementwise(gpu, rows, tmp_path)


def field(bits, sign):
    """bfe, as the manual writes it."""
    def reference(a, position, length):
        position, length = position & 255, length & 255
        a &= 2**bits - 1
        fill = a >> min(position + length - 1, bits - 1) & 1 if sign and length else 0
        value = 0
        for i in range(bits):
            value |= (a >> (position + i) & 1 if i < length and position + i < bits else fill) << i
        return value
    return scalar(reference)


def inserted(bits):
    def reference(a, b, both):
        position, length = both & 255, both >> 8 & 255
        for i in range(length):
            if position + i < bits:
                b = b & ~(1 << (position + i)) | (a >> i & 1) << (position + i)
        return b
    return scalar(reference)


def permuted(a, b, selector):
    source = [(b << 32 | a) >> 8 * i & 255 for i in range(8)]
    value = 0
    for i in range(4):
        s = selector >> 4 * i & 15
        byte = source[s & 7]
        value |= (255 * (byte >> 7) if s & 8 else byte) << 8 * i
    return value


def highest(bits, sign, amount):
    def reference(a):
        if sign and a < 0:
            a = ~a
        bit = a.bit_length() - 1
        return 2**32 - 1 if bit < 0 else bits - 1 - bit if amount else bit
    return scalar(reference)


def test_bits(gpu, tmp_path):
    rows = []
    for bits, u, s in ((32, uint32, int32), (64, uint64, int64)):
        rows += [
            (f"bfe.u{bits} {{d}}, {{a}}, {{b}}, {{c}};", u, [u, uint32, uint32], field(bits, False)),
            (f"bfe.s{bits} {{d}}, {{a}}, {{b}}, {{c}};", u, [u, uint32, uint32], field(bits, True)),
            (f"and.b32 t, {{c}}, 255; shr.u32 u, {{c}}, 8; and.b32 u, u, 255; bfi.b{bits} {{d}}, {{a}}, {{b}}, t, u;", u, [u, u, uint32], inserted(bits)),
            (f"popc.b{bits} {{d}}, {{a}};", uint32, [u], scalar(lambda a: a.bit_count())),
            (f"clz.b{bits} {{d}}, {{a}};", uint32, [u], scalar(lambda a, n=bits: n - a.bit_length())),
            (f"brev.b{bits} {{d}}, {{a}};", u, [u], scalar(lambda a, n=bits: int(f"{a:0{n}b}"[::-1], 2))),
            (f"bfind.u{bits} {{d}}, {{a}};", uint32, [u], highest(bits, False, False)),
            (f"bfind.s{bits} {{d}}, {{a}};", uint32, [s], highest(bits, True, False)),
            (f"bfind.shiftamt.u{bits} {{d}}, {{a}};", uint32, [u], highest(bits, False, True)),
        ]
    rows += [
        ("prmt.b32 {d}, {a}, {b}, {c};", uint32, [uint32, uint32, uint32], scalar(permuted)),
        ("shf.l.clamp.b32 {d}, {a}, {b}, {c};", uint32, [uint32] * 3, wrapped(32, lambda a, b, c: ((b << 32 | a) << min(c, 32)) >> 32)),
        ("shf.l.wrap.b32 {d}, {a}, {b}, {c};", uint32, [uint32] * 3, wrapped(32, lambda a, b, c: ((b << 32 | a) << (c & 31)) >> 32)),
        ("shf.r.clamp.b32 {d}, {a}, {b}, {c};", uint32, [uint32] * 3, wrapped(32, lambda a, b, c: (b << 32 | a) >> min(c, 32))),
        ("shf.r.wrap.b32 {d}, {a}, {b}, {c};", uint32, [uint32] * 3, wrapped(32, lambda a, b, c: (b << 32 | a) >> (c & 31))),
        ("lop3.b32 {d}, {a}, {b}, {c}, 0x96;", uint32, [uint32] * 3, lambda a, b, c: a ^ b ^ c),
        ("lop3.b32 {d}, {a}, {b}, {c}, 0xca;", uint32, [uint32] * 3, lambda a, b, c: a & b | ~a & c),
        ("dp4a.s32.u32 {d}, {a}, {b}, {c};", uint32, [uint32] * 3,
         wrapped(32, lambda a, b, c: c + sum(signed(a >> i, 8) * (b >> i & 255) for i in (0, 8, 16, 24)))),
        ("mov.b32 {{h, g}}, {a}; mov.b32 {d}, {{g, h}};", uint32, [uint32], lambda a: a << 16 | a >> 16),
        ("mov.b64 {{t, u}}, {a}; mov.b64 {d}, {{u, t}};", uint64, [uint64], lambda a: a << uint64(32) | a >> uint64(32)),
    ]
    elementwise(gpu, rows, tmp_path)


def least(a, b):
    """IEEE 754-2008 minNum with -0 below +0."""
    return numpy.where(numpy.isnan(a), b, numpy.where(numpy.isnan(b), a, numpy.where(a == b, numpy.where(numpy.signbit(a), a, b), numpy.where(a < b, a, b))))


def greatest(a, b):
    return -least(-a, -b)


def flushed(a):
    return numpy.where(numpy.abs(a) < float32(2**-126), numpy.copysign(float32(0), a), a)


def exact_fma(a, b, c):
    """A long double holds the product, and the sum but for what two roundings do once in 2^40."""
    wide = numpy.longdouble
    return (wide(a) * wide(b) + wide(c)).astype(a.dtype)


def test_floats(gpu, tmp_path):
    rows = []
    for bits, one in ((32, float32), (64, float64)):
        rows += [
            (f"add.rn.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], lambda a, b: a + b),
            (f"sub.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], lambda a, b: a - b),
            (f"mul.rn.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], lambda a, b: a * b),
            (f"div.rn.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], lambda a, b: a / b),
            (f"sqrt.rn.f{bits} {{d}}, {{a}};", one, [one], numpy.sqrt),
            (f"rcp.rn.f{bits} {{d}}, {{a}};", one, [one], lambda a: 1 / a),
            (f"abs.f{bits} {{d}}, {{a}};", one, [one], numpy.abs),
            (f"neg.f{bits} {{d}}, {{a}};", one, [one], lambda a: -a),
            (f"min.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], least),
            (f"max.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], greatest),
            (f"copysign.f{bits} {{d}}, {{a}}, {{b}};", one, [one, one], lambda a, b: numpy.copysign(b, a)),
        ]
        ordered = {"eq": numpy.equal, "ne": lambda a, b: (a < b) | (a > b), "lt": numpy.less, "le": numpy.less_equal, "gt": numpy.greater, "ge": numpy.greater_equal}
        nans = lambda a, b: numpy.isnan(a) | numpy.isnan(b)
        for name, compare in ordered.items():
            rows.append((f"setp.{name}.f{bits} p, {{a}}, {{b}}; selp.u32 {{d}}, 1, 0, p;", uint32, [one, one], compare))
            rows.append((f"setp.{name}u.f{bits} p, {{a}}, {{b}}; selp.u32 {{d}}, 1, 0, p;", uint32, [one, one], lambda a, b, f=compare: f(a, b) | nans(a, b)))
        rows.append((f"setp.num.f{bits} p, {{a}}, {{b}}; selp.u32 {{d}}, 1, 0, p;", uint32, [one, one], lambda a, b: ~nans(a, b)))
        rows.append((f"setp.nan.f{bits} p, {{a}}, {{b}}; selp.u32 {{d}}, 1, 0, p;", uint32, [one, one], nans))
    rows += [
        ("fma.rn.f32 {d}, {a}, {b}, {c};", float32, [float32] * 3, exact_fma),
        ("min.NaN.f32 {d}, {a}, {b};", float32, [float32] * 2, lambda a, b: numpy.where(numpy.isnan(a + 0 * b) & (numpy.isnan(a) | numpy.isnan(b)), numpy.nan, least(a, b))),
        ("max.NaN.f32 {d}, {a}, {b};", float32, [float32] * 2, lambda a, b: numpy.where(numpy.isnan(a) | numpy.isnan(b), numpy.nan, greatest(a, b))),
        ("add.ftz.f32 {d}, {a}, {b};", float32, [float32] * 2, lambda a, b: flushed(flushed(a) + flushed(b))),
        ("add.sat.f32 {d}, {a}, {b};", float32, [float32] * 2, lambda a, b: numpy.nan_to_num(numpy.clip(numpy.where(numpy.isnan(a + b), 0, a + b), 0, 1)) + float32(0)),
        ("mul.ftz.f32 {d}, {a}, {b};", float32, [float32] * 2, lambda a, b: flushed(flushed(a) * flushed(b))),
        ("setp.gt.f32 q, {a}, 0f00000000; setp.lt.and.f32 p, {a}, {b}, q; selp.u32 {d}, 1, 0, p;", uint32, [float32] * 2, lambda a, b: (a > 0) & (a < b)),
        ("setp.gt.f32 q, {a}, 0f00000000; setp.lt.or.f32 p, {a}, {b}, !q; selp.u32 {d}, 1, 0, p;", uint32, [float32] * 2, lambda a, b: ~(a > 0) | (a < b)),
        ("setp.lt.f32 p|q, {a}, {b}; selp.u32 t, 1, 0, p; selp.u32 {d}, 2, t, q;", uint32, [float32] * 2, lambda a, b: numpy.where(a < b, 1, 2)),
        ("testp.finite.f32 p, {a}; selp.u32 {d}, 1, 0, p;", uint32, [float32], numpy.isfinite),
        ("testp.subnormal.f32 p, {a}; selp.u32 {d}, 1, 0, p;", uint32, [float32], lambda a: (a != 0) & (numpy.abs(a) < 2**-126)),
        ("testp.notanumber.f32 p, {a}; selp.u32 {d}, 1, 0, p;", uint32, [float32], numpy.isnan),
    ]
    elementwise(gpu, rows, tmp_path)


def test_half_floats(gpu, tmp_path):
    rows = []
    for name, one in (("f16", float16), ("bf16", bfloat16)):
        wide = lambda a: a.astype(float64)
        narrow = lambda a, one=one: a.astype(float32).astype(one) if one is bfloat16 else a.astype(one)
        # The product of two is exact in 64 bits, and so is their sum where the exponents are not far apart, as here.
        rows += [
            (f"fma.rn.{name} {{d}}, {{a}}, {{b}}, {{c}};", one, [one] * 3, lambda a, b, c, one=one: rounded_once(wide(a) * wide(b), wide(c), one)),
            (f"neg.{name} {{d}}, {{a}};", one, [one], lambda a: -a),
            (f"abs.{name} {{d}}, {{a}};", one, [one], lambda a: numpy.abs(a)),
            (f"min.{name} {{d}}, {{a}}, {{b}};", one, [one] * 2, lambda a, b: least(wide(a), wide(b))),
            (f"max.{name} {{d}}, {{a}}, {{b}};", one, [one] * 2, lambda a, b: greatest(wide(a), wide(b))),
            (f"max.NaN.{name} {{d}}, {{a}}, {{b}};", one, [one] * 2, lambda a, b: numpy.where(numpy.isnan(wide(a)) | numpy.isnan(wide(b)), numpy.nan, greatest(wide(a), wide(b)))),
            (f"mov.b32 t, {{{{{{a}}, {{b}}}}}}; max.{name}x2 t, t, t; mov.b32 {{{{h, {{d}}}}}}, t;", one, [one] * 2, lambda a, b: b),
        ]
    rows += [
        ("add.f16 {d}, {a}, {b};", float16, [float16] * 2, lambda a, b: a + b),
        ("sub.f16 {d}, {a}, {b};", float16, [float16] * 2, lambda a, b: a - b),
        ("mul.f16 {d}, {a}, {b};", float16, [float16] * 2, lambda a, b: a * b),
        ("mov.b32 t, {{{a}, {b}}}; mov.b32 u, {{{b}, {b}}}; add.f16x2 t, t, u; mov.b32 {{{d}, h}}, t;", float16, [float16] * 2, lambda a, b: a + b),
        ("setp.lt.f16 p, {a}, {b}; selp.b16 {d}, {a}, {b}, p;", float16, [float16] * 2, lambda a, b: numpy.where(a < b, a, b)),
    ]
    elementwise(gpu, rows, tmp_path)


def rounded_once(product, addend, one):
    """product + addend in long double, then to 16 bits: through a float32 that is rounded to odd, so that the second rounding is right."""
    total = product.astype(numpy.longdouble) + addend
    near = total.astype(float32)
    bits = near.view(uint32).copy()
    inexact = numpy.isfinite(total) & (near.astype(numpy.longdouble) != total)
    away = numpy.isfinite(near) & inexact & (numpy.abs(near.astype(numpy.longdouble)) > numpy.abs(total))
    bits[away] -= 1
    odd = bits.copy()
    odd[inexact & numpy.isfinite(near)] |= 1
    return odd.view(float32).astype(one)


ROUND = {"rni": numpy.rint, "rzi": numpy.trunc, "rmi": numpy.floor, "rpi": numpy.ceil}


def saturated(one, source):
    """A float as an integer of type `one`: NaN is 0 between types of 32 bits, otherwise the highest bit alone."""
    limits = numpy.iinfo(one)
    nan = 0 if numpy.dtype(one).itemsize < 8 and numpy.dtype(source).itemsize < 8 else 1 << (limits.bits - 1)
    def convert(value):
        if math.isnan(value):
            return signed(nan, limits.bits) if limits.min else nan
        return limits.max if value >= limits.max else limits.min if value <= limits.min else int(value)
    return lambda values: array([convert(float(value)) for value in values], dtype=object)


def directed(mode, one):
    """A double as a float32 or float16, rounded downwards, upwards or to zero: the neighbour of the nearest where that lies on the wrong side."""
    def convert(values):
        near = values.astype(one)
        toward = {"rm": -numpy.inf, "rp": numpy.inf, "rz": 0.0}[mode]
        low, high = numpy.nextafter(near, one(-numpy.inf)), numpy.nextafter(near, one(numpy.inf))
        back = near.astype(float64)
        down = numpy.where(back > values, low, near)
        up = numpy.where(back < values, high, near)
        result = down if toward < 0 else up if toward > 0 else numpy.where(values < 0, up, down)
        return numpy.where(numpy.isfinite(values), numpy.where(result == 0, numpy.copysign(result, values), result), near)
    return convert


def test_conversions(gpu, tmp_path):
    rows = []
    for mode, function in ROUND.items():
        for one, name in ((int32, "s32"), (uint32, "u32"), (int64, "s64"), (uint64, "u64")):
            rows.append((f"cvt.{mode}.{name}.f32 {{d}}, {{a}};", one, [float32], lambda a, f=function, one=one: saturated(one, float32)(f(a))))
            rows.append((f"cvt.{mode}.{name}.f64 {{d}}, {{a}};", one, [float64], lambda a, f=function, one=one: saturated(one, float64)(f(a))))
        rows.append((f"cvt.{mode}.f32.f32 {{d}}, {{a}};", float32, [float32], function))
        rows.append((f"cvt.{mode}.f64.f64 {{d}}, {{a}};", float64, [float64], function))
    for mode in ("rm", "rp", "rz"):
        rows.append((f"cvt.{mode}.f32.f64 {{d}}, {{a}};", float32, [float64], directed(mode, float32)))
        rows.append((f"cvt.{mode}.f32.s32 {{d}}, {{a}};", float32, [int32], lambda a, m=mode: directed(m, float32)(a.astype(float64))))
        rows.append((f"add.{mode}.f64 {{d}}, {{a}}, 0d0000000000000000; mov.b64 {{d}}, {{a}};", float64, [float64], lambda a: a))
    rows += [
        ("cvt.rz.f16.f32 {d}, {a};", float16, [float32], lambda a: directed("rz", float16)(a.astype(float64))),
        ("cvt.rn.f16.f32 {d}, {a};", float16, [float32], lambda a: a.astype(float16)),
        ("cvt.rn.f16.f64 {d}, {a};", float16, [float64], lambda a: a.astype(float16)),
        ("cvt.f32.f16 {d}, {a};", float32, [float16], lambda a: a.astype(float32)),
        ("cvt.rn.bf16.f32 {d}, {a};", bfloat16, [float32], lambda a: a.astype(bfloat16)),
        ("mov.b32 {d}, {{0, {a}}};", float32, [bfloat16], lambda a: a.astype(float32)),
        ("cvt.rn.f16x2.f32 {d}, {a}, {b};", uint32, [float32] * 2, lambda a, b: pair(a.astype(float16), b.astype(float16))),
        ("cvt.rn.bf16x2.f32 {d}, {a}, {b};", uint32, [float32] * 2, lambda a, b: pair(a.astype(bfloat16), b.astype(bfloat16))),
        ("cvt.rn.relu.f16x2.f32 {d}, {a}, {b};", uint32, [float32] * 2, lambda a, b: pair(relu(a).astype(float16), relu(b).astype(float16))),
        ("cvt.rna.tf32.f32 {d}, {a};", float32, [float32], tf32),
        ("cvt.f64.f32 {d}, {a};", float64, [float32], lambda a: a.astype(float64)),
        ("cvt.rn.f32.f64 {d}, {a};", float32, [float64], lambda a: a.astype(float32)),
        ("cvt.rn.f32.u64 {d}, {a};", float32, [uint64], lambda a: a.astype(float32)),
        ("cvt.rn.f32.s32 {d}, {a};", float32, [int32], lambda a: a.astype(float32)),
        ("cvt.rn.f16.s32 {d}, {a};", float16, [int32], lambda a: a.astype(float64).astype(float16)),
        ("cvt.rn.f64.s64 {d}, {a};", float64, [int64], lambda a: a.astype(float64)),
        ("cvt.sat.f32.f32 {d}, {a};", float32, [float32], lambda a: numpy.clip(numpy.where(numpy.isnan(a), 0, a), 0, 1) + float32(0)),
        ("add.ftz.f32 {d}, {a}, 0f80000000;", float32, [float32], flushed),
        ("cvt.s32.s8 {d}, {a};", int32, [int32], lambda a: a.astype(numpy.int8)),
        ("cvt.u32.u8 {d}, {a};", uint32, [uint32], lambda a: a & 255),
        ("cvt.s64.s32 {d}, {a};", int64, [int32], lambda a: a),
        ("cvt.u64.u32 {d}, {a};", uint64, [uint32], lambda a: a),
        ("cvt.u16.u64 {d}, {a};", uint16, [uint64], lambda a: a & uint64(65535)),
        ("cvt.sat.s8.s32 {d}, {a};", int32, [int32], lambda a: numpy.clip(a, -128, 127)),
        ("cvt.sat.u8.s32 {d}, {a};", uint32, [int32], lambda a: numpy.clip(a, 0, 255)),
        ("cvt.sat.u32.s64 {d}, {a};", uint32, [int64], lambda a: numpy.clip(a, 0, 2**32 - 1)),
    ]
    elementwise(gpu, rows, tmp_path)


def pair(high, low):
    """Of 16 bits each, a NaN as the hardware writes it."""
    def bits(values):
        return numpy.where(numpy.isnan(values.astype(float32)), uint16(0x7FFF), values.view(uint16)).astype(uint32)
    return bits(high) << 16 | bits(low)


def relu(a):
    return numpy.where(a <= 0, float32(0), a)


def tf32(a):
    bits = (a.view(uint32) + uint32(0x1000)) & uint32(0xFFFFE000)
    return numpy.where(numpy.isfinite(a), bits.view(float32), a)


def test_approximations(gpu, tmp_path):
    """Within the error that the manual allows, which the host's functions keep."""
    x = numpy.linspace(0.01, 3, THREADS, dtype=float32)
    for name, reference in {"ex2": numpy.exp2, "lg2": numpy.log2, "sin": numpy.sin, "cos": numpy.cos, "tanh": numpy.tanh, "rsqrt": lambda a: a**-0.5, "sqrt": numpy.sqrt}.items():
        ptx = f""".visible .entry k(.param .u64 x, .param .u64 y) {{
          .reg .b32 %r<4>; .reg .b64 %d<3>;
          mov.u32 %r1, %tid.x; ld.param.u64 %d1, [x]; mad.wide.u32 %d1, %r1, 4, %d1; ld.param.u64 %d2, [y]; mad.wide.u32 %d2, %r1, 4, %d2;
          ld.global.b32 %r2, [%d1]; {name}.approx.f32 %r3, %r2; st.global.b32 [%d2], %r3; ret; }}"""
        assembles(ptx, tmp_path)
        got, = gpu.run(ptx, [x], [(THREADS, float32)], block=THREADS)
        numpy.testing.assert_allclose(got, reference(x.astype(float64)), rtol=2e-3 if name == "tanh" else 1e-6, atol=1e-6)


def test_memory(gpu, tmp_path):
    """Widths, vectors, extensions, address spaces, offsets and initial values."""
    ptx = """
.const .align 4 .u32 table[4] = {10, 20, 30, 40};
.global .align 8 .u64 where[2] = {table, generic(table)+4};
.visible .entry k(.param .u64 x, .param .u64 y, .param .align 4 .b8 both[8])
{
  .local .align 16 .b8 depot[32];
  .shared .align 16 .b8 room[64];
  .reg .b16 %h<9>; .reg .b32 %r<20>; .reg .b64 %d<20>;
  ld.param.u64 %d1, [x]; ld.param.u64 %d2, [y]; cvta.to.global.u64 %d2, %d2;
  ld.global.nc.v4.b32 {%r1, %r2, %r3, %r4}, [%d1];
  st.global.v4.b32 [%d2], {%r4, %r3, %r2, %r1};
  ld.global.s8 %r5, [%d1+3]; st.global.b32 [%d2+16], %r5;
  ld.u8 %r5, [%d1+3]; st.b32 [%d2+20], %r5;
  ld.global.v2.b16 {%h1, %h2}, [%d1+4]; st.v2.b16 [%d2+24], {%h2, %h1};
  ld.global.s16 %d3, [%d1+2]; st.global.b64 [%d2+32], %d3;
  ld.param.v2.u32 {%r6, %r7}, [both]; sub.s32 %r6, %r6, %r7; st.global.u32 [%d2+40], %r6;
  ld.const.u32 %r8, [table+8]; st.global.u32 [%d2+44], %r8;
  ld.global.u64 %d4, [where+8]; ld.u32 %r9, [%d4]; st.global.u32 [%d2+48], %r9;
  mov.u64 %d5, depot; add.s64 %d5, %d5, 8; st.local.b64 [%d5], %d3; cvta.local.u64 %d6, %d5; ld.b64 %d7, [%d6]; st.global.b64 [%d2+56], %d7;
  mov.u32 %r10, room; st.shared.b32 [%r10+20], %r4; cvt.u64.u32 %d8, %r10; cvta.shared.u64 %d9, %d8; ld.b32 %r11, [%d9+20]; st.global.b32 [%d2+64], %r11;
  cvta.to.shared.u64 %d10, %d9; ld.volatile.shared.u8 %r12, [%d10+21]; st.global.b32 [%d2+68], %r12;
  mov.b64 %d11, 4294967297; mov.b32 %r13, -1; st.global.b8 [%d2+72], %r13; mov.b16 %h3, 0; st.global.u8 [%d2+73], %h3; st.global.b16 [%d2+74], %r13;
  atom.global.add.u32 %r14, [%d2+76], 5; st.global.b32 [%d2+80], %r14;
  red.global.max.s32 [%d2+76], 3; atom.global.cas.b32 %r15, [%d2+76], 5, 77; atom.global.exch.b32 %r16, [%d2+76], 99; st.global.b32 [%d2+84], %r16;
  st.shared.f32 [room], 0f3F800000; atom.shared.add.f32 %r17, [room], 0f40000000; ld.shared.b32 %r18, [room]; st.global.b32 [%d2+88], %r18;
  ret;
}"""
    assembles(ptx, tmp_path)
    x = array([0x83424140, 0x87864544, 3, 4], uint32)
    module = gpu.load(ptx)
    source, target = gpu.upload(x), gpu.upload(numpy.zeros(24, uint32))
    import ctypes
    gpu.launch(gpu.function(module), [source, target, (ctypes.c_uint32 * 2)(50, 8)], block=1)
    got = gpu.download(target, 24, uint32)
    want = numpy.zeros(24, uint32)
    want[:4] = x[::-1]
    want[4], want[5], want[6] = 0xFFFFFF83, 0x83, 0x45448786
    want[8:10] = 0xFFFF8342, 0xFFFFFFFF
    want[10:13] = 42, 30, 20
    want[14:18] = 0xFFFF8342, 0xFFFFFFFF, 4, 0
    want[18], want[19], want[20], want[21], want[22] = 0xFFFF00FF, 99, 0, 77, 0x40400000
    assert (got == want).all(), [(i, hex(a), hex(b)) for i, (a, b) in enumerate(zip(got, want)) if a != b]


def test_control(gpu, tmp_path):
    """Loops, predicates, indexed branches, functions, labels of a block of their own."""
    ptx = """
.func (.param .b32 result) twice(.param .b32 value)
{
  .reg .b32 %r<3>;
  ld.param.b32 %r1, [value]; add.s32 %r2, %r1, %r1; st.param.b32 [result], %r2; ret;
}
.visible .entry k(.param .u64 y)
{
  .reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %d<3>;
  ld.param.u64 %d1, [y]; mov.u32 %r1, %tid.x; mad.wide.u32 %d1, %r1, 4, %d1;
  mov.u32 %r2, 0; mov.u32 %r3, %r1;
$loop:
  setp.eq.s32 %p1, %r3, 0;
  @%p1 bra.uni $end;
  add.s32 %r2, %r2, %r3; sub.s32 %r3, %r3, 1;
  bra $loop;
$end:
  and.b32 %r4, %r1, 3;
$targets: .branchtargets $zero, $one, $two, $three;
  brx.idx %r4, $targets;
$zero: add.s32 %r2, %r2, 1000; bra $done;
$one: add.s32 %r2, %r2, 2000; bra $done;
$two: add.s32 %r2, %r2, 3000; bra $done;
$three:
  { // callseq
    .param .b32 argument; .param .b32 returned;
    st.param.b32 [argument], %r2; call.uni (returned), twice, (argument); ld.param.b32 %r2, [returned];
  }
$done:
  { .reg .pred p; setp.gt.s32 p, %r1, 9; @p bra $out; add.s32 %r2, %r2, 50000; $out: @!p add.s32 %r2, %r2, 50000; }
  { .reg .pred p; setp.gt.s32 p, %r1, 9; @p bra $out; add.s32 %r2, %r2, 7; $out: }
  st.global.b32 [%d1], %r2;
  ret;
}"""
    got, = gpu.run(ptx, [], [(THREADS, int32)], block=THREADS)
    for i in range(THREADS):
        value = i * (i + 1) // 2
        value = value * 2 if i % 4 == 3 else value + 1000 * (i % 4 + 1)
        assert got[i] == value + (100007 if i <= 9 else 0)


@pytest.mark.parametrize("instruction, message", [
    ("frobnicate.f32 %f1, %f1, %f1;", "unknown instruction 'frobnicate.f32'"),
    ("add.weird.f32 %f1, %f1, %f1;", "unknown instruction 'add.weird.f32' ('.weird')"),
    ("wgmma.fence.sync.aligned;", "unknown instruction 'wgmma.fence.sync.aligned'"),
    ("add.f32 %f1, %f9, %f1;", "unknown operand '%f9'"),
    (".shared .align 4096 .b8 room[4];", "'room' is aligned to 4096 bytes, of which 1024 are known"),
    ("bra nowhere;", "unknown label 'nowhere'"),
    ("add.s64 %d1, %f1, %d1;", "register '%f1' is narrower than the operation"),
    ("mma.sync.aligned.m16n8k16.row.col.f32.e4m3.e4m3.f32 {%f1,%f1,%f1,%f1}, {%f1,%f1,%f1,%f1}, {%f1,%f1}, {%f1,%f1,%f1,%f1};", "expected four types"),
])
def test_unknown(gpu, instruction, message):
    with pytest.raises(CudaError) as error:
        gpu.load(".visible .entry k()\n{ .reg .b32 %f<2>; .reg .b64 %d<2>;\n" + instruction + "\nret; }")
    assert error.value.code == 218
    assert message in error.value.log and "line 6" in error.value.log
