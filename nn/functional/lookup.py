"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import engine
from ...engine import Tensor
from ...engine.ops.constants import as_constants


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """Row `input` of a table: integers (…) and (n, C) give (…, C).

    Args:
        input: ids from 0 to n − 1.
        weight: the table.
        padding_idx: the row that is never learned; from the end, if it is below 0.

    Raises:
        IndexError: an id below 0 or not below n.
    """
    ids = np.asarray(integers(input))
    rows = engine.embedding(weight, ids)
    if padding_idx is None:
        return rows
    padding = ids == padding_idx % len(weight)
    if not padding.any():
        return rows
    return np.where(padding[..., None], as_constants(weight[padding_idx]), rows)


def integers(ids: Any) -> Any:
    """Ids and class numbers as a plain array: they have no gradient that could be lost."""
    return ids.data if isinstance(ids, Tensor) else ids
