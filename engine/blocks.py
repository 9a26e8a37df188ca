"""Long chains of numpy calls, a block at a time.

Each call of a chain reads and writes all that it is handed. In blocks that stay in the processor's
cache, only the first call reads memory, and only the last one writes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

BLOCK = 2**16  # numbers; three such arrays of float32 fit into a second-level cache of 1 MB


def blocks(rows: int, width: int = 1) -> Iterator[slice]:
    """Slices that cut so many rows of so many numbers into blocks of whole rows.

    >>> [*blocks(5, width=30_000)]
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    step = max(1, BLOCK // max(1, width))
    return (slice(start, start + step) for start in range(0, rows, step))


def in_blocks(chain: Callable[..., None], *arrays: np.ndarray) -> np.ndarray:
    """What `chain(out, *arrays)` writes into `out`, for arrays of one shape."""
    flat = [np.ravel(a) for a in arrays]
    out = np.empty(flat[0].shape, floating(arrays[0]))
    for part in blocks(out.size):
        chain(out[part], *(a[part] for a in flat))
    return out.reshape(arrays[0].shape)


def flat_blocks(*arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Views of the arrays, all of one shape, block by block, to be written into; the arrays
    themselves where one of them is not in one piece."""
    if not all(a.flags.c_contiguous for a in arrays):
        yield arrays
        return
    flat = [a.reshape(-1) for a in arrays]
    for part in blocks(flat[0].size):
        yield tuple(a[part] for a in flat)


def floating(a: np.ndarray) -> np.dtype:
    """The width to compute in: its own, or float32 where a sum would leave float16."""
    return np.result_type(a, np.float32)


def as_rows(a: np.ndarray) -> np.ndarray:
    """(…, C) as (n, C), in floats; C may be 0, so that n has to be counted."""
    last = a.shape[normalize_axis_index(-1, a.ndim)]
    return a.reshape(math.prod(a.shape[:-1]), last).astype(floating(a), copy=False)
