"""Attention, as a definition in other ops: products, a mask, a softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Kernel, op
from ..samples import Call, Draw, call
from .attention_kernel import attention_backward, attention_forward, usual_scale
from .masks import masked
from .softmax import softmax


def _attention_samples(draw: Draw) -> Call:
    shapes = draw.choice(("btd,bsd,bsd,ts,bts", "td,sd,sd,ts,ts"))
    q, k, v, added, noise = draw.arrays(shapes)
    mask = draw.choice((None, added > 0, added))
    return call(q, k, v, mask, draw.choice((None, 2.0 * (noise > 0))), is_causal=draw.boolean())


def attention_weights(
    query: Any, key: Any, attn_mask: Any = None, is_causal: bool = False, scale: float | None = None
) -> Any:
    """softmax(q kᵀ / √d), (…, T, S): how much of each value a query takes. Arguments: see
    `scaled_dot_product_attention`."""
    scale = usual_scale(query) if scale is None else scale
    scores = (query * scale) @ np.swapaxes(key, -1, -2)  # (…, T, S)
    return softmax(masked(scores, attn_mask, is_causal))


@op(
    kernel=Kernel(attention_forward, attention_backward),
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
        key: (…, S, d).
        value: (…, S, e).
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
    return kept @ value  # (…, T, e)
