"""The DOT sources of a handful of graphs, kept in `golden/`: what changes in them is looked at."""

import difflib
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
MADE = dict(runpy.run_path(str(GOLDEN / "make.py"))["sources"]())


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_a_source_is_the_one_that_was_kept(path):
    kept, now = path.read_text(encoding="utf-8"), MADE[path]
    changed = difflib.unified_diff(kept.splitlines(), now.splitlines(), "kept", "now", n=0)
    assert kept == now, "\n".join(
        [
            f"{path.name} has changed. If it was meant to, run `python tests/golden/make.py`, look",
            "at the pictures of what it writes, and commit them.",
            *changed,
        ]
    )


def test_no_source_is_kept_that_none_makes():
    assert {*GOLDEN.glob("*.gv")} == {*MADE}


def test_another_process_writes_the_same_bytes():
    code = (
        "import runpy, sys; from groundup.engine import Value\n"
        "[Value(1.0) for _ in range(7)]\n"  # births are other numbers then
        f"made = runpy.run_path({str(GOLDEN / 'make.py')!r})['sources']()\n"
        "sys.stdout.buffer.write(b''.join(source.encode() for _, source in made))"
    )
    inherited = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for seed in ("1", "2"):
        written = subprocess.run(
            [sys.executable, "-c", code],
            env=inherited | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        assert written == "".join(MADE.values()).encode()
