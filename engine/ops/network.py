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
from .reduce import log_softmax, softmax


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


def _labels(logits: Any, targets: Any, ignore_index: int) -> tuple[Any, Any]:
    """Targets as a flat row of class numbers, and which of them count."""
    classes = np.shape(logits)[-1]
    targets = np.asarray(targets)
    if targets.shape != np.shape(logits)[:-1]:
        raise ValueError(
            f"cross_entropy: logits {np.shape(logits)} need targets {np.shape(logits)[:-1]}, one "
            f"class for each row of {classes} logits, not {targets.shape}"
        )
    if targets.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy: targets are class numbers (integers), not {targets.dtype}")
    labels = targets.reshape(-1)
    counted = labels != ignore_index
    wrong = labels[counted & ((labels < 0) | (labels >= classes))]
    if wrong.size:
        raise IndexError(
            f"cross_entropy: target {wrong[0]} is no class: there are {classes} logits, so "
            f"classes 0 to {classes - 1} (and {ignore_index}, which is ignored)"
        )
    return np.where(counted, labels, 0), counted


def _cross_entropy_forward(
    logits: np.ndarray, targets: Any, ignore_index: int = -100
) -> tuple[Any, Any]:
    labels, counted = _labels(logits, targets, ignore_index)
    flat = logits.reshape(-1, logits.shape[-1])
    if not counted.all():
        flat = np.where(counted[:, None], flat, 0)
    log_probs = flat - flat.max(axis=-1, keepdims=True)
    probs = np.exp(log_probs)
    total = probs.sum(axis=-1, keepdims=True)
    probs /= total
    rows = np.arange(len(labels))
    picked = log_probs[rows, labels] - np.log(total[:, 0])
    n = max(int(counted.sum()), 1)
    loss = np.where(counted, -picked, 0).sum() / n
    return loss, (probs, rows, labels, counted, n, logits.shape)


def _cross_entropy_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    probs, rows, labels, counted, n, shape = saved
    share = np.where(counted[:, None], probs, 0)
    share[rows, labels] -= counted
    share *= g / n
    return share.reshape(shape), None


def _cross_entropy_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    shape = (*draw.shape(max_dims=2, min_side=1), draw.integer(2, 4))
    targets = draw.index(shape[-1], shape[:-1])
    return (draw.array(shape), np.where(draw.array(shape[:-1]) > 2, -100, targets)), {}


@op(kernel=Kernel(_cross_entropy_forward, _cross_entropy_backward), samples=_cross_entropy_samples)
def cross_entropy(logits: Any, targets: Any, ignore_index: int = -100) -> Any:
    """−log softmax(logits)[target], the mean over all targets that are not ignored, in nats.

    Args:
        logits: (…, C), any real numbers.
        targets: (…), integers from 0 to C − 1, or `ignore_index`. All ignored gives 0.

    Raises:
        ValueError, TypeError, IndexError: targets of another shape, not integers, no class.

    >>> round(float(cross_entropy(np.zeros((2, 4)), np.array([0, 3]))), 4)  # log 4
    1.3863
    """
    labels, counted = _labels(logits, targets, ignore_index)
    flat = np.reshape(logits, (-1, np.shape(logits)[-1]))  # (N, C)
    log_probs = log_softmax(np.where(counted[:, None], flat, 0))
    picked = log_probs[np.arange(len(labels)), labels]  # (N,)
    return np.sum(np.where(counted, -picked, 0)) / max(int(counted.sum()), 1)


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
