"""Models that are damaged, hostile or not supported, made by hand: what the compiler must refuse, with which code, and what its line must say.

A case is a function that makes the model (bytes, a ModelProto, or a path of its own) in a folder; `@refused` says what must come of it. Each class of attack
or damage that importers of ONNX have fallen for has at least one; docs/ThreatModel.md says what the limits are.

This file has what the cases are made with; crafted_files.py, crafted_tensors.py and crafted_nodes.py fill CASES."""

from typing import Callable, NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
UNSUPPORTED, INVALID = 2, 3
REFUSED = (2, 3)  # where it depends on how much of the operator is supported


class Case(NamedTuple):
    name: str
    codes: tuple[int, ...]
    words: tuple[str, ...]
    make: Callable
    flags: tuple[str, ...]


CASES: list[Case] = []


def codes_of(code):
    return code if isinstance(code, tuple) else (code,)


def refused(code, *words, flags=()):
    """The case must end with this code (or one of these), and one line of it must hold all these words."""

    def register(make):
        CASES.append(Case(make.__name__, codes_of(code), words, make, tuple(flags)))
        return make

    return register


def table(code, *words):
    """Several cases that differ in one value: a dictionary from names to models."""

    def register(make):
        for name in make():
            CASES.append(Case(f"{make.__name__}_{name}", codes_of(code), words, lambda folder, name=name: make()[name], ()))
        return make

    return register


def node(op, inputs, outputs="y", name="n", **attributes):
    names = lambda text: ["" if one == "-" else one for one in text.split()]
    return helper.make_node(op, names(inputs), names(outputs), name=name, **attributes)


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def ints(name, *values):
    return tensor(name, np.array(values, np.int64))


def floats(*shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)


def model(nodes, *weights, x=(1, 3, 8, 8), outputs="y", opset=17, inputs=None, **keywords):
    nodes = nodes if isinstance(nodes, list) else [nodes]
    outputs = [value(one, None) for one in outputs.split()] if isinstance(outputs, str) else outputs
    graph = helper.make_graph(nodes, "g", [value("x", x)] if inputs is None else inputs, outputs, list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **keywords)


def function(name, inputs, outputs, body, attributes=(), opset=17, **keywords):
    return helper.make_function("f", name, inputs.split(), outputs.split(), body, [helper.make_opsetid("", opset), helper.make_opsetid("f", 1)], list(attributes),
                                **keywords)


def branch(nodes, *weights):
    return helper.make_graph(nodes if isinstance(nodes, list) else [nodes], "b", [], [value("z", None)], list(weights))


def call(name, inputs="a", outputs="b", **attributes):
    return node(name, inputs, outputs, "call", domain="f", **attributes)


def changed(made, change):
    change(made)
    return made


RELU, RELU_Z = node("Relu", "x"), node("Relu", "x", "z", "r")
