"""A plan and its gradients, written as DOT."""

from __future__ import annotations

import itertools
import math
import textwrap
from typing import Any

from .escape import room, text
from .gather import Gradients, alarm
from .label import Label, cell, is_small, table
from .plan import Card, Edge, Frame, Plan
from .renderer import Picture
from .theme import FONT, SIZE, SMALL, THICK, THIN, Theme


def write(plan: Plan, found: Gradients, theme: Theme) -> Picture:
    """The picture. Ids count cards as they come, so the same graph gives the same bytes."""
    picture = Picture("groundup", format="svg")
    picture.follows = theme.follows
    picture.attr(
        "graph", bgcolor=theme.background, rankdir="TB" if plan.downwards else "LR",
        fontname=FONT, fontsize=str(SIZE), fontcolor=theme.ink, color=theme.frame,
        style="rounded", nodesep="0.25", ranksep="0.4" if plan.downwards else "0.5", pad="0.2",
        **_caption([*plan.caption, found.trouble], theme), **_haste(plan),
    )  # fmt: skip
    picture.attr(
        "node", fontname=FONT, fontsize=str(SIZE), margin="0.1,0.06", height="0", width="0"
    )
    picture.attr("edge", color=theme.edge, arrowsize="0.6", fontname=FONT)

    names: Names = {card: f"n{i}" for i, card in enumerate(plan.cards, 1)}
    names |= {frame: f"cluster_{i}" for i, frame in enumerate(plan.frames, 1)}
    inside: dict[Frame | None, list[Frame | Card]] = {}
    for frame in plan.frames:
        inside.setdefault(frame.around, []).append(frame)
    for card in plan.cards:
        inside.setdefault(card.frame, []).append(card)

    _put(picture, inside, None, names, found, theme)
    scale = Scale([found.flow(edge) for edge in plan.edges])
    computed = [card for card in plan.cards if card.kind in _COMPUTED]
    spine = set(itertools.pairwise(computed))  # runs straight; all else gives way
    for edge in plan.edges:
        straight = {"weight": "9"} if (edge.tail, edge.head) in spine else {}
        stroke = _stroke(edge, found, theme, scale) | _added(edge, found, theme)
        picture.edge(names[edge.tail], names[edge.head], **stroke, **straight)
    return picture


def _haste(plan: Plan) -> dict[str, str]:
    """For a picture that would take minutes: straight edges, and a first guess at the places."""
    return {"splines": "line", "nslimit": "1", "nslimit1": "1"} if plan.is_crowded else {}


_COMPUTED = ("op", "module", "folded", "loss")
Names = dict[Frame | Card, str]


def _put(
    into: Any, inside: dict[Frame | None, list[Frame | Card]], around: Frame | None, names: Names,
    found: Gradients, theme: Theme,
) -> None:  # fmt: skip
    """Draw what is inside of a frame, with the frames in it."""
    for item in inside.get(around, ()):
        if isinstance(item, Card):
            label = Label(item, found, theme).write()
            into.node(names[item], label, **_outline(item, found, theme))
        else:
            with into.subgraph(name=names[item]) as cluster:
                cluster.attr(**_heading(item, theme))
                _put(cluster, inside, item, names, found, theme)


def _caption(said: list[str], theme: Theme) -> dict[str, str]:
    """Small lines at the lower left."""
    lines = [line for one in said for line in textwrap.wrap(one, 88)]
    if not lines:
        return {}
    words = "".join(f'{text(line, 88)}{room(line)}<BR ALIGN="LEFT"/>' for line in lines)
    label = f'<<FONT COLOR="{theme.quiet}" POINT-SIZE="{SMALL}">{words}</FONT>>'
    return {"label": label, "labelloc": "b", "labeljust": "l"}


def _heading(frame: Frame, theme: Theme) -> dict[str, str]:
    """`name  Class` at the upper left."""
    name = f"<B>{text(frame.title)}</B>&#160;&#160;" if frame.title else ""
    kind = f'<FONT COLOR="{theme.quiet}">{text(frame.word)}</FONT>'
    label = f"<{name}{kind}{room(frame.title + frame.word)}>"
    return {"label": label, "labelloc": "t", "labeljust": "l", "margin": "14"}


def _outline(card: Card, found: Gradients, theme: Theme) -> dict[str, str]:
    look = theme.cards[card.kind]
    paint = {"fillcolor": look.fill, "color": look.line, "fontcolor": look.ink}
    if look.style:
        paint["style"] = look.style
    if found.alarm(card):
        paint |= {"color": theme.alarm, "penwidth": "2"}
    if is_small(card) and len(card.title) == 1:
        return {**paint, "shape": "circle", "margin": "0", "width": "0.3", "fixedsize": "true"}
    if look.outlines > 1:
        paint["peripheries"] = str(look.outlines)
    return {**paint, "shape": look.shape}


def _stroke(edge: Edge, found: Gradients, theme: Theme, scale: Scale) -> dict[str, str]:
    flow = found.flow(edge)
    if flow is None:
        # Nothing can flow here; where no pass ran, that is sure of constants alone.
        known = not found.trouble or edge.tail.reason
        return {"style": "dashed"} if known else {}
    colour = {"color": theme.alarm} if alarm(flow) else {}
    return {"penwidth": f"{scale.width(flow):.2f}", **colour}


def _added(edge: Edge, found: Gradients, theme: Theme) -> dict[str, str]:
    """What goes back through an edge, where it is added to what comes by others. (Cards that are
    not shown in detail list it themselves: labels on edges would send long edges another way.)"""
    said = found.terms(edge) if edge.tail.detail else ""
    return {"label": f"<{table([[cell(said, theme.gradient, SMALL)]], 2)}>"} if said else {}


class Scale:
    """Gradients to widths, logarithmic: the least in a picture thin, the largest thick.

    >>> widths = Scale([0.001, 0.1, 10.0, 0.0, None])
    >>> [widths.width(x) for x in (0.001, 0.1, 10.0, 0.0)]
    [1.0, 2.5, 4.0, 1.0]
    >>> Scale([0.3, 0.3]).width(0.3)
    2.5
    """

    def __init__(self, flows: list[float | None]) -> None:
        logs = [math.log10(x) for x in flows if x and math.isfinite(x)] or [0.0]
        low, high = max(min(logs), max(logs) - 6), max(logs)
        # A small spread is not blown up: it takes its share of one decade around its middle.
        middle, half = (low + high) / 2, max(high - low, 1) / 2
        self.low, self.high = middle - half, middle + half

    def width(self, flow: float) -> float:
        if flow == 0:
            return THIN
        share = (math.log10(flow) - self.low) / (self.high - self.low) if math.isfinite(flow) else 1
        return round(THIN + (THICK - THIN) * min(max(share, 0), 1), 6)
