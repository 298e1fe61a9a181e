"""The interface of the onnx package: onnx.backend.base.Backend on the CPU.

ONNX lets much be an input that a compiler wants to know: the shape of a Reshape, the ends of a Slice, the k of a TopK. So a model is compiled when it is run
first, and with no more knowledge than it needs, in these steps:

    1. as it is;
    2. if the model has dims without a number: with the shapes of the arrays that it is given;
    3. if the compiler says that something is "computed at run time": with small inputs (up to 64 elements, rank 0 or 1) that hold integers or booleans
       taken as constants, since those are what shapes, axes and counts are made of;
    4. likewise with small inputs of any type, such as the scales of a Resize and the bounds of a Clip.

Only a refusal for want of support (exit code 2) leads to the next step; the error of the last one tried is raised. Shapes and values that were compiled in
belong to the artifact: other ones get one of their own, made at their first run."""

import numpy
import onnx
import onnx.backend.base
import onnx.numpy_helper

from ._compiler import compile
from ._library import Error

UNSUPPORTED = 2
MAX_ELEMENTS = 64
RUN_TIME = "computed at run time"
STEPS = ("as it is", "shapes", "integers", "small inputs")


def as_array(value):
    """Some cases of the onnx package's suite hand over the TensorProto itself."""
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


class BackendRep(onnx.backend.base.BackendRep):
    def __init__(self, model, flags):
        self._model = model
        self._flags = flags
        initialized = {tensor.name for tensor in model.graph.initializer}
        self._all_inputs = [info.name for info in model.graph.input]
        self._inputs = [name for name in self._all_inputs if name not in initialized]
        self._symbolic = {info.name for info in model.graph.input if any(not dim.HasField("dim_value") for dim in info.type.tensor_type.shape.dim)}
        self._step = 0
        self._compiled = {}  # what was compiled in: the Model, and the names of the inputs that it still has

    def run(self, inputs, **kwargs):
        """A tuple of arrays, in the order of the graph's outputs. `inputs` is a list in the order of the graph's inputs (with or without those that have
        initializers), a dict by name, or one array."""
        named = self._by_name(inputs)
        model = self._model_for(named)
        return tuple(model.run([named[info.name] for info in model.inputs]))

    def _by_name(self, inputs):
        if isinstance(inputs, dict):
            return {name: as_array(value) for name, value in inputs.items()}
        values = [as_array(value) for value in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
        for names in (self._inputs, self._all_inputs):
            if len(names) == len(values):
                return dict(zip(names, values))
        raise Error(3, f"got {len(values)} inputs, expected {len(self._inputs)}")

    def _model_for(self, named):
        while True:
            shapes, constants = self._known(named)
            key = (tuple(sorted(shapes.items())), tuple((name, value.dtype.str, value.shape, value.tobytes()) for name, value in sorted(constants.items())))
            if key in self._compiled:
                return self._compiled[key]
            try:
                model = self._compiled[key] = compile(self._model, constants=constants, shapes=shapes, **self._flags)
                return model
            except Error as error:
                if not self._go_on(error, named):
                    raise

    def _known(self, named):
        """What step self._step lets the compiler know of these inputs."""
        shapes, constants = {}, {}
        for name, value in named.items():
            if not isinstance(value, (numpy.ndarray, numpy.generic)):
                continue
            value = numpy.asarray(value)
            small = value.ndim <= 1 and value.size <= MAX_ELEMENTS and value.dtype.kind in "biuf"
            if small and (STEPS[self._step] == "small inputs" or (STEPS[self._step] == "integers" and value.dtype.kind != "f")):
                constants[name] = value
            elif self._step >= STEPS.index("shapes") and name in self._symbolic:
                shapes[name] = value.shape
        return shapes, constants

    def _go_on(self, error, named):
        """Takes the next step that makes a difference for these inputs. False if there is none."""
        if error.code != UNSUPPORTED:
            return False
        before = self._known(named)
        while self._step + 1 < len(STEPS) and (RUN_TIME in str(error) or STEPS[self._step + 1] == "shapes"):
            self._step += 1
            after = self._known(named)
            if (before[0], before[1].keys()) != (after[0], after[1].keys()):
                return True
        return False


class Backend(onnx.backend.base.Backend):
    @classmethod
    def supports_device(cls, device):
        return device == "CPU"

    @classmethod
    def prepare(cls, model, device="CPU", **flags):
        """`flags` are those of lathe.compile."""
        if not cls.supports_device(device):
            raise Error(1, f"device is '{device}', expected CPU")
        return BackendRep(model, flags)

    @classmethod
    def run_node(cls, node, inputs, device="CPU", outputs_info=None, opset_version=None, **flags):
        """Runs one node. `outputs_info` is [(type, shape)] of its outputs, where ONNX cannot infer them; `opset_version` that of its domain, by default the
        newest that the onnx package knows."""
        values = [numpy.asarray(value) for value in inputs]
        names = list(dict.fromkeys(name for name in node.input if name))
        graph_inputs = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                        for name, value in zip(names, values, strict=True)]
        outputs = [name for name in node.output if name]
        if outputs_info:
            infos = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(numpy.dtype(kind)), shape)
                     for name, (kind, shape) in zip(outputs, outputs_info, strict=True)]
        else:
            infos = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = onnx.helper.make_graph([node], node.op_type or "node", graph_inputs, infos)
        opset = onnx.helper.make_opsetid(node.domain, opset_version or onnx.defs.onnx_opset_version())
        model = onnx.helper.make_model(graph, opset_imports=[opset])
        if not outputs_info:
            model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        return cls.prepare(model, device, **flags).run(dict(zip(names, values)))


is_compatible = Backend.is_compatible
prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
