"""One backward pass as a watcher sees it: its numbers, and what its picture shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.graph import Node
from .drawing import plan_of
from .gather import Gradients, alarm
from .parts import by_part
from .plan import Plan
from .summary import norm_of


class Seen:
    """Feed it each step by `see`. It raises nothing: the pass is the user's, and goes on.

    Args:
        root: where the pass starts.
        number: of the pass.
        drawn: whether there is to be a picture.
        collapse: as `draw` takes it.

    Attributes:
        plan, found: what the picture shows; None if there is none.
        leaves: the norm of the gradient of each leaf that one reached.
        trouble: the error that ended the looking.
    """

    def __init__(self, root: Node, number: int, drawn: bool, collapse: bool | None) -> None:
        self.root, self.number = root, number
        self.leaves: dict[Node, float] = {}
        self.plan: Plan | None = None
        self.found: Gradients | None = None
        self.trouble: Exception | None = None
        if drawn:
            try:
                self.plan = plan_of(root, collapse)
                self.found = Gradients(self.plan)
            except Exception as error:
                self.trouble = error

    def see(self, node: Node, grad: Any) -> None:
        """Take note of one step of the pass."""
        if self.trouble or not (self.found or node.op is None):
            return
        try:
            if node.op is None:
                self.leaves[node] = norm_of(grad._data if isinstance(grad, Node) else grad)
            if self.found:
                self.found.see(node, grad)
        except Exception as error:
            self.trouble = error

    def numbers(self) -> dict[str, Any]:
        """What the page says of it, of JSON's types: the `loss`, if it is one number; the `norm`
        of all gradients, as `nn.clip_grad_norm_` computes it; that of each of the `parts`; and
        where something is `wrong`, in a word."""
        parts = by_part(self.leaves)
        data = self.root._data
        return {
            "loss": written(float(np.asarray(data).item())) if np.size(data) == 1 else None,
            "norm": written(math.hypot(*self.leaves.values())) if self.leaves else None,
            "parts": [(name, written(norm)) for name, norm in parts.items()],
            "wrong": [(name, said) for name, norm in parts.items() if (said := alarm(norm))],
        }


def written(x: float) -> float | str:
    """A number as JSON can hold it and JavaScript's `Number` reads it.

    >>> written(0.5), written(float("-inf")), written(float("nan"))
    (0.5, '-Infinity', 'NaN')
    """
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
