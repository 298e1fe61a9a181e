"""What threads of the emulated device do together, and the faults that it must find."""

import shutil
import subprocess

import ml_dtypes
import numpy
import pytest
from emulated_gpu import HEADER, CudaError, Gpu
from numpy import float16, float32, int8, int32, uint8, uint16, uint32

PTXAS = shutil.which("ptxas")
LAUNCH_FAILED = 719
# %t: the thread; %in and %out: its place in arrays of 32 bits.
BEGIN = """.visible .entry k(.param .u64 x, .param .u64 y)
{
  .reg .pred %p<9>; .reg .b32 %r<40>; .reg .b64 %d<9>; .reg .b32 %t; .reg .b64 %in; .reg .b64 %out;
  mov.u32 %t, %tid.x; ld.param.u64 %in, [x]; mad.wide.u32 %in, %t, 4, %in; ld.param.u64 %out, [y]; mad.wide.u32 %out, %t, 4, %out;
"""


@pytest.fixture(params=["ascending", "descending", "random:7"])
def gpu(request):
    return Gpu(schedule=request.param)


def checked(ptx, tmp_path):
    if PTXAS:
        (tmp_path / "k.ptx").write_text(HEADER + ptx)
        done = subprocess.run([PTXAS, "-arch=sm_80", tmp_path / "k.ptx", "-o", tmp_path / "k.cubin"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + ptx
    return ptx


def shuffled(mode, lane, clamp, value):
    """The manual's pseudo-code, for all lanes: values and predicates."""
    result, inside = numpy.empty(32, uint32), numpy.empty(32, uint32)
    for i in range(32):
        b, last, segments = int(lane[i]) & 31, clamp & 31, clamp >> 8 & 31
        most, low = i & segments | last & ~segments & 31, i & segments
        j = {"up": i - b, "down": i + b, "bfly": i ^ b, "idx": low | b & ~segments & 31}[mode]
        ok = j >= most if mode == "up" else j <= most
        result[i], inside[i] = value[j if ok else i], ok
    return result, inside


@pytest.mark.parametrize("mode", ["up", "down", "bfly", "idx"])
@pytest.mark.parametrize("width", [32, 8])
def test_shuffle(gpu, mode, width, tmp_path):
    clamp = (32 - width) << 8 | (0 if mode == "up" else 31)
    random = numpy.random.default_rng(1)
    value, lane = random.integers(0, 2**32, 32, dtype=uint32), random.integers(0, 32, 32, dtype=uint32)
    if mode != "idx":
        lane[:] = 3
    ptx = checked(BEGIN + f"""
      ld.global.b32 %r1, [%in]; ld.global.b32 %r2, [%in+128];
      shfl.sync.{mode}.b32 %r3|%p1, %r1, %r2, {clamp}, -1; selp.u32 %r4, 1, 0, %p1;
      st.global.b32 [%out], %r3; st.global.b32 [%out+128], %r4; ret; }}""", tmp_path)
    got, = gpu.run(ptx, [numpy.concatenate([value, lane])], [(64, uint32)])
    want, inside = shuffled(mode, lane, clamp, value)
    assert (got[:32] == want).all() and (got[32:] == inside).all()


def test_votes_and_reductions(gpu, tmp_path):
    """Halves of a warp by masks of their own, the odd lanes of the upper half having left."""
    x = numpy.random.default_rng(2).integers(-(2**31), 2**31, 32).astype(int32)
    ptx = checked(BEGIN + """
      ld.global.b32 %r1, [%in]; setp.lt.s32 %p1, %r1, 0;
      setp.ge.u32 %p2, %t, 16; and.b32 %r2, %t, 1; setp.eq.and.u32 %p3, %r2, 1, %p2; @%p3 ret;
      selp.b32 %r3, 0xFFFF0000, 0x0000FFFF, %p2;
      vote.sync.ballot.b32 %r4, %p1, %r3; st.global.b32 [%out], %r4;
      vote.sync.any.pred %p4, %p1, %r3; selp.u32 %r5, 1, 0, %p4; st.global.b32 [%out+128], %r5;
      vote.sync.all.pred %p4, %p1, %r3; selp.u32 %r5, 1, 0, %p4; st.global.b32 [%out+256], %r5;
      redux.sync.add.s32 %r6, %r1, %r3; st.global.b32 [%out+384], %r6;
      redux.sync.min.s32 %r6, %r1, %r3; st.global.b32 [%out+512], %r6;
      redux.sync.max.u32 %r6, %r1, %r3; st.global.b32 [%out+640], %r6;
      redux.sync.xor.b32 %r6, %r1, %r3; st.global.b32 [%out+768], %r6;
      ret; }""", tmp_path)
    got, = gpu.run(ptx, [x], [((7, 32), uint32)])
    for lanes in (range(16), range(16, 32, 2)):
        values = x[list(lanes)]
        ballot = sum(int(x[i] < 0) << i for i in lanes)
        u = values.view(uint32)
        want = [ballot, int(ballot != 0), int((values < 0).all()), u.sum(dtype=uint32), int(values.min()) & 0xFFFFFFFF, u.max(), numpy.bitwise_xor.reduce(u)]
        for i in lanes:
            assert [int(value) for value in got[:, i]] == [int(value) for value in want]


def test_named_barriers(gpu, tmp_path):
    """Warp 0 waits for what warp 1 announces; warp 2 takes no part."""
    ptx = checked(BEGIN + """
      .shared .b32 room[32];
      shr.u32 %r1, %t, 5; and.b32 %r2, %t, 31; mov.u32 %r3, room; mad.lo.u32 %r3, %r2, 4, %r3;
      setp.eq.u32 %p1, %r1, 1; setp.eq.u32 %p2, %r1, 0;
      @%p1 st.shared.b32 [%r3], %t; @%p1 bar.arrive 3, 64; @%p1 ret;
      @%p2 bar.sync 3, 64; @%p2 ld.shared.b32 %r4, [%r3]; @%p2 st.global.b32 [%out], %r4; ret; }""", tmp_path)
    got, = gpu.run(ptx, [numpy.zeros(96, int32)], [(96, int32)], block=96)
    assert (got[:32] == numpy.arange(32, 64)).all() and not got[32:].any()


def test_ldmatrix(gpu, tmp_path):
    matrices = numpy.arange(4 * 64, dtype=uint16).reshape(4, 8, 8)
    for count in (1, 2, 4):
        for transposed in (False, True):
            registers = "{" + ", ".join(f"%r{i + 4}" for i in range(count)) + "}"
            ptx = checked(BEGIN + f"""
              .shared .align 16 .b8 room[512];
              mov.u32 %r1, room; mad.lo.u32 %r2, %t, 16, %r1; mad.wide.u32 %in, %t, 12, %in;
              ld.global.v4.b32 {{%r10, %r11, %r12, %r13}}, [%in]; st.shared.v4.b32 [%r2], {{%r10, %r11, %r12, %r13}};
              bar.sync 0;
              ldmatrix.sync.aligned.m8n8.x{count}{'.trans' if transposed else ''}.shared.b16 {registers}, [%r2];
              """ + "".join(f"st.global.b32 [%out+{128 * i}], %r{i + 4};\n" for i in range(count)) + "ret; }", tmp_path)
            got, = gpu.run(ptx, [matrices], [((count, 32), uint32)])
            for m in range(count):
                source = matrices[m].T if transposed else matrices[m]
                want = [int(source[lane // 4, lane % 4 * 2]) | int(source[lane // 4, lane % 4 * 2 + 1]) << 16 for lane in range(32)]
                assert (got[m] == want).all(), (count, transposed, m)


def fragments(k, size):
    """(A, B): for a lane and the number of an element in its registers, the row and column; sections 'Matrix Fragments for mma' of the PTX manual."""
    if size == 2 and k == 16:
        return (lambda g, q, i: (g + 8 * (i in (2, 3, 6, 7)), q * 2 + (i & 1) + 8 * (i >= 4)), lambda g, q, i: (q * 2 + (i & 1) + 8 * (i >= 2), g))
    if size == 2:
        return (lambda g, q, i: (g + 8 * (i >= 2), q * 2 + (i & 1)), lambda g, q, i: (q * 2 + i, g))
    if size == 4 and k == 8:
        return (lambda g, q, i: (g + 8 * (i in (1, 3)), q + 4 * (i >= 2)), lambda g, q, i: (q + 4 * i, g))
    if size == 4:
        return (lambda g, q, i: (g + 8 * i, q), lambda g, q, i: (q, g))
    if k == 32:
        return (lambda g, q, i: (g + 8 * (4 <= i < 8 or i >= 12), q * 4 + (i & 3) + 16 * (i >= 8)), lambda g, q, i: (q * 4 + (i & 3) + 16 * (i >= 4), g))
    return (lambda g, q, i: (g + 8 * (i >= 4), q * 4 + (i & 3)), lambda g, q, i: (q * 4 + i, g))


def scattered(matrix, place):
    """The registers of 32 lanes, 32 bits each."""
    count = matrix.size // 32
    values = numpy.empty((32, count), matrix.dtype)
    for lane in range(32):
        for i in range(count):
            values[lane, i] = matrix[place(lane // 4, lane % 4, i)]
    return values.view(uint32)


TYPES = {"f16": float16, "bf16": ml_dtypes.bfloat16, "tf32": float32, "s8": int8, "u8": uint8}


@pytest.mark.parametrize("k, a, b, accumulator, saturate", [
    (16, "f16", "f16", "f32", ""), (16, "f16", "f16", "f16", ""), (8, "f16", "f16", "f32", ""), (8, "f16", "f16", "f16", ""),
    (16, "bf16", "bf16", "f32", ""), (8, "bf16", "bf16", "f32", ""), (8, "tf32", "tf32", "f32", ""), (4, "tf32", "tf32", "f32", ""),
    (32, "s8", "s8", "s32", ""), (32, "s8", "s8", "s32", ".satfinite"), (16, "s8", "s8", "s32", ".satfinite"), (32, "u8", "s8", "s32", ""), (16, "s8", "u8", "s32", ""),
])
def test_mma(gpu, k, a, b, accumulator, saturate, tmp_path):
    random = numpy.random.default_rng(k)
    integers = accumulator == "s32"
    if integers:
        left = random.integers(*((-128, 128) if a == "s8" else (0, 256)), (16, k)).astype(TYPES[a])
        right = random.integers(*((-128, 128) if b == "s8" else (0, 256)), (k, 8)).astype(TYPES[b])
        sums = random.integers(-(2**31), 2**31, (16, 8)).astype(int32)
        sums[0], sums[1] = 2**31 - 5, -(2**31) + 5
        want = left.astype(object) @ right.astype(object) + sums.astype(object)
        want = numpy.clip(want, -(2**31), 2**31 - 1) if saturate else (want + 2**31) % 2**32 - 2**31
    else:
        left, right = random.standard_normal((16, k)).astype(TYPES[a]), random.standard_normal((k, 8)).astype(TYPES[b])
        sums = random.standard_normal((16, 8)).astype(float16 if accumulator == "f16" else float32)
        read = (lambda m: (m.view(uint32) & uint32(0xFFFFE000)).view(float32).astype(float)) if a == "tf32" else (lambda m: m.astype(float))
        want = read(left) @ read(right) + sums.astype(float)
    size = left.itemsize
    place_a, place_b = fragments(k, size)
    place_c = lambda g, q, i: (g + 8 * (i >= 2), q * 2 + (i & 1))
    inputs = [scattered(left, place_a), scattered(right, place_b), scattered(sums, place_c)]
    counts = [one.shape[1] for one in inputs]
    names = [[f"%r{10 * j + i}" for i in range(count)] for j, count in enumerate(counts)]
    results = [f"%r{30 + i}" for i in range(counts[2])]
    order = numpy.concatenate([one.T.reshape(-1) for one in inputs])
    loads = "".join(f"ld.global.b32 {name}, [%in+{128 * i}];\n" for i, name in enumerate(sum(names, [])))
    stores = "".join(f"st.global.b32 [%out+{128 * i}], {name};\n" for i, name in enumerate(results))
    ptx = checked(BEGIN + loads + f"mma.sync.aligned.m16n8k{k}.row.col{saturate}.{accumulator}.{a}.{b}.{accumulator} {{{', '.join(results)}}}, "
                  + ", ".join("{" + ", ".join(one) + "}" for one in names) + ";\n" + stores + "ret; }", tmp_path)
    got, = gpu.run(ptx, [order], [((counts[2], 32), uint32)])
    values = numpy.ascontiguousarray(got.T).view(sums.dtype)
    matrix = numpy.empty((16, 8), sums.dtype)
    for lane in range(32):
        for i in range(4):
            matrix[place_c(lane // 4, lane % 4, i)] = values[lane, i]
    if integers:
        assert (matrix.astype(object) == want).all()
    else:
        numpy.testing.assert_allclose(matrix.astype(float), want, rtol=2e-3 if accumulator == "f16" else 1e-6, atol=2e-3 if accumulator == "f16" else 1e-6)


def test_copies(gpu, tmp_path):
    """4, 8 and 16 bytes, with fewer from the source and zeros for the rest; shared memory that nobody writes is NaN."""
    ptx = checked(""".visible .entry k(.param .u64 x, .param .u64 y)
    {
      .reg .b32 %r<9>; .reg .b64 %d<3>; .shared .align 16 .b8 room[64];
      ld.param.u64 %d1, [x]; ld.param.u64 %d2, [y]; mov.u32 %r1, room; mov.u32 %r2, 6; mov.u32 %r3, 0;
      cp.async.cg.shared.global [%r1], [%d1], 16;
      cp.async.ca.shared.global [%r1+16], [%d1+16], 8, %r2;
      cp.async.ca.shared.global [%r1+24], [%d1+4], 4;
      cp.async.cg.shared.global [%r1+32], [%d1], 16, %r3;
      cp.async.commit_group; cp.async.wait_all;
      ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1]; st.global.v4.b32 [%d2], {%r4, %r5, %r6, %r7};
      ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1+16]; st.global.v4.b32 [%d2+16], {%r4, %r5, %r6, %r7};
      ld.shared.v4.b32 {%r4, %r5, %r6, %r7}, [%r1+32]; st.global.v4.b32 [%d2+32], {%r4, %r5, %r6, %r7};
      ret; }""", tmp_path)
    x = numpy.arange(1, 33, dtype=uint8)
    got, = gpu.run(ptx, [x], [(48, uint8)], block=1)
    assert (got[:16] == x[:16]).all() and (got[16:24] == [17, 18, 19, 20, 21, 22, 0, 0]).all() and (got[24:28] == x[4:8]).all()
    assert (got[28:32] == 255).all() and not got[32:].any()


# Two stages of 64 x 16 bytes: each thread copies its part of the next one, then adds what another thread copied for this one.
RING = """.visible .entry k(.param .u64 x, .param .u64 y)
{
  .reg .pred %p<3>; .reg .b32 %r<9>; .reg .f32 %f<9>; .reg .b64 %d<4>; .shared .align 16 .b8 room[2048];
  mov.u32 %r1, %tid.x; ld.param.u64 %d1, [x]; mad.wide.u32 %d1, %r1, 16, %d1;
  ld.param.u64 %d2, [y]; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r2, %r2, 64, %r1; mad.wide.u32 %d2, %r2, 16, %d2;
  mov.u32 %r5, room; mad.lo.u32 %r3, %r1, 16, %r5; mov.u32 %r7, 0;
  add.u32 %r4, %r1, 33; and.b32 %r4, %r4, 63; mad.lo.u32 %r4, %r4, 16, %r5;
  mov.f32 %f1, 0f00000000; mov.u32 %r6, 0;
  cp.async.cg.shared.global [%r3], [%d1], 16;
  cp.async.commit_group;
$loop:
  xor.b32 %r7, %r7, 1024; add.u32 %r8, %r3, %r7; add.u64 %d1, %d1, 1024;
  setp.lt.u32 %p1, %r6, 7;
  @%p1 cp.async.cg.shared.global [%r8], [%d1], 16;
  cp.async.commit_group;
  cp.async.wait_group 1;
  bar.sync 0; // arrived
  xor.b32 %r8, %r7, 1024; add.u32 %r8, %r4, %r8;
  ld.shared.v4.f32 {%f2, %f3, %f4, %f5}, [%r8];
  add.f32 %f1, %f1, %f2; add.f32 %f1, %f1, %f5;
  bar.sync 0; // released
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p2, %r6, 8;
  @%p2 bra $loop;
  st.global.f32 [%d2], %f1;
  ret;
}"""
MODES = [{"schedule": "ascending"}, {"schedule": "descending"}, *({"schedule": f"random:{seed}"} for seed in (1, 2, 3)), {"races": 1}, {"races": 1, "schedule": "random:4"}]
FAULTS = {
    "removed barrier": ("bar.sync 0; // arrived", ""),
    "wait_group one too lax": ("cp.async.wait_group 1;", "cp.async.wait_group 2;"),
    "stage released early": ("bar.sync 0; // released", ""),
}


def ring(ptx, settings):
    """None if the result is right, otherwise what is wrong."""
    x = numpy.random.default_rng(5).integers(0, 100, (8, 64, 4)).astype(float32)
    partner = (numpy.arange(64) + 33) % 64
    want = (x[:, partner, 0] + x[:, partner, 3]).sum(axis=0)
    try:
        got, = Gpu(**settings).run(ptx, [x], [((2, 64, 4), float32)], grid=2, block=64)
    except CudaError as error:
        return str(error.code)
    return None if (got[:, :, 0] == want).all() else "a wrong number"


def test_ring(tmp_path):
    checked(RING, tmp_path)
    for settings in MODES:
        assert ring(RING, settings) is None, settings


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault(fault, tmp_path, capfd):
    before, after = FAULTS[fault]
    assert RING.count(before) == 1
    ptx = checked(RING.replace(before, after), tmp_path)
    found = [ring(ptx, settings) for settings in MODES]
    assert "a wrong number" in found, f"no schedule shows it: {found}"
    assert found[-2:] == [str(LAUNCH_FAILED)] * 2, f"the race detector misses it: {found}"
    message = capfd.readouterr().err
    assert ("a copy under way" if "lax" in fault else "a data race") in message and "kernel 'k', block (" in message


@pytest.mark.parametrize("body, message", [
    ("setp.lt.u32 %p1, %t, 16; @%p1 bra $a; bar.sync 0; ret; $a: bar.sync 0; ret; }", "a divergent barrier"),
    ("setp.lt.u32 %p1, %t, 32; @%p1 bra $a; bar.sync 1; ret; $a: bar.sync 2; ret; }", "a deadlock, no thread can go on: threads 32-63 wait at 'bar.sync 1' "),
    ("setp.lt.u32 %p1, %t, 5; @%p1 bra $a; bar.warp.sync -1; ret; $a: vote.sync.any.pred %p2, %p1, -1; ret; }", "a divergent collective"),
    ("shfl.sync.idx.b32 %r1, %r1, 0, 31, 1; ret; }", "its own lane is not in the mask of threads"),
    ("mov.u32 %r1, 48; bar.sync 0, %r1; ret; }", "a barrier of 48 threads, expected a multiple of 32"),
    ("trap; ret; }", "a trap in 'trap'"),
    (".shared .b32 room[4]; mov.u32 %r1, room; mad.lo.u32 %r1, %t, 4, %r1; st.shared.b32 [%r1], %t; ret; }", "4 bytes at 0x410 of shared memory, outside of what the block has"),
])
def test_wrong(body, message, capfd, tmp_path):
    device = Gpu()
    with pytest.raises(CudaError) as error:
        device.run(checked(BEGIN + body, tmp_path), [numpy.zeros(64, int32)], [(64, int32)], block=64)
    text = capfd.readouterr().err
    assert error.value.code in (LAUNCH_FAILED, 700) and message in text and "kernel 'k', block (0, 0, 0)" in text


@pytest.mark.parametrize("warp", [True, False])
def test_race_within_a_warp(warp, tmp_path):
    """Lanes exchange through shared memory: with bar.warp.sync between it is right."""
    ptx = checked(BEGIN + f""".shared .b32 room[32]; mov.u32 %r1, room; mad.lo.u32 %r2, %t, 4, %r1; st.shared.b32 [%r2], %t;
      {'bar.warp.sync -1;' if warp else ''} xor.b32 %r3, %t, 1; mad.lo.u32 %r3, %r3, 4, %r1; ld.shared.b32 %r4, [%r3]; st.global.b32 [%out], %r4; ret; }}""", tmp_path)
    device = Gpu(races=1)
    if warp:
        got, = device.run(ptx, [numpy.zeros(32, int32)], [(32, int32)])
        assert (got == numpy.arange(32) ^ 1).all()
    else:
        with pytest.raises(CudaError) as error:
            device.run(ptx, [numpy.zeros(32, int32)], [(32, int32)])
        assert error.value.code == LAUNCH_FAILED
