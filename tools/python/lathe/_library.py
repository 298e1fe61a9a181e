"""The C API (lathe.h) through ctypes, which gives up the interpreter's lock for the time of each call."""

import ctypes
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from functools import cache

from ._files import candidates


class Error(Exception):
    """What the compiler or the runtime refused, in their words. `code` is the exit code that the tools have for it: 1 usage, 2 the model uses what is not
    supported, 3 invalid input, 4 internal error, 5 the artifact is none or does not run here, 6 the output cannot be written."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class ErrorText(ctypes.Structure):
    _fields_ = [("text", c_char * 512)]


class Tensor(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("data", c_void_p), ("byte_size", c_size_t), ("dtype", c_uint32), ("rank", c_uint32),
                ("dims", POINTER(c_int64))]


class TensorDesc(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("dtype", c_uint32), ("rank", c_uint32), ("dims_c0", POINTER(c_int64)),
                ("dims_c1", POINTER(c_int64)), ("bounded", c_uint32)]


class ContextOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("max_batch", c_int64), ("threads", c_int), ("parallel_for", c_void_p), ("parallel_user", c_void_p),
                ("device", c_char_p)]


# name: (result, arguments)
FUNCTIONS = {
    "lathe_model_load": (c_int, [c_char_p, POINTER(c_void_p), POINTER(ErrorText)]),
    "lathe_model_load_memory": (c_int, [c_char_p, c_size_t, c_char_p, POINTER(c_void_p), POINTER(ErrorText)]),
    "lathe_model_destroy": (None, [c_void_p]),
    "lathe_model_input_count": (c_size_t, [c_void_p]),
    "lathe_model_output_count": (c_size_t, [c_void_p]),
    "lathe_model_input": (c_int, [c_void_p, c_size_t, POINTER(TensorDesc), POINTER(ErrorText)]),
    "lathe_model_output": (c_int, [c_void_p, c_size_t, POINTER(TensorDesc), POINTER(ErrorText)]),
    "lathe_model_batch_range": (None, [c_void_p, POINTER(c_int64), POINTER(c_int64)]),
    "lathe_model_memory_required": (c_int, [c_void_p, c_int64, c_int, POINTER(c_uint64), POINTER(ErrorText)]),
    "lathe_model_manifest_json": (c_char_p, [c_void_p]),
    "lathe_context_create": (c_int, [c_void_p, POINTER(ContextOptions), POINTER(c_void_p), POINTER(ErrorText)]),
    "lathe_context_destroy": (None, [c_void_p]),
    "lathe_context_threads": (c_int, [c_void_p]),
    "lathe_context_reserve": (c_int, [c_void_p, c_int64, POINTER(ErrorText)]),
    "lathe_context_measure_device": (c_int, [c_void_p, c_int, POINTER(ErrorText)]),
    "lathe_context_device_milliseconds": (c_int, [c_void_p, POINTER(c_double), POINTER(ErrorText)]),
    "lathe_run_on_stream": (c_int, [c_void_p, c_void_p, POINTER(Tensor), c_size_t, POINTER(Tensor), c_size_t, POINTER(ErrorText)]),
    "lathe_run": (c_int, [c_void_p, POINTER(Tensor), c_size_t, POINTER(Tensor), c_size_t, POINTER(ErrorText)]),
    "lathe_context_output_dims": (c_int, [c_void_p, c_size_t, POINTER(c_int64), c_size_t, POINTER(ErrorText)]),
    "lathe_version": (c_char_p, []),
}


@cache
def library():
    tried = []
    for path in candidates("LATHE_RUNTIME_LIBRARY", "liblathe_runtime.so", "lib"):
        if path.exists():
            break
        tried.append(str(path))
    else:
        raise ImportError(f"lathe: no runtime library: {' and '.join(tried)} does not exist; install the wheel, build Lathe, or set LATHE_RUNTIME_LIBRARY")
    loaded = ctypes.CDLL(str(path))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(loaded, name, None)
        if function is None:
            raise ImportError(f"lathe: {path} has no {name}: it is of another version than this package")
        function.restype, function.argtypes = result, arguments
    return loaded


def version():
    return library().lathe_version().decode()


def check(status, error):
    if status != 0:
        raise Error(status, error.text.decode("utf-8", "replace"))
