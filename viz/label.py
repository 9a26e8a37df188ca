"""The inside of a card, as one of Graphviz's HTML-like labels.

A card is one column of bars. A bar is a table of its own, as wide as the card, whose first cell
keeps to the left edge and whose last keeps to the right.
"""

from __future__ import annotations

import math

import numpy as np

from .escape import NO_BREAK, room, text
from .gather import MOST_TERMS, Gradients
from .nodes import is_parameter
from .plan import Card
from .reasons import FLAT
from .summary import Summary, norm_of, number, summarise
from .theme import SMALL, Theme
from .theme import Card as Look

_GAP = '<TD WIDTH="12"></TD>'


class Label:
    """Writes the label of one card."""

    def __init__(self, card: Card, found: Gradients, theme: Theme) -> None:
        self.card, self.found, self.theme = card, found, theme
        self.look: Look = theme.cards[card.kind]
        # Its numbers, where they are kept: of a card that is shown in detail.
        self.grad = found.numbers.get(card.border[0]) if card.border else None

    def write(self) -> str:
        card, look = self.card, self.look
        name = cell(card.title, look.ink, bold=True)
        if is_small(card):
            return f"<{table([[name]], 0)}>"
        said = cell(card.word, look.quiet, right=True) if card.word else ""
        if card.kind == "constant" and not card.border and not card.shape:
            return f"<{table([[name, said]], 2)}>"
        bars = [bar(name, said), *self.numbers(), bar(*self.size()), *self.sum()]
        colour = self.theme.alarm if card.kind != "loss" else look.gradient
        if wrong := self.found.alarm(card):
            bars.append(bar(cell(f"gradient {wrong}", colour, bold=True)))
        if card.data is not None and math.isnan(norm_of(card.data)):
            bars.append(bar(cell("value NaN", colour, bold=True)))
        return f"<{table([[row] for row in bars if row], 0)}>"

    # Value and gradient

    def numbers(self) -> list[str]:
        card, look = self.card, self.look
        if card.data is None or not (card.detail or not card.shape):
            return []
        data, grad = summarise(card.data), self.grad
        if not card.shape:
            shown = number(data.rows[0][0])
            return [bar(cell(shown, look.ink) if shown != card.title else "", self.gradient())]
        if data.rows:
            cells = [td(matrix(data, look.ink)), _GAP]
            if grad:
                cells += [cell("∂", look.gradient), td(matrix(grad, look.gradient))]
            return [bar(*cells)]
        if 0 in data.shape:
            return [bar(cell("empty", look.quiet))]
        rows = [[td(""), *(cell(w, look.quiet, SMALL, right=True) for w in ("min", "mean", "max"))]]
        rows.append(
            [cell("data", look.quiet, SMALL), *extent(data, look.ink), self.strip(data, look.ink)]
        )
        if grad:
            rows.append(
                [
                    cell("∂", look.gradient),
                    *extent(grad, look.gradient),
                    self.strip(grad, look.gradient),
                ]
            )
        return [td(table(rows, 1))]

    def gradient(self, size: int | None = None) -> str:
        """The gradient of a number, the norm of an array's, or why there is none."""
        norm = self.found.norm(self.card)
        if self.grad and not self.card.shape:
            said = f"∂ {number(self.grad.rows[0][0])}"
        elif norm is not None:
            said = f"|∂| {number(norm)}"
        elif missing := self.card.reason or (not self.found.trouble and FLAT):
            return cell(f"no ∂: {missing}", self.look.quiet, SMALL, right=True)
        else:
            said = "∂ ?"  # the caption says why
        return cell(said, self.look.gradient, size, right=True)

    def strip(self, data: Summary, ink: str) -> str:
        """How the numbers spread from min to max, as cells between paper and ink."""
        size = 'WIDTH="5" HEIGHT="9" FIXEDSIZE="TRUE"'
        shades = [f"{ink}{round(255 * share):02X}" for share in data.strip]
        cells = [f'<TD {size} BGCOLOR="{shade}"></TD>' for shade in shades]
        return _GAP + td(table([cells], 0)) if cells else ""

    def sum(self) -> list[str]:
        """What meets here and is added up, by who hands it back; in a detailed picture the edges
        say it themselves."""
        edges = [] if self.card.detail else self.found.meeting(self.card)
        bars = []
        for edge in edges[:MOST_TERMS]:
            user = cell(f"from {edge.head.title or edge.head.word}", self.look.quiet, SMALL)
            said = cell(self.found.terms(edge), self.look.gradient, SMALL, right=True)
            bars.append(bar(user, said))
        if more := len(edges) - len(bars):
            bars.append(bar(cell(f"and from {more:,} more", self.look.quiet, SMALL)))
        return bars

    # Shape, and what is hidden

    def size(self) -> list[str]:
        card, look = self.card, self.look
        cells = []
        if hidden := hidden_words(card):
            cells.append(cell(hidden, look.quiet, SMALL))
        if card.shape:
            cells.append(cell(card.shape, look.quiet, SMALL))
        if (card.shape or card.inside or card.hides) and not (card.detail and self.grad):
            cells.append(self.gradient(SMALL))
        return cells


