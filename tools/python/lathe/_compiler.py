"""lathe.compile: the compiler, as a process of its own."""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

import numpy

from ._files import candidates
from ._library import Error
from ._model import Model

INTERNAL = 4


def program():
    """The compiler's command line; from a wheel, from a build, or from PATH."""
    named = os.environ.get("LATHE_COMPILER")
    existing = (str(path) for path in candidates("LATHE_COMPILER", "lathe-compile", "bin") if path.exists())
    return named or next(existing, "lathe-compile")


def compile(model, output=None, *, constants=None, shapes=None, **flags):
    """Compiles an ONNX model: a path, the bytes of one, or a ModelProto.

    With `output` the artifact is written there, and its path is the result. Without, the result is the Model, ready to run, and no file remains.
    constants   {input: array}: inputs that are known now; the artifact does not have them any more
    shapes      {input: dims}: dims as a sequence of numbers, or as text ("1..32x3x224x224")
    flags       those of `lathe compile`, with _ for -: mcpu="x86-64-v3", optimization=0, verify_each=True; lists repeat a flag"""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lathe-")))
        arguments = [program(), _model_file(model, folder), "-o", str(output if output is not None else folder / "model.so")]
        for i, (name, value) in enumerate((constants or {}).items()):
            numpy.save(folder / f"constant-{i}.npy", numpy.asarray(value))
            arguments.append(f"--constant={name}:@{folder / f'constant-{i}.npy'}")
        for name, dims in (shapes or {}).items():
            arguments.append(f"--shapes={name}:{dims if isinstance(dims, str) else 'x'.join(map(str, dims))}")
        for name, value in flags.items():
            arguments += _flag(name, value)
        _run(arguments)
        return Path(output) if output is not None else Model(folder / "model.so")


def _model_file(model, folder):
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model)
    content = model if isinstance(model, (bytes, bytearray, memoryview)) else model.SerializeToString()
    path = folder / "model.onnx"
    path.write_bytes(content)
    return str(path)


def _flag(name, value):
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    return [f"{flag}={one}" for one in (value if isinstance(value, (list, tuple)) else [value])]


def _run(arguments):
    try:
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except OSError as problem:
        raise Error(INTERNAL, f"the compiler {arguments[0]} cannot be run: {problem.strerror}; install Lathe or set LATHE_COMPILER") from None
    if done.returncode == 0:
        return
    text = "\n".join(line.removeprefix("error: ") for line in done.stderr.strip().splitlines())
    if done.returncode < 0:
        raise Error(INTERNAL, f"the compiler was ended by signal {-done.returncode}\n{text}".strip())
    raise Error(done.returncode, text or f"the compiler ended with {done.returncode} and said nothing")
