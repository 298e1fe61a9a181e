"""Random one-node networks: how far from the machine's limits each family of shapes is, and how far from ONNX Runtime. None of them is in the zoo, so that
nothing can be tuned for them one by one."""

import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy
import onnx
from engines import CannotRun, Lathe, Network, compile_with_lathe
from onnx import TensorProto, helper, numpy_helper
from paths import BUILD, WORK
from peers import OnnxRuntime, version
from report import cpu_name, paragraph, percent, table
from rounds import estimates, measure, ratio_interval, same_numbers

SEED = 5
FLOPS = 2e6, 3e8  # of a shape that counts; pools: BYTES
BYTES = 2e5, 2e7
SAME_NUMBERS = 1e-3


@dataclass
class Shape:
    """One node. `flops` counts padding as if it were image, as everybody does; `bytes` are input, weights and output, once each."""

    family: str
    text: str
    node: str
    input: tuple
    output: tuple
    weights: list
    attributes: dict = field(default_factory=dict)
    depth: int = 0  # multiplications and additions per output element
    channels: int = 0  # of the output: what fills vectors

    @property
    def flops(self):
        return 2 * self.depth * math.prod(self.output)

    @property
    def bytes(self):
        return 4 * (math.prod(self.input) + math.prod(self.output) + sum(math.prod(dims) for dims in self.weights))

    def fits(self):
        low, high = FLOPS if self.depth else BYTES
        return low <= (self.flops if self.depth else self.bytes) <= high

    def save(self, path):
        random = numpy.random.default_rng(0)
        weights = [numpy_helper.from_array((random.standard_normal(dims) * max(1, self.depth) ** -0.5).astype(numpy.float32), f"w{i}")
                   for i, dims in enumerate(self.weights)]
        node = helper.make_node(self.node, ["x", *(weight.name for weight in weights)], ["y"], name=self.family.replace(" ", "_"), **self.attributes)
        graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.input)],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, self.output)], weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class Draw:
    """Random numbers with the distributions that networks have: most sizes are round, some are not."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)

    def one(self, *values):
        return values[self.random.integers(len(values))]

    def between(self, low, high):
        """As many from 10 to 20 as from 100 to 200."""
        return int(round(math.exp(self.random.uniform(math.log(low), math.log(high)))))

    def channels(self, low=3, high=1024):
        count = self.between(low, high)
        return count if count < 8 or self.random.random() < 0.3 else count - count % 8

    def image(self, dims, low=5, high=130):
        size = self.between(low, high)
        return tuple(size if self.random.random() < 0.7 else self.between(low, high) for _ in range(dims))


def conv(draw, family, dims=2, kernel=None, strides=None, group=None, transposed=False):
    c, k, image = draw.channels(), draw.channels(), draw.image(dims, high={1: 8000, 2: 130, 3: 40}[dims])
    kernel = kernel(draw) if kernel else (3,) * dims
    strides = strides(draw) if strides else (1,) * dims
    groups = 1
    if group == "depthwise":
        groups = k = c
    elif group:
        each, groups = draw.one(2, 4, 8, 16), draw.between(4, 64)
        c, k = each * groups, draw.one(1, 2) * each * groups
    pads = [size // 2 for size in kernel]
    attributes = {"kernel_shape": kernel, "strides": strides, "group": groups, "pads": [*pads, *pads]}
    shape = f"{c} → {k}, {'×'.join(map(str, image))}, window {'×'.join(map(str, kernel))}, stride {'×'.join(map(str, strides))}" + f", {groups} groups" * (groups > 1)
    if transposed:
        out = tuple((size - 1) * stride + width - 2 * pad for size, stride, width, pad in zip(image, strides, kernel, pads))
        # Each input element meets each tap; counted per output element.
        depth = c * math.prod(kernel) * math.prod(image) / max(1, math.prod(out))
        return Shape(family, shape, "ConvTranspose", (1, c, *image), (1, k, *out), [(c, k, *kernel), (k,)], attributes, depth, k)
    out = tuple((size + 2 * pad - width) // stride + 1 for size, stride, width, pad in zip(image, strides, kernel, pads))
    return Shape(family, shape, "Conv", (1, c, *image), (1, k, *out), [(k, c // groups, *kernel), (k,)], attributes, c // groups * math.prod(kernel), k)


def pool(draw, family, kind):
    c, image, size, stride = draw.channels(), draw.image(2), draw.one(2, 3, 3, 5), draw.one(1, 2, 2)
    pad = size // 2 if size % 2 else 0
    out = tuple((extent + 2 * pad - size) // stride + 1 for extent in image)
    text = f"{c}, {image[0]}×{image[1]}"
    if kind == "GlobalAveragePool":
        return Shape(family, text, kind, (1, c, *image), (1, c, 1, 1), [], channels=c)
    return Shape(family, f"{text}, window {size}×{size}, stride {stride}", kind, (1, c, *image), (1, c, *out), [],
                 {"kernel_shape": (size, size), "strides": (stride, stride), "pads": [pad] * 4}, channels=c)


def matmul(draw, family, rows, node):
    m, c, k = rows(draw), draw.between(16, 2048), draw.between(16, 2048)
    attributes, weights = ({"transB": 1}, [(k, c), (k,)]) if node == "Gemm" else ({}, [(c, k)])
    return Shape(family, f"{m}×{c} by {c}×{k}", node, (m, c), (m, k), weights, attributes, c, k)


def wide(draw):
    return draw.one((5, 5), (7, 7), (1, 7), (7, 1), (2, 2), (4, 4))


def twice(draw):
    return draw.one((2, 2), (2, 2), (2, 1), (3, 3))


FAMILIES = {
    "conv 1×1": lambda d, f: conv(d, f, kernel=lambda d: (1, 1)),
    "conv 3×3": lambda d, f: conv(d, f),
    "conv k×k": lambda d, f: conv(d, f, kernel=wide),
    "conv 1×1 strided": lambda d, f: conv(d, f, kernel=lambda d: (1, 1), strides=twice),
    "conv 3×3 strided": lambda d, f: conv(d, f, kernel=lambda d: d.one((3, 3), (3, 3), (5, 5)), strides=twice),
    "conv grouped": lambda d, f: conv(d, f, kernel=lambda d: d.one((3, 3), (3, 3), (1, 1)), group="some"),
    "depthwise": lambda d, f: conv(d, f, kernel=lambda d: d.one((3, 3), (3, 3), (5, 5), (7, 7)), group="depthwise"),
    "depthwise strided": lambda d, f: conv(d, f, kernel=lambda d: d.one((3, 3), (5, 5)), strides=twice, group="depthwise"),
    "conv transposed": lambda d, f: conv(d, f, kernel=lambda d: d.one((2, 2), (3, 3), (4, 4), (5, 5)), strides=lambda d: d.one((2, 2), (2, 2), (1, 1)), transposed=True),
    "conv 1-D": lambda d, f: conv(d, f, 1, kernel=lambda d: (d.one(1, 3, 5, 9, 25),), strides=lambda d: (d.one(1, 1, 2, 4),)),
    "conv 3-D": lambda d, f: conv(d, f, 3, kernel=lambda d: d.one((3, 3, 3), (1, 3, 3), (3, 1, 1)), strides=lambda d: d.one((1, 1, 1), (2, 2, 2))),
    "max pool": lambda d, f: pool(d, f, "MaxPool"),
    "average pool": lambda d, f: pool(d, f, "AveragePool"),
    "global pool": lambda d, f: pool(d, f, "GlobalAveragePool"),
    "matmul": lambda d, f: matmul(d, f, lambda d: d.between(16, 512), "MatMul"),
    "Gemm, few rows": lambda d, f: matmul(d, f, lambda d: d.one(1, 1, 2, 3, 5, 8), "Gemm"),
}


def draw_shapes(count, seed=SEED):
    """`count` shapes, the families in turn."""
    draw, shapes = Draw(seed), []
    while len(shapes) < count:
        family = list(FAMILIES)[len(shapes) % len(FAMILIES)]
        shape = FAMILIES[family](draw, family)
        while not shape.fits() or min(shape.output) < 1:
            shape = FAMILIES[family](draw, family)
        shapes.append(shape)
    return shapes


@dataclass
class Result:
    shape: Shape
    seconds: float = 0
    efficiency: float = 0  # the least time that the machine allows, as a share of the time taken
    limit: str = ""
    ratio: float = 0  # ONNX Runtime's time ÷ ours
    problem: str = ""
    network: Network = None


def run(shape, network, machine, arguments):
    inputs, clock = network.random_inputs(shape.input[0]), arguments.clock
    theirs = OnnxRuntime(network, inputs, 1)
    ours = Lathe(network, inputs, 1)
    if not same_numbers(ours.outputs(), theirs.outputs(), SAME_NUMBERS):
        return Result(shape, problem="OTHER NUMBERS than onnxruntime", network=network)
    engines = {"lathe": ours, "onnxruntime": theirs}
    times, peaks = [], []
    known = estimates(engines, clock)
    for _ in range(arguments.rounds):
        peaks.append(machine.fma())
        times.append(measure(engines, 1, arguments.slot, clock, known))
    ours, theirs = (numpy.array([each[name][0] for each in times]) for name in engines)
    # The clock and the neighbours change what the core can do from moment to moment: the limit is taken beside each turn.
    bounds = [max((shape.flops / peak, "arithmetic"), (shape.bytes / machine.bandwidth(shape.bytes), "memory")) for peak in peaks]
    efficiency = float(numpy.median([bound[0] / time for bound, time in zip(bounds, ours)]))
    for engine in engines.values():
        engine.close()
    return Result(shape, float(numpy.median(ours)), efficiency, bounds[0][1], ratio_interval(theirs, ours)[0], network=network)


def reason(result, vector):
    """What the profile and the shape say about the time of a shape that is far from its limit."""
    path = WORK / "profile.json"
    artifact = compile_with_lathe(result.network.path)["artifact"]
    subprocess.run([BUILD / "bin" / "lathe", "bench", artifact, "--threads=1", "--duration=0.1", "--roofline=1,1", f"--export-profile={path}"], check=True, capture_output=True)
    steps = [event["args"] for event in json.loads(path.read_text())["traceEvents"] if event["ph"] == "X"]
    main = max(range(len(steps)), key=lambda i: (steps[i]["flops"], steps[i]["ms"]))
    total, kernel = sum(step["ms"] for step in steps), steps[main]["ms"]
    words = []
    if len(steps) > 1 and kernel < 0.8 * total:
        words.append(f"{1 - kernel / total:.0%} of it changes of layout")
    lanes = -(-result.shape.channels // vector) * vector
    if result.shape.channels < 0.8 * lanes:
        words.append(f"{result.shape.channels} output channels in {lanes} lanes")
    if result.shape.depth and result.shape.depth < 32:
        words.append(f"{result.shape.depth:.0f} multiplications per element")
    pixels = math.prod(result.shape.output[2:]) if len(result.shape.output) > 2 else result.shape.output[0]
    if pixels < 14 and result.shape.depth:
        words.append(f"{pixels} pixels" if len(result.shape.output) > 2 else f"{pixels} rows")
    return "; ".join(words) or "the kernel itself"


def measure_all(arguments, machine, cores):
    folder, networks = WORK / "shapes", []
    folder.mkdir(parents=True, exist_ok=True)
    shapes = draw_shapes(arguments.count, arguments.seed)
    for index, shape in enumerate(shapes):
        shape.save(folder / f"{index}.onnx")
        networks.append(Network.load(str(index), folder / f"{index}.onnx"))
    print(f"compiling {len(shapes)} shapes", file=sys.stderr, flush=True)

    def compiled(network):
        try:
            compile_with_lathe(network.path)
        except CannotRun:
            pass  # it is said below

    os.sched_setaffinity(0, cores)
    with ThreadPoolExecutor(len(cores)) as pool:
        list(pool.map(compiled, networks))
    os.sched_setaffinity(0, cores[:1])
    results = []
    for shape, network in zip(shapes, networks):
        try:
            results.append(run(shape, network, machine, arguments))
        except CannotRun as problem:
            results.append(Result(shape, problem=str(problem), network=network))
        last = results[-1]
        print(f"  {shape.family}: {shape.text}: {last.problem or f'{last.seconds * 1e6:.1f} µs, {percent(last.efficiency)} of {last.limit}, {last.ratio:.2f}'}",
              file=sys.stderr, flush=True)
    return results


def family_table(results, vector):
    header = ["family", "shapes", "median", "onnxruntime ÷ Lathe", "worst", "its shape", "its time, µs", "its ratio", "limit", "reason", "lowest ratio", "its shape"]
    rows = []
    for family in FAMILIES:
        mine = [result for result in results if result.shape.family == family]
        good = [result for result in mine if not result.problem]
        rows += [[family, "1", "–", "–", "–", result.shape.text, "–", "–", "–", result.problem, "–", "–"] for result in mine if result.problem]
        if good:
            worst, lowest = min(good, key=lambda result: result.efficiency), min(good, key=lambda result: result.ratio)
            rows.append([family, str(len(good)), percent(numpy.median([result.efficiency for result in good])),
                         f"{numpy.exp(numpy.mean([math.log(result.ratio) for result in good])):.2f}", percent(worst.efficiency), worst.shape.text,
                         f"{worst.seconds * 1e6:.0f}", f"{worst.ratio:.2f}", worst.limit, reason(worst, vector), f"{lowest.ratio:.2f}", lowest.shape.text])
    return table(header, rows)


def bench(arguments, machine, cores):
    """The Markdown page."""
    results = measure_all(arguments, machine, cores)
    good = [result for result in results if not result.problem]
    ratio = math.exp(sum(math.log(result.ratio) for result in good) / max(1, len(good)))
    how = f"""Written by `./dev bench {' '.join(arguments.words)}`: {len(results)} networks of one node, drawn at random (seed {arguments.seed}) from {len(FAMILIES)}
