"""NumPy arrays and whatever speaks DLPack, as tensors of the C API. Nothing is copied that need not be."""

import ctypes
from ctypes import POINTER, c_int64
from functools import cache

import numpy

from ._device import DeviceArray, is_on_device
from ._library import Error, Tensor

try:  # numpy itself has no bfloat16; without this package its bits are carried as uint16
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = numpy.uint16

# ONNX TensorProto.DataType numbers, as in artifact.h.
DTYPES = {1: numpy.float32, 2: numpy.uint8, 3: numpy.int8, 4: numpy.uint16, 5: numpy.int16, 6: numpy.int32, 7: numpy.int64, 9: numpy.bool_,
          10: numpy.float16, 11: numpy.float64, 12: numpy.uint32, 13: numpy.uint64, 16: bfloat16}
DTYPES = {number: numpy.dtype(kind) for number, kind in DTYPES.items()}
BFLOAT16 = 16
INVALID_INPUT = 3


def as_array(value, kind, info):
    """The value as a dense array of the tensor's type. An array of another type is refused, since a cast nobody asked for hides mistakes; numbers and
    lists of Python, which have no element type, take the tensor's."""
    if not isinstance(value, (numpy.ndarray, numpy.generic)):
        try:
            if hasattr(value, "__dlpack__"):
                value = numpy.from_dlpack(value)
            elif not hasattr(value, "__array__"):
                value = numpy.asarray(value, info.dtype)
        except (TypeError, ValueError, OverflowError, BufferError, RuntimeError) as problem:
            raise Error(INVALID_INPUT, f"{kind} '{info.name}': cannot be read as an array: {problem}") from None
    array = numpy.asarray(value)
    if array.dtype != info.dtype:
        if info.dtype_number == BFLOAT16 and array.dtype == numpy.uint16:
            array = array.view(info.dtype)
        else:
            raise Error(INVALID_INPUT, f"{kind} '{info.name}': type is {array.dtype}, expected {info.dtype}")
    return array


def as_input(value, info, stream):
    if is_on_device(value):
        return DeviceArray(value, "input", info, stream)
    array = as_array(value, "input", info)
    # numpy.ascontiguousarray would make a scalar an array of one element.
    return array if array.flags.c_contiguous and array.flags.aligned else array.copy(order="C")


def as_output(value, info, stream):
    """Memory of the caller's that is written to, so it cannot be a copy."""
    if is_on_device(value):
        return DeviceArray(value, "output", info, stream)
    array = as_array(value, "output", info)
    for flag, word in (("C_CONTIGUOUS", "C-contiguous"), ("WRITEABLE", "writable"), ("ALIGNED", "aligned")):
        if not array.flags[flag]:
            raise Error(INVALID_INPUT, f"output '{info.name}': the array is not {word}")
    return array


@cache
def array_type(element, count):
    """ctypes forgets array types that nobody uses, and making one is slow and leaves cycles behind."""
    return element * max(1, count)


def tensor_table(arrays, infos):
    """What lathe_run takes. The table keeps alive what it points at."""
    table, keep = array_type(Tensor, len(arrays))(), []
    for i, (array, info) in enumerate(zip(arrays, infos)):
        dims = array_type(c_int64, array.ndim)(*array.shape)
        keep.append((array, dims))
        data = array.pointer if isinstance(array, DeviceArray) else array.__array_interface__["data"][0]
        table[i] = Tensor(ctypes.sizeof(Tensor), data, array.nbytes, info.dtype_number, array.ndim,
                          ctypes.cast(dims, POINTER(c_int64)))
    table.keep = keep
    return table
