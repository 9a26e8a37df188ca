"""How a loop is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

# A sum is added up in as many parts as a vector has lanes ("reassoc"), as numpy's own is, and a
# product with a sum may be one instruction ("contract"). No more: what presumes that there is no
# NaN and no infinity stays off.
SUMS = {"reassoc", "contract", "nsz"}
STRICT = {"contract"}


def loop(fastmath: Any, **options: Any) -> Callable[[Any], Any]:
    """Compile at the first call for each width, keep the code, run without Python's lock."""

    def decorate(fn: Any) -> Any:
        options.update(nogil=True, error_model="numpy", fastmath=fastmath)
        try:
            return numba.njit(cache=True, **options)(fn)
        except RuntimeError:  # there is no folder to keep it in
            return numba.njit(**options)(fn)

    return decorate
