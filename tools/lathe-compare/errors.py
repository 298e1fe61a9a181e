"""What went wrong, and how far two arrays differ."""

from dataclasses import dataclass

import numpy


class Failure(Exception):
    """Ends the program with this exit code, and this text as its one line (or the compiler's lines)."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


@dataclass
class Difference:
    """Of two arrays of one shape. NaN equals NaN, an infinity only itself; anything else beside them differs infinitely."""

    absolute: float  # the largest |got - want|
    relative: float  # the largest |got - want| / |want| where want is not 0
    ulp: float       # the largest distance in representable numbers; of integers the same as `absolute`
    scale: float     # the largest finite |want|
    exact: bool      # integers and truth values: any difference counts
    rounded: bool    # 8-bit integers: quantised values, of which one step is rounding

    def exceeds(self, tolerance):
        if self.exact:
            return self.absolute > (1 if self.rounded else 0)
        return self.absolute > tolerance * max(self.scale, numpy.finfo(numpy.float32).tiny)


def difference(got, want):
    got, want = numpy.asarray(got), numpy.asarray(want)
    if got.shape != want.shape:
        return Difference(numpy.inf, numpy.inf, numpy.inf, 0, False, False)
    is_float = want.dtype.kind == "f"
    a, b = got.astype(numpy.float64), want.astype(numpy.float64)
    with numpy.errstate(invalid="ignore", divide="ignore", over="ignore"):
        same = (a == b) | (numpy.isnan(a) & numpy.isnan(b))
        absolute = numpy.where(same, 0, numpy.nan_to_num(numpy.abs(a - b), nan=numpy.inf, posinf=numpy.inf))
        relative = numpy.where(same | (b == 0), 0, numpy.nan_to_num(absolute / numpy.abs(b), nan=numpy.inf, posinf=numpy.inf))
    ulp = numpy.where(same, 0, _ulp(got.astype(want.dtype), want)) if is_float else absolute
    finite = numpy.abs(b[numpy.isfinite(b)])
    return Difference(*(float(x.max(initial=0)) for x in (absolute, relative, ulp, finite)), not is_float, want.dtype in (numpy.int8, numpy.uint8))


def _ulp(got, want):
    """How many representable numbers lie between; negative numbers count down from zero, so that -0 and +0 are one."""
    integer = numpy.dtype(f"int{8 * want.dtype.itemsize}")
    least = numpy.iinfo(integer).min

    def place(array):
        bits = numpy.ascontiguousarray(array).view(integer)
        return numpy.where(bits < 0, least - bits, bits).astype(numpy.float64)

    distance = numpy.abs(place(got) - place(want))
    return numpy.where(numpy.isfinite(got) & numpy.isfinite(want), distance, numpy.inf)
