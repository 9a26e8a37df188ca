"""One picture for light and for dark: its reader's system says which (`prefers-color-scheme`).

A picture of the theme "auto" is drawn in the light colours. A style inside of its SVG exchanges
each for its dark twin: in a page, in an `<img>`, alone. Where styles are not read it stays light.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import AnyStr

from .theme import DARK, LIGHT, Theme


def follow(drawn: AnyStr) -> AnyStr:
    """An SVG as text or bytes, with that style; anything else, such as a PNG, as it is.

    >>> follow("<svg>…</svg>").count("<style>"), follow("digraph {}")
    (1, 'digraph {}')
    """
    if isinstance(drawn, bytes):
        if b"<svg" not in drawn[:1000]:
            return drawn
        return follow(drawn.decode("utf-8")).encode("utf-8")
    before, tag, after = drawn.partition("<svg")
    inside, end, rest = after.partition(">")
    return f"{before}{tag}{inside}{end}{style()}{rest}" if tag else drawn


def style() -> str:
    """The rules, which win over the attributes that Graphviz writes colours into."""
    rules = (
        f'.graph [fill="{old}"] {{ fill: {new} }} .graph [stroke="{old}"] {{ stroke: {new} }}'
        for old, new in twins().items()
    )
    return f"\n<style>@media (prefers-color-scheme: dark) {{\n{chr(10).join(rules)}\n}}</style>"


def twins() -> dict[str, str]:
    """Each colour of the light theme, as Graphviz writes it, and the dark one in its place."""
    pairs = zip(colours(LIGHT), colours(DARK), strict=True)
    return {light.lower(): dark.lower() for light, dark in pairs}


def colours(theme: Theme) -> Iterator[str]:
    """All of them, always in the same order."""
    for field in theme._fields:
        value = getattr(theme, field)
        if isinstance(value, str):
            yield value
    for card in theme.cards.values():
        yield from (card.fill, card.line, card.ink, card.quiet, card.gradient)
