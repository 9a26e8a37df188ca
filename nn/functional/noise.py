"""Noise that keeps a network from relying on any one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..random import source
from .given import width_of


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Each element zero with probability p, else 1 / (1 − p) times itself (Srivastava et al.,
    2014).

    The mean stays what it was, so that nothing need change in evaluation.

    >>> dropout(np.ones(3), p=0.5, training=False)
    array([1., 1., 1.])
    """
    if not (training and p):
        return input
    return input * dropout_mask(np.shape(input), p, width_of(input))


def dropout_mask(shape: tuple[int, ...], p: float, dtype: Any = np.float64) -> np.ndarray:
    """Noise from nn's generator: 0 with probability p, else 1 / (1 − p), in the float type of what
    it is for. The draw does not depend on that.

    Raises:
        ValueError: p is no probability.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, from 0 to 1, not {p}")
    kept = source.generator.random(shape, dtype=np.float32) >= p
    return np.multiply(kept, 1 / (1 - p) if p < 1 else 0, dtype=dtype)
