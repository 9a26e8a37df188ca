"""`groundup bench`: choose rows, run them, show what came out."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from groundup.train import InputError
from harness import page, table
from harness.machine import machine
from harness.race import race
from harness.row import Row

# The files in rows/, in the order of the table.
FILES = ("chain", "micrograd", "microgpt", "gpt", "memory", "kernels", "imports")


def run(
    filters: Sequence[str] = (),
    rounds: int = 15,
    json_file: Path | None = None,
    write: bool = False,
    microgpt: Path | None = None,
) -> int:
    """Run the rows whose names hold one of the filters; 1 if one of them failed.

    Raises:
        InputError: no row has such a name, or a number or a file makes no sense.
    """
    if rounds < 1:
        raise InputError(f"--rounds is at least 1, not {rounds}")
    if microgpt is not None:
        if not microgpt.is_file():
            raise InputError(f"--microgpt: there is no file {microgpt}")
        os.environ["MICROGPT"] = str(microgpt.resolve())
    rows = all_rows()
    chosen = [row for row in rows if not filters or any(part in row.name for part in filters)]
    if not chosen:
        names = ", ".join(row.name for row in rows)
        raise InputError(f"no row is called {' or '.join(filters)}. There are: {names}")

    say = progress()
    done = [race(row, rounds, say).as_data() for row in chosen]
    say("")
    results = {"machine": machine(), "rows": done}
    table.show(results)
    if json_file is not None:
        json_file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if write:
        page.write(results, [row.name for row in rows])
    return 1 if any(row["failure"] for row in done) else 0


def all_rows() -> list[Row]:
    return [row for name in FILES for row in importlib.import_module(f"rows.{name}").ROWS]


def progress() -> Callable[[str], Any]:
    """One line in a terminal that says what is being done; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda what: None
    return lambda what: print(f"\r\x1b[2K{what}", end="", file=sys.stderr, flush=True)
