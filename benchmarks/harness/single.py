"""A measurement that has no rival, in a clean process like theirs."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from .lane import Lane
from .others import MUCH, Others


def measured_alone(make: str, prepare: str = "") -> dict[str, Any]:
    """What `module:function` gives, and which BLAS it ran; it is handed a folder of its own."""
    others = Others()
    with tempfile.TemporaryDirectory(prefix="groundup-bench-") as folder:
        if prepare:
            with Lane("prepare", {}) as lane:
                lane.ask("call", make=prepare, folder=folder)
        with Lane(make, {}) as lane:
            told = lane.ask("call", make=make, folder=str(Path(folder)))
    busy = others.cores() or 0
    if busy > MUCH:
        print(
            f"Other programs kept {busy:.1f} cores busy meanwhile: "
            "measure again on a quiet machine.",
            file=sys.stderr,
        )
    return told
