"""A chain of twenty small ops, forward and backward: what the graph itself costs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, Row

from .passes import both_passes

ROWS = [
    Row(
        name="chain",
        what="forward and backward of 20 ops on 4×4 arrays, float64",
        contenders=(
            Contender("groundup", "rows.chain:ours"),
            Contender("PyTorch", "rows.chain:torchs"),
            Contender("autograd", "rows.chain:autograds"),
        ),
        comparisons=(
            Comparison("groundup", "PyTorch", 0.35),
            Comparison("groundup", "autograd", 0.25),
        ),
    )
]


def chain(xp: Any, a: Any, b: Any, c: Any) -> Any:
    """The twenty ops, in whichever library's functions."""
    x = xp.tanh(a @ b + c)
    x = x * a + c
    x = xp.exp(-x * x)
    x = xp.tanh(x @ c - a)
    x = x * b
    x = x / (1 + x * x)
    x = xp.sin(x @ a) + b
    return xp.sum(x * x)


def inputs() -> list[Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return [rng.normal(scale=0.5, size=(4, 4)) for _ in range(3)]


def ours(folder: Path) -> Callable[[], Any]:
    import numpy as np

    from groundup.engine import Tensor

    leaves = [Tensor(x, requires_grad=True) for x in inputs()]
    return both_passes(partial(chain, np), leaves)


def torchs(folder: Path) -> Callable[[], Any]:
    import torch

    leaves = [torch.tensor(x, requires_grad=True) for x in inputs()]
    return both_passes(partial(chain, torch), leaves)


def autograds(folder: Path) -> Callable[[], Any]:
    import autograd.numpy as xp
    from autograd import value_and_grad

    arrays = inputs()
    both = value_and_grad(lambda a, b, c: chain(xp, a, b, c), argnum=(0, 1, 2))
    return lambda: both(*arrays)
