"""Lathe: neural networks compiled ahead of time, run from Python.

    artifact = lathe.compile("resnet50.onnx", "resnet50.so")     # once
    model = lathe.load(artifact)
    outputs = model.run({"x": images})                           # {name: array}

`model.run` may be called from several threads at once; it holds the interpreter's lock only while it looks at the arguments. `lathe.backend` is the
interface of the onnx package. Whatever Lathe refuses is a lathe.Error."""

from ._compiler import compile
from ._library import Error, version
from ._model import Context, Model, TensorInfo, load

__version__ = version()
__all__ = ["Context", "Error", "Model", "TensorInfo", "compile", "load"]
