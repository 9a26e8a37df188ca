"""Norms of vectors and of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import declare
from ..samples import Call, Draw, call
from .matrix import rectangle_samples, svdvals
from .reduce import root


def vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if abs(ord) == np.inf:
        return (np.max if ord > 0 else np.min)(abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        raise ValueError("norm: ord 0 counts what is not 0, which has no derivative")
    powers = x * x if ord == 2 else abs(x) if ord == 1 else abs(x) ** ord
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return total if ord == 1 else root(total, ord)


def matrix_norm(x: Any, ord: Any) -> Any:
    """Over the last two axes."""
    if ord in (2, -2, "nuc"):
        reduce: Any = {2: np.max, -2: np.min, "nuc": np.sum}[ord]
        return reduce(svdvals(x), axis=-1)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"norm of a matrix: ord is 'fro', 'nuc', ±1, ±2 or ±inf, not {ord!r}")
    along = -2 if abs(ord) == 1 else -1
    return (np.max if ord > 0 else np.min)(np.sum(abs(x), axis=along), axis=-1)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The length of vectors, or the size of matrices, as numpy has them; 0 has slope 0.

    Raises:
        ValueError: an `ord` that numpy does not have, or that has no derivative.
    """
    axes = range(np.ndim(x)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if ord is None or (ord == "fro" and len(axes) == 2):
        return vector_norm(x, 2, axis, keepdims)
    if len(axes) == 1 and not isinstance(ord, str):
        return vector_norm(x, ord, axis, keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: ord {ord!r} over {len(axes)} axes of {np.shape(x)}")
    out = matrix_norm(np.moveaxis(x, tuple(axes), (-2, -1)), ord)
    return np.expand_dims(out, tuple(axes)) if keepdims else out


def norm_samples(draw: Draw) -> Call:
    ord, keepdims = draw.choice((None, "fro", "nuc", 1, -1, 2, -2, np.inf, 3)), draw.boolean()
    (x,), _ = rectangle_samples(draw)
    axis = draw.choice(((-2, -1), -1)) if ord in (1, 2, np.inf) else (-2, -1)
    axis = -1 if ord == 3 else draw.axes(x.ndim) if ord is None else axis
    return call(x, ord=ord, axis=axis, keepdims=keepdims)


declare(np.linalg.norm, definition=norm, samples=norm_samples)
