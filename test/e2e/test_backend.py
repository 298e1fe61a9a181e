"""lathe.backend: what it compiles in, and when. That operators are right is the business of the conformance suite."""

import lathe
import lathe.backend
import numpy
import onnx
import onnx.backend.base
import pytest
from onnx import TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def prepare(node, inputs, outputs):
    infos = [[helper.make_tensor_value_info(name, kind, dims) for name, (kind, dims) in side.items()] for side in (inputs, outputs)]
    graph = helper.make_graph([helper.make_node(*node)], "g", *infos)
    return lathe.backend.prepare(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]))


X = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)


@pytest.fixture
def compilations(monkeypatch):
    """[(names of constants, names of shapes)] of each call of the compiler."""
    seen = []

    def compile(model, constants=None, shapes=None, **flags):
        seen.append((sorted(constants), sorted(shapes)))
        return lathe.compile(model, constants=constants, shapes=shapes, **flags)

    monkeypatch.setattr(lathe.backend, "compile", compile)
    return seen


def test_is_a_backend():
    assert issubclass(lathe.backend.Backend, onnx.backend.base.Backend)
    assert lathe.backend.supports_device("CPU") and not lathe.backend.supports_device("CUDA")
    with pytest.raises(lathe.Error, match="device is 'CUDA', expected CPU"):
        lathe.backend.prepare(onnx.ModelProto(), "CUDA")


def test_nothing_is_compiled_in_without_need(compilations):
    backend = prepare(("Add", ["a", "b"], ["c"]), {"a": (FLOAT, [3]), "b": (FLOAT, [3])}, {"c": (FLOAT, [3])})
    for i in range(3):
        assert (backend.run([X[0], X[1] * i])[0] == X[0] + X[1] * i).all()
    assert compilations == [([], [])]


def test_shapes_are_compiled_in_and_kept_per_value(compilations):
    backend = prepare(("Reshape", ["x", "shape"], ["y"]), {"x": (FLOAT, [2, 3]), "shape": (INT64, [2])}, {"y": (FLOAT, None)})
    for shape in ([3, 2], [6, 1], [3, 2], [-1, 3]):
        assert (backend.run([X, numpy.array(shape)])[0] == X.reshape(shape)).all()
    assert compilations == [([], []), (["shape"], []), (["shape"], []), (["shape"], [])], "refused once, then once per shape"


def test_inputs_by_name_and_alone():
    backend = prepare(("Relu", ["x"], ["y"]), {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [2, 3])})
    for inputs in ({"x": -X}, [-X], -X):
        outputs = backend.run(inputs)
        assert isinstance(outputs, tuple) and (outputs[0] == 0).all()


def test_initializers_may_be_listed_as_inputs():
    """As in models before IR version 4."""
    infos = [helper.make_tensor_value_info(name, FLOAT, [2, 3]) for name in ("x", "w")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", infos, [helper.make_tensor_value_info("y", FLOAT, [2, 3])],
                              initializer=[onnx.numpy_helper.from_array(X, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=3)
    assert (lathe.backend.run_model(model, [X])[0] == X + X).all()


def test_run_node():
    assert (lathe.backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [-X])[0] == 0).all()
    assert lathe.backend.run_node(helper.make_node("Reshape", ["x", "s"], ["y"]), [X, numpy.array([6])])[0].shape == (6,)


def test_what_is_not_supported_is_said_once(compilations):
    backend = prepare(("Loop", ["x"], ["y"]), {"x": (FLOAT, [2, 3])}, {"y": (FLOAT, [2, 3])})
    with pytest.raises(lathe.Error, match="Loop") as refused:
        backend.run([X])
    assert refused.value.code == 2 and compilations == [([], [])]


def test_wrong_inputs_are_not_compiled_for(compilations):
    backend = prepare(("Add", ["a", "b"], ["c"]), {"a": (FLOAT, [3]), "b": (FLOAT, [3])}, {"c": (FLOAT, [3])})
    with pytest.raises(lathe.Error, match="got 1 inputs, expected 2"):
        backend.run([X[0]])
    with pytest.raises(lathe.Error, match="input 'a': dim 0 is 2, expected 3"):
        backend.run([X[:, 0], X[0]])
    assert compilations == [([], [])]
