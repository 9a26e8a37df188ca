"""`formula`: the expression behind a node, as text and as LaTeX."""

from __future__ import annotations

import inspect
from typing import Any

from ..engine.arguments import each
from ..engine.graph import Node
from .latex import LATEX
from .nodes import arguments
from .notation import TEXT, Notation, Term

ELLIPSIS = ...


class Formula:
    """What `formula` returns. It prints as text, and a notebook typesets it.

    Attributes:
        text: `tanh(a · b + a)`.
        latex: the same in LaTeX, without dollar signs.
        left_out: how many ops stand behind an ellipsis or a named result.
    """

    def __init__(self, text: str, latex: str, left_out: int) -> None:
        self.text, self.latex, self.left_out = text, latex, left_out

    def __repr__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex}$"


def formula(node: Node, expand: bool = False, limit: int = 100) -> Formula:
    """The expression that made a node, in the names of its parts.

    A result that has a name stands in it by that name, as a reader of the code would expect: ask
    for its own formula, or expand all. What is used twice is written twice. Numbers have four
    significant digits, and an array without a name is told by its shape.

    Args:
        node: a Value or a Tensor.
        expand: write out named results too.
        limit: how many nodes it may show, at least 1. Ops that are further inside are left out,
            and counted.

    >>> from groundup.engine import Value
    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="beta")
    >>> loss = (a * b + a**2 / 2).tanh()
    >>> formula(loss)
    tanh(a · beta + a**2 / 2)
    >>> print(formula(loss).latex)
    \\tanh\\left(a \\cdot \\beta + \\frac{{a}^{2}}{2}\\right)
    >>> formula(loss, limit=4)
    tanh(… + …) (3 ops more)
    """
    if not isinstance(node, Node):
        raise TypeError(
            f"formula: a Value or a Tensor, not {type(node).__name__}. Of an array of Values take "
            "one element, or their sum."
        )
    if limit < 1:
        raise ValueError(f"formula: limit={limit} is a count, 1 or more")
    places, parts = opened(node, expand, limit)
    shown = {place for place, inside in zip(places, parts, strict=True) if inside is not None}
    left_out = behind(node, expand) - len(shown)
    more = f" ({left_out:,} op{'s' * (left_out != 1)} more)" if left_out else ""
    latex_more = rf"\quad\text{{{more.strip()}}}" if more else ""
    text, latex = (written(places, parts, notation, expand) for notation in (TEXT, LATEX))
    return Formula(text + more, latex + latex_more, left_out)


def opens(node: Node, root: Node, expand: bool) -> bool:
    """Whether a node stands in the formula of `root` by what it was made of."""
    return node.op is not None and (node is root or expand or not node.name)


def opened(root: Node, expand: bool, limit: int) -> tuple[list[Node], list[range | None]]:
    """Each place of a formula, the root first, and at which places its arguments stand: None
    where it is not opened. The outermost are opened first, as many as the limit allows."""
    places, parts = [root], list[range | None]()
    for node in places:  # to which each adds its arguments
        inside = list(node.parents()) if opens(node, root, expand) else None
        if inside is None or len(places) + len(inside) > limit:
            parts.append(None)
            continue
        parts.append(range(len(places), len(places) + len(inside)))
        places += inside
    return places, parts


def behind(root: Node, expand: bool) -> int:
    """How many different ops a formula without a limit would be made of."""
    found, ahead = set[Node](), [root]
    while ahead:
        node = ahead.pop()
        if node not in found and opens(node, root, expand):
            found.add(node)
            ahead += node.parents()
    return len(found)


def written(places: list[Node], parts: list[range | None], notation: Notation, expand: bool) -> str:
    """The root's formula, written from the last place to the first: arguments come before what
    they go into, and nothing recurses."""
    terms: list[Any] = [None] * len(places)
    for i in reversed(range(len(places))):
        node, inside = places[i], parts[i]
        if inside is None:
            closed = opens(node, places[0], expand)
            terms[i] = ELLIPSIS if closed else standing(node, notation)
        else:
            own = iter([terms[place] for place in inside])
            terms[i] = call(node, lambda _, own=own: next(own), notation)
    return notation.operand(terms[0])


def standing(node: Node, notation: Notation) -> Any:
    """A node that stands for itself: its name, its number, or its shape."""
    return Term(notation.name(node.name)) if node.name else node._data


def call(node: Node, term: Any, notation: Notation) -> Term:
    """The op of a node on what `term` gives for each of its nodes in turn. What an op has by
    default is not said, and what it may leave out is said by name."""
    args, kwargs, known = [], {}, node.op.signature.parameters
    for name, arg, _ in arguments(node):
        default = known[name].default if name in known else inspect.Parameter.empty
        if default is inspect.Parameter.empty:
            args.append(each(term, arg))
        elif not same(arg, default):
            kwargs[name] = each(term, arg)
    kwargs |= {
        name: each(term, value)
        for name, value in node.kwargs.items()
        if name not in known or not same(value, known[name].default)
    }
    return notation.call(node.op.fn, node.op.symbol, tuple(args), kwargs)


def same(x: Any, default: Any) -> bool:
    return x is default or (type(x) is type(default) and bool(x == default))
