"""What a page draws: boxes of text and edges between them, in places that Graphviz finds.

A picture (`draw`) is Graphviz's from first to last. A page writes into its boxes as the reader
goes on, so here Graphviz is told how large each box is and says where it goes; `graph.js` draws.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .layers import MOST, lengths
from .renderer import layout

ROW, SMALL_ROW, PAD, GAP = 17, 14, 9, 14  # pixels, as the points of a picture are
BAR = 64  # pixels, in a row that has one
# Boxes above which Graphviz takes a good place for the best one. A weight that each step of a long
# sequence uses has arrows over all of it: 180 such boxes took 12 s, and take 0.2 s so.
MANY = 60
FAR = 6  # layers
TITLE = 28  # characters of a title, and of the word beside it, that are shown


@dataclass(eq=False)
class Group:
    """A frame around boxes: a module that stands open."""

    title: str
    word: str = ""
    around: Group | None = None


@dataclass(eq=False)
class Box:
    """A card of three rows: `title` and `word`; `left` (a value, or a shape) and `right` (a
    gradient); `small`, what it hides.

    Attributes:
        kind: which of the theme's cards: "parameter", "frozen", "input", "constant", "op",
            "loss", "module" or "folded".
        alarm: whether its gradient vanished, exploded or is NaN.
        room: a text that there is room for in place of `right`.
        rows: more rows, of a name, a gradient, and the part of the width that a bar takes.
        more: what else the page wants to know of it.
    """

    kind: str
    title: str
    word: str = ""
    left: str = ""
    right: str = ""
    small: str = ""
    alarm: bool = False
    group: Group | None = None
    room: str = ""
    rows: list[tuple[str, str, float]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, in pixels, with a little room to spare."""
        top = _row(text_width(_cut(self.title), bold=True), text_width(_cut(self.word)))
        right = max(text_width(self.right), text_width(self.room))
        middle = _row(text_width(self.left), right)
        width = max(top, middle, text_width(self.small) * 0.85)
        width = max(width, *(text_width(f"{a}  {b}") * 0.85 + BAR for a, b, _ in self.rows), 0)
        rows = ROW + (ROW if self.left or self.right else 0) + (SMALL_ROW if self.small else 0)
        rows += SMALL_ROW * len(self.rows) + (4 if self.rows else 0)
        lid = 8 if self.kind in ("parameter", "frozen") else 0  # of a cylinder
        return round(width + 2 * PAD), rows + 2 * 6 + lid


@dataclass(eq=False)
class Arrow:
    """From what is used to what uses it, as wide as the gradient that flows back through it."""

    tail: Box
    head: Box
    width: float = 1.0
    dashed: bool = False
    alarm: bool = False


@dataclass(eq=False)
class Scene:
    """One graph of a page. `down` is for modules, top down; expressions run left to right.

    `gap` is what arrows have at the least between boxes, in inches.
    """

    boxes: list[Box]
    arrows: list[Arrow]
    groups: list[Group] = field(default_factory=list)
    down: bool = False
    gap: float = 0.5


def text_width(words: str, bold: bool = False) -> float:
    """About how wide a text is at 13 pixels, in a page's own font, rather too wide than cut.

    >>> text_width("iii") < text_width("abc") < text_width("WWW")
    True
    """
    ems = sum(map(_em, words))
    return ems * 13 * (1.18 if bold else 1.1)  # DejaVu Sans is as wide as that


def _em(character: str) -> float:
    if not character.isascii():
        return 1.05 if unicodedata.east_asian_width(character) in "WF" else 0.62
    if character in "fijlrt.,:;'|!()[]{} /\\-":
        return 0.36
    return 0.9 if character in "mwMW%@" else 0.7 if character.isupper() else 0.57


def _row(left: float, right: float) -> float:
    return left + right + (GAP if left and right else 0)


def _cut(words: str) -> str:
    return words if len(words) <= TITLE else f"{words[: TITLE - 1]}…"


def placed(scenes: Sequence[Scene]) -> list[dict[str, Any]]:
    """Each scene for `graph.js`, as JSON can hold it: positions in pixels from the upper left.

    All are laid out in one run of the renderer, and those of one outline once. Where there is no
    renderer, or where one cannot place a scene, it has no positions, and the page lays it out.
    """
    outlines = [outline(scene) for scene in scenes]
    different = list(dict.fromkeys(outlines))
    found = dict(zip(different, _run(different), strict=True))
    return [_written(s, found[o]) for s, o in zip(scenes, outlines, strict=True)]


