"""The ops on single floats: what each computes and, beside it, its partial derivatives.

A `Value` keeps the partials on its node, so that backward is one product per edge. They say
again what the vjps of the table say, for speed; `tests/test_engine_value.py` holds the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .ops.elementwise import erf, relu

# Floats as IEEE and numpy have them, where Python would raise


def ieee(python: Callable[..., Any], numpy: Callable[..., Any], *xs: float) -> float:
    """Python's quick function; where it raises (exp(1000), 1/0), the answer of numpy.

    >>> ieee(math.exp, np.exp, 1000.0)
    inf
    """
    try:
        return python(*xs)
    except (OverflowError, ZeroDivisionError, ValueError):
        with np.errstate(all="ignore"):
            return float(numpy(*xs))


def quotient(a: float, b: float) -> float:
    return a / b if b else ieee(float.__truediv__, np.divide, a, b)


def logarithm(a: float) -> float:
    return ieee(math.log, np.log, a)


# Of two numbers


def add(a: float, b: float) -> Any:
    return a + b, (1.0, 1.0)


def subtract(a: float, b: float) -> Any:
    return a - b, (1.0, -1.0)


def multiply(a: float, b: float) -> Any:
    return a * b, (b, a)


def divide(a: float, b: float) -> Any:
    out = quotient(a, b)
    return out, (quotient(1.0, b), -quotient(out, b))


def power(a: float, b: float) -> Any:
    """As in the table, a**0 is flat in a, and 0**b in b."""
    out = ieee(math.pow, np.power, a, b)
    in_a = b * ieee(math.pow, np.power, a, b - 1) if b else 0.0
    in_b = out * logarithm(a or 1.0) if a >= 0 else math.nan
    return out, (in_a, in_b)


# Of one number; the docstring is that of the method


def negative(a: float) -> Any:
    return -a, (-1.0,)


def exponential(a: float) -> Any:
    """e to the power of it."""
    out = ieee(math.exp, np.exp, a)
    return out, (out,)


def log(a: float) -> Any:
    """The natural logarithm."""
    return logarithm(a), (quotient(1.0, a),)


def square_root(a: float) -> Any:
    """The square root."""
    out = ieee(math.sqrt, np.sqrt, a)
    return out, (quotient(0.5, out),)


def sine(a: float) -> Any:
    """The sine, in radians."""
    return ieee(math.sin, np.sin, a), (ieee(math.cos, np.cos, a),)


def cosine(a: float) -> Any:
    """The cosine, in radians."""
    return ieee(math.cos, np.cos, a), (-ieee(math.sin, np.sin, a),)


def tangent(a: float) -> Any:
    """The hyperbolic tangent, between −1 and 1."""
    out = math.tanh(a)
    return out, (1 - out * out,)


def rectified(a: float) -> Any:
    """max(it, 0), with slope 0 at 0."""
    return (0.0, (0.0,)) if a <= 0 else (a, (1.0,))


def error_function(a: float) -> Any:
    """The error function."""
    return math.erf(a), (2 / math.sqrt(math.pi) * math.exp(-a * a),)


def absolute(a: float) -> Any:
    """Its size, with slope 0 at 0."""
    return math.fabs(a), (float((a > 0) - (a < 0)) if a == a else a,)


# Choices. None is the partial derivative of what was not chosen: nothing flows there, not even
# 0 · inf. At a tie the first wins, and a NaN (a != a) over any number.


def larger(a: float, b: float) -> Any:
    return (a, (1.0, None)) if a >= b or a != a else (b, (None, 1.0))


def smaller(a: float, b: float) -> Any:
    return (a, (1.0, None)) if a <= b or a != a else (b, (None, 1.0))


def chosen(condition: Any, a: float, b: float) -> Any:
    return (a, (None, 1.0, None)) if condition else (b, (None, None, 1.0))


PARTIALS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.add: add,
    np.subtract: subtract,
    np.multiply: multiply,
    np.divide: divide,
    np.power: power,
    np.negative: negative,
    np.exp: exponential,
    np.log: log,
    np.sqrt: square_root,
    np.sin: sine,
    np.cos: cosine,
    np.tanh: tangent,
    relu: rectified,
    erf: error_function,
    np.absolute: absolute,
    np.maximum: larger,
    np.minimum: smaller,
    np.where: chosen,
}