families; batch 1, one core, float32. Machine: {cpu_name()}; one core does {machine.flops * 1e-9:.0f} GFLOP/s in f32 FMAs and reads {machine.bandwidths[-1] * 1e-9:.1f} GB/s from
memory ({machine.bandwidth(1 << 20) * 1e-9:.0f} GB/s of 1 MB). Efficiency is the least time that the machine allows, as a share of the time taken: the operations at the
peak measured beside each turn, or input, weights and output once at the speed at which that many bytes can be read again and again, whichever takes longer
(column "limit"). A network of one node gets and gives plain NCHW tensors, so changes of layout, which a whole network rarely has, are part of its time.
Ratios are to ONNX Runtime {version('onnxruntime')}, above 1 Lathe is faster; medians of {arguments.rounds} rounds{', in CPU time' if arguments.clock == 'cpu' else ''}."""
    mean = f"Geometric mean of (onnxruntime ÷ Lathe) over {len(good)} shapes: **{ratio:.2f}**."
    return f"# Random shapes\n\n{paragraph(how)}\n\n{family_table(results, vector_lanes())}\n\n{mean}\n"


def vector_lanes():
    with open("/proc/cpuinfo") as file:
        flags = file.read()
    return 16 if "avx512f" in flags else 8 if "avx2" in flags else 4
