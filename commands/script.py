"""A script of the user's, run by a command."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any


def run_script(path: Path, *args: str) -> dict[str, Any]:
    """Run a script as python would, and return its variables."""
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv[:] = [str(path), *args]
    return runpy.run_path(str(path), run_name="__main__")
