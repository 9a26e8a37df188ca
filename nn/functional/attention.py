"""Attention: each query reads the values whose keys fit it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import engine
from .noise import dropout_mask


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(q kᵀ / √d) v: each query reads the values whose keys fit it (Vaswani et al., 2017).

    Args:
        query: (…, T, d).
        key, value: (…, S, d).
        attn_mask: broadcasts to (…, T, S): True where a query may look, or numbers that are
            added to the scores. A row that may look nowhere gives zeros.
        dropout_p: as in PyTorch it acts whenever it is not 0: pass 0 in evaluation.
        is_causal: query t may look at keys 0 to t alone.
        scale: instead of 1 / √d.
    """
    noise = None
    if dropout_p:
        q, k = np.shape(query), np.shape(key)
        noise = dropout_mask((*np.broadcast_shapes(q[:-2], k[:-2]), q[-2], k[-2]), dropout_p)
    return engine.scaled_dot_product_attention(
        query, key, value, attn_mask, noise, is_causal, scale
    )
