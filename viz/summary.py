"""Numbers, and what a picture says of an array: all of it, or its min, mean, max and a strip."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

FULL = 4  # up to 4×4 an array is shown in full
STRIP = 16  # cells in the heat strip of a larger one, from its min to its max

# A gradient this much smaller or larger than that of the root, which is 1, has gone wrong.
VANISHED, EXPLODED = 1e-8, 1e4


def number(x: Any, plus: bool = False) -> str:
    """Four significant digits; with `plus`, a + before what is positive.

    >>> [number(x) for x in (2.0, -0.5, 1 / 3, 1234567.0, 1e-9, 0.0, 7, float("nan"))]
    ['2.000', '-0.5000', '0.3333', '1.235e6', '1.000e-9', '0', '7', 'NaN']
    >>> number(2.0, plus=True)
    '+2.000'
    """
    if plus and x > 0:
        return f"+{number(x)}"
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, int | np.integer):
        return str(x) if abs(int(x)) < 10**9 else number(float(x))
    x = float(x)
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "inf" if x > 0 else "-inf"
    if x == 0:
        return "0"
    digits, _, power = f"{x:#.4g}".partition("e")
    return f"{digits.removesuffix('.')}e{int(power)}" if power else digits.removesuffix(".")


def shape_of(x: Any) -> str:
    """A shape as numpy prints it, with the dtype where that is not a float; "" for a number.

    >>> shape_of(np.zeros((2, 3))), shape_of(np.arange(3)), shape_of(2.0)
    ('(2, 3)', '(3,) int64', '')
    """
    if np.ndim(x) == 0:
        return ""
    dtype = x.dtype
    return f"{x.shape}" if dtype.kind == "f" else f"{x.shape} {dtype}"


class Summary(NamedTuple):
    """What is kept of an array: never the array itself."""

    shape: tuple[int, ...]
    norm: float  # the root of the sum of squares
    rows: tuple[tuple[Any, ...], ...] = ()  # all numbers, of a small one
    low: float = math.nan
    mean: float = math.nan
    high: float = math.nan
    strip: tuple[float, ...] = ()  # how many of them lie where between low and high; the most is 1

    @property
    def alarm(self) -> str:
        """ "NaN" or "inf" if such a number is in it."""
        return "" if math.isfinite(self.norm) else "NaN" if math.isnan(self.norm) else "inf"


def norm_of(x: Any) -> float:
    """The root of the sum of squares, NaN or infinite as soon as one number is."""
    if isinstance(x, float | int):
        return abs(float(x))
    flat = np.asarray(x).ravel()
    if flat.dtype.kind != "f":
        flat = flat.astype(np.float64)
    with np.errstate(all="ignore"):
        square, limits = float(np.dot(flat, flat)), np.finfo(flat.dtype)
        if math.isfinite(square) and square * limits.eps > flat.size * limits.tiny:
            return math.sqrt(square)
        # Squares leave the range of floats before numbers do: measure by the largest.
        largest = float(np.abs(flat).max(initial=0))
        if not largest or not math.isfinite(largest):
            return largest
        scaled = flat.astype(np.float64) / largest
        return largest * math.sqrt(float(np.dot(scaled, scaled)))


def summarise(x: Any) -> Summary:
    """A number or an array, as a picture shows it.

    >>> summarise(np.eye(2)).rows
    ((1.0, 0.0), (0.0, 1.0))
    >>> big = summarise(np.arange(100.0))
    >>> big.low, big.mean, big.high, len(big.strip)
    (0.0, 49.5, 99.0, 16)
    """
    array = np.asarray(x)
    norm = norm_of(array) if array.size else 0.0
    if array.ndim <= 2 and max(array.shape, default=1) <= FULL:
        rows = tuple(tuple(row.tolist()) for row in np.atleast_2d(array))
        return Summary(array.shape, norm, rows if array.size else ())
    if array.size == 0:
        return Summary(array.shape, norm)
    flat = array.ravel().astype(np.float64)
    with np.errstate(all="ignore"):  # ∞ − ∞ is no news here
        low, mean, high = float(flat.min()), float(flat.mean()), float(flat.max())
    strip: tuple[float, ...] = ()
    if math.isfinite(norm):
        counts = binned(flat, STRIP, low, high)
        strip = tuple(np.sqrt(counts / counts.max()).tolist())  # the root lets few be seen
    return Summary(array.shape, norm, (), low, mean, high, strip)


def binned(flat: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    """How many of finite numbers lie in each of some equal bins from low to high. (np.histogram
    refuses where low and high are so near each other that the bins have no edges.)

    >>> binned(np.array([1.0, 2.0, 4.0]), 3, 1.0, 4.0)
    array([1, 1, 1])
    >>> binned(np.array([1.0, np.nextafter(1, 2)]), 4, 1.0, np.nextafter(1, 2))
    array([1, 0, 0, 1])
    """
    width = high / 2 - low / 2  # halves, since the whole may be more than a float can hold
    if not width:
        return np.bincount(np.full(flat.size, bins // 2), minlength=bins)
    places = (flat.astype(np.float64) / 2 - low / 2) / width * bins
    return np.bincount(np.minimum(places.astype(int), bins - 1), minlength=bins)
