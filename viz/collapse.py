"""A large graph drawn by its modules, with a bound on what is drawn that is kept before layout.

Modules close from the innermost outwards until few enough boxes remain; if ops that are in no
module are still too many, all but the first and the last fold into one box. Every box says how
much it hides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.graph import Node
from . import nodes as words
from .calls import Call, call_tree
from .plan import Card, Edge, Frame, Plan, card_of, frame_of, plain_card
from .summary import shape_of

KEPT = 8  # ops at either end of what is folded


def collapsed_plan(root: Node, nodes: list[Node], boxes: int) -> Plan:
    """At most about `boxes` boxes for the graph behind `root`."""
    stage, _ = call_tree(node for node in nodes if node.op is not None)
    # A module around everything is no news: its inside is the picture.
    top = stage.calls[0] if len(stage.calls) == 1 else stage
    plan = Plan(root, downwards=bool(stage.calls))
    home: dict[Node, Card] = {}
    deepest = next(
        (d for d in range(_height(stage), top.depth, -1) if _count(stage, top, d) <= boxes),
        top.depth + 1,
    )

    Cards(plan, home, top, deepest, boxes).show(stage, None)
    add_leaves(plan, nodes, home, boxes)
    add_edges(plan, nodes, home, [root])
    _captions(plan, nodes, top)
    return plan


class Cards:
    """Makes the cards of calls, open or closed, and notes the card that each op is in."""

    def __init__(
        self, plan: Plan, home: dict[Node, Card], top: Call, deepest: int, boxes: int
    ) -> None:
        self.plan, self.home = plan, home
        self.top, self.deepest, self.boxes = top, deepest, boxes

    def show(self, call: Call, frame: Frame | None) -> None:
        """What is inside of a call, each member by itself, or the middle folded."""
        many = len(call.members) > self.boxes
        middle = call.members[KEPT:-KEPT] if many else []
        fold = Card("folded", "", frame=frame) if many else None
        for i, member in enumerate(call.members):
            if fold and KEPT <= i < KEPT + len(middle):
                if i == KEPT:
                    self.plan.cards.append(fold)
                self.hide(member.ops() if isinstance(member, Call) else [member], fold)
            elif not isinstance(member, Call):
                card = card_of(member, self.plan.root, not self.plan.downwards, frame)
                self.home[member] = card
                self.plan.cards.append(card)
            elif self.is_closed(member):
                assert member.scope is not None
                card = Card("module", member.title, member.scope.kind, frame=frame)
                self.plan.cards.append(card)
                self.hide(member.ops(), card)
            elif member is self.top and not member.title:
                self.show(member, frame)
            else:
                inner = frame_of(member, frame)
                self.plan.frames.append(inner)
                self.show(member, inner)

    def is_closed(self, call: Call) -> bool:
        return call is not self.top and (not call.calls or call.depth >= self.deepest)

    def hide(self, ops: Iterable[Node], card: Card) -> None:
        for node in ops:
            card.inside.append(node)
            self.home[node] = card


def _height(call: Call) -> int:
    return max((_height(inner) for inner in call.calls), default=call.depth)


def _count(call: Call, top: Call, deepest: int) -> int:
    """How many boxes are drawn if modules close from that depth on."""
    if call is not top and call.depth and (not call.calls or call.depth >= deepest):
        return 1
    return len(call.members) - len(call.calls) + sum(_count(c, top, deepest) for c in call.calls)


def add_leaves(plan: Plan, nodes: list[Node], home: dict[Node, Card], boxes: int) -> None:
    """Leaves that one closed box alone uses are hidden in it; the others get cards."""
    users: dict[Node, dict[Card, None]] = {}
    for node in nodes:
        for parent in node.parents():
            users.setdefault(parent, {})[home[node]] = None
    shown: dict[str, list[Node]] = {}
    for leaf in nodes:
        if leaf.op is not None:
            continue
        only = next(iter(users[leaf])) if len(users.get(leaf, ())) == 1 else None
        number = words.kind(leaf) == "constant" and not shape_of(leaf._data)
        own = words.is_parameter(leaf) or leaf.scope is not None or number
        if only and only.inside and (own or only.kind == "folded"):
            only.hides.append(leaf)
            home[leaf] = only
        else:
            shown.setdefault(words.kind(leaf), []).append(leaf)
    cards = []
    for kind, leaves in shown.items():
        if len(leaves) > boxes // 2:
            card = Card("folded", f"… {len(leaves):,} {words.in_words(kind)}s", hides=leaves)
            home.update(dict.fromkeys(leaves, card))
            cards.append(card)
            continue
        for leaf in leaves:
            home[leaf] = card_of(leaf, plan.root, not plan.downwards)
            home[leaf].frame = _shared_frame(users.get(leaf, ()))
            cards.append(home[leaf])
    plan.cards[:0] = cards


def _shared_frame(cards: Iterable[Card]) -> Frame | None:
    """The innermost frame around all of these cards."""
    common: list[Frame] | None = None
    for card in cards:
        chain, frame = [], card.frame
        while frame:
            chain.append(frame)
            frame = frame.around
        chain.reverse()
        common = (
            [a for a, b in zip(common, chain, strict=False) if a is b]
            if common is not None
            else chain
        )
    return common[-1] if common else None


def add_edges(
    plan: Plan, nodes: Iterable[Node], home: dict[Node, Card], results: Iterable[Node],
    arrays_too: bool = False,
) -> None:  # fmt: skip
    """One edge between two cards, whatever passes between them; what stays inside is hidden.

    `results` are at a card's border in any case, whoever uses them. `arrays_too`: plain arrays of
    floats and masks are shown where the op itself is drawn, not ids and targets alone.
    """
    edges: dict[tuple[Card, Card], Edge] = {}
    arrays: dict[int, Card] = {}
    border: dict[Node, None] = dict.fromkeys(results)
    for node in nodes:
        head = home[node]
        for name, arg, place in words.slots(node):
            if isinstance(arg, Node):
                tail = home[arg]
                if tail is not head:
                    edges.setdefault((tail, head), Edge(tail, head)).uses.append((node, place))
                    border[arg] = None
            elif _worth_showing(name, arg, head) or (arrays_too and not head.inside):
                known = arrays.get(id(arg)) if shape_of(arg) else None
                source = known or plain_card(
                    name, arg, np.asarray(arg).dtype.kind == "f" or not shape_of(arg)
                )
                if not known:
                    source.detail = False
                    plan.cards.insert(plan.cards.index(head), source)
                if shape_of(arg):
                    arrays[id(arg)] = source
                else:
                    source.frame = head.frame
                edges.setdefault((source, head), Edge(source, head))
    plan.edges = list(edges.values())
    for node in border:
        card = home[node]
        if card.inside or card.hides:
            card.border.append(node)
    for card in plan.cards:
        if card.inside:
            made = [node for node in card.border if node.op is not None]
            card.shape = shape_of(made[-1]._data) if len(made) == 1 else ""
            if card.kind == "folded":
                card.title = f"… {len(card.inside):,} ops"


def _worth_showing(name: str, arg: Any, head: Card) -> bool:
    """Of plain arguments: numbers where the op itself is drawn, and ids and targets."""
    if not shape_of(arg):
        return not head.inside
    return arg.dtype.kind in "iu" and name != "index"


def _captions(plan: Plan, nodes: list[Node], top: Call) -> None:
    parameters = [node for node in nodes if words.is_parameter(node)]
    ops = sum(node.op is not None for node in nodes)
    hidden = sum(len(card.inside) for card in plan.cards)
    what = top.scope.kind if top.scope else "This graph"
    size = sum(np.size(node._data) for node in parameters)
    said = f"{what}: {ops:,} ops, {size:,} parameters in {len(parameters):,} leaves."
    if hidden:
        inside = sum(len(card.hides) for card in plan.cards)
        said += f" Boxes hide {hidden:,} ops and {inside:,} leaves."
    plan.caption.append(said)
