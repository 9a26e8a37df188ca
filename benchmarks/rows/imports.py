"""How long an import takes, in a process that has imported nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from harness.row import Comparison, Contender, Row

ROWS = [
    Row(
        name="import",
        what="import groundup.engine, against import numpy",
        contenders=(
            Contender("groundup.engine", "rows.imports:importing", {"module": "groundup.engine"}),
            Contender("numpy", "rows.imports:importing", {"module": "numpy"}),
        ),
        comparisons=(Comparison("groundup.engine", "numpy", 1.3),),
        tolerance=None,
        timed=False,
    )
]

PROGRAM = """
import time
began = time.perf_counter()
import {module}
print((time.perf_counter() - began) * 1000)
"""


def importing(folder: Path, module: str) -> Callable[[], tuple[float, None]]:
    """The import alone, timed inside a new interpreter: its own start is not counted."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    compiles = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def measure() -> tuple[float, None]:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=folder, env=compiles
        )
        return float(done.stdout), None

    measure()  # from here on the files are in the system's cache, and compiled
    return measure
