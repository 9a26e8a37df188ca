"""What each node of a graph is called, and its op written with those names.

A step speaks of many nodes at once, and most have no name. Those are called by their op and the
number of the step that made them, `multiply₃`, which no other has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np

from ...engine.graph import Node
from .. import nodes as words
from ..escape import visible
from ..expression import call
from ..notation import TEXT, Term, digits
from ..rules import called
from ..summary import shape_of

LONGEST = 40  # characters of a user's name
_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_ISOLATE, _END = "\u2068", "\u2069"  # so that a name's direction of writing ends with it


SHORT = 24  # characters of a name that stands in a rule itself


def calls(nodes: Iterable[Node], root: Node) -> dict[Node, str]:
    """What each of the nodes is called; they come in the order of their steps.

    >>> from groundup.engine import Value
    >>> a, b = Value(2.0, name="a"), Value(-3.0)
    >>> product = a * b
    >>> list(calls([a, b, product], product.tanh()).values())
    ['a', 'parameter₂', 'multiply₃']
    """
    return {node: name_of(node, root, place) for place, node in enumerate(nodes, 1)}


def name_of(node: Node, root: Node, place: int) -> str:
    if node.name:
        return isolated(visible(node.name, LONGEST))
    if node is root and node.op:
        return "output" if shape_of(node._data) else "loss"
    if is_number(node):
        return digits(node._data)
    name = node.op.name if node.op else words.kind(node)
    return f"{visible(name, LONGEST)}{str(place).translate(_LOW)}"


def is_number(node: Node) -> bool:
    """Whether it is a number that nobody has called anything."""
    return words.kind(node) == "constant" and not node.name and not np.ndim(node._data)


def isolated(name: str) -> str:
    """A name that will not turn round what is written beside it."""
    turns = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in name)
    return f"{_ISOLATE}{name}{_END}" if turns else name


def quoted(name: str) -> str:
    """A name as it stands in a formula, in quotes where it might be misread.

    >>> quoted("a.b"), quoted("a + b")
    ('a.b', '“a + b”')
    """
    inside = name.strip(_ISOLATE + _END)
    return name.replace(inside, TEXT.name(inside))


def in_names(node: Node, names: dict[Node, str]) -> str:
    """The op of a node on what its arguments are called: `a · b`."""

    def term(arg: Node) -> Term:
        return TEXT.number(arg._data) if is_number(arg) else Term(quoted(names[arg]))

    return call(node, term, TEXT).text


def in_numbers(node: Node) -> str:
    """The same on their numbers, or on their shapes: `0.5 · (−3)`, `(4, 3) @ (3, 5)`."""
    return call(node, number_or_shape, TEXT).text


def number_or_shape(arg: Node) -> Term:
    return Term(shape_of(arg._data)) if np.ndim(arg._data) else TEXT.number(arg._data)


def symbols_of(rule: str, node: Node, position: int, names: dict[Node, str]) -> dict[str, str]:
    """What the symbols in the rule of an argument stand for, but those that say it themselves.

    >>> from groundup.engine import Value
    >>> x, b = Value(2.0, name="x"), Value(-3.0, name="b")
    >>> product = x * b
    >>> symbols_of("∂out · a", product, 1, {x: "x", b: "b", product: "loss"})
    {'a': 'x'}
    """
    if node.op.vjps is None:
        return {}
    meant = {"out": names[node]}
    for symbol, arg in zip(called(node.op.rule(position)), node.args, strict=False):
        if isinstance(arg, Node):
            meant[symbol] = names[arg]
    used = re.findall(r"\w+", rule.replace("∂out", "").replace("ᵀ", ""))
    return {s: meant[s] for s in dict.fromkeys(used) if meant.get(s, s) != s}


def in_their_names(rule: str, symbols: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A rule with what its arguments are called instead of the op's own symbols for them, and the
    symbols that stay: `out`, and those of long names.

    >>> in_their_names("∂out · b · out", {"b": "a·c", "out": "loss"})
    ('∂out · “a·c” · out', {'out': 'loss'})
    """
    short = {s: quoted(name) for s, name in symbols.items() if s != "out" and len(name) <= SHORT}
    if not short:
        return rule, symbols
    written = re.sub(rf"\b({'|'.join(short)})\b", lambda found: short[found[0]], rule)
    return written, {s: name for s, name in symbols.items() if s not in short}
