"""A script of the user's, run by a command."""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path
from typing import Any


def run_script(path: Path, *args: str) -> dict[str, Any]:
    """Run a script as python would, and return its variables."""
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv[:] = [str(path), *args]
    return runpy.run_path(str(path), run_name="__main__")


def run_through(path: Path, *args: str) -> tuple[dict[str, Any], BaseException | None]:
    """The same, however the script ends: its variables if it came to its end, and the exception
    that ended it if it did not. What it did until then is shown all the same.

    Raises:
        FileNotFoundError: there is no such script.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        return run_script(path, *args), None
    except BaseException as error:  # noqa: BLE001  (`status` gives it back)
        return {}, error


def status(ended: BaseException | None, script: Path) -> int:
    """The exit status of a script that ended so. An error is printed as Python shows it, which
    knows nothing of who ran the script; what is none, as Ctrl-C or sys.exit, goes on."""
    if ended is None or (isinstance(ended, SystemExit) and not ended.code):
        return 0
    if not isinstance(ended, Exception):
        raise ended
    trace = ended.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != str(script):
        trace = trace.tb_next
    sys.stdout.flush()
    traceback.print_exception(ended.with_traceback(trace))
    return 1
