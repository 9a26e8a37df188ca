"""Kernels of layer norm and RMS norm: the same as `norms.py` says, in blocks of rows.

What is saved is one number or two for each row; what is normalised is quickly computed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..blocks import as_rows, blocks, floating
from ..fast import compiled


def layer_norm_forward(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The result, and what its backward pass needs: what is normal is quickly computed again."""
    rows, scale, shift = as_rows(x), _columns(x, weight, 1), _columns(x, bias, 0)
    out = np.empty(rows.shape, scale.dtype)
    mean, rstd = np.empty((2, len(rows), 1), out.dtype)
    saved = x, mean, rstd, weight, bias
    if run := compiled(rows):
        run.layer_norm(rows, scale, shift, eps, mean[:, 0], rstd[:, 0], out)
        return out.reshape(x.shape), saved
    for part in blocks(*rows.shape):
        block = out[part]
        mean[part] = _row_means(rows[part])
        np.subtract(rows[part], mean[part], out=block)
        rstd[part] = 1 / np.sqrt(_mean_squares(block) + eps)
        block *= rstd[part]
        if weight is not None:
            block *= scale
        if bias is not None:
            block += shift
    return out.reshape(x.shape), saved


def layer_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    x, mean, rstd, weight, bias = saved
    rows, g_rows, scale = as_rows(x), as_rows(g), _columns(x, weight, 1)
    share = np.empty(rows.shape, rstd.dtype)
    weight_share, bias_share = np.zeros((2, rows.shape[-1]), rstd.dtype)
    shares = None if weight is None else weight_share, None if bias is None else bias_share
    if run := compiled(rows, g_rows):
        numbers = mean[:, 0], rstd[:, 0], scale
        run.layer_norm_backward(g_rows, rows, *numbers, share, weight_share, bias_share)
        return share.reshape(x.shape), *shares
    for part in blocks(*rows.shape):
        normal, block = rows[part] - mean[part], share[part]
        normal *= rstd[part]
        np.multiply(g_rows[part], normal, out=block)
        weight_share += _column_sums(block)
        bias_share += _column_sums(g_rows[part])
        normal *= _row_means(block, scale)
        normal += _row_means(g_rows[part], scale)
        np.multiply(g_rows[part], scale, out=block)
        block -= normal
        block *= rstd[part]
    return share.reshape(x.shape), *shares


def _columns(x: np.ndarray, given: Any, number: float) -> np.ndarray:
    """A weight or a bias as one float for each on the last axis; `number` where it is None."""
    numbers = np.broadcast_to(number if given is None else given, x.shape[-1:])
    return np.array(numbers, floating(x))


# Sums as products: BLAS adds faster than numpy does. Division comes last, so that the mean of equal
# numbers is that number.


def _row_means(rows: np.ndarray, scale: Any = None) -> np.ndarray:
    """The mean over each row, of rows · scale if that is given, (n, 1)."""
    each = np.ones(rows.shape[-1], rows.dtype) if scale is None else scale
    return (rows @ each)[:, None] / rows.dtype.type(rows.shape[-1])


def _mean_squares(rows: np.ndarray) -> np.ndarray:
    return np.einsum("ni,ni->n", rows, rows)[:, None] / rows.dtype.type(rows.shape[-1])


def _column_sums(rows: np.ndarray) -> np.ndarray:
    return np.ones(len(rows), rows.dtype) @ rows


def rms_norm_forward(x: Any, weight: Any = None, eps: float = 1e-6) -> Any:
    """The result, and what its backward pass needs."""
    rows, scale = as_rows(x), _columns(x, weight, 1)
    out = np.empty(rows.shape, scale.dtype)
    rrms = np.empty((len(rows), 1), out.dtype)
    if run := compiled(rows):
        run.rms_norm(rows, scale, eps, rrms[:, 0], out)
        return out.reshape(x.shape), (x, rrms, weight)
    for part in blocks(*rows.shape):
        rrms[part] = 1 / np.sqrt(_mean_squares(rows[part]) + eps)
        np.multiply(rows[part], rrms[part], out=out[part])
        if weight is not None:
            out[part] *= scale
    return out.reshape(x.shape), (x, rrms, weight)


def rms_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    x, rrms, weight = saved
    rows, g_rows, scale = as_rows(x), as_rows(g), _columns(x, weight, 1)
    share = np.empty(rows.shape, rrms.dtype)
    weight_share = np.zeros(rows.shape[-1], rrms.dtype)
    shares = share.reshape(x.shape), None if weight is None else weight_share
    if run := compiled(rows, g_rows):
        run.rms_norm_backward(g_rows, rows, rrms[:, 0], scale, share, weight_share)
        return shares
    for part in blocks(*rows.shape):
        normal, block = rows[part] * rrms[part], share[part]
        np.multiply(g_rows[part], normal, out=block)
        weight_share += _column_sums(block)
        normal *= _row_means(block, scale)
        np.multiply(g_rows[part], scale, out=block)
        block -= normal
        block *= rrms[part]
    return shares
