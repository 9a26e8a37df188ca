"""A noisy line as the straight lines through the points around each of its points."""

from __future__ import annotations

import numpy as np


def smoothed(steps: np.ndarray, values: np.ndarray, over: float) -> np.ndarray:
    """At each step the straight line through the values around it, which weigh exp(−distance /
    over). A mean would pull the steep beginning of a training down. A value that is no number
    stays where it is, and counts for nothing elsewhere.

    >>> steps = np.arange(5.0)
    >>> smoothed(steps, 3 * steps + [0.1, -0.1, 0, -0.1, 0.1], over=4.0).round(1)
    array([ 0.,  3.,  6.,  9., 12.])
    """
    known = np.isfinite(values)
    x, y = steps - steps[0], np.where(known, values, 0.0)
    moments = known * np.stack([np.ones_like(x), x, x * x, y, x * y])  # (5, N)
    fade = np.exp(-np.diff(steps) / over)
    from_left, from_right = faded(moments, fade), faded(moments[:, ::-1], fade[::-1])[:, ::-1]
    n, x1, x2, y0, xy = from_left + from_right - moments  # each point itself is in both
    x2, xy, x1 = x2 - 2 * x * x1 + x * x * n, xy - x * y0, x1 - x * n  # as seen from each point
    spread = n * x2 - x1 * x1
    alone = spread <= 1e-9 * n * n
    line = (x2 * y0 - x1 * xy) / np.where(alone, 1.0, spread)
    return np.where(known & ~alone, line, values)


def faded(numbers: np.ndarray, fade: np.ndarray) -> np.ndarray:
    """The sum until each column (5, N), which fades from one to the next."""
    out = np.array(numbers)
    for i, factor in enumerate(fade):
        out[:, i + 1] += factor * out[:, i]
    return out
