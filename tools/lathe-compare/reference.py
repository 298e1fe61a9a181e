"""The oracle: ONNX Runtime without its optimisations, or onnx's reference evaluator for what ONNX Runtime cannot run."""

import numpy
import onnx
import onnxruntime
from errors import Failure
from onnx import helper, numpy_helper


class Reference:
    def __init__(self, path):
        try:
            self.model = onnx.load(path)
        except Exception as error:  # noqa: BLE001: protobuf's, onnx's and the system's
            raise Failure(3, f"{path}: cannot be read: {str(error).splitlines()[0]}")
        graph = self.model.graph
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.inputs = [value for value in graph.input if value.name not in self.initializers]
        self.outputs = [value.name for value in graph.output]
        # Nodes without a name get the one that the importer gives them.
        self.nodes = {node.name or f"{node.op_type}_{index}": node for index, node in enumerate(graph.node)}
        self.order = {name: index for index, name in enumerate(self.nodes)}
        self.producer = {output: node for node in graph.node for output in node.output if output}

    def random_input(self, value, overrides):
        """Standard-normal numbers, or small integers; dims that the model leaves open are 1, unless `overrides` has the input's shape."""
        tensor, random = value.type.tensor_type, numpy.random.default_rng(0)
        shape = overrides.get(value.name) or [dim.dim_value if dim.HasField("dim_value") else 1 for dim in tensor.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        if dtype.kind in "fV":
            return random.standard_normal(shape).astype(dtype)
        return random.integers(0, 2 if dtype.kind == "b" else 8, shape).astype(dtype)

    def run(self, inputs, wanted):
        """The whole network: {tensor name: array}."""
        return self._evaluate(list(self.model.graph.node), inputs, wanted)

    def run_from(self, known, wanted):
        """One tensor, computed from the arrays in `known` that lie nearest before it."""
        nodes, needed, boundary = set(), [wanted], set()
        while needed:
            name = needed.pop()
            node = self.producer.get(name)
            if node is None or (name in known and name != wanted):
                boundary.add(name)
            elif node.output[0] not in nodes:
                nodes.add(node.output[0])
                needed += [text for text in _reads(node) if text]
        chosen = [node for node in self.model.graph.node if node.output[0] in nodes]
        return self._evaluate(chosen, {name: known[name] for name in boundary if name in known}, [wanted])[wanted]

    def _evaluate(self, nodes, inputs, wanted):
        read = {name for node in nodes for name in _reads(node)} | set(wanted)
        inputs = {name: array for name, array in inputs.items() if name in read}
        graph = helper.make_graph(
            nodes, "compare", [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in inputs.items()],
            [helper.make_empty_tensor_value_info(name) for name in wanted],
            [tensor for name, tensor in self.initializers.items() if name in read and name not in inputs])
        model = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version, functions=self.model.functions)
        try:
            return dict(zip(wanted, _onnxruntime(model, inputs, wanted)))
        except Exception as first:  # noqa: BLE001: every engine has exceptions of its own
            try:
                from onnx.reference import ReferenceEvaluator

                return dict(zip(wanted, ReferenceEvaluator(model).run(wanted, inputs)))
            except Exception as second:  # noqa: BLE001
                raise Failure(4, f"neither oracle runs the model: ONNX Runtime: {_line(first)}; onnx's evaluator: {_line(second)}")


def _reads(node):
    """The names that a node reads, those of its subgraphs' nodes included."""
    yield from node.input
    for attribute in node.attribute:
        for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
            for inner in graph.node:
                yield from _reads(inner)


def _line(error):
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def _onnxruntime(model, inputs, wanted):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(wanted, inputs)


def load_array(path):
    """An .npy file, or an ONNX tensor (.pb)."""
    try:
        if str(path).endswith(".pb"):
            with open(path, "rb") as file:
                return numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))
        return numpy.load(path, allow_pickle=False)
    except Exception as error:  # noqa: BLE001
        raise Failure(3, f"{path}: cannot be read: {_line(error)}")
