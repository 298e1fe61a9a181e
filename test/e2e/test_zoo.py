"""All networks of the zoo against ONNX Runtime: with a symbolic batch at 1, 2 and 5 from one artifact, else at their own batch only."""

import gc

import numpy
import onnx
import pytest
import zoo_weights
from harness import ROOT, OpenVino, Oracle, assert_close, compile_model, largest_error, per_sample_max, run_artifact
from lathe import Error, Model

NETWORKS = sorted(path.stem for path in (ROOT / "test" / "zoo").glob("*.onnx"))
BATCHES = (1, 2, 5)


def inputs_of(path, batch):
    """Standard-normal inputs, for which the weights are scaled; and whether the batch is fixed."""
    graph = onnx.load(path, load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    random, result, fixed = numpy.random.default_rng(7), {}, False
    for info in graph.input:
        if info.name in weights:
            continue
        dims = info.type.tensor_type.shape.dim
        fixed |= dims[0].HasField("dim_value")
        result[info.name] = random.standard_normal((batch, *(dim.dim_value for dim in dims[1:])), dtype=numpy.float32)
    return result, fixed


@pytest.mark.parametrize("network", NETWORKS)
def test_network(network, tmp_path):
    path = zoo_weights.generate(network, ROOT / "build" / "zoo")
    artifact = compile_model(path, tmp_path / f"{network}.so")
    model, oracle, unoptimised, openvino = Model(artifact), Oracle(path), Oracle(path, optimised=False), OpenVino(path)
    inputs, fixed = inputs_of(path, max(BATCHES))
    for batch in (1,) if fixed else BATCHES:
        part = {name: array[:batch] for name, array in inputs.items()}
        got, want, plain, vino = (run_artifact(model, part) if engine is None else engine.run(part) for engine in (None, oracle, unoptimised, openvino))
        assert list(got) == list(want)
        assert any(reference.std() > 0 for reference in want.values()), "every output is constant: that says nothing"
        for name, reference in want.items():
            assert numpy.isfinite(reference).all(), f"output '{name}' says nothing"
            between_peers = numpy.maximum(largest_error(plain[name], reference), largest_error(vino[name], reference))
            assert_close(got[name], reference, numpy.maximum(2e-6 * per_sample_max(reference), 4 * between_peers), f"output '{name}', batch {batch}")
    if fixed:
        with pytest.raises(Error) as refused:
            run_artifact(model, {name: array[:2] for name, array in inputs.items()})
        assert refused.value.code == 3
    del model, oracle, unoptimised, openvino
    artifact.unlink()
    gc.collect()
