"""What is probably wrong with a rule, read off the gradient it gives and the one it should."""

from __future__ import annotations

import math

import numpy as np

from ..ops.shape import stretched


def likely_cause(given: np.ndarray, wanted: np.ndarray, out: tuple[int, ...]) -> str:
    """The usual mistakes, tried one after the other.

    Args:
        given: the rule's gradient for one argument, NaN where `wanted` is not known.
        wanted: the slopes, of the same shape.
        out: the shape of the op's result.

    >>> likely_cause(np.array([1.0, 2.0]), np.array([-1.0, -2.0]), (2,))
    'the sign is wrong'
    >>> likely_cause(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 4.0]]), (2, 2))
    'a transpose is missing, or one too many'
    """
    shape = given.shape
    known = np.isfinite(given) & np.isfinite(wanted)
    a, b = given[known], wanted[known]
    if not a.size:
        return "the gradient is no finite number: 0 · inf, 0 / 0 or a logarithm of 0 in the rule"
    bound = 1e-4 * float(np.max(np.abs(b), initial=1e-12))

    def fits(guess: np.ndarray) -> bool:
        return bool(np.all(np.abs(guess - b) <= bound))

    if not a.any():
        return "no gradient arrives: .data, .item(), detach() or a constant stands in the way"
    if fits(-a):
        return "the sign is wrong"
    repeated = stretched(shape, out)
    over = f"input {shape} is broadcast to {out}: the rule must sum over axis {repeated}"
    factor = float(a @ b / (a @ a))
    if fits(factor * a):
        if repeated and math.isclose(factor, math.prod(out[i] for i in repeated), rel_tol=1e-3):
            return f"{over}, and takes a mean or one of them instead"
        return f"a factor of {factor:.4g} is missing"
    if len(shape) > 1 and shape[-1] == shape[-2]:
        turned = np.swapaxes(given, -1, -2)
        if np.allclose(turned[known], b, atol=bound):
            return "a transpose is missing, or one too many"
    return over if repeated else ""
