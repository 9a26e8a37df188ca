"""Write docs/parity.md, how far each layer, optimiser and schedule is from PyTorch's, and the
figures of PyTorch's that tests use where it is not installed: python docs/parity.py (which needs
PyTorch)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).with_name("parity.md")
sys.path.append(str(PAGE.parents[1] / "tests"))

import oracle  # noqa: E402
import oracle_optim  # noqa: E402
from groundup.engine.samples import RandomDraw  # noqa: E402

TRIALS = 100
SHOWN = 10  # values of one option
INTRODUCTION = f"""# Each layer and PyTorch's

This page is written by `python docs/parity.py` from the declarations in `tests/oracle_*.py`.

Each layer is made {TRIALS} times, here and in PyTorch, with options drawn at random, all of them
combined; it is given PyTorch's state dict and called with the same inputs, in float64. Compared are
the outputs, the gradients of all inputs and parameters, and the buffers afterwards. A difference is
that of two numbers, as a share of PyTorch's where that is above 1. The tests demand 1e-9, in other
trials each time.
"""
STEPS = f"""## Optimisers and schedules

Each optimiser makes {oracle_optim.STEPS} steps, {TRIALS} times, with parameters in two groups.
Compared are these after each step, and at the end all that is kept for them. Of a schedule the
rates of two groups are compared, and momentum where it is cycled. At one step a rate is changed by
hand, and at one ours, scheduler and optimiser, is copied, pickled, or made anew and told its state.
"""


def sections() -> list[tuple[str, str, list[tuple[Any, Any, Any]]]]:
    """(introduction, what a row is of, rows), a row being a declaration and how it is run, here and
    in PyTorch."""
    layers = [(case, oracle.ours, oracle.theirs) for case in oracle.declared().values()]
    return [
        (INTRODUCTION, "layer", layers),
        (STEPS, "optimiser or schedule", oracle_optim.CASES),
    ]


def trials(case: Any) -> Any:
    return (case.drawn(RandomDraw(seed)) for seed in range(TRIALS))


def options(case: Any) -> str:
    """Each option with the values that it took."""
    tried: dict[str, list[Any]] = {}
    modes = []
    for trial, _ in trials(case):
        modes.append(trial.training)
        for name, value in trial.options.items():
            tried.setdefault(name, []).append(value)
    if len({*modes}) > 1:
        tried["training"] = modes
    return "; ".join(f"{name} {values(took)}" for name, took in tried.items())


def values(took: list[Any]) -> str:
    """Numbers in their order, then tuples, words and what else there was; the first few of many."""
    kinds = (bool, int | float, tuple, str, np.ndarray, object)
    found = {said(value): value for value in took}
    kind = {
        text: [isinstance(value, k) for k in kinds].index(True) for text, value in found.items()
    }
    order = lambda text: (kind[text], found[text] if kind[text] < 3 else text)  # noqa: E731
    each = sorted(found, key=order)
    return ", ".join(each[:SHOWN]) + " …" * (len(each) > SHOWN)


def said(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "given" if isinstance(value, np.ndarray) else repr(value)


def apart(case: Any, ours: Any, theirs: Any) -> float:
    """The largest difference in all trials."""
    return max(
        oracle.largest_difference(ours(case, *trial), theirs(case, *trial)[0])[0]
        for trial in trials(case)
    )


def cells(case: Any) -> tuple[str, str]:
    """All of a row that follows from the declaration alone."""
    noted = f"{options(case)}. {case.note}" if case.note else options(case)
    return case.name, noted.replace("|", "\\|").replace("*", "\\*")


def table(of: str, rows: list[tuple[Any, Any, Any]]) -> list[str]:
    head = [f"| {of} | options tried | largest difference |", "|---|---|---|"]
    return head + [f"| {' | '.join(cells(row[0]))} | {apart(*row):.1e} |" for row in rows]


def page() -> str:
    """The whole page."""
    parts = ["\n".join([introduction, *table(*rest)]) for introduction, *rest in sections()]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    if oracle.torch is None:
        sys.exit("PyTorch is not installed: pip install torch")
    oracle.store()
    oracle_optim.store()
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written: {PAGE}")
