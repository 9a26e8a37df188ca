"""How a loop is compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

# A sum is added up in as many parts as a vector has lanes ("reassoc"), as numpy's own is, and a
# product with a sum may be one instruction ("contract"). No more: what presumes that there is no
# NaN and no infinity stays off.
SUMS = {"reassoc", "contract", "nsz"}
STRICT = {"contract"}


def forget_stale() -> None:
    """Drop what was compiled before any of these files changed: numba looks at the loop's own file
    alone, and a loop has in it what it calls in others."""
    here = Path(__file__).parent
    newest = max(file.stat().st_mtime for file in here.glob("*.py"))
    for index in here.glob("__pycache__/*.nbi"):
        with contextlib.suppress(OSError):  # another process was faster, or may write and we not
            if index.stat().st_mtime < newest:
                index.unlink()


forget_stale()


def loop(fastmath: Any, **options: Any) -> Callable[[Any], Any]:
    """Compile at the first call for each width, keep the code, run without Python's lock."""

    def decorate(fn: Any) -> Any:
        options.update(nogil=True, error_model="numpy", fastmath=fastmath)
        try:
            return numba.njit(cache=True, **options)(fn)
        except RuntimeError:  # there is no folder to keep it in
            return numba.njit(**options)(fn)

    return decorate
