"""Scores of attention where a query may not look."""

from __future__ import annotations

from typing import Any

import numpy as np


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
