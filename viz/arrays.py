"""Arrays as a page holds them: each once, a small one in full, a larger one as a heat map."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from .notation import digits
from .summary import FULL, norm_of, number, shape_of

CELLS, SIDE = 576, 96  # of a heat map: as many as that in all, and along one side


class Arrays:
    """The table that a page refers to by numbers. Equal arrays are one.

    >>> table = Arrays()
    >>> table.put(2.0), table.put(np.eye(2)), table.put(np.eye(2)), table.put(np.ones(9))
    ('2', 0, 0, 1)
    """

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def put(self, x: Any) -> str | int:
        """A single number as text; an array as its place in the table."""
        if np.ndim(x) == 0:
            return digits(np.asarray(x).item())
        written = json.dumps(in_page(np.asarray(x)))
        return self._index.setdefault(written, len(self._index))

    @property
    def table(self) -> list[Any]:
        return [json.loads(written) for written in self._index]


def in_page(array: np.ndarray) -> dict[str, Any]:
    """An array for `step.js`: its shape and norm, and all of its numbers or a heat map."""
    said = {"shape": shape_of(array), "norm": digits(norm_of(array)) if array.size else "0"}
    if array.size == 0 or (array.ndim <= 2 and max(array.shape) <= FULL):
        rows = np.atleast_2d(array) if array.size else np.empty((0, 0))
        return {**said, "rows": [[number(x).replace("-", "−") for x in row] for row in rows]}
    low, high = digits(array.min()), digits(array.max())
    return {**said, "low": low, "high": high, **heat_map(array.astype(np.float64))}


def heat_map(array: np.ndarray) -> dict[str, Any]:
    """A byte for each cell: 128 is 0, 1 and 255 the most of either sign, 0 is NaN or infinite.

    The last axis runs to the right, the others down. A cell stands for a block of numbers, by the
    largest of them, so that one large number among many is seen.
    """
    flat = array.reshape(-1, array.shape[-1])
    rows = min(len(flat), max(24, CELLS // flat.shape[1]), SIDE)
    columns = min(flat.shape[1], CELLS // rows, SIDE)
    blocks = largest(largest(flat, rows, axis=0), columns, axis=1)
    fine = np.isfinite(blocks)
    most = np.abs(blocks, where=fine, out=np.zeros_like(blocks)).max() or 1.0
    with np.errstate(under="ignore"):
        levels = np.where(fine, np.rint(np.where(fine, blocks, 0) / most * 127) + 128, 0)
    cells = base64.b64encode(levels.astype(np.uint8).tobytes()).decode()
    return {"down": rows, "across": columns, "most": digits(most), "cells": cells}


def largest(array: np.ndarray, blocks: int, axis: int) -> np.ndarray:
    """The number of largest size in each of so many blocks along an axis; a NaN is larger."""
    starts = np.linspace(0, array.shape[axis], blocks, endpoint=False).astype(int)
    high = np.maximum.reduceat(array, starts, axis=axis)
    low = np.minimum.reduceat(array, starts, axis=axis)
    return np.where(np.abs(low) > np.abs(high), low, high)
