"""The table of what was reached, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .machine import in_words
from .others import MUCH

HEAD = ("row", "ours", "rival", "goal", "ratio (middle half)", "ours", "rival", "equal to", "")
LEFT = 3  # so many columns are words

Cells = tuple[str, ...]


def cells(rows: Iterable[dict[str, Any]]) -> Iterator[Cells]:
    """The lines of the table, from results as `Result.as_data` gives them."""
    for row in rows:
        for line in row["lines"]:
            yield (
                line["row"],
                line["ours"],
                line["rival"],
                "" if line["goal"] is None else f"≤ {line['goal']:.2f}",
                *measured(row, line),
            )


def measured(row: dict[str, Any], line: dict[str, Any]) -> Cells:
    if row["failure"]:
        return ("—", "", "", "", "FAILED")
    if "ratio" not in line:
        alone = [
            f"{three(line[who])} {line['unit']}" if line[who] is not None else ""
            for who in ("ours_median", "rival_median")
        ]
        return ("—", *alone, "", "alone" if any(alone) else "not run")
    low, high = line["quartiles"]
    verdict = {None: "", True: "met", False: "missed"}[line["met"]]
    equal = "" if row["difference"] is None else f"{row['difference']:.0e}"
    return (
        f"{three(line['ratio'])} ({three(low)} to {three(high)})",
        f"{three(line['ours_median'])} {line['unit']}",
        f"{three(line['rival_median'])} {line['unit']}",
        equal,
        verdict,
    )


def three(number: float) -> str:
    """Three digits that count, and no exponent.

    >>> three(0.012345), three(1.5), three(1234.5)
    ('0.0123', '1.50', '1,234')
    """
    places = 4 if number < 0.1 else 3 if number < 1 else 2 if number < 10 else 1
    return f"{number:,.{places if number < 100 else 0}f}"


def remarks(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What the table leaves open: who was not there, what failed, what to mistrust."""
    for row in rows:
        if row["failure"]:
            yield f"{row['name']} failed: {row['failure'].strip()}"
            continue
        absent: dict[str, list[str]] = {}
        for name, contender in row["contenders"].items():
            absent.setdefault(contender["absent"], []).append(name)
        for why, names in absent.items():
            if why:
                yield f"{row['name']}, {', '.join(names)}: {why}."
        if (row["others"] or 0) > MUCH:
            yield (
                f"{row['name']}: other programs kept {row['others']:.1f} cores busy meanwhile: "
                "measure again on a quiet machine."
            )


def blas_in_words(rows: Iterable[dict[str, Any]]) -> str:
    """Which BLAS the contenders ran."""
    kernels = {
        kernel
        for row in rows
        for contender in row["contenders"].values()
        for kernel in contender["blas"]
    }
    return "; ".join(sorted(kernels)) or "none"


def wide_console() -> Any:
    """Where tables are printed: a file has room for whole lines."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=150)


def show(results: dict[str, Any]) -> None:
    """Print the table in the terminal."""
    from rich.table import Table

    console = wide_console()
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for place, title in enumerate(HEAD):
        table.add_column(title, justify="left" if place < LEFT else "right")
    styles = {"met": "green", "missed": "yellow", "FAILED": "red"}
    for line in cells(results["rows"]):
        table.add_row(*line[:-1], f"[{styles.get(line[-1], 'dim')}]{line[-1]}")
    console.print(table)
    for remark in remarks(results["rows"]):
        console.print(remark, style="dim", markup=False, highlight=False)
    for line in (in_words(results["machine"]), f"BLAS: {blas_in_words(results['rows'])}."):
        console.print(line, style="dim", markup=False, highlight=False)


def markdown(results: dict[str, Any]) -> str:
    """The same for a page."""
    rows = results["rows"]
    lines = [
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * LEFT + "---:|" * (len(HEAD) - LEFT),
        *("| " + " | ".join(line) + " |" for line in cells(rows)),
        "",
        *(f"- {' '.join(remark.splitlines()[:1])}" for remark in remarks(rows)),
        "",
        f"Measured on: {in_words(results['machine'])} BLAS: {blas_in_words(rows)}.",
        f"Up to {max((row['rounds'] for row in rows), default=0)} rounds.",
    ]
    return "\n".join(lines)
