"""Rules written down: an array that carries its own text goes through a vjp.

A rule is numpy code, so handing it Names instead of arrays gives its formula, computed from the
very code that computes the gradient. The arrays inside are real, so that code which looks at a
shape takes the branch it would take.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..engine.arguments import is_list
from ..engine.graph import Node
from ..engine.op import TABLE, Op
from ..engine.ops.shape import stretched
from ..engine.protocol import NumpyProtocol
from ..engine.samples import ExampleDraw
from ..engine.value import Value
from .notation import ATOM, TEXT, Term

text = TEXT.operand
_PLAIN = (np.shape, np.ndim, np.size, np.any)  # which decide between branches


class Name(Term, NumpyProtocol):
    """An array and the text that it is called.

    >>> a, b = Name("a", np.ones(3)), Name("b", np.ones(3))
    >>> np.exp(a + b) * 2
    exp(a + b) · 2
    """

    __slots__ = ("data",)

    def __init__(self, text: str, data: Any, binding: int = ATOM) -> None:
        super().__init__(text, binding)
        self.data = np.asarray(data)

    def __or__(self, other: Any) -> Any:
        return self.interpret(np.bitwise_or, (self, other), {})

    @staticmethod
    def interpret(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        arrays = [_array(arg) for arg in args]
        if fn in _PLAIN:
            return fn(*arrays)
        op = TABLE.get(fn)
        data = (op.definition if op else fn)(*arrays, **kwargs)
        if isinstance(data, bool):  # which decides between branches, too
            return data
        written = TEXT.call(fn, op.symbol if op else "", args, kwargs)
        return Name(written.text, data, written.binding)


def _array(arg: Any) -> Any:
    if isinstance(arg, list | tuple):
        return type(arg)(map(_array, arg))
    return arg.data if isinstance(arg, Name | Node) else arg


def rules(op: Op) -> dict[str, str]:
    """The rule of each argument of an op, as text: {"a": "∂out · b", "b": "∂out · a"}.

    An op without rules of its own, differentiated through its definition, has none to write.

    >>> rules(TABLE[np.multiply])
    {'a': '∂out · b', 'b': '∂out · a'}
    >>> rules(TABLE[np.matmul])
    {'a': '∂out @ bᵀ', 'b': 'aᵀ @ ∂out'}
    """
    if op.samples is None or op.vjps is None:
        return {}
    args, kwargs = op.samples(ExampleDraw())
    out = op.definition(*args, **kwargs)
    g, out = Name("∂out", np.ones_like(out)), Name("out", out)
    kwargs = {name: optional(name, value) for name, value in kwargs.items()}
    written: dict[str, str] = {}
    for place, vjp in enumerate(op.vjps[: len(args)]):
        if vjp is not None:
            names = called(vjp)
            named = [*map(optional, names, symbols(vjp, args))]
            written[names[place]] = text(vjp(g, out, *named, **kwargs))
    return written


class Option(int):
    """An option that is an integer, an axis say, and the text that it is called."""

    text: str
    binding = ATOM

    def __add__(self, other: int) -> Option:
        return optional(f"{self.text} + {other}", int(self) + other)


def optional(name: str, x: Any) -> Any:
    """x, called by its name if it is an integer."""
    if type(x) is not int:
        return x
    option = Option(x)
    option.text = name
    return option


def called(vjp: Callable[..., Any]) -> list[str]:
    """What a rule calls the arguments of its op: its own parameters after `g` and `out`, and
    a, b, c … for any number of them."""
    parameters = list(inspect.signature(vjp).parameters.values())[2:]
    names: list[str] = []
    for parameter in parameters:
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        names += "abcdefgh" if many else [parameter.name]
    return names


def symbols(vjp: Callable[..., Any], args: tuple) -> list[Any]:
    """Arguments as Names, called as the rule calls them."""

    def named(name: str, arg: Any) -> Any:
        if isinstance(arg, list):
            return [named(f"{name}[{i}]", item) for i, item in enumerate(arg)]
        return Name(name, arg) if isinstance(arg, float | np.ndarray) else arg

    return [named(name, arg) for name, arg in zip(called(vjp), args, strict=False)]


def numeral(x: Any) -> Any:
    """A number as a Name called by its own digits."""
    written = TEXT.number(x)
    return Name(written.text, x, written.binding)


class Contribution(NamedTuple):
    """One edge of a backward pass: what a node hands to one of its arguments."""

    arg: Node
    rule: str  # "∂out · b"
    numbers: str  # "0.5 · (−3)": the same with this step's numbers; "" for arrays
    share: Any
    place: int  # of the argument among the node's parents: `a * a` has two edges to a
    axes: tuple[int, ...]  # that the share was summed over, as broadcasting repeats along them


def contributions(node: Node, grad: Any) -> Iterator[Contribution]:
    """Each share that a step of `walk` hands on, with the rule that made it.

    >>> from groundup.engine import Value
    >>> a = Value(2.0, name="a")
    >>> [(c.rule, c.numbers, c.share) for c in contributions(a * -3.0, 0.5)]
    [('∂out · b', '0.5 · (−3)', -1.5)]
    """
    places, symbolic = positions(node), dict[int, Any]()
    for place, arg, share in placed_shares(node, grad):
        position, item = places[place]
        if position not in symbolic:  # of a list once, for all in it
            symbolic[position] = in_symbols(node, grad, position)
        rule, numbers, axes = written_rule(node, grad, symbolic[position], position, item)
        yield Contribution(arg, rule, numbers, share, place, axes)


def placed_shares(node: Node, grad: Any) -> Iterator[tuple[int, Node, Any]]:
    """Each share of a step of `walk`, after the place of its argument among the node's parents.

    For some arguments there is none, and one that is used twice has two.
    """
    if node.op is None:
        return
    waiting = list(enumerate(node.parents()))
    if isinstance(node, Value):  # nothing flows where a slope is None, as in what `where` left out
        slopes = [d for arg, d in ((node._a, node._da), (node._b, node._db)) if is_node(arg)]
        pairs = zip(reversed(waiting), reversed(slopes), strict=False)  # a mask comes first
        waiting = [one for one, slope in pairs if slope is not None][::-1]
    for arg, share in node.shares(grad):
        found = next(i for i, (_, parent) in enumerate(waiting) if parent is arg)
        yield waiting.pop(found)[0], arg, share


def is_node(x: Any) -> bool:
    return isinstance(x, Node)


def positions(node: Node) -> list[tuple[int, int]]:
    """Where each of a node's parents stands: in which argument, and where in it if it is a list."""
    return [
        (i, j)
        for i, arg in enumerate(node.args)
        for j, one in enumerate(arg if is_list(arg) else (arg,))
        if is_node(one)
    ]


