"""A plan and its gradients as a scene, for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..dot import Scale
from ..gather import alarm
from ..label import hidden_words
from ..plan import Card, Edge, Frame, Plan
from ..reasons import FLAT
from ..scene import Arrow, Box, Group, Scene
from ..summary import norm_of, number
from .borders import Borders

WIDEST = "|∂| 0.00000"  # norms keep room for such a one, so that equal blocks look alike


def scene_of(
    plan: Plan, found: Borders, shares: Mapping[Card, tuple[Any, Any]], path: str = "",
    fine: bool = False,
) -> Scene:  # fmt: skip
    """The scene of a plan, its boxes in the order of the cards.

    Args:
        plan: what is shown.
        found: the gradients of a pass.
        shares: what is handed to some cards from here, and their whole gradient.
        path: of the module that is shown; names begin below it.
        fine: whether small gradients are no news, as those of single elements are.
    """
    groups: dict[Frame, Group] = {}
    for frame in plan.frames:
        around = groups[frame.around] if frame.around else None
        groups[frame] = Group(frame.title, frame.word, around)
    boxes: dict[Card, Box] = {}
    for card in plan.cards:
        box = boxes[card] = box_of(card, found, path)
        if card in shares:
            box.right, whole = map(gradient_words, shares[card])
            box.small = f"of {whole} in all" if whole != box.right else ""
        box.alarm = wrong(found.alarm(card), fine)
        box.group = groups[card.frame] if card.frame else None
    flows = {edge: _flow(edge, found) for edge in plan.edges}
    scale = Scale(list(flows.values()))
    arrows = [
        Arrow(
            boxes[edge.tail], boxes[edge.head],
            width=1.0 if flow is None else scale.width(flow),
            dashed=flow is None and not found.trouble,
            alarm=wrong(alarm(flow), fine),
        )
        for edge, flow in flows.items()
    ]  # fmt: skip
    return Scene(list(boxes.values()), arrows, list(groups.values()), plan.downwards)


def wrong(said: str, fine: bool) -> bool:
    """Whether what is said of a gradient is worth an alarm."""
    return bool(said) and not (fine and said == "vanished")


def _flow(edge: Edge, found: Borders) -> float | None:
    """What flows back through an edge; over a border, what comes in from outside."""
    if edge.uses:
        return found.flow(edge)
    return found.norm(edge.head) if edge.tail.border else None


def box_of(card: Card, found: Borders, path: str) -> Box:
    """The box of a card: value and gradient where it is a number, shape and norm of an array."""
    title = card.title.removeprefix(f"{path}.") if path else card.title
    single = card.data is not None and np.size(card.data) == 1 and not card.shape
    left = number(card.data) if single else card.shape
    return Box(
        card.kind, title, card.word, "" if left == title else left, gradient_of(card, found),
        hidden_words(card), room="" if single else WIDEST,
    )  # fmt: skip


def gradient_of(card: Card, found: Borders) -> str:
    """The gradient of a number, the norm at any other border, or that there is none."""
    norm = found.norm(card)
    if norm is not None:
        single = len(card.border) == 1
        return gradient_words(found.grads[card.border[0]]) if single else f"|∂| {number(norm)}"
    if card.kind in ("constant", "input") or not card.border:
        return ""
    return "∂ ?" if found.trouble else f"no ∂: {card.reason or FLAT}"


def gradient_words(grad: Any) -> str:
    """A gradient as a box says it.

    >>> gradient_words(0.5), gradient_words(np.array([3.0, 4.0]))
    ('∂ 0.5000', '|∂| 5.000')
    """
    return f"|∂| {number(norm_of(grad))}" if np.ndim(grad) else f"∂ {number(grad)}"
