"""What a step gave, as a few plain floats that two processes can compare."""

from __future__ import annotations

from typing import Any

MANY = 32


def numbers_of(result: Any) -> list[float]:
    """A number as it is; of an array its norm and some elements, spread evenly; of a tuple all.

    Elements are told in units of the array's usual size: else a gradient of small numbers would
    be equal to any other.

    Called outside the timed part, so it may be slow. Nothing is imported for plain floats: a
    contender in pure Python stays one.

    >>> numbers_of((1.5, 2))
    [1.5, 2.0]
    """
    if result is None:
        return []
    if isinstance(result, tuple | list):
        return [number for one in result for number in numbers_of(one)]
    if isinstance(result, int | float):
        return [float(result)]
    import numpy as np

    array = np.asarray(result).astype(np.float64)
    if array.size <= 1:
        return [float(array.item())] if array.size else []
    flat = array.ravel()
    places = np.linspace(0, flat.size - 1, min(flat.size, MANY)).astype(int)
    norm = float(np.linalg.norm(flat))
    usual = norm / flat.size**0.5 or 1.0
    return [norm, *(flat[places] / usual).tolist()]
