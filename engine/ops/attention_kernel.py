"""The kernel of attention: the same as `attention.py` says. Of the weights of causal attention the
part above the diagonal, which is 0, is neither computed nor multiplied."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .masks import masked
from .softmax import softmax_backward, softmax_in_place
from .triangle import times_transposed, transposed_times, triangle_times


def attention_forward(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_mask: Any = None,
    is_causal: bool = False, scale: float | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The result, and what its backward pass needs."""
    scale = usual_scale(query) if scale is None else scale
    step = _step(query, key, value, is_causal)
    scores = times_transposed(query * scale, key, step)  # (…, T, S)
    if attn_mask is not None:
        weights = softmax_in_place(masked(scores, attn_mask, is_causal), False, 0)
    else:
        weights = softmax_in_place(scores, is_causal, step)
    kept = weights if dropout_mask is None else weights * dropout_mask
    given = attn_mask, dropout_mask, is_causal, scale, step
    return triangle_times(kept, value, step), (query, key, value, weights, kept, *given)


def attention_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
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


def usual_scale(query: Any) -> float:
    """1 / √d, with which scores stay as large as their factors; 1 where there is no width."""
    return 1 / math.sqrt(np.shape(query)[-1] or 1)


def _step(query: np.ndarray, key: np.ndarray, value: np.ndarray, is_causal: bool) -> int:
    """How many queries are multiplied at once with the keys that they may see; 0 for all."""
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    return 64 if is_causal and alike and query.shape[-2] > 64 else 0
