"""Pages that are written from the code are those that the code would write, and the recipes on a
page that is written by hand do what it says."""

import contextlib
import io
import re
import runpy
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from groundup.engine.op import TABLE
from groundup.nn.random import own_generator
from groundup.viz.renderer import renderer

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_ops_is_not_stale():
    made = runpy.run_path(str(DOCS / "ops.py"))
    assert made["PAGE"].read_text(encoding="utf-8") == made["page"](), "run python docs/ops.py"


def elements(svg):
    """How many elements a picture has of each kind, colour and text. Digits are left out: those of
    float32 differ by machine, and with them where Graphviz puts things."""
    looks = ("fill", "stroke", "stroke-dasharray")
    return Counter(
        (
            element.tag,
            *(element.get(look) for look in looks),
            re.sub(r"[-+\d.e]+", "0", element.text or "").strip("\xa0\n 0"),
        )
        for element in ET.fromstring(svg).iter()
    )


@pytest.mark.skipif(not renderer(), reason="nothing here can draw")
def test_the_pictures_are_not_stale():
    for path, svg in runpy.run_path(str(DOCS / "pictures.py"))["pictures"]():
        kept = path.read_text(encoding="utf-8")
        assert elements(kept) == elements(svg), f"run python docs/pictures.py ({path.name})"


def test_the_table_of_layers_is_not_stale():
    """But for the differences: their last digits are those of one machine."""
    made = runpy.run_path(str(DOCS / "parity.py"))
    page = made["PAGE"].read_text(encoding="utf-8")
    for introduction, of, rows in made["sections"]():
        there, _, table = page.partition(f"| {of} |")
        assert there.endswith(introduction + "\n"), "run python docs/parity.py"
        told = [row.rsplit(" | ", 1) for row in table.split("\n\n")[0].splitlines()[2:]]
        wanted = ["| " + " | ".join(made["cells"](case)) for case, *_ in rows]
        assert [row for row, _ in told] == wanted, "run python docs/parity.py"
        assert all(float(apart.rstrip("| ")) <= 1e-9 for _, apart in told)


def run_page(name):
    """Run the code on a page from top to bottom, and see that it prints what the page shows."""
    page = (DOCS / name).read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": name.removesuffix(".md")}
    printed, shown = "", 0
    for block in re.finditer(r"^```(python|text)\n(.*?)^```", page, re.S | re.M):
        if block[1] == "text":
            assert block[2] == printed
            shown += 1
            continue
        above = page.count("\n", 0, block.start(2))  # so that lines are those of the page
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile("\n" * above + block[2], name, "exec"), namespace)
        printed = out.getvalue()
    assert shown == 1
    return namespace


def test_the_recipes_for_checking_run_and_print_what_the_page_shows():
    with mock.patch.dict(TABLE):  # the page adds ops to it
        namespace = run_page("checking.md")
        tests = [one for name, one in namespace.items() if name.startswith("test_")]
        assert len(tests) == 6
        for test in tests:
            test()


def test_the_network_on_the_page_learns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes a file
    with own_generator(0):  # and seeds it
        assert run_page("building.md")["right"] > 0.95
