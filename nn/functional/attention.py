"""Attention: each query reads the values whose keys fit it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import engine
from ...engine.ops.shape import broadcasts
from .given import width_of
from .noise import dropout_mask


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(q kᵀ / √d) v: each query reads the values whose keys fit it (Vaswani et al., 2017).

    Args:
        query: (…, T, d).
        key: (…, S, d).
        value: (…, S, e).
        attn_mask: broadcasts to (…, T, S): True where a query may look, or numbers that are
            added to the scores. A row that may look nowhere gives zeros.
        dropout_p: as in PyTorch it acts whenever it is not 0: pass 0 in evaluation.
        is_causal: query t may look at keys 0 to t alone; with attn_mask, where both let it.
        scale: instead of 1 / √d.
        enable_gqa: grouped queries (Ainslie et al., 2023): query is (…, H, T, d), key and value
            (…, G, S, ·), and each of the G heads serves H / G heads of queries, neighbours. With
            G = 1 all share one (Shazeer, 2019).

    Returns:
        (…, T, e).

    Raises:
        ValueError: shapes that do not agree; heads of queries that cannot be shared out evenly.
        TypeError: a mask of integers.

    >>> rng = np.random.default_rng(0)
    >>> q, k = rng.standard_normal((4, 5, 2)), rng.standard_normal((2, 5, 2))
    >>> scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True).shape
    (4, 5, 2)
    """
    if enable_gqa:
        key = for_each_query_head("key", key, query)
        value = for_each_query_head("value", value, query)
    scores = shape_of_scores(query, key, value)  # (…, T, S)
    if attn_mask is not None and not broadcasts(np.shape(attn_mask), scores):
        raise ValueError(
            f"scaled_dot_product_attention: attn_mask of shape {np.shape(attn_mask)} does not "
            f"broadcast to (…, T, S) = {scores}"
        )
    noise = None
    if dropout_p:
        noise = dropout_mask(scores, dropout_p, width_of(query, key, value))
    return engine.scaled_dot_product_attention(
        query, key, value, attn_mask, noise, is_causal, scale
    )


def shape_of_scores(query: Any, key: Any, value: Any) -> tuple[int, ...]:
    """(…, T, S).

    Raises:
        ValueError: the three do not agree.
    """
    q, k, v = np.shape(query), np.shape(key), np.shape(value)
    try:
        front = np.broadcast_shapes(q[:-2], k[:-2], v[:-2])
    except ValueError:
        front = None
    if front is None or min(map(len, (q, k, v))) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        raise ValueError(
            f"scaled_dot_product_attention: query {q}, key {k} and value {v} do not fit; they are "
            "(…, T, d), (…, S, d) and (…, S, e)"
        )
    return (*np.broadcast_shapes(q[:-2], k[:-2]), q[-2], k[-2])


def for_each_query_head(name: str, x: Any, query: Any) -> Any:
    """Keys or values (…, G, S, d), each head as often as it is asked: (…, H, S, d).

    Raises:
        ValueError: there is no axis of heads, or G does not divide H.
    """
    q, shape = np.shape(query), np.shape(x)
    if min(len(q), len(shape)) < 3 or shape[-3] == 0 or q[-3] % shape[-3]:
        raise ValueError(
            f"scaled_dot_product_attention: enable_gqa shares the heads of {name}, of shape "
            f"{shape}, among those of query, {q}; heads lie on the axis -3, and those of query "
            "must be a multiple"
        )
    times = q[-3] // shape[-3]
    *front, S, d = shape
    # Broadcast, so that on the way back the shares of a group are one sum.
    several = np.broadcast_to(np.expand_dims(x, -3), (*front, times, S, d))
    return np.reshape(several, (*front[:-1], q[-3], S, d))
