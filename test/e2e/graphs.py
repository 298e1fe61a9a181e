"""A builder for small ONNX models, and the check that one artifact of a model gives ONNX Runtime's numbers at every batch size."""

import re

import numpy
import onnx
from harness import Guarded, Oracle, assert_close, compile_model
from lathe import Context, Model
from onnx import TensorProto, helper, numpy_helper

BATCHES = (1, 2, 5)


class Graph:
    """Nodes are added in order; `op` returns the name of the node's first output. The input is 'x', N × its shape."""

    def __init__(self, shape, seed=0, opset=17, batch="N"):
        self.random = numpy.random.default_rng([7, seed])
        self.shape, self.opset, self.batch = tuple(shape), opset, batch
        self.nodes, self.weights, self.count = [], [], 0
        self.output_shape = None  # only for graphs whose output shape onnx cannot infer

    def constant(self, array, name=None):
        name = name or f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(numpy.asarray(array), name))
        return name

    def normal(self, *shape, scale=1.0):
        return self.constant((self.random.standard_normal(shape) * scale).astype(numpy.float32))

    def op(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"t{self.count}" if i == 0 else f"t{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind.lower()}_{self.count}", **attributes))
        return names[0]

    def conv(self, x, channels, filters, kernel, bias=True, group=1, **attributes):
        weight = self.normal(filters, channels // group, *kernel, scale=(channels // group * numpy.prod(kernel)) ** -0.5)
        inputs = [x, weight] + ([self.normal(filters)] if bias else [])
        if group > 1:
            attributes["group"] = group
        return self.op("Conv", *inputs, **attributes)

    def batch_norm(self, x, channels, **attributes):
        random = self.random
        statistics = [random.uniform(0.5, 2, channels), random.standard_normal(channels), random.standard_normal(channels), random.uniform(0.3, 3, channels)]
        return self.op("BatchNormalization", x, *[self.constant(array.astype(numpy.float32)) for array in statistics], **attributes)

    def model(self, *outputs):
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [self.batch, *self.shape])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, self.output_shape) for name in outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8, producer_name="lathe-tests")
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        onnx.checker.check_model(model)
        return model

    def input(self, batch):
        return self.random.standard_normal((batch, *self.shape), dtype=numpy.float32)


def check(graph, outputs, folder, batches=BATCHES, flags=()):
    """Compiles once and checks the artifact. Convolutions by their definition, so that the bound can be strict: test_winograd.py has the others."""
    outputs = [outputs] if isinstance(outputs, str) else outputs
    onnx_model = graph.model(*outputs)
    check_artifact(Model(compile_model(onnx_model, folder / "m.so", "--no-winograd", *flags)), graph, onnx_model, batches)


STRICT = 5e-6  # of the largest magnitude: leaves room for another order of summation and for nothing else


def tolerance(want, bound=STRICT):
    return bound * numpy.abs(want).max(initial=1)


def check_artifact(artifact, graph, onnx_model, batches=BATCHES, bound=STRICT):
    """Runs at each batch size, compares with ONNX Runtime. The last batch gives the same bits with two threads, and sample by sample. Returns the inputs
    and outputs of the last batch."""
    oracle = Oracle(onnx_model, optimised=False)
    context = Context(artifact, max_batch=min(max(batches), artifact.batch_range()[1]))
    for batch in batches:
        inputs = {"x": graph.input(batch)}
        want = oracle.run(inputs)
        arrays = {info.name: Guarded(info.shape(batch)) for info in artifact.outputs}
        guarded = Guarded(inputs["x"].shape, inputs["x"])
        call, got = context.bind({"x": guarded.array}, {name: array.array for name, array in arrays.items()})
        call()
        assert list(got) == list(want)
        assert numpy.array_equal(guarded.array, inputs["x"]), "the input was written"
        for name in want:
            assert arrays[name].intact(), f"batch {batch}: memory beside output '{name}' was written"
            assert_close(got[name], want[name], tolerance(want[name], bound), f"batch {batch}, output '{name}' {want[name].shape}")
    if artifact.batch_range() != (1, 1):
        check_bits(artifact, inputs["x"], got)
    return inputs, got


def check_bits(artifact, x, want):
    """The result of a whole batch again with two threads, and its last sample alone: the same bits."""
    threaded = Context(artifact, max_batch=len(x), threads=2).run({"x": x})
    alone = Context(artifact, max_batch=1).run({"x": x[-1:]})
    for name in want:
        assert threaded[name].tobytes() == want[name].tobytes(), f"output '{name}': other bits with two threads"
        assert alone[name].tobytes() == want[name][-1:].tobytes(), f"output '{name}': other bits for a sample alone"


def identifier(text):
    return re.sub(r"[^A-Za-z0-9]+", "-", str(text)).strip("-")