def is_small(card: Card) -> bool:
    """An op between closed modules: its symbol is enough."""
    return card.kind == "op" and not card.detail


def hidden_words(card: Card) -> str:
    """What a closed box hides, counted: `65 ops · 66,048 params`."""
    said = []
    if card.kind == "module":
        said.append(f"{len(card.inside):,} op{'s' * (len(card.inside) != 1)}")
    parameters = [leaf for leaf in card.hides if is_parameter(leaf)]
    if params := sum(np.size(leaf._data) for leaf in parameters):
        frozen = sum(np.size(leaf._data) for leaf in parameters if not leaf.requires_grad)
        some = "" if frozen == params else f"{frozen:,} "
        said.append(
            f"{params:,} param{'s' * (params != 1)}" + (f", {some}frozen" if frozen else "")
        )
    return " · ".join(said)


def extent(data: Summary, ink: str) -> list[str]:
    return [cell(number(x), ink, right=True) for x in (data.low, data.mean, data.high)]


def matrix(data: Summary, ink: str) -> str:
    """All numbers, right-aligned in columns."""
    return table([[cell(number(x), ink, right=True) for x in row] for row in data.rows], 1)


# HTML-like labels


def cell(
    words: str, colour: str, size: int | None = None, bold: bool = False, right: bool = False
) -> str:
    """A cell of text, with room on its ragged side for what the renderer cannot measure."""
    shown = f"<B>{text(words)}</B>" if bold else text(words)
    point = f' POINT-SIZE="{size}"' if size else ""
    inside = f'<FONT COLOR="{colour}"{point}>{shown}</FONT>'
    # Graphviz sets a cell of one plain font on a baseline of its own, two points off that of a
    # bold neighbour; a space outside of the font makes it two.
    spare = room(words) or ("" if bold else NO_BREAK)
    return td(spare + inside, "RIGHT") if right else td(inside + spare)


def td(inside: str, align: str = "LEFT") -> str:
    return f'<TD ALIGN="{align}">{inside}</TD>'


def bar(*cells: str) -> str:
    """A row over the whole width of a card."""
    kept = [one for one in cells if one]
    if len(kept) < 2:
        return kept[0] if kept else ""
    return f"<TD>{table([[kept[0], *(_spaced(one) for one in kept[1:])]], 0)}</TD>"


def _spaced(one: str) -> str:
    return one if one == _GAP else _GAP + one


def table(rows: list[list[str]], padding: int) -> str:
    body = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    frame = 'BORDER="0" CELLBORDER="0" CELLSPACING="0"'
    return f'<TABLE {frame} CELLPADDING="{padding}">{body}</TABLE>'
