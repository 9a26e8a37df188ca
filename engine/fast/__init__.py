"""Compiled loops for the kernels, where numba is installed, as by the extra `fast`.

A kernel asks `compiled` for them at each call, and goes on in numpy where it gets None. Nothing
changes but time. `GROUNDUP_FAST=0` in the environment leaves them out.
"""

from __future__ import annotations

import os
import threading
from types import ModuleType
from typing import Any

import numpy as np

# Numbers in the first array from which on loops are worth their call, and a program is large enough
# not to mind that numba takes a third of a second to import.
SMALLEST = 2**15
WIDTHS = (np.dtype(np.float32), np.dtype(np.float64))

_loading = threading.Lock()
_loops: list[ModuleType | None] = []  # the module, once it was asked for; None where it cannot be


def compiled(first: Any, *others: Any, size: int | None = None) -> Any:
    """The module of loops, if it is there and fits the arrays; else None.

    They are writable, C-contiguous, of one float dtype, and the first is large, or part of a work
    of that `size`; others may be None.
    """
    if type(first) is not np.ndarray or first.dtype not in WIDTHS:
        return None
    if (first.size if size is None else size) < SMALLEST or not first.size:
        return None
    for array in (first, *others):
        if array is not None and not (
            type(array) is np.ndarray and array.dtype == first.dtype and array.flags.carray
        ):
            return None
    return _loops[0] if _loops else load()


def load() -> ModuleType | None:
    """The module of loops, imported once, by whichever thread comes first."""
    with _loading:
        if not _loops:
            _loops.append(imported())
    return _loops[0]


def imported() -> ModuleType | None:
    if os.environ.get("GROUNDUP_FAST", "").lower() in ("0", "no", "off", "false"):
        return None
    try:
        from . import loops
    except ImportError:  # no numba, or none for this numpy
        return None
    return loops
