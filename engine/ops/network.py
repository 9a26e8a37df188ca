"""What networks are made of, as definitions in other ops: norm, loss, attention.

None has a rule of its own: the derivative is the definition's. A kernel computes the first
derivative faster, and a test holds the two equal.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Kernel, op
from ..samples import Draw
from .reduce import softmax


def _layer_norm_forward(
    x: np.ndarray, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> tuple[np.ndarray, Any]:
    n = x.shape[-1]
    centred = x - x.mean(axis=-1, keepdims=True)
    square = np.einsum("...i,...i->...", centred, centred)[..., None]
    rstd = 1 / np.sqrt(square / n + eps)
    normal = np.multiply(centred, rstd, out=centred)
    out = normal if weight is None else normal * weight
    return out if bias is None else out + bias, (normal, rstd, weight, bias is not None)


def _layer_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    normal, rstd, weight, has_bias = saved
    rows = (-1, normal.shape[-1])
    share = g if weight is None else g * weight
    along = np.einsum("...i,...i->...", share, normal)[..., None] / normal.shape[-1]
    x_share = share - share.mean(axis=-1, keepdims=True)
    x_share -= normal * along
    x_share *= rstd
    weight_share = None
    if weight is not None:
        weight_share = np.einsum("ni,ni->i", g.reshape(rows), normal.reshape(rows))
    return x_share, weight_share, g.reshape(rows).sum(axis=0) if has_bias else None


def _layer_norm_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    n = draw.integer(2, 4)
    x = draw.array((*draw.shape(max_dims=2), n), distinct=True)
    affine = (draw.array((n,)), draw.array((n,)))
    return (x, *affine[: draw.integer(0, 2)]), {}


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
    normal = centred / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + eps)
    scaled = normal if weight is None else normal * weight
    return scaled if bias is None else scaled + bias


def _rms_norm_forward(
    x: np.ndarray, weight: Any = None, eps: float = 1e-6
) -> tuple[np.ndarray, Any]:
    square = np.einsum("...i,...i->...", x, x)[..., None] / x.shape[-1]
    rrms = 1 / np.sqrt(square + eps)
    normal = x * rrms
    return normal if weight is None else normal * weight, (normal, rrms, weight)


def _rms_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    normal, rrms, weight = saved
    share = g if weight is None else g * weight
    along = np.einsum("...i,...i->...", share, normal)[..., None] / normal.shape[-1]
    x_share = (share - normal * along) * rrms
    return x_share, None if weight is None else g * normal


@op(
    kernel=Kernel(_rms_norm_forward, _rms_norm_backward),
    samples=lambda draw: (_layer_norm_samples(draw)[0][:2], {}),
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
    normal = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps)
    return normal if weight is None else normal * weight


def _attention_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    batch, size = draw.shape(max_dims=1, min_side=1), draw.integer(1, 3)
    t, s = draw.integer(1, 3), draw.integer(1, 3)
    q, k, v = (draw.array((*batch, n, size)) for n in (t, s, s))
    added = draw.array((t, s))
    mask = draw.choice((None, added > 0, added))
    noise = draw.choice((None, 2.0 * (draw.array((*batch, t, s)) > 0)))
    return (q, k, v, mask, noise), {"is_causal": draw.boolean()}


def _attention_forward(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    attn_mask: Any = None,
    dropout_mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> tuple[np.ndarray, Any]:
    """The definition, with the scores turned into weights where they lie."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    attn_mask = checked_mask(attn_mask)
    weights = (query * scale) @ key.swapaxes(-1, -2)  # (…, T, S)
    added = attn_mask is not None and attn_mask.dtype != bool
    if added:
        weights = weights + attn_mask
    allowed = _allowed(weights.shape[-2:], None if added else attn_mask, is_causal)
    if allowed is not None:
        weights = np.where(allowed, weights, -np.inf)
    top = weights.max(axis=-1, keepdims=True, initial=-np.inf)
    weights -= np.where(top == -np.inf, 0, top)
    np.exp(weights, out=weights)
    total = weights.sum(axis=-1, keepdims=True)
    weights /= total + (total == 0)
    kept = weights if dropout_mask is None else weights * dropout_mask
    return kept @ value, (query, key, value, weights, kept, dropout_mask, scale, added)


def _attention_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    query, key, value, weights, kept, dropout_mask, scale, added = saved
    value_share = kept.swapaxes(-1, -2) @ g
    scores = g @ value.swapaxes(-1, -2)  # softmax's rule in place: w · (g − Σ g · w)
    noise_share = None
    if dropout_mask is not None:
        noise_share = scores * weights
        scores *= dropout_mask
    scores -= np.einsum("...s,...s->...", scores, weights)[..., None]
    scores *= weights
    mask_share = scores.copy() if added else None
    scores *= scale
    return scores @ key, scores.swapaxes(-1, -2) @ query, value_share, mask_share, noise_share


def checked_mask(mask: Any) -> Any:
    """The mask as an array.

    Raises:
        TypeError: integers, which could mean either kind.
    """
    mask = np.asarray(mask) if isinstance(mask, list) else mask
    if mask is not None and mask.dtype.kind not in "bfO":
        raise TypeError(
            f"scaled_dot_product_attention: attn_mask of {mask.dtype}. Booleans say where a query "
            "may look (mask == 1), floats are added to the scores"
        )
    return mask


def _allowed(shape: tuple[int, ...], mask: Any, is_causal: bool) -> Any:
    """Where a query may look, (…, T, S), or None for everywhere."""
    if not is_causal:
        return mask
    t, s = shape
    causal = np.tri(t, s) > 0
    return causal if mask is None else causal & mask


@op(
    kernel=Kernel(_attention_forward, _attention_backward),
    samples=_attention_samples,
    fits="query (…, T, d), key (…, S, d) and value (…, S, e) must agree, and masks broadcast to "
    "(…, T, S)",
)
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_mask: Any = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
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
    attn_mask = checked_mask(attn_mask)
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # (…, T, S)
    if attn_mask is not None and attn_mask.dtype != bool:
        scores, attn_mask = scores + attn_mask, None
    allowed = _allowed(np.shape(scores)[-2:], attn_mask, is_causal)
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    weights = softmax(scores)
    if dropout_mask is not None:
        weights = weights * dropout_mask
    return weights @ value  # (…, T, d)
