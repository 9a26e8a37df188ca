"""What a function or a layer is handed: as an array, and how wide what comes of it will be."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import Tensor


def as_array(x: Any) -> Any:
    """A list as an array, and an integer Tensor, which has no gradient to lose, as the array that
    it holds; all else as it is.

    >>> as_array([1.0, 2.0])
    array([1., 2.])
    """
    if isinstance(x, Tensor):
        return x if x.dtype.kind == "f" else x.data
    return np.asarray(x) if isinstance(x, list | tuple) else x


def integers(ids: Any) -> Any:
    """Ids and class numbers as a plain array: they have no gradient that could be lost."""
    return ids.data if isinstance(ids, Tensor) else ids


def width_of(*inputs: Any) -> np.dtype:
    """The float type of what comes of these: Tensors alone decide, the widest, and other arrays
    where there are none. None is left out.

    >>> width_of(np.ones(2), Tensor(np.ones(2, np.float32)))
    dtype('float32')
    """
    arrays = [as_array(x) for x in inputs if x is not None]
    deciding = [x.dtype for x in arrays if isinstance(x, Tensor)]
    found = np.result_type(*(deciding or [np.asarray(x).dtype for x in arrays]))
    return found if found.kind == "f" else np.dtype(np.float64)
