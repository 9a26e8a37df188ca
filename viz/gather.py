"""One backward pass, and what a picture keeps of it: norms, and the numbers of small arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.graph import Node, walk
from ..engine.modes import mode
from .plan import Card, Edge, Plan
from .rules import placed_shares
from .summary import EXPLODED, VANISHED, Summary, norm_of, number, summarise

MOST_TERMS = 4  # that are said of one edge, or edges that are said of one card


class Gradients:
    """What a pass gave, for the cards and edges of a plan. Feed it each step by `see`."""

    def __init__(self, plan: Plan) -> None:
        self.norms: dict[Node, float] = {}  # of every node that a gradient reached
        self.numbers: dict[Node, Summary] = {}  # of those that are shown in detail
        self.flows: dict[tuple[Node, int], float] = {}  # of each use that an edge stands for
        self.signed: dict[tuple[Node, int], float] = {}  # the same, where it is one number
        self.trouble = ""  # why there are no gradients
        self._detailed = {node for card in plan.cards if card.detail for node in card.border}
        self._crossed = {node for edge in plan.edges for node, _ in edge.uses}
        self._leaving: dict[Card, list[Edge]] = {}
        for edge in plan.edges:
            self._leaving.setdefault(edge.tail, []).append(edge)
        self._counts: dict[Node, int] = {}  # of the shares that came to each node

    def see(self, node: Node, grad: Any) -> None:
        """Take note of one step of a walk."""
        grad = grad._data if isinstance(grad, Node) else grad
        self.norms[node] = norm_of(grad)
        if node in self._detailed:
            self.numbers[node] = summarise(grad)
        if node in self._crossed:
            for place, arg, share in placed_shares(node, grad):
                self.note(node, place, arg, share)

    def note(self, node: Node, place: int, arg: Node, share: Any) -> None:
        """Take note of what a node hands to the argument in that place."""
        self.flows[node, place] = norm_of(share)
        self._counts[arg] = self._counts.get(arg, 0) + 1
        if np.ndim(share) == 0:
            self.signed[node, place] = float(share)

    def norm(self, card: Card) -> float | None:
        """The norm of the gradient at a card's border; None if none reaches it."""
        return _together(self.norms.get(node) for node in card.border)

    def flow(self, edge: Edge) -> float | None:
        """The norm of what flows back through an edge; None if nothing does."""
        return _together(self.flows.get(use) for use in edge.uses)

    def meeting(self, card: Card) -> list[Edge]:
        """The edges through which gradients meet at a node and add up; none if only one does."""
        edges = self._leaving.get(card, ())
        return [edge for edge in edges if self.flow(edge) is not None] if self._adds(card) else []

    def terms(self, edge: Edge) -> str:
        """What an edge adds to a gradient where several meet, use by use; "" where none does."""
        uses = [use for use in edge.uses if use in self.flows and self._adds(edge.tail)]
        signed = [number(self.signed[use], plus=True) for use in uses if use in self.signed]
        shown = signed or [number(self.flows[use]) for use in uses]
        more = " …" if len(shown) > MOST_TERMS else ""
        said = f"{'∂' if signed else '|∂|'} {', '.join(shown[:MOST_TERMS])}{more}"
        return said if shown else ""

    def _adds(self, card: Card) -> bool:
        """Whether the gradient of a card is a sum. (Some terms of a closed box lie inside.)"""
        return len(card.border) == 1 and not card.inside and self._counts.get(card.border[0], 0) > 1

    def alarm(self, card: Card) -> str:
        """What is wrong with the gradient of a card, in a word; "" if nothing is."""
        for node in card.inside:
            said = alarm(self.norms.get(node))
            if said.startswith("is"):
                return f"{said} inside"
        return alarm(self.norm(card))


def alarm(norm: float | None) -> str:
    """The word for a gradient of that norm.

    >>> [alarm(norm) for norm in (0.0, 1.0, 1e-12, 1e9, float("nan"), None)]
    ['', '', 'vanished', 'exploded', 'is NaN', '']
    """
    if norm is None or norm == 0:
        return ""
    if not math.isfinite(norm):
        return "is NaN" if math.isnan(norm) else "is infinite"
    return "vanished" if norm < VANISHED else "exploded" if norm > EXPLODED else ""


def _together(norms: Any) -> float | None:
    known = [norm for norm in norms if norm is not None]
    return math.hypot(*known) if known else None


def run_pass(plan: Plan, seed: Any = None) -> Gradients:
    """A backward pass for the picture alone: no `.grad` is read or written."""
    found = Gradients(plan)
    if trouble := follow(plan.root, seed, found.see):
        found = Gradients(plan)
        found.trouble = trouble
    return found


def follow(root: Node, seed: Any, see: Callable[[Node, Any], None]) -> str:
    """Walk back from a root and show each step to `see`; say why there are no gradients, if there
    are none."""
    if not root.requires_grad:
        return "No gradients: this is a constant."
    if seed is None and np.size(root._data) != 1:
        return f"No gradients: shape {np.shape(root._data)} is not one number."
    try:
        with np.errstate(all="ignore"), mode(careful=True):  # as backward() does
            for node, grad in walk(root, root.seed(seed._data if isinstance(seed, Node) else seed)):
                see(node, grad)
    except RuntimeError as error:
        return f"No gradients: {error}"
    return ""
