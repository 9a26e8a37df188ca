"""What is said of a gradient that is not the slope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .findings import Finding, numbers


class GradientError(AssertionError):
    """A gradient that differs from the slope, or a slope that finite differences cannot find.

    Attributes:
        op: name of the op or function that is wrong.
        input: which of its inputs, counted from 0; of a parameter that f uses, its name.
        index: which element of that input; None for a random direction.
        analytic: what the engine's rule says.
        numeric: what central differences say.
        kind: "wrong rule", "kink" or "precision".
        cause: the likely mistake; "" where none of the usual ones fits.
        line: file:line of the user's code that called the op.
    """

    def __init__(
        self, op: str, input: Any = None, index: Any = None, analytic: float = np.nan,
        numeric: float = np.nan, *, kind: str = "wrong rule", cause: str = "", line: str = "",
        what: str = "", more: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.op, self.input, self.index = op, input, index
        self.analytic, self.numeric = analytic, numeric
        self.kind, self.cause, self.line = kind, cause, line
        place = f"index {index}" if index is not None else "no index, along a random direction"
        numbers = (
            f"the gradient of {op} with respect to input {input} at {place} is {analytic:.10g}, "
            f"but finite differences give {numeric:.10g}"
        )
        likely = f"Likely: {cause}." if cause else ""
        super().__init__("\n  ".join(filter(None, [what or numbers, *more, likely])))


def error(
    name: str, input: Any, found: Finding, sentences: Iterable[str], cause: str = "", line: str = ""
) -> GradientError:
    (left, right, _), (kind, _, slope) = found.slopes, found.verdict
    what = {
        "wrong rule": f"The rule is wrong: slopes from the left, {left.value:.6g}, and from the "
        f"right, {right.value:.6g}, agree, whatever the step.",
        "kink": f"There is a kink: the slope is {left.value:.6g} from the left and "
        f"{right.value:.6g} from the right, and a gradient has to lie between them.",
        "precision": "Finite differences do not settle as the step shrinks: the function jumps "
        "here, is vertical, or rounds (float32 inside?). Steps around the best differ by "
        f"{slope.spread:.2g}.",
    }[kind]
    one = found.derivative
    return GradientError(
        name, input, one.index, one.analytic, slope.value,
        kind=kind, cause=cause, line=line, more=[what, *sentences],
    )  # fmt: skip


def misshapen(name: str, misfit: Exception, sentences: Iterable[str], line: str) -> GradientError:
    """The error of a rule that gives no gradient at all, but something of another shape."""
    cause = "a transpose, a reshape or a sum over some axes is missing"
    return GradientError(name, cause=cause, line=line, what=str(misfit), more=sentences)


def demand_finite(name: str, out: np.ndarray) -> None:
    """Refuse to call right what gives no number that could be compared.

    Raises:
        GradientError: all results are NaN or infinite.
    """
    if out.size and not np.isfinite(out).any():
        what = (
            f"{name} gives {out.flat[0]} and no finite number at this input, so there is no slope "
            "to hold its gradient against: move the input into its domain"
        )
        raise GradientError(name, kind="precision", what=what)


def noted(input: Any, found: Finding) -> str:
    (left, right, _), one = found.slopes, found.derivative
    what = (
        f"on a kink: slopes {left.value:.6g} and {right.value:.6g}, and the gradient "
        f"{one.analytic:.6g} lies between them"
        if found.verdict.kind == "kink"
        else f"known to ±{found.verdict.slope.spread:.2g} alone, and the gradient agrees so far"
    )
    return f"input {input} at index {one.index} is {what}"


def brief(leaf: Any) -> str:
    array = numbers(leaf)
    if array.size <= 12:
        return np.array2string(array, separator=", ", threshold=12).replace("\n", "")
    return f"{array.shape} from {np.min(array):.4g} to {np.max(array):.4g}"
