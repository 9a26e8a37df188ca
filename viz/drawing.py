"""`draw`: a graph as a picture."""

from __future__ import annotations

from typing import Any

from ..engine import Tensor
from ..engine.graph import Node, ancestry
from .collapse import collapsed_plan
from .dot import write
from .gather import run_pass
from .plan import Plan, flat_plan
from .renderer import Picture
from .theme import Theme, theme_of

MANY = 300  # nodes; above, a picture shows modules
MANY_TENSORS = 30  # the same of Tensors inside modules, whose cards are larger
BOXES = 60  # that a collapsed picture shows, about


def draw(
    node: Node,
    theme: str | Theme = "light",
    collapse: bool | None = None,
    seed: Any = None,
    boxes: int = BOXES,
) -> Picture:
    """The graph behind a Value or a Tensor, with the gradients of a backward pass run for it.

    `.grad` is neither read nor changed. The result is a `graphviz.Digraph`: it shows itself in
    a notebook, and `.render(outfile="graph.svg")` writes it to a file.

    Args:
        node: the root, usually a loss.
        theme: "light", "dark", or "auto": an SVG that is dark where its reader's system is.
        collapse: draw modules instead of nodes; by default for more than 300 nodes, or more
            than 30 Tensors inside modules.
        seed: the gradient of the root, where it holds more than one number.
        boxes: about how many boxes a collapsed picture may have. Modules close, the innermost
            first, until so few remain.

    Raises:
        TypeError: not a node.
        ValueError: no such theme, a seed of another shape, or `boxes` is below 1.

    >>> from groundup.engine import Value
    >>> loss = (Value(2.0, name="a") * Value(-3.0, name="b") + 10).tanh()
    >>> print(draw(loss).source.splitlines()[0])
    digraph groundup {
    """
    if boxes < 1:
        raise ValueError(f"draw: boxes={boxes} is a count, 1 or more")
    plan = plan_of(node, collapse, boxes)
    return write(plan, run_pass(plan, seed), theme_of(theme))


def plan_of(node: Node, collapse: bool | None = None, boxes: int = BOXES) -> Plan:
    """What `draw` shows of a graph.

    Raises:
        TypeError: not a node.
    """
    if not isinstance(node, Node):
        raise TypeError(
            f"draw: a Value or a Tensor, not {type(node).__name__}. Of an array of Values draw "
            "one element, or their sum."
        )
    nodes = ancestry(node)
    if collapse is None:
        layered = isinstance(node, Tensor) and any(one.scope for one in nodes)
        collapse = len(nodes) > (MANY_TENSORS if layered else MANY) or None
    if not collapse:
        plan = flat_plan(node, nodes)
        if collapse is False or not plan.is_crowded:
            return plan
    return collapsed_plan(node, nodes, boxes)
