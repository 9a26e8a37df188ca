"""One backward pass with all of its gradients, and what it hands over the borders of regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.graph import Node
from ..gather import Gradients, follow
from ..plan import Plan
from ..rules import placed_shares
from ..summary import norm_of
from .regions import Region, Tree


class Borders(Gradients):
    """The gradients of every node, whole, and the share of them that each region hands back.

    A walk through the graph comes first; walks through what is inside of its ops may follow.

    Attributes:
        grads: of each node that a gradient reached, its gradient.
        handed: of a region and a node that it uses from outside, its share of that gradient.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.grads: dict[Node, Any] = {}
        self.handed: dict[tuple[Region, Node], Any] = {}
        self._homes: dict[Node, Region] = {}

    def walk(self, tree: Tree, seed: Any) -> str:
        """Walk back through a tree, too, and say why if that gives no gradients."""
        self._homes |= tree.home
        return follow(tree.root, seed, self.see)

    def see(self, node: Node, grad: Any) -> None:
        """Take note of one step of a walk."""
        self.grads[node] = grad
        self.norms[node] = norm_of(grad)
        for place, arg, share in placed_shares(node, grad):
            self.note(node, place, arg, share)
            for region in self._crossed_regions(node, arg):
                before = self.handed.get((region, arg))
                self.handed[region, arg] = share if before is None else before + share

    def _crossed_regions(self, node: Node, arg: Node) -> list[Region]:
        """The regions around a node that its argument is not in, the innermost first."""
        home, made = self._homes.get(node), self._homes.get(arg)
        if home is None or home is made:
            return []
        shared = set(made.above()) if made else set()
        return [region for region in home.above() if region not in shared]


def known(plan: Plan, grads: Mapping[Node, Any]) -> Borders:
    """Gradients that were found elsewhere, as far as a plan shows them."""
    found = Borders(plan)
    shown = {node for card in plan.cards for node in card.border}
    used = {node for edge in plan.edges for node, _ in edge.uses}
    for node in (shown | used) & grads.keys():
        found.grads[node] = grads[node]
        found.norms[node] = norm_of(grads[node])
        for place, arg, share in placed_shares(node, grads[node]) if node in used else ():
            found.note(node, place, arg, share)
    return found


def run(tree: Tree, seed: Any = None) -> Borders:
    """A pass through the whole graph."""
    found = Borders(Plan(tree.root))
    if trouble := found.walk(tree, seed):
        found = Borders(Plan(tree.root))
        found.trouble = trouble
    return found
