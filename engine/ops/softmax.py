"""Softmax and sums of exponentials.

Softmax's rules serve every order. On rows of plain arrays a kernel computes softmax and its first
derivative in one array, in place: attention's weights are made with it, too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..blocks import as_rows, blocks, floating
from ..fast import compiled
from ..op import Kernel, declare, op
from ..samples import REAL, along_axis, elementwise, reduction
from .activation import sigmoid
from .reduce import kept, largest
from .triangle import triangle


def matrices_of(a: np.ndarray) -> np.ndarray:
    """(…, T, S) as (m, T, S); T or S may be 0, so that m has to be counted."""
    return a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:])


def softmax_in_place(scores: np.ndarray, is_causal: bool, step: int) -> np.ndarray:
    """The same as softmax, without a second array of that size if scores are contiguous."""
    matrices = matrices_of(scores)
    if run := compiled(matrices):
        run.softmax(matrices, is_causal)
        return matrices.reshape(scores.shape)
    hidden = np.tri(*scores.shape[-2:]) == 0 if is_causal else None
    for rows, seen in triangle(scores.shape[-2], step):
        for part in blocks(len(matrices), matrices[:1, rows, seen].size):
            block = matrices[part, rows, seen]
            if hidden is not None:
                np.copyto(block, -np.inf, where=hidden[rows, seen])
            block -= largest(block, -1)
            np.exp(block, out=block)
            total = (block @ np.ones(block.shape[-1], block.dtype))[..., None]
            block /= total + (total == 0)
    return matrices.reshape(scores.shape)


def softmax_backward(g: Any, weights: Any, is_causal: bool, scale: float) -> np.ndarray:
    """softmax's rule, scaled, and written over g: scale · w · (g − Σ g · w)."""
    if weights.shape != g.shape:  # value has batches that query and key have not
        weights = np.broadcast_to(weights, g.shape)
    g_matrices, each = matrices_of(g), matrices_of(weights)
    if run := compiled(g_matrices, each):
        run.softmax_backward(g_matrices, each, is_causal, scale)
        return g_matrices.reshape(g.shape)
    for part in blocks(len(each), each[:1].size):
        block, weight = g_matrices[part], each[part]
        block -= np.einsum("mts,mts->mt", block, weight)[..., None]
        block *= weight
        block *= scale
    return g_matrices.reshape(g.shape)


def softmax_vjp(g: Any, out: Any, x: Any, axis: int = -1) -> Any:
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


def last(a: np.ndarray, axis: int) -> np.ndarray:
    """`axis` as the last one; of one number, that alone."""
    return np.moveaxis(a, axis, -1) if a.ndim else a.reshape(1)


