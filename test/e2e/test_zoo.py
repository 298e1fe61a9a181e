"""All networks of the zoo against ONNX Runtime: with a symbolic batch at 1, 2 and 5 from one artifact, else at their own batch only.

Each is compiled twice: with --no-winograd errors stay near those that summation in another order makes, with it within its documented bound."""

import gc

import numpy
import onnx
import pytest
import zoo_weights
from harness import ROOT, OpenVino, Oracle, assert_close, compile_model, largest_error, per_sample_max, run_artifact
from lathe import Error, Model

NETWORKS = sorted(path.stem for path in (ROOT / "test" / "zoo").glob("*.onnx"))
BATCHES = (1, 2, 5)
WINOGRAD_BOUND = 1e-4  # of a sample's largest magnitude: docs/rationale/Winograd.md


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
    artifact, exact = compile_model(path, tmp_path / f"{network}.so"), compile_model(path, tmp_path / f"{network}_exact.so", "--no-winograd")
    model, exact_model, oracle, unoptimised, openvino = Model(artifact), Model(exact), Oracle(path), Oracle(path, optimised=False), OpenVino(path)
    inputs, fixed = inputs_of(path, max(BATCHES))
    for batch in (1,) if fixed else BATCHES:
        part = {name: array[:batch] for name, array in inputs.items()}
        fast, got = run_artifact(model, part), run_artifact(exact_model, part)
        want, plain, vino = (engine.run(part) for engine in (oracle, unoptimised, openvino))
        assert list(got) == list(want)
        assert any(reference.std() > 0 for reference in want.values()), "every output is constant: that says nothing"
        for name, reference in want.items():
            assert numpy.isfinite(reference).all(), f"output '{name}' says nothing"
            between_peers = numpy.maximum(largest_error(plain[name], reference), largest_error(vino[name], reference))
            assert_close(got[name], reference, numpy.maximum(2e-6 * per_sample_max(reference), 4 * between_peers), f"output '{name}', batch {batch}")
            assert_close(fast[name], reference, WINOGRAD_BOUND * per_sample_max(reference), f"output '{name}', batch {batch}, with Winograd's algorithm")
    if fixed:
        with pytest.raises(Error) as refused:
            run_artifact(model, {name: array[:2] for name, array in inputs.items()})
        assert refused.value.code == 3
    del model, exact_model, oracle, unoptimised, openvino
    artifact.unlink()
    exact.unlink()
    gc.collect()
