"""One node with any inputs, compiled and compared: for operators whose inputs have types and meanings that a random float tensor has not."""

import numpy
import onnx
from harness import Oracle, compile_model
from lathe import Context, Model
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

BATCHES = (1, 2, 5)


class Reference:
    """The reference evaluator of the onnx package, where ONNX Runtime lacks the operator or contradicts the specification."""

    def __init__(self, model):
        self.evaluator = ReferenceEvaluator(model)
        self.names = [output.name for output in model.graph.output]

    def run(self, inputs):
        return dict(zip(self.names, self.evaluator.run(None, inputs)))


def node_model(kind, inputs, opset, outputs=1, batched=(), attributes=None, declared=None):
    """`inputs`: (name, array, is constant) in the operator's order, or None for one that is left out. The leading dimension of those in `batched` is N."""
    names = ["" if entry is None else entry[0] for entry in inputs]
    infos, weights = [], []
    for entry in inputs:
        if entry is None:
            continue
        name, array, constant = entry
        if constant:
            weights.append(numpy_helper.from_array(array, name))
        else:
            dims = ["N", *array.shape[1:]] if name in batched else array.shape
            infos.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims))
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(kind, names, results, name=kind.lower(), **(attributes or {}))
    types = declared or [None] * outputs
    graph = helper.make_graph([node], "g", infos, [onnx.ValueInfoProto(name=r) if t is None else helper.make_tensor_value_info(r, t, None)
                                                   for r, t in zip(results, types)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="lathe-tests")


def check_node(folder, kind, inputs, opset=21, outputs=1, batched=(), tolerance=0.0, oracle=None, declared=None, make=None, **attributes):
    """Bit by bit with tolerance 0. `make(batch)` gives {name: array} for each batch size; without it the arrays of `inputs` are run as they are. With a
    symbolic batch also: two threads, and the last sample alone, give the same bits."""
    model = node_model(kind, inputs, opset, outputs, batched, attributes, declared)
    artifact = Model(compile_model(model, folder / "m.so"))
    want_of = Oracle(model, optimised=False) if oracle is None else oracle(model)
    given = {entry[0]: entry[1] for entry in inputs if entry is not None and not entry[2]}
    for batch in BATCHES if batched else (1,):
        feed = make(batch) if make else given
        want = want_of.run(feed)
        got = Context(artifact, max_batch=batch if batched else 1).run(feed)
        assert list(got) == list(want)
        for name in want:
            assert_same(got[name], want[name], tolerance, f"{kind}, batch {batch}, output '{name}'")
    if batched:
        threaded = Context(artifact, max_batch=batch, threads=2).run(feed)
        alone = Context(artifact, max_batch=1).run({name: array[-1:] if name in batched else array for name, array in feed.items()})
        for name in want:
            assert threaded[name].tobytes() == got[name].tobytes(), f"output '{name}': other bits with two threads"
            assert alone[name].tobytes() == got[name][-1:].tobytes(), f"output '{name}': other bits for a sample alone"


def assert_same(got, want, tolerance, what):
    assert got.dtype == want.dtype, f"{what}: dtype is {got.dtype}, expected {want.dtype}"
    assert got.shape == want.shape, f"{what}: shape is {got.shape}, expected {want.shape}"
    same = got == want
    with numpy.errstate(all="ignore"):
        if want.dtype.kind == "f":
            same |= numpy.isnan(got) & numpy.isnan(want)
        if tolerance:
            same |= numpy.abs(got.astype(float) - want.astype(float)) <= tolerance
    assert same.all(), f"{what}: {(~same).sum()} of {same.size} differ, the first is {got[~same][0]!r}, expected {want[~same][0]!r}"
