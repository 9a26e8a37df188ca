"""What networks are made of, as definitions in other ops: norms, attention.

None has a rule of its own: the derivative is the definition's. A kernel computes the first
derivative faster, and a test holds the two equal. Each definition says what its kernel's backward
pass needs beside the result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..blocks import as_rows, blocks, floating
from ..fast import compiled
from ..op import Kernel, op
from ..samples import Call, Draw, call
from .softmax import softmax, softmax_backward, softmax_in_place
from .triangle import times_transposed, transposed_times, triangle_times


def _layer_norm_forward(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
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


def _layer_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
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


def _layer_norm_samples(draw: Draw) -> Call:
    n = draw.integer(2, 4)
    x = draw.array((*draw.shape(max_dims=2), n), distinct=True)
    return call(x, *draw.arrays("n,n", n=n)[: draw.integer(0, 2)])


@op(
    kernel=Kernel(_layer_norm_forward, _layer_norm_backward),
    samples=_layer_norm_samples,
    fits="weight and bias must have one number for each on the last axis",
)
def layer_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ba et al., 2016).

    Args:
        x: (…, C).
        weight, bias: (C,), or None for 1 and 0.
        eps: keeps a constant row finite.

    >>> layer_norm(np.array([1.0, 3.0])).round(3)
    array([-1.,  1.])
    """
    centred = x - np.mean(x, axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + eps)
    normal = centred * rstd
    scaled = normal if weight is None else normal * weight
    return scaled if bias is None else scaled + bias


def _rms_norm_forward(x: Any, weight: Any = None, eps: float = 1e-6) -> Any:
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


def _rms_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
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


def _rms_norm_samples(draw: Draw) -> Call:
    (x, *affine), _ = _layer_norm_samples(draw)
    return call(x, *affine[:1])


@op(
    kernel=Kernel(_rms_norm_forward, _rms_norm_backward),
    samples=_rms_norm_samples,
    fits="weight must have one number for each on the last axis",
)
def rms_norm(x: Any, weight: Any = None, eps: float = 1e-6) -> Any:
    """x / √(mean x² + eps) · weight over the last axis (Zhang and Sennrich, 2019).

    Args:
        x: (…, C).
        weight: (C,), or None for 1.
        eps: keeps a row of zeros finite.

    >>> rms_norm(np.array([3.0, 4.0])).round(3)
    array([0.849, 1.131])
    """
    normal = x * (1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps))
    return normal if weight is None else normal * weight


def _attention_samples(draw: Draw) -> Call:
    shapes = draw.choice(("btd,bsd,bsd,ts,bts", "td,sd,sd,ts,ts"))
    q, k, v, added, noise = draw.arrays(shapes)
    mask = draw.choice((None, added > 0, added))
    return call(q, k, v, mask, draw.choice((None, 2.0 * (noise > 0))), is_causal=draw.boolean())


def masked(scores: Any, mask: Any, is_causal: bool = False) -> Any:
    """Scores (…, T, S) with the mask added, or −∞ where a query may not look.

    Raises:
        TypeError: a mask of integers, which could mean either kind.
    """
    mask = np.asarray(mask) if isinstance(mask, list | tuple) else mask
    if mask is not None and mask.dtype.kind not in "bfO":
        raise TypeError(
            f"scaled_dot_product_attention: attn_mask of {mask.dtype}. Booleans say where a query "
            "may look (mask == 1), floats are added to the scores"
        )
    if mask is not None and mask.dtype != bool:
        scores, mask = scores + mask, None
    if is_causal:
        causal = np.tri(*np.shape(scores)[-2:]) > 0
        mask = causal if mask is None else causal & mask
    return scores if mask is None else np.where(mask, scores, -np.inf)


def attention_weights(
    query: Any, key: Any, attn_mask: Any = None, is_causal: bool = False, scale: float | None = None
) -> Any:
    """softmax(q kᵀ / √d), (…, T, S): how much of each value a query takes. Arguments as of
    `scaled_dot_product_attention`."""
    scale = 1 / math.sqrt(np.shape(query)[-1]) if scale is None else scale
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # (…, T, S)
    return softmax(masked(scores, attn_mask, is_causal))


def _attention_forward(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_mask: Any = None,
    is_causal: bool = False, scale: float | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The result, and what its backward pass needs."""
    scale = 1 / math.sqrt(np.shape(query)[-1]) if scale is None else scale
    step = _step(query, key, value, is_causal)
    scores = times_transposed(query * scale, key, step)  # (…, T, S)
    if attn_mask is not None:
        weights = softmax_in_place(masked(scores, attn_mask, is_causal), False, 0)
    else:
        weights = softmax_in_place(scores, is_causal, step)
    kept = weights if dropout_mask is None else weights * dropout_mask
    given = attn_mask, dropout_mask, is_causal, scale, step
    return triangle_times(kept, value, step), (query, key, value, weights, kept, *given)


def _attention_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    query, key, value, weights, kept, attn_mask, dropout_mask, is_causal, scale, step = saved
    value_share = transposed_times(kept, g, step)
    scores = times_transposed(g, value, step)
    noise_share = mask_share = None
    if dropout_mask is not None:
        noise_share = scores * weights
        scores *= dropout_mask
    added = attn_mask is not None and np.asarray(attn_mask).dtype != bool
    only_causal = is_causal and attn_mask is None
    scores = softmax_backward(scores, weights, only_causal, 1 if added else scale)
    if added:
        mask_share = scores.copy()
        scores *= scale
    key_share = transposed_times(scores, query, step)
    return triangle_times(scores, key, step), key_share, value_share, mask_share, noise_share


def _step(query: np.ndarray, key: np.ndarray, value: np.ndarray, is_causal: bool) -> int:
    """How many queries are multiplied at once with the keys that they may see; 0 for all."""
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    return 64 if is_causal and alike and query.shape[-2] > 64 else 0


@op(
    kernel=Kernel(_attention_forward, _attention_backward),
    samples=_attention_samples,
    fits="query (…, T, d), key (…, S, d) and value (…, S, e) must agree, and masks broadcast to "
    "(…, T, S)",
)
def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_mask: Any = None,
    is_causal: bool = False, scale: float | None = None,
) -> Any:  # fmt: skip
    """softmax(q kᵀ / √d) v: each query reads the values whose keys fit it (Vaswani et al., 2017).

    Args:
        query: (…, T, d).
        key, value: (…, S, d).
        attn_mask: broadcasts to (…, T, S): booleans, True where a query may look, or numbers
            that are added to the scores. A row that may look nowhere gives zeros.
        dropout_mask: (…, T, S), multiplied with the weights; noise is an argument, so that a
            recomputation replays it.
        is_causal: query t may look at keys 0 to t alone.
        scale: instead of 1 / √d.

    >>> v = np.array([[1.0], [3.0]])
    >>> scaled_dot_product_attention(np.zeros((2, 1)), np.zeros((2, 1)), v, is_causal=True)
    array([[1.],
           [2.]])
    """
    weights = attention_weights(query, key, attn_mask, is_causal, scale)  # (…, T, S)
    kept = weights if dropout_mask is None else weights * dropout_mask
    return kept @ value  # (…, T, d)
