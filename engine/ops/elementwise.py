"""Ops on each element by itself: arithmetic, exp and log, comparisons that choose, activations.

A rule is written for arguments of one shape; where one of them was broadcast, the walk sums its
share over the axes that broadcasting added. `where` appears where a product would make NaN of
0 * inf.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import BROADCAST, Kernel, declare, op
from ..samples import POSITIVE, REAL, Draw, elementwise

# Arithmetic

declare(
    np.add,
    lambda g, out, a, b: g,
    lambda g, out, a, b: g,
    symbol="+",
    samples=elementwise(REAL, REAL),
    fits=BROADCAST,
)
declare(
    np.subtract,
    lambda g, out, a, b: g,
    lambda g, out, a, b: -g,
    symbol="−",
    samples=elementwise(REAL, REAL),
    fits=BROADCAST,
)
declare(
    np.multiply,
    lambda g, out, a, b: g * b,
    lambda g, out, a, b: g * a,
    symbol="·",
    samples=elementwise(REAL, REAL),
    fits=BROADCAST,
)
declare(
    np.divide,
    lambda g, out, a, b: g / b,
    lambda g, out, a, b: -g * out / b,
    symbol="/",
    samples=elementwise(REAL, POSITIVE),
    fits=BROADCAST,
)
declare(np.negative, lambda g, out, a: -g, symbol="−", samples=elementwise(REAL))
# Slopes of a**b stay finite where they are: a**0 is flat at a = 0 (the exponent is left alone
# where b is 0), and 0**b is flat in b (log 1 stands for log 0).
declare(
    np.power,
    lambda g, out, a, b: g * b * a ** (b - (b != 0)),
    lambda g, out, a, b: g * out * np.log(a + (a == 0)),
    symbol="**",
    samples=elementwise(POSITIVE, REAL),
    fits=BROADCAST,
)

# Functions of one number

declare(np.exp, lambda g, out, a: g * out, samples=elementwise(REAL))
declare(np.log, lambda g, out, a: g / a, samples=elementwise(POSITIVE))
declare(np.sqrt, lambda g, out, a: g / (2 * out), samples=elementwise(POSITIVE))
declare(np.sin, lambda g, out, a: g * np.cos(a), samples=elementwise(REAL))
declare(np.cos, lambda g, out, a: -g * np.sin(a), samples=elementwise(REAL))
declare(np.tanh, lambda g, out, a: g * (1 - out * out), samples=elementwise(REAL))
declare(np.absolute, lambda g, out, a: g * np.sign(a), samples=elementwise(REAL))

# Choices. At a tie the first argument wins; a NaN (a != a) wins over any number, as in numpy.


def at_least(a: Any, b: Any) -> Any:
    return (a >= b) | (a != a)


def at_most(a: Any, b: Any) -> Any:
    return (a <= b) | (a != a)


declare(
    np.maximum,
    lambda g, out, a, b: np.where(at_least(a, b), g, 0),
    lambda g, out, a, b: np.where(at_least(a, b), 0, g),
    samples=elementwise(REAL, REAL, tied=False),
    fits=BROADCAST,
)
declare(
    np.minimum,
    lambda g, out, a, b: np.where(at_most(a, b), g, 0),
    lambda g, out, a, b: np.where(at_most(a, b), 0, g),
    samples=elementwise(REAL, REAL, tied=False),
    fits=BROADCAST,
)


def where_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    (a, b), _ = elementwise(REAL, REAL)(draw)
    condition = draw.array(draw.broadcastable(np.broadcast_shapes(a.shape, b.shape))) > 0
    return (condition, a, b), {}


declare(
    np.where,
    None,
    lambda g, out, condition, a, b: np.where(condition, g, 0),
    lambda g, out, condition, a, b: np.where(condition, 0, g),
    definition=lambda condition, a, b: np.where(condition, a, b),
    samples=where_samples,
    fits=BROADCAST,
)

# Activations


@op(lambda g, out, a: np.where(a <= 0, 0, g), samples=elementwise(REAL))
def relu(a: Any) -> Any:
    """max(a, 0), with slope 0 at 0 (Nair and Hinton, 2010).

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.where(a <= 0, 0, a)  # a NaN stays one


@op(lambda g, out, a: g * (2 / math.sqrt(math.pi)) * np.exp(-a * a), samples=elementwise(REAL))
def erf(a: Any) -> Any:
    """The error function, 2/√π · ∫₀ᵃ exp(−t²) dt.

    numpy has none, so each element goes through the C library's.

    >>> round(float(erf(1.0)), 4)
    0.8427
    """
    exact = _erf(a)
    return exact.astype(a.dtype) if isinstance(exact, np.ndarray) else exact


_erf = np.frompyfunc(math.erf, 1, 1)
_ROOT = math.sqrt(2 / math.pi)


def _gelu_forward(a: np.ndarray, approximate: str = "none") -> tuple[np.ndarray, np.ndarray]:
    """gelu and its slope, Φ(a) + a · Φ'(a), in few passes over memory."""
    _check_approximate(approximate)
    if approximate == "none":
        cdf = 0.5 * (1 + erf(a / math.sqrt(2)))
        density = np.exp(-0.5 * a * a) / math.sqrt(2 * math.pi)
    else:
        square = a * a
        t = np.tanh(a * (_ROOT + _ROOT * 0.044715 * square))
        cdf = 0.5 + 0.5 * t
        density = (0.5 - 0.5 * t * t) * (_ROOT + 3 * _ROOT * 0.044715 * square)
    return a * cdf, cdf + a * density


def _check_approximate(approximate: str) -> None:
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")


def _gelu_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args, _ = elementwise(REAL)(draw)
    return args, {"approximate": draw.choice(("tanh", "none"))}


@op(kernel=Kernel(_gelu_forward, lambda g, slope: (g * slope,)), samples=_gelu_samples)
def gelu(a: Any, approximate: str = "none") -> Any:
    """a · Φ(a), Φ being the normal distribution function (Hendrycks and Gimpel, 2016).

    Args:
        a: any shape.
        approximate: "none" computes Φ by erf; "tanh" as GPT-2 does,
            0.5 · a · (1 + tanh(√(2/π) · (a + 0.044715 · a³))).

    >>> round(float(gelu(1.0)), 4), round(float(gelu(1.0, approximate="tanh")), 4)
    (0.8413, 0.8412)
    """
    _check_approximate(approximate)
    if approximate == "none":
        return 0.5 * a * (1 + erf(a / math.sqrt(2)))
    return 0.5 * a * (1 + np.tanh(_ROOT * (a + 0.044715 * a * a * a)))
