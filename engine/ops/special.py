"""The gamma function's logarithm and its derivatives, for the densities that need them.

numpy has neither, and scipy would be a second base install for three functions. One series
serves all: for x ≥ 10 Stirling's, and below that the step from x to x + 1, of which each
derivative is known.
"""

from __future__ import annotations

import math
from math import factorial as fact
from typing import Any

import numpy as np

from ..op import op
from ..samples import POSITIVE, call, elementwise, with_array

# Bernoulli's numbers B₂, B₄ … B₁₆: with x ≥ 10 what is left out is below 1e-17.
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
TERMS = [*enumerate(BERNOULLI, start=1)]
LARGE = 10


def positive(x: Any, name: str) -> None:
    if np.any(np.less_equal(x, 0)):
        raise ValueError(f"{name}: numbers above 0, where Γ has no pole")


def lgamma_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * digamma(x)


@op(lgamma_vjp, samples=elementwise(POSITIVE))
def lgamma(x: Any) -> Any:
    """log Γ(x) for x > 0; Γ(n) is (n − 1)!.

    Raises:
        ValueError: a number that is not above 0.

    >>> round(float(np.exp(lgamma(5.0))), 9)
    24.0
    """
    positive(x, "lgamma")
    infinite = np.isinf(x)
    far, x = np.where(infinite, x, 0), np.where(infinite, 1, x)  # ∞ − ∞ is no number
    steps = sum(np.log(x + float(k)) for k in range(LARGE))  # Γ(x + 1) = x Γ(x)
    y = x + float(LARGE)
    series = sum(b / (2 * k * (2 * k - 1)) * y ** (1 - 2 * k) for k, b in TERMS)
    head = (y - 0.5) * np.log(y) - y + 0.5 * math.log(2 * math.pi)
    return head + series - steps + far * far


def digamma_vjp(g: Any, out: Any, x: Any) -> Any:
    return g * polygamma(1, x)


@op(digamma_vjp, samples=elementwise(POSITIVE))
def digamma(x: Any) -> Any:
    """ψ(x), the derivative of log Γ(x), for x > 0.

    >>> round(float(digamma(2.0) - digamma(1.0)), 9)  # ψ(x + 1) = ψ(x) + 1/x
    1.0
    """
    positive(x, "digamma")
    steps = sum(1 / (x + float(k)) for k in range(LARGE))
    y = x + float(LARGE)
    series = sum(b / (2 * k) * y ** (-2 * k) for k, b in TERMS)
    return np.log(y) - 1 / (2 * y) - series - steps


n_and_x = with_array(lambda draw, x: call(draw.integer(1, 2), x), POSITIVE)


def polygamma_vjp(g: Any, out: Any, n: int, x: Any) -> Any:
    return g * polygamma(n + 1, x)


@op(None, polygamma_vjp, samples=n_and_x)
def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma, n ≥ 1, for x > 0.

    >>> round(float(polygamma(1, 1.0)), 6)  # π²/6
    1.644934
    """
    positive(x, "polygamma")
    if n < 1:
        raise ValueError(f"polygamma: n is 1 or more, not {n}; digamma is the one before")
    steps = sum((x + float(k)) ** (-n - 1) for k in range(LARGE))
    y = x + float(LARGE)
    series = sum(b * fact(2 * k + n - 1) / fact(2 * k) * y ** (-2 * k - n) for k, b in TERMS)
    head = fact(n - 1) * y ** (-n) + 0.5 * fact(n) * y ** (-n - 1)
    return (-1) ** (n + 1) * (head + series + fact(n) * steps)
