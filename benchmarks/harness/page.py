"""Writing what was reached into `benchmarks/README.md`, so that no figure there is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .table import markdown

FOLDER = Path(__file__).parents[1]
PAGE, KEPT = FOLDER / "README.md", FOLDER / "results.json"
BEGIN, END = "<!-- written by groundup bench --write -->", "<!-- end of what was written -->"


def write(results: dict[str, Any], order: list[str], page: Path = PAGE, kept: Path = KEPT) -> None:
    """Put the table into the page.

    Rows that were measured before on the same machine, with the same libraries, stay beside the
    new ones: a row can be measured again alone. From another machine they go. A row of which
    nothing ran now leaves what was measured before.

    Args:
        results: what was measured now.
        order: the names of all rows, as the table is to have them.
        page: the page.
        kept: where results are kept between runs.

    Raises:
        ValueError: the page has lost the two comments between which the table stands.
    """
    rows = {row["name"]: row for row in before(kept, results["machine"])}
    rows |= {row["name"]: row for row in results["rows"] if ran(row) or row["name"] not in rows}
    everything = {**results, "rows": [rows[name] for name in order if name in rows]}
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page.name} needs the lines {BEGIN} and {END}, each once")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n\n{markdown(everything)}\n\n{END}{tail}", encoding="utf-8")
    kept.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


def ran(row: dict[str, Any]) -> bool:
    return any("ratio" in line for line in row["lines"])


def before(kept: Path, machine: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of earlier runs that can stand in one table with this one's."""
    if not kept.exists():
        return []
    earlier = json.loads(kept.read_text(encoding="utf-8"))
    return list(earlier["rows"]) if earlier["machine"] == machine else []
