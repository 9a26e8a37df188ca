"""What networks are made of, as definitions in other ops: norms, attention.

None has a rule of its own: the derivative is the definition's. A kernel computes the first
derivative faster, and a test holds the two equal. Each definition says what its kernel's backward
pass needs beside the result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Kernel, op
from ..samples import Call, Draw, call
from .reduce import largest, softmax


def _layer_norm_forward(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The result, and what its backward pass needs."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + eps)
    normal = centred * rstd
    scaled = normal if weight is None else normal * weight
    return scaled if bias is None else scaled + bias, (normal, rstd, weight, bias is not None)


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
    return _layer_norm_forward(x, weight, bias, eps)[0]


def _rms_norm_forward(x: Any, weight: Any = None, eps: float = 1e-6) -> Any:
    """The result, and what its backward pass needs."""
    rrms = 1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps)
    normal = x * rrms
    return normal if weight is None else normal * weight, (normal, rrms, weight)


def _rms_norm_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    normal, rrms, weight = saved
    share = g if weight is None else g * weight
    along = np.einsum("...i,...i->...", share, normal)[..., None] / normal.shape[-1]
    return (share - normal * along) * rrms, None if weight is None else g * normal


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
    return _rms_norm_forward(x, weight, eps)[0]


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
    return scores if mask is None else np.where(mask, scores, -np.inf)


def _softmax_in_place(scores: np.ndarray) -> np.ndarray:
    """The same as softmax, without a second array of that size."""
    scores -= largest(scores, -1)
    np.exp(scores, out=scores)
    total = scores.sum(axis=-1, keepdims=True)
    scores /= total + (total == 0)
    return scores


def _attention_forward(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_mask: Any = None,
    is_causal: bool = False, scale: float | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The result, and what its backward pass needs."""
    scale = 1 / math.sqrt(np.shape(query)[-1]) if scale is None else scale
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # (…, T, S)
    scores = _masked(scores, attn_mask, is_causal)
    weights = _softmax_in_place(scores) if type(scores) is np.ndarray else softmax(scores)
    kept = weights if dropout_mask is None else weights * dropout_mask
    return kept @ value, (query, key, value, weights, kept, attn_mask, dropout_mask, scale)


def _attention_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    query, key, value, weights, kept, attn_mask, dropout_mask, scale = saved
    value_share = kept.swapaxes(-1, -2) @ g
    scores = g @ value.swapaxes(-1, -2)  # softmax's rule in place: w · (g − Σ g · w)
    noise_share = None
    if dropout_mask is not None:
        noise_share = scores * weights
        scores *= dropout_mask
    scores -= np.einsum("...s,...s->...", scores, weights)[..., None]
    scores *= weights
    added = attn_mask is not None and np.asarray(attn_mask).dtype != bool
    mask_share = scores.copy() if added else None
    scores *= scale
    return scores @ key, scores.swapaxes(-1, -2) @ query, value_share, mask_share, noise_share


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
    given = (query, key, value, attn_mask, dropout_mask, is_causal, scale)
    return _attention_forward(*given)[0]  # (…, T, d)
