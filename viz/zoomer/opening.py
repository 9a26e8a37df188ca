"""All that a page can open: regions, the definitions of ops, and elements as scalars, as a tree."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ...engine import Tensor
from ...engine.graph import Node
from .. import nodes as words
from ..plan import Card
from ..scene import Scene
from ..summary import number
from .borders import Borders, run
from .boxes import scene_of
from .choosing import Asked, Choice
from .cutting import Closed, Index
from .definitions import definition_of, has_definition
from .elements import Elements
from .regions import Region, Tree
from .slices import slice_of
from .views import View, view_of

BOXES = 50_000  # in all views together
ELEMENTS = 1_500  # of all ops together; a fifth where ops are more than that, which takes its time
ROWS = 12  # copies whose gradients are listed in one box


@dataclass(eq=False)
class Opened:
    """One view of the page.

    Attributes:
        up: the number of the view that it is opened from, -1 of the first.
        said: sentences above it.
        node: the op that it opens, if it opens one.
        view: what it shows; None of an op that opens into scalars.
        opens: the number of the view that a card opens.
        closed: why the op of a card does not open.
        elements: of an op that opens into scalars, why each was chosen, and its scalars.
    """

    title: str
    word: str
    up: int
    said: list[str]
    node: Node | None = None
    view: View | None = None
    opens: dict[Card, int] = field(default_factory=dict)
    closed: dict[Card, str] = field(default_factory=dict)
    elements: dict[Index, tuple[str, Scene]] = field(default_factory=dict)


@dataclass(eq=False)
class Ahead:
    """A box that is still to be opened: of a region, or of an op."""

    up: int
    card: Card | None
    tree: Tree
    region: Region
    node: Node | None = None


class Opening:
    """Opens what is behind a root, the outermost first, until there is no more or the page is full.

    Args:
        root: a Value or a Tensor.
        seed: its gradient, where it holds more than one number.
        elements: how many of each op, at most; or, by op, which.

    Attributes:
        views: all that was opened; each stands after the one that it is opened from.
        found: the gradients, of what is inside of ops too.
    """

    def __init__(self, root: Node, seed: Any = None, elements: Asked = None) -> None:
        tree = Tree(root)
        self.choice = Choice(tree, elements)
        self.found: Borders = run(tree, seed)
        self.views: list[Opened] = []
        self.boxes = 0
        ahead = deque([Ahead(-1, None, tree, tree.top)])
        ops: list[tuple[int, Card, Node]] = []
        while ahead:
            box = ahead.popleft()
            if self.boxes > BOXES and box.card is not None:
                self.views[box.up].closed[box.card] = f"the page has {BOXES:,} boxes already"
                continue
            here, view = len(self.views), self._open(box)
            for card, region in view.regions.items():
                ahead.append(Ahead(here, card, view.tree, region))
            for card, node in view.ops():
                if has_definition(node):
                    ahead.append(Ahead(here, card, view.tree, view.region, node))
                elif isinstance(node, Tensor):
                    ops.append((here, card, node))
        self._open_ops(ops)

    def _open(self, box: Ahead) -> View:
        """Open a region, or the definition of an op."""
        said = []
        if box.node is None:
            view = view_of(box.tree, box.region)
            title, word = _names(box.tree, box.region)
        else:
            inside = definition_of(box.node)
            self.choice.pass_on(box.node, inside.tree.root)
            grad = self.found.grads.get(box.node)
            if grad is not None and inside.tree.root.requires_grad:
                self.found.walk(inside.tree, grad)
            view = view_of(inside.tree, inside.tree.top, inside.starts)
            title, word = words.title(box.node), "by its definition"
            said.append(inside.said)
        opened = Opened(title, word, box.up, [_counted(view), *said], box.node, view)
        self.boxes += len(view.plan.cards)
        if self.found.trouble:
            opened.said.append(self.found.trouble)
        if box.card is not None:
            self.views[box.up].opens[box.card] = len(self.views)
        self.views.append(opened)
        return view

    def _open_ops(self, ops: list[tuple[int, Card, Node]]) -> None:
        """Elements of ops, the outermost first; where they are many, few of each."""
        left = ELEMENTS if len(ops) <= ELEMENTS else ELEMENTS // 5
        for i, (up, card, node) in enumerate(ops):
            try:
                room = max(left // (len(ops) - i), min(left, 1))
                opened = self._open_op(up, node, room)
            except Closed as why:
                self.views[up].closed[card] = str(why)
                continue
            left -= len(opened.elements)
            self.views[up].opens[card] = len(self.views)
            self.views.append(opened)

    def _open_op(self, up: int, node: Any, room: int) -> Opened:
        grad = self.found.grads.get(node)
        picked = self.choice.of(node, grad, room)
        if not picked:
            raise Closed("the page has as many elements of other ops as it may")
        opened = Opened(words.title(node), words.word(node), up, [], node)
        several = Elements(node, grad)
        for index, why in picked.items():
            scene = slice_of(several.open(index), opened.title, self.found)
            opened.elements[index] = why, scene
        many = node._data.size
        if many > 1:
            some = "all" if len(picked) == many else f"{len(picked):,} of its"
            opened.said.append(f"One number of the result at a time; {some} {many:,} open.")
        return opened

    def scene(self, opened: Opened) -> Scene:
        """What a view draws, with its gradients."""
        assert opened.view is not None
        view = opened.view
        scene = scene_of(view.plan, self.found, self._shares(view), view.region.path)
        for card, box in zip(view.plan.cards, scene.boxes, strict=True):
            region = view.regions.get(card)
            if region is not None and region.kind == "copies":
                box.rows = self._rows(view.tree, region)
        return scene

    def _shares(self, view: View) -> dict[Card, tuple[Any, Any]]:
        """Of what comes in, what is handed back from here, and its whole gradient."""
        shares = {}
        for node, card in view.coming.items():
            share = self.found.handed.get((view.region, node))
            if share is not None and len(card.border) == 1:
                shares[card] = share, self.found.grads[node]
        return shares

    def _rows(self, tree: Tree, region: Region) -> list[tuple[str, str, float]]:
        """The gradient of what comes out of each copy, and how far a bar goes."""
        norms = []
        for copy in region.copies():
            card = Card("module", copy.title, border=tree.going(copy))
            norms.append((copy.title, self.found.norm(card)))
        finite = [norm for _, norm in norms if norm is not None and math.isfinite(norm)]
        most = max(finite, default=0.0) or 1.0
        rows = []
        for title, norm in norms:
            said = "no ∂" if norm is None else f"|∂| {number(norm)}"
            part = (norm or 0.0) / most
            rows.append((title, said, part if math.isfinite(part) else 1.0))
        if len(rows) > ROWS:
            rows[ROWS // 2 : 1 - ROWS // 2] = [(f"… {len(rows) - ROWS + 1:,} more", "", 0.0)]
        return rows


def _names(tree: Tree, region: Region) -> tuple[str, str]:
    """What the view of a region is called."""
    if region is not tree.top:
        return region.title or region.word, region.word if region.title else ""
    alone = region.alone()
    return (alone.word if alone else tree.root.name or "loss"), ""


def _counted(view: View) -> str:
    """How much there is, and how much of it is hidden."""
    ops = sum(1 for _ in view.region.ops())
    hidden = sum(len(card.inside) for card in view.plan.cards)
    closed = sum(bool(card.inside) for card in view.plan.cards)
    said = f"{ops:,} op{'s' * (ops != 1)}"
    if hidden:
        some = "all" if hidden == ops else f"{hidden:,}"
        said += f", {some} of them in {closed:,} closed box{'es' * (closed != 1)}"
    return f"{said}."
