"""Products with matrices (…, T, S) that are 0 above the diagonal, as causal attention's weights.

Of `step` rows at a time nothing is multiplied but what may be other than 0; about half of the work
is left. A step of 0 takes all rows at once, with every matrix and any batches.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def triangle(rows: int, step: int) -> Iterator[tuple[slice, slice]]:
    """Rows, and the columns up to the last one in which these rows may have a number.

    >>> [*triangle(5, 3)]
    [(slice(0, 3, None), slice(None, 3, None)), (slice(3, 6, None), slice(None, 6, None))]
    """
    if not step:
        return iter([(slice(None), slice(None))])
    starts = range(0, rows, step)
    return ((slice(start, start + step), slice(start + step)) for start in starts)


def times_transposed(a: np.ndarray, b: np.ndarray, step: int) -> np.ndarray:
    """a bᵀ up to the diagonal, (…, T, d) by (…, S, d); beyond that some numbers, or 0."""
    if not step:
        return a @ np.swapaxes(b, -1, -2)
    out = np.zeros((*a.shape[:-1], b.shape[-2]), np.result_type(a, b))
    for rows, seen in triangle(a.shape[-2], step):
        columns = np.swapaxes(b[..., seen, :], -1, -2)
        np.matmul(a[..., rows, :], columns, out=out[..., rows, seen])
    return out


def triangle_times(a: np.ndarray, b: np.ndarray, step: int) -> np.ndarray:
    """a b, of a triangle a (…, T, S) and b (…, S, d)."""
    if not step and a.shape[:-2] != b.shape[:-2]:
        return a @ b
    out = laid_out_as(b, a.shape[:-1], np.result_type(a, b))
    for rows, seen in triangle(a.shape[-2], step):
        np.matmul(a[..., rows, seen], b[..., seen, :], out=out[..., rows, :])
    return out


def transposed_times(a: np.ndarray, b: np.ndarray, step: int) -> np.ndarray:
    """aᵀ b, of a triangle a (…, T, S) and b (…, T, d)."""
    if not step and a.shape[:-2] != b.shape[:-2]:
        return np.swapaxes(a, -1, -2) @ b
    out = laid_out_as(b, (*a.shape[:-2], a.shape[-1]), np.result_type(a, b))
    for start in range(0, a.shape[-1], step) if step else (0,):
        columns = slice(start, start + step if step else None)
        part = np.swapaxes(a[..., start:, columns], -1, -2)
        np.matmul(part, b[..., start:, :], out=out[..., columns, :])
    return out


def laid_out_as(b: np.ndarray, lead: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array (*lead, d) for a product with b (…, S, d), that lies in memory as b does. Where b is
    one of many heads, whose places are next to each other, the heads are then side by side."""
    return np.empty_like(b, dtype, shape=(*lead, b.shape[-1]))
