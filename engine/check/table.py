"""Every op of the table, checked because it is in the table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..derivatives import vjp
from ..op import TABLE, Op, lookup
from ..samples import REAL, Draw, RandomDraw, elementwise
from ..tensor import Tensor
from .error import GradientError
from .findings import Options
from .gradcheck import check_call, gradcheck, op_as_function


def check_op(op: Op | Callable[..., Any], draw: Draw, order: int = 1) -> None:
    """Hold one sampled call of an op against finite differences.

    Args:
        op: a row of the table, or the function that has one.
        draw: chooses the sample.
        order: 1 for the gradient, 2 for the gradient of the gradient.

    Raises:
        GradientError: the rule is wrong.
        ValueError: the op says no samples, so nothing can be said of it.
    """
    op = op if isinstance(op, Op) else lookup(op)
    if op.samples is None:
        raise ValueError(f"{op} has no samples: declare them, so that it can be checked")
    args, kwargs = op.samples(draw)
    call, leaves = op_as_function(op, args, kwargs)
    if order == 1:
        check_call(op.name, call, leaves, Options())
    else:
        check_call(f"gradient of {op}", gradient_of(call), leaves, Options(rtol=1e-4))


def gradient_of(call: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of the squares of a function's gradients, as a function of the same inputs."""

    def squares(*xs: Any) -> Any:
        out, pullback = vjp(call, *xs)
        # Weights that differ, so that rows do not cancel.
        weights = np.linspace(1.0, 1.5, out.size).reshape(out.shape)
        return sum((g * g).sum() for g in pullback(Tensor(weights)))

    return squares


def check_table(samples: int = 20) -> Iterator[tuple[Op, GradientError | None]]:
    """Check each op of the table on random samples; yield it with what is wrong, or None."""
    for op in list(TABLE.values()):
        error = None
        try:
            check_samples(op, samples)
        except GradientError as wrong:
            error = wrong
        yield op, error


def check_samples(op: Op, samples: int) -> None:
    """Check an op on its random samples, at first and second order in turn."""
    for seed in range(samples):
        check_op(op, RandomDraw(seed), order=1 + seed % 2)


def check_function(f: Callable[..., Any], *shapes: tuple[int, ...], samples: int = 20) -> None:
    """Check an op on its samples, any other function or model on random arrays.

    Args:
        f: takes float arrays.
        shapes: of these; left out, one array of any shape for each argument that has no default,
            all broadcasting against each other.

    Raises:
        GradientError: a derivative is wrong.
        TypeError: no shapes, and no argument without a default.
    """
    row = TABLE.get(f)
    if row and row.samples and not shapes:
        check_samples(row, samples)
        return
    parameters = inspect.signature(f).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if not (needed or shapes):
        raise TypeError("it needs no argument, so name the shapes of those to check")
    for seed in range(samples):
        draw = RandomDraw(seed)
        arrays: Any = [draw.array(shape) for shape in shapes]
        gradcheck(f, *arrays or elementwise(*[REAL] * len(needed))(draw)[0])
