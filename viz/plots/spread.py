"""What is kept of an array of activations or gradients: how its numbers are spread."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..summary import binned, norm_of

BINS = 48
MANY = 2**14  # numbers; of more, so many are drawn, at the same places each time


class Spread(NamedTuple):
    """A histogram in equal bins from the lowest to the highest finite number, and the length.

    Of an array of more than 16,384 numbers the histogram is that of a sample of so many.

    Attributes:
        counts: (BINS,) how many numbers lie in each bin.
        low, high: the ends, NaN where there is nothing between them.
        size: how many numbers there are in all.
        norm: the root of the sum of squares; NaN or infinite as soon as one number is.
    """

    counts: np.ndarray
    low: float
    high: float
    size: int
    norm: float

    @property
    def rms(self) -> float:
        """The root of the mean of the squares, which does not grow with the size of an array."""
        return self.norm / math.sqrt(max(self.size, 1))

    def within(self, edges: np.ndarray) -> np.ndarray:
        """The share of the numbers between each two edges, (len(edges) − 1,): those in a bin lie
        evenly in it."""
        if not self.counts.any():
            return np.zeros(len(edges) - 1)
        if self.low == self.high:
            return np.histogram([self.low], edges)[0].astype(float)
        return np.diff(np.interp(edges, *self._below()))

    def quantile(self, share: float) -> float:
        """Where that share of the numbers in the bins lies below."""
        own, below = self._below()
        return float(np.interp(share, below, own))

    def _below(self) -> tuple[np.ndarray, np.ndarray]:
        """The edges of the bins, and the share of the numbers below each."""
        own = np.linspace(self.low, self.high, len(self.counts) + 1)
        return own, np.concatenate([[0], np.cumsum(self.counts)]) / self.counts.sum()


def spread(x: np.ndarray) -> Spread:
    """How the numbers of an array are spread.

    >>> found = spread(np.array([0.0, 1.0, 1.0, np.nan]))
    >>> found.counts.sum(), found.high, found.size, found.norm
    (np.int64(3), 1.0, 4, nan)
    """
    return histogram(sample(x), x)


def magnitudes(x: np.ndarray) -> Spread:
    """How the sizes of numbers are spread, by their logarithms to base 10; zeros have none."""
    size = np.abs(sample(x))
    return histogram(np.log10(size[size > 0]), x)


def sample(x: np.ndarray) -> np.ndarray:
    """All numbers of an array, or some of many."""
    flat = x.ravel()
    if flat.size <= MANY:
        return flat
    drawn: np.ndarray = flat[np.random.default_rng(0).integers(flat.size, size=MANY)]
    return drawn


def histogram(flat: np.ndarray, x: np.ndarray) -> Spread:
    """The histogram of some numbers, and the length of all."""
    norm = norm_of(x) if x.size else 0.0
    if not math.isfinite(norm):
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        return Spread(np.zeros(BINS, int), math.nan, math.nan, x.size, norm)
    low, high = float(flat.min()), float(flat.max())
    return Spread(binned(flat, BINS, low, high), low, high, x.size, norm)
