"""The most memory that step B takes, over what the process had when its libraries were imported."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, NotHere, Row

from .gpt import ALONE, FAST, ONE_THREAD

STEPS = 3


def contender(name: str, make: str, options: dict, *rest: Any) -> Contender:
    return Contender(name, "rows.memory:peak", {"make": make, "size": "B", **options}, *rest)


OURS, TWO, ONE = "rows.gpt_ours:ours", {"threads": 2}, {"threads": 1}

ROWS = [
    Row(
        name="memory",
        what=f"peak resident memory of {STEPS} training steps B, over the libraries' own",
        contenders=(
            contender("PyTorch", "rows.gpt_torch:torchs", {}),
            contender("numpy, 2 threads", OURS, TWO, ALONE | ONE_THREAD),
            contender("numba, 2 threads", OURS, TWO, FAST | ONE_THREAD, ("numba",)),
            contender("numpy, one graph", OURS, ONE, ALONE),
        ),
        comparisons=(
            Comparison("numpy, 2 threads", "PyTorch", 1.0),
            Comparison("numba, 2 threads", "PyTorch", 1.0),
            Comparison("numpy, one graph", "PyTorch", 1.0),
        ),
        tolerance=1e-3,
        timed=False,
        unit="MB",
        fresh=True,
        prepare="rows.gpt:prepare_b",
        most_rounds=3,
    )
]


def peak(folder: Path, make: str, **options: Any) -> Callable[[], Any]:
    """Megabytes of a contender of the GPT rows, in this process, which must be a fresh one."""
    module, name = make.split(":")
    function = getattr(importlib.import_module(module), name)  # with its libraries

    if make == OURS:
        import numpy as np

        from groundup.engine import fast

        # numba is a library, too, and loads most of itself when it first runs something. It is not
        # there where GROUNDUP_FAST is 0.
        if loops := fast.load():
            loops.square_norm(np.ones(1, np.float32))

    def measure() -> tuple[float, list[float]]:
        before = resident_now()
        step = function(folder, **options)
        losses = [step() for _ in range(STEPS)]
        return (most_resident() - before) / 2**20, losses

    return measure


def resident_now() -> int:
    """Bytes of this process that are in memory."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]
    except FileNotFoundError:
        return most_resident()  # elsewhere: what the imports took at their worst moment
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def most_resident() -> int:
    """Bytes at the worst moment until now.

    Linux counts the parent's memory at the start of a process into `ru_maxrss`, and has a better
    figure of its own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ModuleNotFoundError:
        raise NotHere("this system does not tell how much memory a process had") from None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if os.uname().sysname == "Darwin" else most * 1024
