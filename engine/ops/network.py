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
from .reduce import largest, softmax


def _layer_norm_forward(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The result, and what its backward pass needs: what is normal is quickly computed again."""
    rows = as_rows(x)
    out = np.empty(rows.shape, floating(rows))
    mean, rstd = np.empty((2, len(rows), 1), out.dtype)
    if run := compiled(rows, weight, bias):
        ones, zeros = _or_all(weight, 1, rows), _or_all(bias, 0, rows)
        run.layer_norm(rows, ones, zeros, eps, mean[:, 0], rstd[:, 0], out)
        return out.reshape(x.shape), (x, mean, rstd, weight, bias)
    for part in blocks(*rows.shape):
        block = out[part]
        np.mean(rows[part], axis=-1, keepdims=True, out=mean[part])
        np.subtract(rows[part], mean[part], out=block)
        rstd[part] = 1 / np.sqrt(_mean_product(block, block) + eps)
        block *= rstd[part]
        if weight is not None:
            block *= weight
        if bias is not None:
            block += bias
    return out.reshape(x.shape), (x, mean, rstd, weight, bias)


def _layer_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    x, mean, rstd, weight, bias = saved
    rows, g_rows = as_rows(x), as_rows(g)
    share = np.empty(rows.shape, rstd.dtype)
    weight_share, bias_share = np.zeros((2, rows.shape[-1]), rstd.dtype)
    if run := compiled(rows, g_rows, weight):
        ones = _or_all(weight, 1, rows)
        row_numbers = mean[:, 0], rstd[:, 0]
        run.layer_norm_backward(g_rows, rows, *row_numbers, ones, share, weight_share, bias_share)
        return _shares(share.reshape(x.shape), (weight, weight_share), (bias, bias_share))
    for part in blocks(*rows.shape):
        normal = rows[part] - mean[part]
        normal *= rstd[part]
        weight_share += np.einsum("ni,ni->i", g_rows[part], normal)
        bias_share += g_rows[part].sum(axis=0)
        block = share[part]
        np.multiply(g_rows[part], 1 if weight is None else weight, out=block)
        normal *= _mean_product(block, normal)
        block -= block.mean(axis=-1, keepdims=True)
        block -= normal
        block *= rstd[part]
    return _shares(share.reshape(x.shape), (weight, weight_share), (bias, bias_share))


def _mean_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean of a · b over each row, (n, 1)."""
    return np.einsum("ni,ni->n", a, b)[:, None] / a.shape[-1]


def _or_all(given: Any, number: float, rows: np.ndarray) -> np.ndarray:
    """What a loop takes for a weight or a bias that is None."""
    return np.full(rows.shape[-1], number, rows.dtype) if given is None else given


def _shares(share: np.ndarray, *affine: tuple[Any, np.ndarray]) -> tuple[Any, ...]:
    """The shares of x and of those parameters that were given."""
    return share, *(None if given is None else its_share for given, its_share in affine)


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
    rows = as_rows(x)
    out = np.empty(rows.shape, floating(rows))
    rrms = np.empty((len(rows), 1), out.dtype)
    if run := compiled(rows, weight):
        run.rms_norm(rows, _or_all(weight, 1, rows), eps, rrms[:, 0], out)
        return out.reshape(x.shape), (x, rrms, weight)
    for part in blocks(*rows.shape):
        rrms[part] = 1 / np.sqrt(_mean_product(rows[part], rows[part]) + eps)
        np.multiply(rows[part], rrms[part], out=out[part])
        if weight is not None:
            out[part] *= weight
    return out.reshape(x.shape), (x, rrms, weight)


def _rms_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    x, rrms, weight = saved
    rows, g_rows = as_rows(x), as_rows(g)
    share = np.empty(rows.shape, rrms.dtype)
    weight_share = np.zeros(rows.shape[-1], rrms.dtype)
    if run := compiled(rows, g_rows, weight):
        ones = _or_all(weight, 1, rows)
        run.rms_norm_backward(g_rows, rows, rrms[:, 0], ones, share, weight_share)
        return _shares(share.reshape(x.shape), (weight, weight_share))
    for part in blocks(*rows.shape):
        normal = rows[part] * rrms[part]
        weight_share += np.einsum("ni,ni->i", g_rows[part], normal)
        block = share[part]
        np.multiply(g_rows[part], 1 if weight is None else weight, out=block)
        normal *= _mean_product(block, normal)
        block -= normal
        block *= rrms[part]
    return _shares(share.reshape(x.shape), (weight, weight_share))


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


def _masked(scores: Any, mask: Any, is_causal: bool) -> Any:
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
    if mask is None or type(scores) is not np.ndarray:
        return scores if mask is None else np.where(mask, scores, -np.inf)
    np.copyto(scores, -np.inf, where=np.logical_not(mask))  # the product, which nobody else has
    return scores


def _attention_forward(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_mask: Any = None,
    is_causal: bool = False, scale: float | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The result, and what its backward pass needs."""
    scale = 1 / math.sqrt(np.shape(query)[-1]) if scale is None else scale
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # (…, T, S)
    if attn_mask is None and (run := compiled(scores)):
        run.softmax(_matrices(scores), is_causal)
        weights = scores
    else:
        weights = _softmax_in_place(_masked(scores, attn_mask, is_causal))
    kept = weights if dropout_mask is None else weights * dropout_mask
    given = attn_mask, dropout_mask, is_causal, scale
    return kept @ value, (query, key, value, weights, kept, *given)


def _attention_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    query, key, value, weights, kept, attn_mask, dropout_mask, is_causal, scale = saved
    value_share = kept.swapaxes(-1, -2) @ g
    scores = g @ value.swapaxes(-1, -2)
    noise_share = mask_share = None
    if dropout_mask is not None:
        noise_share = scores * weights
        scores *= dropout_mask
    added = attn_mask is not None and np.asarray(attn_mask).dtype != bool
    _softmax_backward(scores, weights, is_causal and attn_mask is None, 1 if added else scale)
    if added:
        mask_share = scores.copy()
        scores *= scale
    return scores @ key, scores.swapaxes(-1, -2) @ query, value_share, mask_share, noise_share


def _matrices(a: np.ndarray) -> np.ndarray:
    """(…, T, S) as (m, T, S); T or S may be 0, so that m has to be counted."""
    return a.reshape(math.prod(a.shape[:-2]), *a.shape[-2:])


def _softmax_in_place(scores: np.ndarray) -> np.ndarray:
    """The same as softmax, without a second array of that size."""
    matrices = _matrices(scores)
    for part in blocks(len(matrices), matrices[:1].size):
        block = matrices[part]
        block -= largest(block, -1)
        np.exp(block, out=block)
        total = block.sum(axis=-1, keepdims=True)
        block /= total + (total == 0)
    return scores


def _softmax_backward(g: np.ndarray, weights: np.ndarray, is_causal: bool, scale: float) -> None:
    """softmax's rule in place of g, scaled: scale · w · (g − Σ g · w)."""
    if g.shape == weights.shape and (run := compiled(g, weights)):
        return run.softmax_backward(_matrices(g), _matrices(weights), is_causal, scale)
    g_matrices, each = _matrices(g), _matrices(np.broadcast_to(weights, g.shape))
    for part in blocks(len(each), each[:1].size):
        block, weight = g_matrices[part], each[part]
        block -= np.einsum("mts,mts->mt", block, weight)[..., None]
        block *= weight
        block *= scale


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
    scale = 1 / math.sqrt(np.shape(query)[-1]) if scale is None else scale
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # (…, T, S)
    weights = softmax(_masked(scores, attn_mask, is_causal))
    kept = weights if dropout_mask is None else weights * dropout_mask
    return kept @ value  # (…, T, d)
