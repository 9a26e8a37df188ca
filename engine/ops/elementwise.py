"""Ops on each element by itself: arithmetic, exp and log, angles, comparisons that choose.

A rule is written for arguments of one shape; where one of them was broadcast, the walk sums its
share over the axes that broadcasting added. `where` appears where a product would make NaN of
0 * inf.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import BROADCAST, declare
from ..samples import POSITIVE, REAL, SMALL, Call, Domain, Draw, call, elementwise, with_array

of_two = elementwise(REAL, REAL)
of_one, of_positive, of_small = map(elementwise, (REAL, POSITIVE, SMALL))

# Arithmetic

declare(np.add, lambda g, out, a, b: g, lambda g, out, a, b: g, symbol="+", samples=of_two)
declare(np.subtract, lambda g, out, a, b: g, lambda g, out, a, b: -g, symbol="−", samples=of_two)
declare(
    np.multiply, lambda g, out, a, b: g * b, lambda g, out, a, b: g * a, symbol="·", samples=of_two
)
declare(
    np.divide, lambda g, out, a, b: g / b, lambda g, out, a, b: -g * out / b,
    symbol="/", samples=elementwise(REAL, POSITIVE),
)  # fmt: skip
declare(np.negative, lambda g, out, a: -g, symbol="−", samples=of_one)
declare(np.positive, lambda g, out, a: g, symbol="+", samples=of_one)
# Slopes of a**b stay finite where they are: a**0 is flat at a = 0 (the exponent is left alone
# where b is 0), and 0**b is flat in b (log 1 stands for log 0).
declare(
    np.power,
    lambda g, out, a, b: g * b * a ** (b - (b != 0)),
    lambda g, out, a, b: g * out * np.log(a + (a == 0)),
    symbol="**",
    samples=elementwise(POSITIVE, REAL),
)

# Functions of one number

declare(np.exp, lambda g, out, a: g * out, samples=of_one)
# Of a half as much, where out overflows before its slope does.
declare(np.exp2, lambda g, out, a: g * np.exp2(a - 1) * (2 * math.log(2)), samples=of_one)
declare(np.expm1, lambda g, out, a: g * np.exp(a), samples=of_one)  # out + 1 rounds to 0
declare(np.log, lambda g, out, a: g / a, samples=of_positive)
declare(np.log2, lambda g, out, a: g / (a * math.log(2)), samples=of_positive)
declare(np.log10, lambda g, out, a: g / (a * math.log(10)), samples=of_positive)
declare(np.log1p, lambda g, out, a: g / (1 + a), samples=of_positive)
declare(np.sqrt, lambda g, out, a: g / (2 * out), samples=of_positive)
declare(np.cbrt, lambda g, out, a: g / (3 * out * out), samples=of_positive)
declare(np.square, lambda g, out, a: g * 2 * a, samples=of_one)
declare(np.reciprocal, lambda g, out, a: -g * out * out, samples=of_positive)
declare(np.absolute, lambda g, out, a: g * np.sign(a), samples=of_one)

declare(np.sin, lambda g, out, a: g * np.cos(a), samples=of_one)
declare(np.cos, lambda g, out, a: -g * np.sin(a), samples=of_one)
declare(np.tan, lambda g, out, a: g * (1 + out * out), samples=of_small)
declare(np.arcsin, lambda g, out, a: g / np.sqrt(1 - a * a), samples=of_small)
declare(np.arccos, lambda g, out, a: -g / np.sqrt(1 - a * a), samples=of_small)
declare(np.arctan, lambda g, out, a: g / (1 + a * a), samples=of_one)
declare(np.sinh, lambda g, out, a: g * np.cosh(a), samples=of_one)
declare(np.cosh, lambda g, out, a: g * np.sinh(a), samples=of_one)
# Without a², which overflows.
declare(np.arcsinh, lambda g, out, a: g / np.hypot(1, a), samples=of_one)
declare(
    np.arccosh,
    lambda g, out, a: g / np.sqrt(a - 1) / np.sqrt(a + 1),
    samples=elementwise(Domain(1.5, 4.0)),
)
declare(np.arctanh, lambda g, out, a: g / (1 - a * a), samples=of_small)
# What 1 − out² rounds away, from |a| = 19 on all of it, is less than the last digit of out;
# 1/cosh(a)² would keep it, in many times the time.
declare(np.tanh, lambda g, out, a: g * (1 - out * out), samples=of_one)

# Functions of two numbers

declare(
    np.hypot,
    lambda g, out, a, b: g * a / (out + (out == 0)),  # slope 0 where both are 0
    lambda g, out, a, b: g * b / (out + (out == 0)),
    samples=of_two,
)

declare(
    np.remainder,
    lambda g, out, a, b: g,
    lambda g, out, a, b: -g * np.floor_divide(a, b),
    symbol="%",
    # From 1.1 to 2.7 times b, and never 2 times: the doubled one is no odd multiple of 1/16.
    samples=elementwise(Domain(1.5, 3.0), Domain(1.0, 1.4)),
)


def length(a: Any, b: Any) -> Any:
    """√(a² + b²), or 1 where both are 0."""
    r = np.hypot(a, b)
    return r + (r == 0)


declare(
    np.arctan2,
    lambda g, out, a, b: g * (b / length(a, b)) / length(a, b),  # slope 0 where both are 0
    lambda g, out, a, b: -g * (a / length(a, b)) / length(a, b),
    samples=of_two,
)

# Choices. At a tie the first argument wins; a NaN (a != a) wins over any number, as in numpy.


def declare_choice(fn: Any, beats: Any) -> None:
    def wins(a: Any, b: Any) -> Any:
        return beats(a, b) | (a != a)

    declare(
        fn,
        lambda g, out, a, b: np.where(wins(a, b), g, 0),
        lambda g, out, a, b: np.where(wins(a, b), 0, g),
        samples=elementwise(REAL, REAL, tied=False),
    )


declare_choice(np.maximum, np.greater_equal)
declare_choice(np.minimum, np.less_equal)


def where_samples(draw: Draw) -> Call:
    (condition, a, b), _ = elementwise(REAL, REAL, REAL)(draw)
    return call(condition > 0, a, b)


declare(
    np.where,
    None,
    lambda g, out, condition, a, b: np.where(condition, g, 0),
    lambda g, out, condition, a, b: np.where(condition, 0, g),
    samples=where_samples,
    fits=BROADCAST,
)


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """By way of the two choices, so that the slope at a bound is 1: there a wins."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


bounds = ((-1.0, 1.0), (None, 1.0), (-1.0, None))
declare(np.clip, definition=clip, samples=with_array(lambda draw, a: call(a, *draw.choice(bounds))))
