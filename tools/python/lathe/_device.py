"""Tensors in a GPU's memory, by the DLPack protocol: no other package is needed to read where they lie."""

import ctypes
import math
from ctypes import POINTER, c_int32, c_int64, c_uint8, c_uint16, c_uint64, c_void_p

from ._library import Error

INVALID_INPUT = 3
CUDA, CUDA_MANAGED = 2, 13  # kinds of devices; pinned memory of the host (3) is read as such
DEFAULT_STREAM = 1  # DLPack's number of CUDA's default stream, which is 0 to the driver

# (kind, bits) of DLPack's element types to ONNX TensorProto.DataType.
DTYPES = {(0, 8): 3, (0, 16): 5, (0, 32): 6, (0, 64): 7, (1, 8): 2, (1, 16): 4, (1, 32): 12, (1, 64): 13, (2, 16): 10, (2, 32): 1, (2, 64): 11, (4, 16): 16,
          (6, 8): 9}


class DLTensor(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32), ("kind", c_uint8), ("bits", c_uint8), ("lanes", c_uint16),
                ("shape", POINTER(c_int64)), ("strides", POINTER(c_int64)), ("byte_offset", c_uint64)]


def is_on_device(value):
    device = getattr(value, "__dlpack_device__", None)
    return device is not None and device()[0] in (CUDA, CUDA_MANAGED)


class DeviceArray:
    """What is known of such a tensor, whose memory it keeps alive. `stream` is the driver's number of the stream that the inference is put into: the tensor's
    owner makes it wait for what it has still to do."""

    def __init__(self, value, kind, info, stream):
        self.value = value  # what the caller gave
        try:
            self._capsule = value.__dlpack__(stream=stream or DEFAULT_STREAM)
            pointer = ctypes.pythonapi.PyCapsule_GetPointer
            pointer.restype, pointer.argtypes = c_void_p, [ctypes.py_object, ctypes.c_char_p]
            tensor = DLTensor.from_address(pointer(self._capsule, b"dltensor"))
        except (TypeError, ValueError, BufferError, RuntimeError) as problem:
            raise Error(INVALID_INPUT, f"{kind} '{info.name}': cannot be read as a tensor of a GPU: {problem}") from None
        self.shape = tuple(tensor.shape[: tensor.ndim])
        self.ndim = tensor.ndim
        self.nbytes = math.prod(self.shape) * tensor.bits // 8
        self.pointer = (tensor.data or 0) + tensor.byte_offset
        if tensor.lanes != 1 or DTYPES.get((tensor.kind, tensor.bits)) != info.dtype_number:
            raise Error(INVALID_INPUT, f"{kind} '{info.name}': type is DLPack's kind {tensor.kind} of {tensor.bits} bits, expected {info.dtype}")
        strides = [math.prod(self.shape[i + 1 :]) for i in range(self.ndim)]
        if tensor.strides and any(size > 1 and got != want for size, got, want in zip(self.shape, tensor.strides[: self.ndim], strides)):
            raise Error(INVALID_INPUT, f"{kind} '{info.name}': the tensor is not C-contiguous")
