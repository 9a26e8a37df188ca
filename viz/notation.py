"""How a call is written: infix or as a function, with no more parentheses than it needs.

Rules (`rules.py`) and formulas (`expression.py`) are written by the same code. What is written has
a `text` and a `binding`, how tightly that holds together; `latex.py` writes the same in LaTeX.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.ops.shape import getitem
from .escape import visible

INFIX: dict[Any, str] = {np.bitwise_or: "or", np.bitwise_and: "and"}
INFIX |= {np.equal: "=", np.less: "<", np.less_equal: "≤"}
INFIX |= {np.not_equal: "≠", np.greater: ">", np.greater_equal: "≥"}

# How tightly an infix symbol binds; a name, a call or an index binds tighter than any. @ and % bind
# as · does in Python; but no reader is sure of that, so beside · they have parentheses.
BINDING = {"or": 0, "and": 1, "+": 3, "−": 3, "@": 4, "%": 4, "·": 5, "/": 5, "**": 7}
COMPARED, NEGATIVE, ATOM = 2, 6, 9
_ASSOCIATIVE = "+·"  # a + (b + c) is written a + b + c
_PLAIN_NAME = re.compile(r"[\w.]+(\[[\w, :…]*\])*")


class Term:
    """Something written: `a · b`, and how tightly it holds together."""

    __slots__ = ("binding", "text")

    def __init__(self, text: str, binding: int = ATOM) -> None:
        self.text, self.binding = text, binding

    def __repr__(self) -> str:
        return self.text


class Notation:
    """As plain text, which is Python's but for ·, −, =, ≤ and ᵀ.

    >>> a, b = Term("a"), Term("b")
    >>> TEXT.call(np.multiply, "·", (Term("a + b", BINDING["+"]), -2.0), {})
    (a + b) · (−2)
    >>> TEXT.call(np.sum, "", (a,), {"axis": 0})
    sum(a, axis=0)
    """

    def call(
        self, fn: Callable[..., Any], symbol: str, args: tuple, kwargs: dict[str, Any]
    ) -> Term:
        """fn(*args, **kwargs), written."""
        symbol = symbol or INFIX.get(fn, "")
        if symbol and len(args) == 2:
            return self.infix(symbol, *args)
        if symbol:
            return self.prefix(symbol, args[0])
        if not kwargs and transposes(fn, args):
            return self.transposed(args[0])
        if fn is getitem:
            return self.indexed(*args)
        return self.function(fn, args, kwargs)

    def operand(self, x: Any, binding: int = 0) -> str:
        """An argument, in parentheses if it holds together less tightly than asked."""
        if hasattr(x, "binding"):
            return self.bracketed(x.text) if x.binding < binding else str(x.text)
        if isinstance(x, list | tuple):
            return self.listed(x)
        if isinstance(x, slice):
            return self.sliced(x)
        if isinstance(x, int | float | np.number) and not isinstance(x, bool):
            return self.operand(self.number(x), binding)
        if isinstance(x, np.ndarray):
            return self.operand(x.item(), binding) if x.size == 1 else self.array(x)
        return self.word("…" if x is ... else getattr(x, "__name__", str(x)))

    def sides(self, symbol: str, left: Any, right: Any) -> tuple[str, str, int]:
        """Both operands of an infix symbol, and how tightly they hold together."""
        binding = BINDING.get(symbol, COMPARED)
        compares = symbol not in BINDING
        first = self.operand(left, binding + (symbol == "**" or compares))
        second = self.operand(right, binding + (symbol not in (*_ASSOCIATIVE, "**", "or", "and")))
        return first, self.unsigned(second), binding

    def unsigned(self, text: str) -> str:
        """What stands after a sign: a + −b is no way to write it, though it could be read."""
        return self.bracketed(text) if text[0] in "−-+" else text

    # How each kind of call looks

    def infix(self, symbol: str, left: Any, right: Any) -> Term:
        first, second, binding = self.sides(symbol, left, right)
        space = "" if symbol == "**" else " "
        return Term(f"{first}{space}{symbol}{space}{second}", binding)

    def prefix(self, symbol: str, x: Any) -> Term:
        return Term(f"{symbol}{self.unsigned(self.operand(x, NEGATIVE))}", NEGATIVE)

    def transposed(self, x: Any) -> Term:
        return Term(f"{self.operand(x, ATOM)}ᵀ")

    def indexed(self, x: Any, index: Any) -> Term:
        return Term(f"{self.operand(x, ATOM)}[{self.places(index)}]")

    def function(self, fn: Any, args: tuple, kwargs: dict[str, Any]) -> Term:
        options = [f"{key}={self.operand(value)}" for key, value in kwargs.items()]
        return Term(f"{fn.__name__}({', '.join([*map(self.operand, args), *options])})")

    # How what is no call looks

    def bracketed(self, text: str) -> str:
        return f"({text})"

    def listed(self, items: list | tuple) -> str:
        inside = ", ".join(map(self.operand, items))
        if isinstance(items, list):
            return f"[{inside}]"
        return f"({inside}{',' * (len(items) == 1)})"

    def places(self, index: Any) -> str:
        """An index, without its brackets."""
        return ", ".join(map(self.operand, index)) if type(index) is tuple else self.operand(index)

    def sliced(self, x: slice) -> str:
        bounds = ["" if bound is None else self.operand(bound) for bound in (x.start, x.stop)]
        return ":".join(bounds if x.step is None else [*bounds, self.operand(x.step)])

    def number(self, x: Any) -> Term:
        return Term(digits(x), COMPARED if x < 0 else ATOM)

    def array(self, x: np.ndarray) -> str:
        return f"array{x.shape}"

    def word(self, text: str) -> str:
        return text

    def name(self, name: str) -> str:
        """What a user calls a node, in quotes where it might be misread as more than a name."""
        shown = visible(name, longest=48)
        return shown if _PLAIN_NAME.fullmatch(shown) else f"“{shown}”"


def transposes(fn: Any, args: tuple) -> bool:
    """Whether a call swaps the two axes of a matrix, or the last two of several."""
    if fn is np.transpose:
        return args[1:] in ((), (None,))
    return fn is np.swapaxes and args[1:] in ((-1, -2), (-2, -1), (0, 1), (1, 0))


def digits(x: Any) -> str:
    """A number in four significant digits, with a real minus."""
    return f"{x:.4g}".replace("-", "−")


def aligned(*numbers: Any) -> list[str]:
    """Numbers with as many decimals as the one that needs most for its four digits, so that those
    which add up do so as they are read; each by itself where they are too far apart.

    >>> aligned(0.419974, -1.259923, -0.839949), aligned(1.0, -3.0, -2.0), aligned(1.0, 1e-9)
    (['0.4200', '−1.2599', '−0.8399'], ['1', '−3', '−2'], ['1', '1e−09'])
    """
    sizes = [abs(x) for x in numbers if x]
    if not all(map(math.isfinite, sizes)) or not sizes or max(sizes) > 1e4 * min(sizes):
        return [digits(x) for x in numbers]
    places = max(map(_decimals, numbers))
    if not 0 <= places <= 8 or max(sizes) >= 1e6:
        return [digits(x) for x in numbers]
    return [f"{x:.{places}f}".replace("-", "−") for x in numbers]


def _decimals(x: float) -> int:
    """How many decimals four significant digits take; of a number that needs fewer, those."""
    short = f"{x:.4g}"
    if "e" in short:
        return 9
    if float(short) == x:
        return len(short.partition(".")[2])
    return max(3 - math.floor(math.log10(abs(x))), 0)


TEXT = Notation()
