"""Writes a small residual network: conv + relu, conv + bias + residual + relu, max pool, a sigmoid that two nodes read, global pool, flatten, gemm."""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
weights = {"w1": (24, 3, 3, 3), "w2": (24, 24, 3, 3), "b2": (24,), "w3": (24, 10), "b3": (10,)}
node = helper.make_node
nodes = [
    node("Conv", ["x", "w1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
    node("Relu", ["c1"], ["r1"], name="relu1"),
    node("Conv", ["r1", "w2", "b2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
    node("Add", ["c2", "r1"], ["a2"], name="add2"),
    node("Relu", ["a2"], ["r2"], name="relu2"),
    node("MaxPool", ["r2"], ["p2"], name="pool2", kernel_shape=[2, 2], strides=[2, 2]),
    node("Relu", ["p2"], ["shared"], name="shared"),
    node("Mul", ["shared", "p2"], ["m3"], name="mul3"),
    node("GlobalAveragePool", ["m3"], ["g3"], name="gap3"),
    node("Flatten", ["g3"], ["f3"], name="flat3"),
    node("Gemm", ["f3", "w3", "b3"], ["y"], name="fc3"),
]
graph = helper.make_graph(
    nodes,
    "small",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 10, 14])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])],
    [numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) * 0.1, name) for name, shape in weights.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1])