def in_symbols(node: Node, grad: Any, position: int) -> Any:
    """The rule for the argument in that position as a Name, or as a list of them if the argument is
    one; as text where the op has no rule of its own, or one that no Name goes through."""
    assert node.op is not None
    if node.op.vjps is None:
        return f"through the definition of {node.op}"
    vjp = node.op.rule(position)
    named = symbols(vjp, tuple(map(_array, node.args)))
    try:
        return vjp(Name("∂out", grad), Name("out", node.data), *named, **node.kwargs)
    except Exception:  # noqa: BLE001  (a user's rule, such as one that asks for plain arrays)
        return f"the vjp of {node.op}"


def written_rule(
    node: Node, grad: Any, written: Any, position: int, item: int
) -> tuple[str, str, tuple[int, ...]]:
    """The rule for one argument of a node: in symbols, for single numbers in numbers, and the
    axes that its share is summed over.

    Args:
        node: of an op.
        grad: what arrived at it.
        written: the rule as `in_symbols` gives it.
        position: of the argument.
        item: which one of the argument, where that is a list.
    """
    if isinstance(written, str):
        return written, "", ()
    vjp, arg = node.op.rule(position), node.args[position]
    if is_list(arg):
        written, arg = written[item], arg[item]
    axes = stretched(np.shape(_array(arg)), np.shape(_array(written))) or ()
    args = [_array(x) for x in node.args if not is_list(x)]
    if any(map(np.ndim, args)) or np.ndim(grad) or is_list(node.args[position]):
        return text(written), "", axes
    numerals = [numeral(arg.data) if is_node(arg) else arg for arg in node.args]
    in_numbers = text(vjp(numeral(grad), numeral(node.data), *numerals, **node.kwargs))
    return text(written), in_numbers, axes
