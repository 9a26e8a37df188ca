"""What finite differences say of a slope, and how sure they are of it.

One step size cannot tell a wrong rule from a kink or from rounding. Many can: large steps bend
with the function, small ones round, and where neither matters the slopes of neighbouring steps
agree. Slopes from the left and from the right, each by itself, tell a kink.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# The step where truncation (h²) and rounding (1e-16 / h) errors of central differences balance.
STEP = 6e-6
STEPS = tuple(10.0**-k for k in range(1, 13))


class Estimate(NamedTuple):
    value: float
    spread: float  # among neighbouring steps


class Slopes(NamedTuple):
    """The slope at 0 of a function of one number that is 0 there."""

    left: Estimate
    right: Estimate
    central: Estimate


class Verdict(NamedTuple):
    """How a gradient stands to the slopes.

    `kind` is "" where they agree; "kink" where those from the left and the right differ, and a
    sound gradient lies between them; "precision" where they do not settle, and a sound gradient
    is as near as they are to each other; else "wrong rule".
    """

    kind: str
    sound: bool
    slope: Estimate  # that it was held against


def slopes(rise: Callable[[float], float], scale: float = 1.0, noise: float = 0.0) -> Slopes:
    """Slopes of `rise` at 0 by every step, `scale` being about how large its argument is and
    `noise` by how much its results may be rounded."""
    left, right, central = [], [], []
    for step in STEPS:
        h = step * scale
        ahead, behind = rise(h), rise(-h)
        central.append((ahead - behind) / (2 * h))
        right.append((4 * ahead - rise(2 * h)) / (2 * h))  # of second order, as the central one
        left.append((rise(-2 * h) - 4 * behind) / (2 * h))
    doubt = [noise / (step * scale) for step in STEPS]
    return Slopes(settled(left, doubt), settled(right, doubt), settled(central, doubt))


def settled(estimates: Sequence[float], doubt: Sequence[float]) -> Estimate:
    """Where neighbours agree best: the smallest step at which they do about as well.

    >>> settled([0.2, 0.9, 0.99, 1.0, 1.0, 1.0, 1.1, 3.0], [0.0] * 8)
    Estimate(value=1.0, spread=0.0)

    A function that rounds stands still under a small step, which is no slope of 0:

    >>> settled([0.5, 0.5001, 0.4999, 0.48, 0.7, 0.0, 0.0, 0.0], [0.0] * 8).value
    0.5001
    """
    known, doubts = np.asarray(estimates, float), np.asarray(doubt)
    moving = known != 0
    if 3 <= moving.sum() < known.size:
        found = best_three(known[moving], doubts[moving])
        if found.spread <= 0.03 * abs(found.value):
            return found
    return best_three(known, doubts)


def best_three(estimates: np.ndarray, doubt: np.ndarray) -> Estimate:
    threes = np.lib.stride_tricks.sliding_window_view(estimates, 3)
    with np.errstate(invalid="ignore"):
        spread = np.where(np.isfinite(threes).all(axis=1), np.ptp(threes, axis=1), np.inf)
        spread = spread + doubt[1:-1]
        share = np.where(spread < np.inf, spread / (np.max(np.abs(threes), axis=1) + 1e-6), np.inf)
    agree = np.flatnonzero(share <= 3 * share.min())
    last = agree[-1] if agree.size else 0
    return Estimate(float(threes[last, 1]), float(spread[last]))


def judged(gradient: float, slopes: Slopes, bound: float) -> Verdict:
    """What a gradient is, that is farther from one central difference than `bound`."""
    left, right, best = slopes
    for one, other in ((left, right), (right, left)):
        if not np.isfinite(other.value):
            best = one  # the edge of the domain
    off = abs(gradient - best.value)
    if abs(right.value - left.value) > bound + 2 * (left.spread + right.spread):
        low, high = sorted((left.value, right.value))
        return Verdict("kink", low - bound <= gradient <= high + bound, best)
    if not best.spread <= max(100 * bound, 0.05 * abs(best.value)):
        return Verdict("precision", False, best)
    if off <= bound:
        return Verdict("", True, best)
    sound = off <= bound + best.spread
    return Verdict("precision" if sound else "wrong rule", sound, best)
