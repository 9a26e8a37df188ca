"""Pages that are written from the code are those that the code would write."""

import runpy
from pathlib import Path


def test_the_table_of_ops_is_not_stale():
    page = Path(__file__).parents[1] / "docs" / "ops.py"
    made = runpy.run_path(str(page))
    assert made["PAGE"].read_text(encoding="utf-8") == made["page"](), "run python docs/ops.py"
