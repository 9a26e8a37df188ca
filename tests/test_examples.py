"""The lessons run as scripts, and the README's ten lines do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from claims import CLAIMS

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(script: Path, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=300,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_draws_and_says_what_is_so(script, tmp_path):
    out = run(script, tmp_path)
    assert out
    if script.stem in CLAIMS:
        CLAIMS[script.stem](out)
    assert (tmp_path / "graphs" / f"{script.stem}.svg").read_text(encoding="utf-8").startswith("<")


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_opens_as_a_notebook(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    cells = re.split(r"^# %%", text, flags=re.M)[1:]
    prose = [cell for cell in cells if cell.startswith(" [markdown]")]
    assert len(prose) >= 4
    for cell in prose:  # a line of code in a prose cell would never run
        assert all(line.startswith("#") or not line for line in cell.splitlines()[1:])


def test_the_ten_lines_of_the_readme(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    script = tmp_path / "ten_lines.py"
    script.write_text(code + "\nprint(a.grad, b.grad, x.grad.shape)\n", encoding="utf-8")
    a_grad, b_grad, *shape = run(script, tmp_path).split()
    assert abs(float(a_grad) + 0.8399) < 1e-4
    assert abs(float(b_grad) - 0.2100) < 1e-4
    assert "".join(shape) == "(1,2)"
    assert (tmp_path / "expression.svg").exists()


def test_every_path_that_the_readme_names_exists():
    for text in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / text).read_text("utf-8")):
            assert (ROOT / link).exists(), f"{text}: {link}"