def outline(scene: Scene) -> str:
    """What the renderer is told of a scene: sizes and edges, and none of its words."""
    hurry = "nslimit=1; nslimit1=1;" if len(scene.boxes) > MANY else ""
    lines = [
        (
            f"digraph {{ rankdir={'TB' if scene.down else 'LR'}; nodesep=0.28; ranksep={scene.gap};"
            f' {hurry} node [shape=box, fixedsize=true, label=""];'
        )
    ]
    names = {box: f"n{i}" for i, box in enumerate(scene.boxes)}
    inside: dict[Group | None, list[Group | Box]] = {}
    for group in scene.groups:
        inside.setdefault(group.around, []).append(group)
    for box in scene.boxes:
        inside.setdefault(box.group, []).append(box)

    def put(around: Group | None) -> Iterator[str]:
        for item in inside.get(around, ()):
            if isinstance(item, Box):
                width, height = item.size
                yield f"{names[item]} [width={width / 72:.4f}, height={height / 72:.4f}];"
            else:
                words = text_width(f"{_cut(item.title)}  {_cut(item.word)}")
                title = f'<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{words:.0f}" HEIGHT="18">'
                yield f"subgraph cluster_{scene.groups.index(item)} {{ margin=14; labeljust=l;"
                yield f"label={title}<TR><TD></TD></TR></TABLE>>;"
                yield from put(item)
                yield "}"

    lines += put(None)
    lines += [f"{names[a.tail]} -> {names[a.head]} [id={i}];" for i, a in _near(scene)]
    return "\n".join([*lines, "}"])


def _near(scene: Scene) -> list[tuple[int, Arrow]]:
    """The arrows that the renderer places, each with its number.

    Where they go over too many layers together, the shortest arrow of a box says where it stands,
    and its far ones are drawn straight (`_straight`).
    """
    arrows = [*enumerate(scene.arrows)]
    length = lengths(scene.boxes, scene.arrows)
    if sum(length) <= MOST:
        return arrows
    shortest = {arrow.tail: i for i, arrow in sorted(arrows, key=lambda one: -length[one[0]])}
    return [(i, a) for i, a in arrows if length[i] <= FAR or shortest[a.tail] == i]


def _run(outlines: list[str]) -> list[dict[str, Any] | None]:
    """What the renderer makes of them; None where it makes nothing."""
    answer = layout("\n".join(outlines)) if outlines else None
    if answer is None:
        return [None] * len(outlines)
    decoder, found = json.JSONDecoder(), list[Any]()
    while answer := answer.lstrip():
        graph, end = decoder.raw_decode(answer)
        found.append(graph)
        answer = answer[end:]
    return found if len(found) == len(outlines) else [None] * len(outlines)


def _written(scene: Scene, graph: dict[str, Any] | None) -> dict[str, Any]:
    index = {box: i for i, box in enumerate(scene.boxes)}
    boxes = [_box(box) for box in scene.boxes]
    arrows: list[dict[str, Any]] = [
        {"tail": index[a.tail], "head": index[a.head], "width": round(a.width, 2)}
        | ({"dashed": True} if a.dashed else {})
        | ({"alarm": True} if a.alarm else {})
        for a in scene.arrows
    ]
    groups: list[dict[str, Any]] = [{"title": g.title, "word": g.word} for g in scene.groups]
    written = {"down": scene.down, "boxes": boxes, "arrows": arrows, "groups": groups}
    if graph is None:
        return written
    _, _, width, height = map(float, graph["bb"].split(","))
    for item in graph.get("objects", ()):
        name = item["name"]
        if "pos" in item:
            x, y = map(float, item["pos"].split(","))
            box = boxes[int(name.removeprefix("n"))]
            box["x"], box["y"] = round(x - box["w"] / 2, 1), round(height - y - box["h"] / 2, 1)
        else:
            left, bottom, right, top = map(float, item["bb"].split(","))
            groups[int(name.removeprefix("cluster_"))] |= {
                "x": round(left, 1), "y": round(height - top, 1),
                "w": round(right - left, 1), "h": round(top - bottom, 1),
            }  # fmt: skip
    for edge in graph.get("edges", ()):
        arrows[int(edge["id"])]["points"] = _points(edge["pos"], height)
    for arrow in arrows:
        if "points" not in arrow:
            arrow["points"] = _straight(boxes[arrow["tail"]], boxes[arrow["head"]], scene.down)
    return written | {"width": round(width, 1), "height": round(height, 1)}


def _box(box: Box) -> dict[str, Any]:
    width, height = box.size
    words = {
        "title": box.title, "word": box.word, "left": box.left, "right": box.right,
        "small": box.small,
    }  # fmt: skip
    said = {key: value for key, value in words.items() if value}
    alarm = {"alarm": True} if box.alarm else {}
    rows = {"rows": box.rows} if box.rows else {}
    return {"kind": box.kind, "w": width, "h": height, **said, **alarm, **rows, **box.more}


def _points(pos: str, height: float) -> list[float]:
    """Graphviz's spline, `e,x,y x,y x,y …`, as x, y, x, y …: the curve, and at last the tip."""
    tip, *curve = sorted(pos.split(), key=lambda point: not point.startswith("e"))
    pairs = [point.removeprefix("e,").split(",") for point in [*curve, tip]]
    return [round(v, 1) for x, y in pairs for v in (float(x), height - float(y))]


def _straight(tail: dict[str, Any], head: dict[str, Any], down: bool) -> list[float]:
    """The same from the side of one box to that of another, whatever lies between."""
    along, across, deep, wide = ("y", "x", "h", "w") if down else ("x", "y", "w", "h")
    begin, end = tail[along] + tail[deep], head[along] - 8  # the tip's length
    bow = (end - begin) / 3
    at, to = tail[across] + tail[wide] / 2, head[across] + head[wide] / 2
    curve = [(begin, at), (begin + bow, at), (end - bow, to), (end, to), (end + 8, to)]
    return [round(v, 1) for u, w in curve for v in ((w, u) if down else (u, w))]
