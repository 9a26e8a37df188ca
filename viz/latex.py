"""The notation of `notation.py` in LaTeX, as MathJax and KaTeX typeset it.

Names are a user's: every character that means something to TeX, or to the HTML that a page puts it
in, is written out.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from .escape import visible
from .notation import ATOM, BINDING, COMPARED, NEGATIVE, Notation, Term

SYMBOLS = {
    "·": r"\cdot", "@": r"\,", "−": "-", "%": r"\bmod", "or": r"\lor", "and": r"\land",
    "<": r"\lt", "≤": r"\le", "≠": r"\ne", ">": r"\gt", "≥": r"\ge",
}  # fmt: skip
GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|"
    "upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
# fmt: off
KNOWN = {
    "arccos", "arcsin", "arctan", "cos", "cosh", "det", "exp", "log", "max", "min", "sin", "sinh",
    "tan", "tanh",
}
# fmt: on
FUNCTIONS: dict[Any, str] = {np.maximum: r"\max", np.minimum: r"\min"}
FUNCTIONS |= {np.log2: r"\log_{2}", np.log10: r"\log_{10}"}
SPECIAL = {"\\": r"\backslash ", "^": "ˆ", "~": r"{\sim}", "<": r"{\lt}", ">": r"{\gt}"}
SPECIAL |= {"-": "{-}", " ": r"\ ", "\N{NO-BREAK SPACE}": r"\ "} | {c: f"\\{c}" for c in "_%${}#&"}
# x, w1, w_1, alpha, beta_2: a letter, Latin or Greek, and digits beneath it.
LETTER = re.compile(rf"([A-Za-z]|{GREEK})(?:_?(\d+))?")


class Latex(Notation):
    r"""
    >>> LATEX.call(np.divide, "/", (Term("a"), Term("b + c", BINDING["+"])), {})
    \frac{a}{b + c}
    >>> LATEX.name("alpha_1"), LATEX.name("W_q")
    ('\\alpha_{1}', '\\mathrm{W\\_q}')
    """

    def infix(self, symbol: str, left: Any, right: Any) -> Term:
        if symbol == "/":
            above, below = self.operand(left), self.operand(right)
            return Term(rf"\frac{{{above}}}{{{below}}}", NEGATIVE)
        if symbol == "**":
            exponent = self.operand(right)
            return self.power(left, exponent)
        first, second, binding = self.sides(symbol, left, right)
        return Term(f"{first} {SYMBOLS.get(symbol, symbol)} {second}", binding)

    def power(self, x: Any, exponent: str) -> Term:
        return Term(f"{{{self.operand(x, ATOM)}}}^{{{exponent}}}", BINDING["**"])

    def prefix(self, symbol: str, x: Any) -> Term:
        written = super().prefix(symbol, x)
        return Term(SYMBOLS.get(symbol, symbol) + written.text[1:], written.binding)

    def transposed(self, x: Any) -> Term:
        return self.power(x, r"\top")

    def indexed(self, x: Any, index: Any) -> Term:
        return Term(rf"{self.operand(x, ATOM)}\left[{self.places(index)}\right]")

    def function(self, fn: Any, args: tuple, kwargs: dict[str, Any]) -> Term:
        options = ",\\, ".join(
            f"{self.word(key)} = {self.operand(value)}" for key, value in kwargs.items()
        )
        below = f"_{{{options}}}" if options else ""
        if fn is np.where and len(args) == 3:
            condition, first, second = map(self.operand, args)
            rows = rf"{first} & \text{{if }} {condition} \\ {second} & \text{{otherwise}}"
            return Term(rf"\begin{{cases}} {rows} \end{{cases}}", 0)
        if fn is np.sum:
            binding = BINDING["+"]
            return Term(rf"\sum{below} {self.operand(args[0], binding + 1)}", binding)
        if len(args) == 1 and not kwargs and fn in OF_ONE:
            return OF_ONE[fn](self, args[0])
        called = FUNCTIONS.get(fn) or self.function_name(fn.__name__)
        return Term(f"{called}{below}{self.bracketed(', '.join(map(self.operand, args)))}")

    def function_name(self, name: str) -> str:
        return rf"\{name}" if name in KNOWN else rf"\operatorname{{{escaped(name)}}}"

    def bracketed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def sliced(self, x: slice) -> str:
        return super().sliced(x).replace(":", "{:}")

    def number(self, x: Any) -> Term:
        if not math.isfinite(x):
            shown = r"\mathrm{NaN}" if math.isnan(x) else r"\infty" if x > 0 else r"-\infty"
            return Term(shown, COMPARED if x < 0 else ATOM)
        mantissa, _, power = f"{x:.4g}".partition("e")
        if power:
            times = "" if mantissa == "1" else rf"{mantissa} \cdot "
            return Term(f"{times}10^{{{int(power)}}}", COMPARED if x < 0 else BINDING["·"])
        return Term(mantissa, COMPARED if x < 0 else ATOM)

    def array(self, x: np.ndarray) -> str:
        sides = r" \times ".join(map(str, x.shape))
        return rf"\mathrm{{array}}_{{{sides}}}"

    def word(self, text: str) -> str:
        return r"\ldots" if text == "…" else rf"\mathrm{{{escaped(text)}}}"

    def name(self, name: str) -> str:
        found = LETTER.fullmatch(name)
        if not found:
            return self.word(visible(name, longest=48))
        letter, number = found.groups()
        letter = letter if len(letter) == 1 else f"\\{letter}"
        return f"{letter}_{{{number}}}" if number else letter


def root(degree: str) -> Any:
    return lambda to, x: Term(rf"\sqrt{degree}{{{to.operand(x)}}}")


OF_ONE: dict[Any, Any] = {
    np.sqrt: root(""),
    np.cbrt: root("[3]"),
    np.square: lambda to, x: to.power(x, "2"),
    np.reciprocal: lambda to, x: to.infix("/", 1, x),
    np.absolute: lambda to, x: Term(rf"\left|{to.operand(x)}\right|"),
}


def escaped(text: str) -> str:
    return "".join(SPECIAL.get(c, c) for c in text)


LATEX = Latex()
