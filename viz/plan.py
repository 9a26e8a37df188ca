"""What a picture shows: its cards, edges and frames, before any gradient and without any DOT."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.graph import Node
from . import nodes as words
from .calls import Call, around_all, call_tree
from .layers import MOST, lengths
from .reasons import reason
from .summary import number, shape_of


@dataclass(eq=False)
class Frame:
    """A module that stands open: what is inside is drawn inside."""

    title: str
    word: str
    around: Frame | None = None


@dataclass(eq=False)
class Card:
    """Something drawn: a node, a plain number or array, a closed module, or many ops folded.

    Attributes:
        kind: which of the theme's cards it takes: "parameter", "frozen", "input", "constant",
            "op", "loss", "module" or "folded".
        title: bold.
        word: in grey beside it.
        data: what its value is, where that is shown.
        detail: whether its numbers are shown, not the norm of its gradient alone.
        border: the nodes whose gradient is its own; those of a closed module that others use.
        inside: the ops that it hides.
        hides: the leaves that it hides.
    """

    kind: str
    title: str
    word: str = ""
    shape: str = ""
    data: Any = None
    detail: bool = False
    frame: Frame | None = None
    border: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)
    hides: list[Node] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why no gradient can reach it; "" if one can."""
        reasons = {reason(one) for one in self.border or [self.data]}
        return reasons.pop() if len(reasons) == 1 else ""


@dataclass(eq=False)
class Edge:
    """From what is used to what uses it. Each use is (the op, the argument's place in it)."""

    tail: Card
    head: Card
    uses: list[tuple[Node, int]] = field(default_factory=list)


@dataclass(eq=False)
class Plan:
    """A picture, all but its gradients."""

    root: Node
    cards: list[Card] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    downwards: bool = False  # modules top down, expressions left to right
    caption: list[str] = field(default_factory=list)

    @functools.cached_property
    def is_crowded(self) -> bool:
        """Whether its edges would hold up the layout; asked when all cards and edges are there."""
        return sum(lengths(self.cards, self.edges)) > MOST


def card_of(node: Node, root: Node, detail: bool, frame: Frame | None = None) -> Card:
    """The card of one node."""
    kind, title, word = words.kind(node), words.title(node), words.word(node)
    if node is root and node.op is not None:
        what = "output" if shape_of(node._data) else "loss"
        if not node.name:
            title, word = what, f"{node.op.name} {words.options(node)}".strip()
        elif node.name != what:
            word = f"{word} · {what}" if word else what
        kind = "loss"
    return Card(
        kind, title, word, shape_of(node._data), node._data, detail, frame, border=[node]
    )  # fmt: skip


def plain_card(name: str, x: Any, operand: bool, frame: Frame | None = None) -> Card:
    """The card of a number or an array that an op was handed as it is."""
    shape = shape_of(x)
    if not shape:
        digits = f"{x:.4g}" if isinstance(x, float) else number(x)
        word = "comparison" if isinstance(x, bool | np.bool_) else "constant"
        return Card("constant", digits, word, frame=frame)
    # An array that the op only reads by (ids, targets, a mask) is an input, named as the op
    # names its argument, and stands outside of all modules.
    if operand and x.dtype.kind == "f":
        return Card("constant", "array", "constant", shape, x, detail=True, frame=frame)
    called = name if len(name) > 1 else "array"  # `a` and `b` are the op's own, and say nothing
    return Card("input", called, "input", shape, x, detail=True)


def frame_of(call: Call, around: Frame | None) -> Frame:
    assert call.scope is not None
    return Frame(call.title, call.scope.kind, around)


def flat_plan(root: Node, nodes: list[Node]) -> Plan:
    """Every node a card with its numbers, inside the frames of the modules that made it."""
    stage, home = call_tree(node for node in nodes if node.op is not None)
    plan = Plan(root, downwards=bool(stage.calls))
    frames: dict[Call, Frame] = {}
    users: dict[Node, list[Call]] = {}
    for node, call in home.items():
        for parent in node.parents():
            users.setdefault(parent, []).append(call)

    cards: dict[Any, Card] = {}
    for node in nodes:
        # A parameter stands inside the module that uses it, an input outside of all.
        around = home.get(node)
        if around is None and words.kind(node) != "input":
            around = around_all(users.get(node, ()))
        card = cards[node] = card_of(node, root, True, frame_for(around, frames))
        edges = []
        for name, arg, place in words.slots(node):
            if isinstance(arg, Node):
                edges.append(Edge(cards[arg], card, [(node, place)]))
                continue
            key = id(arg) if shape_of(arg) else (node, len(edges))  # numbers stand by their use
            if key not in cards:
                operand = any(arg is given and used for _, given, used in words.arguments(node))
                cards[key] = plain_card(name, arg, operand, card.frame)
                plan.cards.append(cards[key])
            edges.append(Edge(cards[key], card))
        plan.cards.append(card)
        plan.edges.extend(edges)
    plan.frames = [*frames.values()]
    return plan


def frame_for(call: Call | None, frames: dict[Call, Frame]) -> Frame | None:
    """The frame of a call, made with those around it if it is the first to need them."""
    if call is None or call.scope is None:
        return None
    if call not in frames:
        around = frame_for(call.parent, frames)
        frames[call] = frame_of(call, around)
    return frames[call]
