"""`step`: a page that steps through both passes of a graph; and of all passes of a script."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...engine.anomaly import Lines
from ...engine.graph import Node
from ...engine.modes import mode, modes
from ..page import environment
from .step_page import StepPage
from .steps import backward_pass, checked, size, steps_of

LIMIT = 2000  # steps in a page; a browser draws each in less than 50 ms


def step(
    loss: Node | Callable[[], Any], path: str | os.PathLike[str] = "step.html", seed: Any = None,
    limit: int = LIMIT,
) -> Path:  # fmt: skip
    """A page that steps through a graph: each number as it is made, then each edge of a backward
    pass, with the rule, this step's numbers, and where gradients meet and add.

    It is one file, and loads nothing. `.grad` is neither read nor changed. Where no backward pass
    can run, the page has the forward steps, and says why.

    Args:
        loss: a Value or a Tensor; or a function of no arguments that computes one, which is
            called with the source line of each op recorded, so that the page shows it.
        path: of the page.
        seed: the gradient of the root, where it holds more than one number.
        limit: the most steps that a page may have.

    Returns:
        The path.

    Raises:
        TypeError: not a node, nor a function that gives one.
        ValueError: the graph has more steps than the limit.
        MissingExtra: Jinja2 is not installed.
    """
    environment()
    root = checked(loss if isinstance(loss, Node) or not callable(loss) else with_lines(loss))
    if (many := size(root)) > limit:
        raise ValueError(
            f"step: this graph has {many:,} steps, and limit={limit:,}. Take a smaller input, or "
            "raise the limit, or open it with viz.zoom, which takes a graph of any size."
        )
    try:
        passed, trouble = backward_pass(root, seed), ""
    except RuntimeError as error:
        passed, trouble = [], f"No backward steps: {error}"
    page = StepPage("Step by step")
    page.add(root, steps_of(root, passed), trouble)
    return page.write(path)


def with_lines(function: Callable[[], Any]) -> Any:
    """What a function returns, each op in it with its source line."""
    with mode(witness=modes.witness or Lines()):
        return function()
