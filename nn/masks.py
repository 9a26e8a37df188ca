"""Masks as PyTorch's layers take them: True where a query may *not* look, or floats, which are
added to its scores. (`scaled_dot_product_attention` has True where it may.)"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from ..engine.ops.constants import as_constants
from .functional.given import as_array


def as_mask(layer: str, name: str, mask: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """A mask as an array; one of floats may be a Tensor, and learned.

    Args:
        layer, name: of the layer and of its argument, for errors.
        mask: anything.
        shapes: those that it may have, each under what its axes are.

    Raises:
        TypeError: numbers that are neither booleans nor floats, and could mean either.
        ValueError: another shape.
    """
    mask = as_array(mask)
    if mask.dtype.kind not in "bfO":  # O: Values
        raise TypeError(
            f"{layer}: {name} of {mask.dtype}. Booleans say where a query may not look ({name} == "
            "1, if 1 hides), floats are added to the scores"
        )
    if mask.shape not in shapes.values():
        fits = " or ".join(f"{axes} = {shape}" for axes, shape in shapes.items())
        raise ValueError(f"{layer}: {name} of shape {mask.shape} does not fit; it is {fits}")
    return as_constants(mask) if mask.dtype == bool else mask


def causal(T: int, S: int) -> np.ndarray:
    """(T, S), True where a query may not look: query t looks at keys 0 to t alone.

    >>> causal(2, 3).astype(int)
    array([[0, 1, 1],
           [0, 0, 1]])
    """
    return np.tri(T, S) == 0


def widened(mask: Any, count: int) -> Any:
    """A mask (…, S + count): the last ones are for all to see."""
    shown = np.zeros((*mask.shape[:-1], count), bool if mask.dtype == bool else float)
    return np.concatenate([mask, shown], axis=-1)


def allowed(*masks: Any) -> Any:
    """Masks that broadcast, or None, as one for `scaled_dot_product_attention`; None if all are.

    >>> allowed(np.array([True, False]), None)
    array([False,  True])
    >>> allowed(np.array([True, False]), np.array([1.5, 2.5]))
    array([-inf,  2.5])
    """
    given = [mask for mask in masks if mask is not None]
    if not given:
        return None
    if all(mask.dtype == bool for mask in given):
        return np.logical_not(reduce(np.logical_or, given))
    added = (np.where(mask, -np.inf, 0.0) if mask.dtype == bool else mask for mask in given)
    return reduce(np.add, added)
