"""The ops on single floats: what each computes and, beside it, its partial derivatives.

A rule gives (out, slope in a, slope in b), or (out, slope in a) of one number. A `Value` keeps
them on its node, so that backward is one product per edge. They say
again what the vjps of the table say, for speed; `tests/test_engine_value.py` holds the two equal.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .ops.activation import erf, relu, sigmoid

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


logarithm = functools.partial(ieee, math.log, np.log)
root = functools.partial(ieee, math.sqrt, np.sqrt)
sine = functools.partial(ieee, math.sin, np.sin)
cosine = functools.partial(ieee, math.cos, np.cos)


# Of two numbers


def divide(a: float, b: float) -> Any:
    out = quotient(a, b)
    return out, quotient(1.0, b), -quotient(out, b)


def remainder(a: float, b: float) -> Any:
    times = ieee(operator.floordiv, np.floor_divide, a, b)
    return ieee(operator.mod, np.remainder, a, b), 1.0, -times


def power(a: float, b: float) -> Any:
    """As in the table, a**0 is flat in a, and 0**b in b."""
    out = ieee(math.pow, np.power, a, b)
    in_a = b * ieee(math.pow, np.power, a, b - 1) if b else 0.0
    in_b = out * logarithm(a or 1.0) if a >= 0 else math.nan
    return out, in_a, in_b


# Of one number; the docstring is that of the method


def hyperbolic_tangent(a: float) -> Any:
    """The hyperbolic tangent, between −1 and 1."""
    out = math.tanh(a)
    return out, 1 - out * out


def rectified(a: float) -> Any:
    """max(it, 0), with slope 0 at 0."""
    return (0.0, 0.0) if a <= 0 else (a, 1.0)


def error_function(a: float) -> Any:
    """The error function."""
    return math.erf(a), 2 / math.sqrt(math.pi) * math.exp(-a * a)


def logistic(a: float) -> Any:
    """1 / (1 + exp(−it)), between 0 and 1."""
    power = math.exp(-abs(a))
    out = (power if a < 0 else 1.0) / (1 + power)
    return out, out * (1 - out)


def absolute(a: float) -> Any:
    """Its size, with slope 0 at 0."""
    return math.fabs(a), float((a > 0) - (a < 0)) if a == a else a


def of_numpy(python: Any, numpy: Any, slope: Any, doc: str = "") -> Any:
    """A rule for one number: the function, and its slope from (a, out)."""

    def rule(a: float) -> Any:
        out = ieee(python, numpy, a)
        return out, slope(a, out)

    rule.__doc__ = doc or f"np.{numpy.__name__} of it."
    return rule


def slope_of_exp2(a: float, out: float) -> float:
    return ieee(math.pow, np.power, 2.0, a - 1) * (2 * math.log(2))


def slope_of_arccosh(a: float, out: float) -> float:
    return quotient(quotient(1.0, root(a - 1)), root(a + 1))


def hypotenuse(a: float, b: float) -> Any:
    out = math.hypot(a, b)
    return out, a / (out or 1.0), b / (out or 1.0)


def angle(a: float, b: float) -> Any:
    r = math.hypot(a, b) or 1.0
    return math.atan2(a, b), b / r / r, -(a / r / r)


def log_of_sum(a: float, b: float) -> Any:
    """log(exp(a) + exp(b)), the larger taken out."""
    out = float(np.logaddexp(a, b))
    apart = a - b if a != b else 0.0  # and not ∞ − ∞
    return out, *(logistic(d)[0] if out != -math.inf else 0.0 for d in (apart, -apart))


PARTIALS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.add: lambda a, b: (a + b, 1.0, 1.0),
    np.subtract: lambda a, b: (a - b, 1.0, -1.0),
    np.multiply: lambda a, b: (a * b, b, a),
    np.divide: divide,
    np.power: power,
    np.remainder: remainder,
    np.negative: lambda a: (-a, -1.0),
    np.exp: of_numpy(math.exp, np.exp, lambda a, out: out, "e to the power of it."),
    np.log: of_numpy(math.log, np.log, lambda a, out: quotient(1.0, a), "The natural logarithm."),
    np.sqrt: of_numpy(math.sqrt, np.sqrt, lambda a, out: quotient(0.5, out), "The square root."),
    np.sin: of_numpy(math.sin, np.sin, lambda a, out: cosine(a), "The sine, in radians."),
    np.cos: of_numpy(math.cos, np.cos, lambda a, out: -sine(a), "The cosine, in radians."),
    np.tanh: hyperbolic_tangent,
    relu: rectified,
    erf: error_function,
    sigmoid: logistic,
    np.absolute: absolute,
    np.exp2: of_numpy(lambda a: math.pow(2.0, a), np.exp2, slope_of_exp2),
    np.expm1: of_numpy(math.expm1, np.expm1, lambda a, out: ieee(math.exp, np.exp, a)),
    np.log2: of_numpy(math.log2, np.log2, lambda a, out: quotient(1.0, a * math.log(2))),
    np.log10: of_numpy(math.log10, np.log10, lambda a, out: quotient(1.0, a * math.log(10))),
    np.log1p: of_numpy(math.log1p, np.log1p, lambda a, out: quotient(1.0, 1 + a)),
    np.cbrt: of_numpy(math.cbrt, np.cbrt, lambda a, out: quotient(1.0, 3 * out * out)),
    np.tan: of_numpy(math.tan, np.tan, lambda a, out: 1 + out * out),
    np.arcsin: of_numpy(math.asin, np.arcsin, lambda a, out: quotient(1.0, root(1 - a * a))),
    np.arccos: of_numpy(math.acos, np.arccos, lambda a, out: -quotient(1.0, root(1 - a * a))),
    np.arctan: of_numpy(math.atan, np.arctan, lambda a, out: 1 / (1 + a * a)),
    np.sinh: of_numpy(math.sinh, np.sinh, lambda a, out: ieee(math.cosh, np.cosh, a)),
    np.cosh: of_numpy(math.cosh, np.cosh, lambda a, out: ieee(math.sinh, np.sinh, a)),
    np.arcsinh: of_numpy(math.asinh, np.arcsinh, lambda a, out: 1 / math.hypot(1, a)),
    np.arccosh: of_numpy(math.acosh, np.arccosh, slope_of_arccosh),
    np.arctanh: of_numpy(math.atanh, np.arctanh, lambda a, out: quotient(1.0, 1 - a * a)),
    np.hypot: hypotenuse,
    np.arctan2: angle,
    np.logaddexp: log_of_sum,
    # Choices. None is the partial derivative of what was not chosen: nothing flows there, not even
    # 0 · inf. At a tie the first wins, and a NaN (a != a) over any number. The mask of where has no
    # slope at all.
    np.maximum: lambda a, b: (a, 1.0, None) if a >= b or a != a else (b, None, 1.0),
    np.minimum: lambda a, b: (a, 1.0, None) if a <= b or a != a else (b, None, 1.0),
    np.where: lambda mask, a, b: (a, 1.0, None) if mask else (b, None, 1.0),
}
