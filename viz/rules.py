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

from ..engine.arguments import needs_grad
from ..engine.graph import Node, nodes
from ..engine.op import TABLE, Op
from ..engine.ops.shape import getitem
from ..engine.protocol import NumpyProtocol
from ..engine.samples import ExampleDraw

# How tightly an infix symbol binds; a name, a call or an index binds tighter than any.
_INFIX: dict[Any, str] = {np.bitwise_or: "or", np.bitwise_and: "and"}
_INFIX |= {np.equal: "=", np.less: "<", np.less_equal: "≤"}
_INFIX |= {np.not_equal: "≠", np.greater: ">", np.greater_equal: "≥"}
_BINDING = {"or": 0, "and": 0, "+": 2, "−": 2, "·": 3, "/": 3, "@": 3, "**": 5}
_ATOM, _NEGATIVE, _COMPARED = 9, 4, 1
_PLAIN = (np.shape, np.ndim, np.size, np.any)  # which decide between branches


class Name(NumpyProtocol):
    """An array and the text that it is called.

    >>> a, b = Name("a", np.ones(3)), Name("b", np.ones(3))
    >>> np.exp(a + b) * 2
    exp(a + b) · 2
    """

    __slots__ = ("binding", "data", "text")

    def __init__(self, text: str, data: Any, binding: int = _ATOM) -> None:
        self.text, self.data, self.binding = text, np.asarray(data), binding

    def __repr__(self) -> str:
        return self.text

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
        text, binding = written(fn, op.symbol if op else "", args, kwargs)
        return Name(text, data, binding)


def _array(arg: Any) -> Any:
    if isinstance(arg, list | tuple):
        return type(arg)(map(_array, arg))
    return arg.data if isinstance(arg, Name | Node) else arg


def written(fn: Any, symbol: str, args: tuple, kwargs: dict[str, Any]) -> tuple[str, int]:
    """The text of fn(*args), and how tightly it holds together."""
    symbol = symbol or _INFIX.get(fn, "")
    if symbol and len(args) == 2:
        binding = _BINDING.get(symbol, _COMPARED)
        right = binding + (symbol in "−/@")  # a − (b − c) keeps its parentheses
        left = binding + (symbol == "**")
        space = "" if symbol == "**" else " "
        return f"{text(args[0], left)}{space}{symbol}{space}{text(args[1], right)}", binding
    if symbol:
        return f"{symbol}{text(args[0], _NEGATIVE)}", _NEGATIVE
    if fn is np.swapaxes and args[1:] in ((-1, -2), (0, 1)):
        return f"{text(args[0], _ATOM)}ᵀ", _ATOM
    if fn is getitem:
        index = text(args[1])
        return f"{text(args[0], _ATOM)}[{index[1:-1] if type(args[1]) is tuple else index}]", _ATOM
    options = [f"{key}={text(value)}" for key, value in kwargs.items()]
    return f"{fn.__name__}({', '.join([*map(text, args), *options])})", _ATOM


def text(x: Any, binding: int = 0) -> str:
    """The text of an operand, in parentheses if it holds together less tightly than asked."""
    if isinstance(x, Option):
        return x.name
    if isinstance(x, Name):
        return f"({x.text})" if x.binding < binding else x.text
    if isinstance(x, list | tuple):
        inside = ", ".join(map(text, x)) + "," * (len(x) == 1 and isinstance(x, tuple))
        return f"[{inside}]" if isinstance(x, list) else f"({inside})"
    if isinstance(x, slice):
        bounds = ["" if bound is None else text(bound) for bound in (x.start, x.stop, x.step)]
        return ":".join(bounds if bounds[2] else bounds[:2])
    if isinstance(x, int | float | np.number) and not isinstance(x, bool):
        shown = digits(x)
        return f"({shown})" if shown.startswith("−") and binding > _COMPARED else shown
    if isinstance(x, np.ndarray):
        return text(x.item(), binding) if x.size == 1 else f"array{x.shape}"
    return "…" if x is ... else getattr(x, "__name__", str(x))


def digits(x: Any) -> str:
    """A number in four significant digits, with a real minus."""
    return f"{x:.4g}".replace("-", "−")


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

    name: str

    def __add__(self, other: int) -> Option:
        return optional(f"{self.name} + {other}", int(self) + other)


def optional(name: str, x: Any) -> Any:
    """x, called by its name if it is an integer."""
    if type(x) is not int:
        return x
    option = Option(x)
    option.name = name
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
    return Name(digits(x), x, _COMPARED if x < 0 else _ATOM)


class Contribution(NamedTuple):
    """One edge of a backward pass: what a node hands to one of its arguments."""

    arg: Node
    rule: str  # "∂out · b"
    numbers: str  # "0.5 · (−3)": the same with this step's numbers; "" for arrays
    share: Any


def contributions(node: Node, grad: Any) -> Iterator[Contribution]:
    """Each share that a step of `walk` hands on, with the rule that made it.

    >>> from groundup.engine import Value
    >>> a = Value(2.0, name="a")
    >>> [(c.rule, c.numbers, c.share) for c in contributions(a * -3.0, 0.5)]
    [('∂out · b', '0.5 · (−3)', -1.5)]
    """
    places = [place for place, arg in enumerate(node.args) for n in nodes((arg,)) if needs_grad(n)]
    shares = list(node.shares(grad)) if node.op else []
    for place, (arg, share) in zip(places, shares, strict=True):
        yield Contribution(arg, *written_rule(node, grad, place), share)


def written_rule(node: Node, grad: Any, place: int) -> tuple[str, str]:
    """The rule for one argument of a node, in symbols and, for single numbers, in numbers."""
    op = node.op
    assert op is not None
    if op.vjps is None:
        return f"through the definition of {op}", ""
    vjp = op.rule(place)
    assert vjp is not None
    args = tuple(map(_array, node.args))
    written = vjp(Name("∂out", grad), Name("out", node.data), *symbols(vjp, args), **node.kwargs)
    if any(np.ndim(x) for x in args):
        return text(written), ""
    numerals = [numeral(arg.data) if isinstance(arg, Node) else arg for arg in node.args]
    return text(written), text(vjp(numeral(grad), numeral(node.data), *numerals, **node.kwargs))
