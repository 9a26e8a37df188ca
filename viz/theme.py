"""Palette and type of every picture: the one place to change how they look.

Who is who is told by shape, by fill and by word, so that a picture can be read in grey too:
a parameter is a store (a cylinder), dashed where it is frozen; an input a sheet of paper with its
corner turned; a constant bare text; an op a round box; what comes out has two outlines.
Every text has a contrast of at least 4.5 to 1 with what is behind it, which a test computes.
"""

from __future__ import annotations

from typing import NamedTuple

# One name, not a list: with a list the renderer measures text by the widths of Times.
FONT = "Helvetica"
SIZE, SMALL = 12, 10  # points

THIN, THICK = 1.0, 4.0  # an edge, in points, for the least and the most gradient in a picture


class Card(NamedTuple):
    """The colours of one kind of node."""

    fill: str
    line: str
    ink: str  # names and numbers
    quiet: str  # ops, shapes and words
    gradient: str
    shape: str = "box"
    style: str = "rounded,filled"
    outlines: int = 1


class Theme(NamedTuple):
    """The colours of a picture."""

    background: str
    ink: str
    quiet: str
    gradient: str  # the one colour that gradients have everywhere
    alarm: str  # NaN, infinite, vanished, exploded
    edge: str
    frame: str  # the outline of a module that is open
    cards: dict[str, Card]
    follows: bool = False  # whether an SVG is dark where its reader's system asks for it


def _theme(
    background: str, ink: str, quiet: str, gradient: str, alarm: str, edge: str, frame: str,
    fills: dict[str, tuple[str, str]], loss: Card,
) -> Theme:  # fmt: skip
    cards = {kind: Card(fill, line, ink, quiet, gradient) for kind, (fill, line) in fills.items()}
    # No shape whose outline leans (a parallelogram): round a table Graphviz draws it twice as wide.
    cards["parameter"] = cards["parameter"]._replace(shape="cylinder", style="filled")
    cards["frozen"] = cards["frozen"]._replace(shape="cylinder", style="filled,dashed")
    cards["input"] = cards["input"]._replace(shape="note", style="filled")
    cards["constant"] = cards["constant"]._replace(shape="plain", style="")
    cards["folded"] = cards["folded"]._replace(style="rounded,filled,dashed")
    cards["loss"] = loss._replace(outlines=2)
    return Theme(background, ink, quiet, gradient, alarm, edge, frame, cards)


LIGHT = _theme(
    background="#FFFFFF",
    ink="#111827",
    quiet="#5B6270",
    gradient="#B3541E",
    alarm="#B42318",
    edge="#8B8F98",
    frame="#C9CDD6",
    fills={
        "parameter": ("#EEF4FF", "#3B6FD4"),  # the gradient on #E8F0FE has only 4.4 to 1
        "frozen": ("#FFFFFF", "#3B6FD4"),
        "input": ("#FFF7E0", "#C99A2E"),
        "constant": ("#FFFFFF", "#FFFFFF"),
        "op": ("#F4F4F6", "#DDDFE5"),
        "module": ("#F4F4F6", "#B9BEC9"),
        "folded": ("#FFFFFF", "#8B8F98"),
    },
    loss=Card("#111827", "#111827", "#FFFFFF", "#B6BCC8", "#F0A97A"),
)

DARK = _theme(
    background="#0F1319",
    ink="#F4F4F6",
    quiet="#A3ABB8",
    gradient="#F0A97A",
    alarm="#FF8A80",
    edge="#7D8591",
    frame="#3D4550",
    fills={
        "parameter": ("#16263F", "#6F9BF0"),
        "frozen": ("#0F1319", "#6F9BF0"),
        "input": ("#332A12", "#D9B45A"),
        "constant": ("#0F1319", "#0F1319"),
        "op": ("#20262F", "#353D48"),
        "module": ("#20262F", "#566070"),
        "folded": ("#0F1319", "#7D8591"),
    },
    loss=Card("#F4F4F6", "#F4F4F6", "#0F1319", "#5B6270", "#B3541E"),
)

# Light, with a style in the SVG that makes it dark where the reader's system is; see scheme.py.
AUTO = LIGHT._replace(follows=True)

THEMES = {"light": LIGHT, "dark": DARK, "auto": AUTO}


def theme_of(name: str | Theme) -> Theme:
    """The theme of that name.

    Raises:
        ValueError: there is none.
    """
    if isinstance(name, Theme):
        return name
    if name not in THEMES:
        raise ValueError(f"theme={name!r}: there are {', '.join(map(repr, THEMES))}")
    return THEMES[name]
