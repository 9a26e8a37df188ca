"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import engine
from ...engine.ops.constants import as_constants
from .given import integers


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """Row `input` of a table: integers (…) and (n, C) give (…, C).

    Args:
        input: ids from 0 to n − 1.
        weight: the table.
        padding_idx: the row that is never learned; from the end, if it is below 0.

    Raises:
        IndexError: an id below 0 or not below n.
        TypeError: ids that are no integers.
    """
    ids = np.asarray(integers(input))
    if ids.dtype.kind == "f":  # before they take the width of the table
        raise TypeError(f"embedding: ids are integers, not {ids.dtype}; convert with astype(int)")
    rows = engine.embedding(weight, ids)
    if padding_idx is None:
        return rows
    padding = ids == padding_idx % len(weight)
    if not padding.any():
        return rows
    return np.where(padding[..., None], as_constants(weight[padding_idx]), rows)