def back(a: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.moveaxis(a, -1, axis) if shape else a.reshape(())


def is_one(axis: Any, x: np.ndarray) -> bool:
    """Whether one axis is named, and not several or all.

    Raises:
        AxisError: there is no such axis.
    """
    if axis is None or isinstance(axis, tuple):
        return False
    normalize_axis_index(axis, max(x.ndim, 1))
    return True


def _softmax_forward(x: np.ndarray, axis: Any = -1) -> tuple[np.ndarray, Any]:
    """The result, and what its backward pass needs."""
    if not is_one(axis, x):
        out = softmax.__wrapped__(x, axis)  # type: ignore[attr-defined]
        return out, (out, axis, None)
    rows = np.array(last(x, axis), floating(x), order="C")  # to be written over
    softmax_in_place(as_rows(rows)[None], False, 0)
    return back(rows, axis, x.shape), (rows, axis, x.shape)


def _softmax_backward(g: np.ndarray, saved: Any) -> tuple[np.ndarray]:
    rows, axis, shape = saved
    if shape is None:  # several axes
        return (softmax_vjp(g, rows, None, axis),)
    share = np.array(last(g, axis), floating(g), order="C")
    softmax_backward(as_rows(share)[None], as_rows(rows)[None], False, 1.0)
    return (back(share, axis, shape),)


@op(softmax_vjp, kernel=Kernel(_softmax_forward, _softmax_backward), samples=along_axis())
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / Σ exp(x) along `axis`, after taking away the largest, which changes nothing.

    A row of −∞ alone (nothing to attend to) gives zeros, and no NaN.

    >>> softmax(np.array([0.0, 0.0, -np.inf]))
    array([0.5, 0.5, 0. ])
    """
    powers = np.exp(x - largest(x, axis))
    total = np.sum(powers, axis=axis, keepdims=True)
    return powers / (total + (total == 0))


def log_softmax_vjp(g: Any, out: Any, x: Any, axis: int = -1) -> Any:
    return g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)


def row_log_softmax(rows: np.ndarray) -> np.ndarray:
    """log_softmax of (n, C), in one array."""
    out = np.empty(rows.shape, floating(rows))
    if run := compiled(rows):
        run.log_softmax(rows, out)
        return out
    for part in blocks(*rows.shape):
        block = out[part]
        np.subtract(rows[part], largest(rows[part], -1), out=block)
        total = np.sum(np.exp(block), axis=-1, keepdims=True)
        block -= np.log(total + (total == 0))
    return out


def _log_softmax_forward(x: np.ndarray, axis: Any = -1) -> tuple[np.ndarray, Any]:
    if not is_one(axis, x):
        out = log_softmax.__wrapped__(x, axis)  # type: ignore[attr-defined]
        return out, (out, axis)
    rows = last(x, axis)
    out = back(row_log_softmax(as_rows(rows)).reshape(rows.shape), axis, x.shape)
    return out, (out, axis)


def _log_softmax_backward(g: np.ndarray, saved: Any) -> tuple[np.ndarray]:
    return (log_softmax_vjp(g, saved[0], None, saved[1]),)


@op(
    log_softmax_vjp,
    kernel=Kernel(_log_softmax_forward, _log_softmax_backward),
    samples=along_axis(),
)
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """log(softmax(x)) = x − log Σ exp(x), computed so that nothing overflows; −∞ stays −∞.

    >>> log_softmax(np.array([1000.0, 1000.0])).round(4)
    array([-0.6931, -0.6931])
    """
    shifted = x - largest(x, axis)
    total = np.sum(np.exp(shifted), axis=axis, keepdims=True)
    return shifted - np.log(total + (total == 0))


def logsumexp_vjp(g: Any, out: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The shares of the sum. Not exp(x − out): where x is large, rounding has taken the logarithm
    of how many there are from out. Of a sum that is infinite, what is infinite itself has all."""
    top = kept(out, x, axis, keepdims) == np.inf
    return kept(g, x, axis, keepdims) * softmax(
        np.where(top, np.where(x == np.inf, 0, -np.inf), x), axis
    )


@op(logsumexp_vjp, samples=reduction(min_side=1))
def logsumexp(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """log Σ exp(x), the largest taken out, so that nothing overflows; of −∞ alone, −∞.

    >>> float(logsumexp(np.array([1000.0, 1000.0])).round(4))
    1000.6931
    """
    top = largest(x, axis)
    total = np.sum(np.exp(x - top), axis=axis, keepdims=True)
    out = np.where(total == 0, -np.inf, top + np.log(total + (total == 0)))
    return out if keepdims else np.sum(out, axis=axis)  # of one number each


def apart(a: Any, b: Any) -> Any:
    """a − b, and 0 for two equal infinities, which share alike."""
    return np.where(np.isinf(a) * (a == b), 0, a - b)


# Not exp(a − out): where a is large, rounding has taken the log 2 from out. Of −∞ and −∞, which is
# the sum of nothing, nothing is moved, as in logsumexp.
declare(
    np.logaddexp,
    lambda g, out, a, b: g * sigmoid(apart(a, b)) * (out != -np.inf),
    lambda g, out, a, b: g * sigmoid(apart(b, a)) * (out != -np.inf),
    samples=elementwise(REAL, REAL),
)
