"""How a module shows itself: a tree of layers, as PyTorch prints it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from .tree import Tree, held


def tree_text(kind: str, said: str, lines: Iterable[str]) -> str:
    """`Kind(said)`, or with its parts below each other."""
    lines = [*lines]
    if not lines:
        return f"{kind}({said})"
    inside = "\n".join([*([said] if said else []), *lines])
    return f"{kind}(\n{textwrap.indent(inside, '  ')}\n)"


def parts(items: Iterable[tuple[Any, Any]]) -> list[str]:
    """A line, or several, for each module, and for each container that has some."""
    shown = ((key, shown_part(part)) for key, part in items)
    return [f"({key}): {text}" for key, text in shown if text is not None]


def shown_part(part: Any) -> str | None:
    if isinstance(part, Tree):
        return repr(part)
    if not isinstance(part, list | tuple | dict) or not holds_modules(part):
        return None
    inside = parts(part.items()) if isinstance(part, dict) else alike(part)
    return tree_text(type(part).__name__, "", inside)


def alike(several: Iterable[Any]) -> list[str]:
    """Of a list, members that look alike as one: `(0-11): 12 x Block(…)`."""
    lines = []
    for text, group in groupby(enumerate(map(shown_part, several)), lambda pair: pair[1]):
        first, *others = [place for place, _ in group]
        if text is not None:
            many = f"{first}-{others[-1]}): {1 + len(others)} x " if others else f"{first}): "
            lines.append(f"({many}{text}")
    return lines


def holds_modules(container: Any) -> bool:
    return any(isinstance(part, Tree) for _, part in held(container))
