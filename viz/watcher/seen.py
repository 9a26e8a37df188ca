"""One backward pass as a watcher sees it: its numbers, and what its picture shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.graph import Node
from ..drawing import plan_of
from ..gather import Gradients, alarm
from ..plan import Plan
from ..summary import norm_of
from .parts import by_part


class Seen:
    """Feed it each step by `see`. What goes wrong is kept as `troubles`, and raises nothing: the
    pass is the user's, and goes on.

    Args:
        root: where the pass starts.
        number: of the pass.
        drawn: whether there is to be a picture.
        collapse: as `draw` takes it.

    Attributes:
        plan, found: what the picture shows; None if there is none.
        leaves: the norm of the gradient of each leaf that one reached.
    """

    def __init__(self, root: Node, number: int, drawn: bool, collapse: bool | None) -> None:
        self.root, self.number = root, number
        self.leaves: dict[Node, float] = {}
        self.plan: Plan | None = None
        self.found: Gradients | None = None
        self.troubles: list[str] = []
        if drawn:
            self.attempt(self._look, collapse)

    def attempt(self, do: Callable[..., Any], *args: Any) -> Any:
        """What `do` gives, or None if it fails."""
        try:
            return do(*args)
        except Exception as error:  # noqa: BLE001  (no error here is worth a training)
            self.troubles.append(f"{error}" or type(error).__name__)
            return None

    def _look(self, collapse: bool | None) -> None:
        self.plan = plan_of(self.root, collapse)
        self.found = Gradients(self.plan)

    def see(self, node: Node, grad: Any) -> None:
        """Take note of one step of the pass."""
        if (self.found or node.op is None) and not self.troubles:
            self.attempt(self._see, node, grad)

    def _see(self, node: Node, grad: Any) -> None:
        if node.op is None:
            self.leaves[node] = norm_of(grad._data if isinstance(grad, Node) else grad)
        if self.found:
            self.found.see(node, grad)

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
