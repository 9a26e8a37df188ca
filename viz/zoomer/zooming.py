"""`zoom`: a page in which every box opens, from modules down to scalars."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...engine import Tensor
from ...engine.graph import Node
from ...engine.op import Op
from ..arrays import Arrays
from ..escape import visible
from ..page import environment, page, write
from ..plan import Card
from ..scene import TITLE, Box, Scene, placed
from ..theme import LIGHT
from .choosing import Asked
from .details import details, rules_of
from .opening import Opened, Opening

PLACED = 2_500  # boxes that Graphviz places; what lies deeper is laid out in the page
NODES = 2_000  # arrays of which more is told than stands in their boxes
KINDS = list(LIGHT.cards)


def zoom(
    node: Node, path: str | os.PathLike[str] = "zoom.html", elements: Asked = None, seed: Any = None
) -> Path:
    """Write a page that opens the graph behind a Value or a Tensor: modules into their parts, ops
    into their definitions, and at last each number of a result into the scalars behind it.

    Every box says the gradient at its border, from a backward pass run for the page; `.grad` is
    neither read nor changed. The page loads nothing from elsewhere.

    Args:
        node: the root, usually a loss.
        path: where the page goes.
        elements: how many elements of each result open into scalars, or which ones, as
            `{tensor: [(0, 3), (1, 2)]}`. By default all of up to 16, of a larger result those
            with the largest and the smallest gradient, the first, the last, and some in between.
        seed: the gradient of the root, where it holds more than one number.

    Returns:
        The path of the page.

    Raises:
        TypeError: not a node.
        IndexError: an element that the result does not have.
        ValueError: elements of what is no result in the graph.
        MissingExtra: Jinja2 is not installed.
    """
    if not isinstance(node, Node):
        raise TypeError(f"zoom: a Value or a Tensor, not {type(node).__name__}")
    environment()  # or who lacks Jinja2 would hear of it at last
    with np.errstate(all="ignore"):  # what overflows in ops that run again is no news
        data = Writer(Opening(node, seed, elements)).data()
    title = data["views"][0]["title"]
    scripts = ("layered.js", "graph.js", "heat.js", "zoom.js")
    return write(path, page("zoom.html", data, scripts, title=f"{visible(title, TITLE)}, opened"))


class Writer:
    """What has been opened, as JSON that the page's script reads."""

    def __init__(self, opening: Opening) -> None:
        self.opening, self.found = opening, opening.found
        self.nodes: dict[Node, int] = {}
        self.ops: dict[Op, int] = {}

    def data(self) -> dict[str, Any]:
        """Views; the nodes, arrays and ops that they name; and what kinds of boxes there are."""
        views = [self._view(shown) for shown in self.opening.views]
        scenes = [view["scene"] for view in views if "scene" in view]
        near, boxes = 0, 0
        while near < len(scenes) and boxes <= PLACED:
            boxes += len(scenes[near].boxes)
            near += 1
        done = iter([*placed(scenes[:near]), *map(compact, scenes[near:])])
        for view in views:
            if "scene" in view:
                view["scene"] = next(done)
        arrays = Arrays()
        return {
            "views": views,
            "nodes": [details(node, self.found, arrays) for node in self.nodes],
            "arrays": arrays.table,
            "ops": [{"name": op.name, "rules": rules_of(op)} for op in self.ops],
            "kinds": KINDS,
        }

    def _view(self, shown: Opened) -> dict[str, Any]:
        view: dict[str, Any] = {
            "title": shown.title, "word": shown.word, "up": shown.up, "said": shown.said,
        }  # fmt: skip
        if shown.node is not None:
            view["node"] = self._node(shown.node)
            view["op"] = self._op(shown.node.op)
        if shown.view is not None:
            view["scene"] = scene = self.opening.scene(shown)
            stubs = shown.view.stubs()
            for card, box in zip(shown.view.plan.cards, scene.boxes, strict=True):
                if card in stubs:
                    box.more["out"] = True
                self._tell(shown, card, box)
        else:
            assert shown.node is not None
            view["shape"] = list(shown.node._data.shape)
            view["elements"] = [
                {"index": list(index), "why": why, "scene": compact(scene)}
                for index, (why, scene) in shown.elements.items()
            ]
        return view

    def _tell(self, shown: Opened, card: Card, box: Box) -> None:
        """What the page wants to know of a box beside what stands in it."""
        if card in shown.opens:
            box.more["to"] = shown.opens[card]
        if card in shown.closed:
            box.more["why"] = shown.closed[card]
        if len(card.border) == 1 and not card.inside:
            node = card.border[0]
            if isinstance(node, Tensor) and (node in self.nodes or len(self.nodes) < NODES):
                box.more["node"] = self._node(node)
            if node.op is not None:
                box.more["op"] = self._op(node.op)

    def _node(self, node: Node) -> int:
        return self.nodes.setdefault(node, len(self.nodes))

    def _op(self, op: Op) -> int:
        return self.ops.setdefault(op, len(self.ops))


def compact(scene: Scene) -> dict[str, Any]:
    """A scene that the page lays out, in few characters: boxes as rows of kind, title, word, left,
    right, small, alarm and all else; arrows as triples of tail, head and ten times the width,
    below 0 for an alarm, 0 for a dash."""
    index = {box: i for i, box in enumerate(scene.boxes)}
    boxes = []
    for box in scene.boxes:
        row: list[Any] = [KINDS.index(box.kind), box.title, box.word, box.left, box.right]
        row += [box.small, int(box.alarm), box.more | ({"rows": box.rows} if box.rows else {})]
        while not row[-1]:  # what is empty at the end goes without saying
            row.pop()
        boxes.append(row)
    arrows = [
        number
        for arrow in scene.arrows
        for number in (
            index[arrow.tail],
            index[arrow.head],
            0 if arrow.dashed else round(arrow.width * 10) * (-1 if arrow.alarm else 1),
        )
    ]
    return {"b": boxes, "a": arrows} | ({"down": True} if scene.down else {})
