"""The picture of one element's scalars, bounded: of a long sum the middle is folded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...engine.graph import Node, ancestry
from .. import nodes as words
from ..collapse import add_edges
from ..layers import LINE, depth
from ..plan import Card, Edge, Plan, card_of
from ..scene import Scene
from ..summary import number, shape_of
from .borders import Borders, known
from .boxes import scene_of
from .elements import Element, called

SHOWN = 24  # scalar ops; of more, the middle of each repetition is folded
PERIOD = 4  # ops, at most, that repeat
KEPT = 2  # repetitions before what is folded; after it one
CARDS = 60  # of what repeats nothing, the first and the last ops are shown alone
END = 8  # so many of each


def slice_of(element: Element, title: str, found: Borders) -> Scene:
    """The scene of an element.

    Args:
        element: what to show.
        title: what its op is called.
        found: the gradients of the whole graph.
    """
    plan = plan_of_element(element, title)
    own = known(plan, element.grads())
    own.trouble = found.trouble
    return scene_of(plan, own, _shares(element, plan, found), fine=True)


def plan_of_element(element: Element, title: str) -> Plan:
    """What is shown of an element."""
    root, title = element.root, called(title, element.index)
    if root.op is None:
        return _plan_of_moved(element, title)
    ops = [node for node in ancestry(root) if node.op is not None]
    near = {root, *root.parents(), *(two for one in root.parents() for two in one.parents())}
    kinds = [op.op.name for op in ops]
    # What the element is made of at last is seen, unless it is used inside of what is folded.
    ways = [folds(kinds, [op in near for op in ops]), folds(kinds), ends(len(ops))]
    for parts in ways:
        plan = _plan_of_ops(element, ops, [[ops[i] for i in part] for part in parts])
        if len(plan.cards) <= CARDS and depth(plan.cards, plan.edges) < math.inf:
            break
    (last,) = (card for card in plan.cards if card.kind == "loss")
    last.title, last.word = title, words.word(root)
    plan.downwards = depth(plan.cards, plan.edges) > LINE
    return plan


def _plan_of_moved(element: Element, title: str) -> Plan:
    """Of an op that only moves numbers: where this one was."""
    root = element.root
    end = Card("loss", title, "the same number", data=root.data, border=[root])
    if root not in element.leaves:
        return Plan(root, [end])
    start = _leaf_card(element, root)
    return Plan(root, [start, end], [Edge(start, end)])


def _plan_of_ops(element: Element, ops: list[Node], parts: list[list[Node]]) -> Plan:
    """Each part a card, and the leaves before them."""
    plan, home = Plan(element.root), dict[Node, Card]()
    for part in parts:
        if len(part) == 1:
            card = card_of(part[0], plan.root, True)
        else:
            card = Card("folded", "", "folded", inside=part)
        plan.cards.append(card)
        home |= dict.fromkeys(part, card)
    _leaf_cards(plan, element, ops, home)
    add_edges(plan, ops, home, [plan.root])
    for card in plan.cards:
        card.hides = []  # its title counts them
    return plan


def ends(count: int) -> list[list[int]]:
    """The first and the last ops; all between them folded into one."""
    middle = list(range(END, count - END))
    return [*([i] for i in range(END)), middle, *([i] for i in range(count - END, count))]


def folds(kinds: Sequence[str], kept: Sequence[bool] = ()) -> list[list[int]]:
    """The places of some ops, those together that are folded into one.

    Args:
        kinds: what each op is.
        kept: which are never folded.

    >>> sums = ["×", *["×", "+"] * 20]
    >>> [len(part) for part in folds(sums)]
    [1, 1, 1, 1, 1, 1, 32, 1, 1, 1]
    """
    parts, start = [], 0
    while start < len(kinds):
        period, times = repetition(kinds, start)
        end = start + period * times
        inner = range(start + KEPT * period, end - period)
        middle = [i for i in inner if not (kept and kept[i])]
        if len(kinds) <= SHOWN or len(middle) < 3:
            middle = []
        seen = sorted(set(range(start, end)).difference(middle[1:]))
        parts += [middle if i in middle[:1] else [i] for i in seen]
        start = end
    return parts


def repetition(kinds: Sequence[str], start: int) -> tuple[int, int]:
    """How many ops repeat from here on, and how often.

    >>> repetition(["+", "×", "+", "×", "+", "-"], 0)
    (2, 2)
    """
    best = (1, 1)
    for period in range(1, PERIOD + 1):
        times, unit = 1, kinds[start : start + period]
        while kinds[start + times * period : start + (times + 1) * period] == unit:
            times += 1
        if times > 1 and period * times > math.prod(best):
            best = period, times
    return best


def _leaf_cards(plan: Plan, element: Element, ops: list[Node], home: dict[Node, Card]) -> None:
    """Leaves that only folded ops use are folded too: into them, or, where several use them, into
    one for each argument."""
    users: dict[Node, dict[Card, None]] = {}
    for op in ops:
        for arg in op.parents():
            if arg.op is None:
                users.setdefault(arg, {})[home[op]] = None
    cards: dict[object, Card] = {}
    for leaf, its in users.items():
        if not all(card.inside for card in its):
            card = cards[leaf] = _leaf_card(element, leaf)
        elif len(its) == 1:
            card = next(iter(its))
            card.hides.append(leaf)
        else:
            name = (leaf.name or "constant").partition("[")[0]
            card = cards.setdefault(name, Card("folded", name, "folded"))
            card.hides.append(leaf)
        home[leaf] = card
    plan.cards[:0] = cards.values()
    for card in plan.cards:
        if card.kind == "folded" and (card.inside or card.hides):
            what = f"ops on {len(card.hides):,} numbers" if card.hides else "ops"
            card.title = (
                f"… {len(card.inside):,} {what}"
                if card.inside
                else f"… {len(card.hides):,} of {card.title}"
            )


def _leaf_card(element: Element, leaf: Node) -> Card:
    given, _ = element.leaves.get(leaf, (None, ()))
    if given is None:
        return Card("constant", number(leaf.data), "constant", data=leaf.data, border=[leaf])
    kind = words.kind(given) if isinstance(given, Node) else "constant"
    word = "comes in" if kind == "op" else kind
    kind = "folded" if kind == "op" else kind
    return Card(kind, leaf.name or "", word, shape_of(leaf._data), leaf._data, True, border=[leaf])


def _shares(element: Element, plan: Plan, found: Borders) -> dict[Card, tuple[Any, Any]]:
    """What the element hands to each leaf, and the whole gradient there."""
    shares, own = {}, element.grads()
    for card in plan.cards:
        leaf = card.border[0] if card.border else None
        if leaf in element.leaves and leaf in own and card.kind != "loss":
            given, where = element.leaves[leaf]
            if given in found.grads:
                shares[card] = own[leaf], found.grads[given][where]
    return shares
