"""`groundup bench`: choose rows, run them, show what came out."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from groundup.train import InputError
from harness import page, table
from harness.machine import in_words, machine
from harness.race import race
from harness.row import Row
from harness.single import measured_alone

# The files in rows/, in the order of the table.
FILES = (
    "chain",
    "micrograd",
    "microgpt",
    "gpt",
    "memory",
    "kernels",
    "lstm",
    "watching",
    "imports",
)


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
    needs("rich", "a table")
    if json_file is not None and not json_file.resolve().parent.is_dir():
        raise InputError(f"--json: there is no folder {json_file.parent}")
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
    failed = [row["name"] for row in done if row["failure"]]
    if write and failed:
        print(f"The page stays as it is, since {', '.join(failed)} failed.")
    elif write:
        page.write(results, [row.name for row in rows])
    return 1 if failed else 0


def profile() -> int:
    """Show where the time of a training step A goes."""
    needs("rich", "a table")
    import profile_step

    told = measured_alone("profile_step:measure", prepare="rows.gpt:prepare_a")
    profile_step.show(told["result"])
    print(f"{in_words(machine())} BLAS: {'; '.join(told['blas'])}.")
    return 0


def growth(write: bool = False) -> int:
    """Show how the time of ours grows with the sizes, and draw it: here, or for the page."""
    needs("matplotlib", "a picture")
    import growth

    told = measured_alone("growth:measure")
    growth.show(told["result"], growth.PICTURE if write else Path(growth.PICTURE.name))
    print(f"{in_words(machine())} BLAS: {'; '.join(told['blas'])}.")
    return 0


def measure_pages() -> int:
    """Show what the pages of `viz` take to write, to load and to use."""
    for package in ("jinja2", "playwright"):
        needs(package, "a page in a browser")
    import pages

    told = measured_alone("pages:measure")
    pages.show(told["result"])
    print(f"\n{in_words(machine())} BLAS: {'; '.join(told['blas'])}.")
    return 0


def needs(package: str, wanted_for: str) -> None:
    """Raise, before minutes are spent, where what shows the result is not installed."""
    if importlib.util.find_spec(package) is None:
        raise InputError(f"{wanted_for} needs the package {package}: pip install {package}")


def all_rows() -> list[Row]:
    return [row for name in FILES for row in importlib.import_module(f"rows.{name}").ROWS]


def progress() -> Callable[[str], Any]:
    """One line in a terminal that says what is being done; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda what: None
    return lambda what: print(f"\r\x1b[2K{what}", end="", file=sys.stderr, flush=True)
