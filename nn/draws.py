"""Distributions that weights start with: each gives an array of a shape, from a generator.

What is drawn does not depend on a parameter's width: one seed gives one model at any width.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Generator = Any  # np.random.Generator; by that name numpy would load its generators here


def constant(rng: Generator, shape: Shape, value: float) -> np.ndarray:
    """The same everywhere."""
    return np.full(shape, value)


def identity(rng: Generator, shape: Shape) -> np.ndarray:
    """1 on the diagonal of a matrix."""
    return np.eye(shape[0], shape[1])


def uniform(rng: Generator, shape: Shape, low: float, high: float) -> np.ndarray:
    """From low to high, all equally likely."""
    return low + (high - low) * rng.random(shape, dtype=np.float32)


def normal(rng: Generator, shape: Shape, mean: float, std: float) -> np.ndarray:
    """The normal distribution."""
    return mean + std * rng.standard_normal(shape, dtype=np.float32)


def orthogonal(rng: Generator, shape: Shape, gain: float) -> np.ndarray:
    """gain times a matrix with orthonormal rows, or columns, whichever are fewer; all such matrices
    are equally likely. More than two axes are taken as (shape[0], the rest)."""
    rows, columns = shape[0], math.prod(shape[1:])
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    # The decomposition is one of many until the signs on R's diagonal are fixed (Mezzadri, 2007).
    q *= np.copysign(1.0, np.diagonal(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


def truncated_normal(
    rng: Generator, shape: Shape, mean: float, std: float, low: float, high: float
) -> np.ndarray:
    """The normal distribution of that mean and deviation, those from low to high alone."""
    a, b = (low - mean) / std, (high - mean) / std
    n = math.prod(shape)
    draw = standard_between(rng, n, a, b) if b > 0 else -standard_between(rng, n, -b, -a)
    return np.clip(mean + std * draw, low, high).reshape(shape)  # rounding may overshoot


def standard_between(rng: Generator, n: int, a: float, b: float) -> np.ndarray:
    """n numbers of the standard normal distribution, those from a to b > 0 alone, by rejection."""
    found = np.empty(0)
    while found.size < n:
        found = np.concatenate([found, some_between(rng, n - found.size, a, b)])
    return found


def some_between(rng: Generator, n: int, a: float, b: float) -> np.ndarray:
    """What is left of n proposals; on average a quarter or more."""
    if math.erf(b / math.sqrt(2)) - math.erf(a / math.sqrt(2)) > 0.5:
        x = rng.standard_normal(n)
        return x[(a <= x) & (x <= b)]
    # Between a and b lies less than a quarter of the bell. Proposed is the exponential that touches
    # it where it is highest, at the top (Robert, 1995), from a to b; level if the top is at 0.
    top, far = max(a, 0.0), rng.random(n)
    x = top - np.log1p(far * np.expm1(-top * (b - top))) / top if top else a + far * (b - a)
    return x[rng.random(n) < np.exp(-((x - top) ** 2) / 2)]
