"""From a buffer as a kernel writes it to the tensor that it holds."""

import numpy


def to_logical(array, shape, dtype):
    """The tensor of this shape and type that the buffer holds, or None if the buffer holds something else.

    A buffer is the tensor itself; or blocked, [N, ceil(C / V), spatial..., V], with unspecified values beyond C; or the tensor with neighbouring dims
    merged or split, which does not move an element."""
    shape = tuple(shape)
    if array.dtype != dtype:
        if array.dtype.itemsize != dtype.itemsize or array.dtype.kind == "f" or dtype.kind == "f":
            return None
        array = array.view(dtype)  # buffers do not say whether integers are signed
    if array.shape == shape:
        return array
    if array.ndim == len(shape) + 1 and len(shape) > 1:
        n, blocks, *spatial, lanes = array.shape
        if (n, *spatial) == (shape[0], *shape[2:]) and blocks == -(-shape[1] // lanes):
            return numpy.moveaxis(array, -1, 2).reshape(n, blocks * lanes, *spatial)[:, : shape[1]]
    if array.size == numpy.prod(shape, dtype=numpy.int64) and (_edges(array.shape) <= _edges(shape) or _edges(shape) <= _edges(array.shape)):
        return numpy.ascontiguousarray(array).reshape(shape)
    return None


def _edges(shape):
    """Where dims end, counted in elements from the innermost: merging dims removes some."""
    edges, product = set(), 1
    for extent in reversed(shape):
        product *= extent
        edges.add(product)
    return edges
