"""The stepper's page: graphs, steps and arrays of one or more backward passes, for `step.js`."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.graph import Node
from .. import nodes as words
from ..arrays import Arrays
from ..dot import Scale
from ..escape import visible
from ..layers import LINE, depth
from ..notation import digits
from ..page import page, write
from ..plan import Card, flat_plan
from ..scene import Arrow, Box, Group, Scene, placed, text_width
from ..summary import norm_of, shape_of
from .called import isolated
from .step_record import Source, Step

LEAST_GAP, MOST_GAP, DOWN_GAP = 0.5, 1.5, 0.6  # inches between boxes, for what an arrow carries
ROOM = "−0.0000"  # for a number in a box, so that graphs of one form are laid out alike


class StepPage:
    """Collects passes, and writes them as one page.

    Attributes:
        title: of the page.
        notes: sentences on what it doesn't show.
    """

    def __init__(self, title: str) -> None:
        self.title, self.notes = title, list[str]()
        self._passes: list[dict[str, Any]] = []
        self._scenes: list[Scene] = []
        self._arrays = Arrays()
        self._sources: dict[Source, int] = {}

    def add(self, root: Node, steps: list[Step], trouble: str = "") -> None:
        """Add a graph with its steps. All that is shown of it is taken now, since arrays may
        change later.

        Args:
            root: where the pass began.
            steps: forward and, if a pass ran, backward.
            trouble: why none ran.
        """
        names = {step.node: step.name for step in steps if step.is_forward}
        drawn = Drawn(root, names, steps)
        self._scenes.append(drawn.scene)
        self._passes.append(
            {
                "root": names[root], "trouble": trouble,
                "steps": [self._written(step, drawn, names) for step in steps],
            }
        )  # fmt: skip

    def _written(self, step: Step, drawn: Drawn, names: dict[Node, str]) -> dict[str, Any]:
        """A step as JSON can hold it. What is empty is left out."""
        put, parents = self._arrays.put, list(step.node.parents())
        said: dict[str, Any] = {
            "heading": step.heading, "what": step.what, "source": self._source(step),
            "box": drawn.boxes[step.node], "rule": step.rule, "numbers": step.numbers,
        }  # fmt: skip
        if step.is_forward:
            said["value"] = put(step.node._data)
            said["arrows"] = [drawn.arrows[step.node, i] for i in range(len(parents))]
            if np.ndim(step.node._data) or any(np.ndim(parent._data) for parent in parents):
                said["args"] = [(names[p], put(p._data)) for p in dict.fromkeys(parents)]
            return {key: value for key, value in said.items() if value not in ("", None, [])}
        said |= {"gradient": step.gradient, "whole": step.whole, "total": put(step.total)}
        said["alarm"] = not math.isfinite(norm_of(step.total)) or None
        if step.arg is not None:
            said |= {
                "to": drawn.boxes[step.arg], "arrows": [drawn.arrows[step.node, step.edge]],
                "incoming": put(step.incoming), "share": put(step.share),
                "local": None if step.local is None else digits(step.local),
                "before": None if step.before is None else put(step.before),
                "meeting": step.meeting if step.paths > 1 else "",
                "addition": step.addition if step.meets and not np.ndim(step.total) else None,
                "meaning": step.meaning, "summed": step.summed,
            }  # fmt: skip
        return {key: value for key, value in said.items() if value not in ("", None, [])}

    def _source(self, step: Step) -> int | None:
        if step.source is None:
            return None
        return self._sources.setdefault(step.source, len(self._sources))

    def text(self) -> str:
        """The page.

        Raises:
            MissingExtra: Jinja2 is not installed.
        """
        for one, scene in zip(self._passes, placed(self._scenes), strict=True):
            one["scene"] = scene
        data = {"passes": self._passes, "arrays": self._arrays.table, "sources": [*self._sources]}
        return page(
            "step.html", data, ("graph.js", "layered.js", "heat.js", "step.js"),
            title=self.title, passes=len(self._passes), notes=self.notes,
        )  # fmt: skip

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, and return its path."""
        return write(path, self.text())


class Drawn:
    """The whole graph as a scene, in which each node and each edge can be found.

    Attributes:
        boxes: the place of each node's box in the scene.
        arrows: the place of each edge's arrow, by node and place of the argument in it.
    """

    def __init__(self, root: Node, names: dict[Node, str], steps: list[Step]) -> None:
        plan = flat_plan(root, [*names])
        self._gradient_room = {
            step.receiver: gradient_text(step.total) for step in steps if not step.is_forward
        }
        groups = {frame: Group(frame.title, frame.word) for frame in plan.frames}
        for frame, group in groups.items():
            group.around = groups[frame.around] if frame.around else None
        boxes = {card: self._box(card, names) for card in plan.cards}
        for card, box in boxes.items():
            box.group = groups[card.frame] if card.frame else None
        flows = {(step.node, step.edge): norm_of(step.share) for step in steps if step.edge >= 0}
        widths = Scale([*flows.values()])
        arrows: list[Arrow] = []
        self.arrows: dict[tuple[Node, int], int] = {}
        for edge in plan.edges:
            known = [flows[use] for use in edge.uses if use in flows]
            width = widths.width(max(known)) if known else 1.0
            self.arrows |= dict.fromkeys(edge.uses, len(arrows))
            arrows.append(Arrow(boxes[edge.tail], boxes[edge.head], width, dashed=not known))
        down = plan.downwards or depth(plan.cards, plan.edges) > LINE
        room = DOWN_GAP if down else gap(steps)
        self.scene = Scene([*boxes.values()], arrows, [*groups.values()], down, room)
        places = enumerate(plan.cards)
        self.boxes = {card.border[0]: place for place, card in places if card.border}

    def _box(self, card: Card, names: dict[Node, str]) -> Box:
        if not card.border:  # a plain number or array
            return Box(card.kind, visible(card.title, 40), card.word, small=card.shape)
        (node,) = card.border
        title, word = visible(node.name or names[node], 40), card.word
        if node.op and not node.name and card.kind == "op":
            known = words.title(node)  # `a · b`, where there is more to say than the title does
            if known == node.op.name or isolated(known) != known:
                known = node.op.symbol or words.options(node)
            word = known
        right = self._gradient_room.get(node, "")
        more = {"name": names[node]}
        return Box(
            card.kind, title, visible(word, 40), longer(value_text(node._data), ROOM),
            longer(right, f"∂ {ROOM} …") if right else "", card.shape, more=more,
        )  # fmt: skip


def gap(steps: list[Step]) -> float:
    """Room between boxes that stand side by side, for what flows through an arrow."""
    flows = {shape_of(step.share) or digits(step.share) for step in steps if step.edge >= 0}
    widest = max((text_width(flow, bold=True) for flow in flows), default=0.0)
    return min(max(LEAST_GAP, math.ceil((widest + 18) / 72 * 4) / 4), MOST_GAP)


def value_text(x: Any) -> str:
    return f"norm {digits(norm_of(x))}" if shape_of(x) else digits(x)


def gradient_text(x: Any) -> str:
    return f"|∂| {digits(norm_of(x))} …" if np.ndim(x) else f"∂ {digits(x)} …"


def longer(text: str, room: str) -> str:
    return max(text, room, key=len)
