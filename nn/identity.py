"""Layers that change no number: `Identity`, `Flatten`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .module import Module


class Identity(Module):
    """What it is given, whatever arguments it is made with: a place for a layer that is left out.

    >>> Identity(54, unused=True)(3.0)
    3.0
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """The axes from start_dim to end_dim as one: (B, C, H, W) gives (B, C · H · W).

    Raises:
        ValueError: there is no such axis, or they end before they start.

    >>> Flatten()(np.zeros((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        shape = np.shape(x)
        start, end = (
            normalize_axis_index(d, len(shape), "Flatten") for d in (self.start_dim, self.end_dim)
        )
        if start > end:
            raise ValueError(
                f"Flatten: of shape {shape}, axis {self.start_dim} comes after axis {self.end_dim}"
            )
        inner = math.prod(shape[start : end + 1])
        return np.reshape(x, (*shape[:start], inner, *shape[end + 1 :]))

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
