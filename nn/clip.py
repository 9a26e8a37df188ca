"""Gradient clipping: no step goes further than the gradient can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.fast import compiled
from ..engine.graph import Node


def clip_grad_norm_(
    parameters: Iterable[Any] | Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> float:
    """Scale all gradients by min(1, max_norm / (‖g‖ + 1e-6)), in place (Pascanu et al., 2013).

    ‖g‖ is the norm of all the gradients as one long vector. Parameters without a gradient are
    left out.

    Args:
        parameters: one, or several.
        max_norm: what longer gradients are shortened to.
        norm_type: p of ‖g‖ = (Σ |g|ᵖ)^(1/p), above 0; `math.inf` for the largest |g|.
        error_if_nonfinite: raise where ‖g‖ is a NaN or an infinity, and change nothing.
        foreach: PyTorch's, for a GPU; without a meaning here.

    Returns:
        ‖g‖ as it was before; a NaN or an infinity shows that the step should not be taken.

    Raises:
        ValueError: a max_norm below 0, or a norm_type that is not above 0.
        TypeError: something else than parameters.
        RuntimeError: a norm that is not finite, if that is asked for.

    >>> from groundup.engine import Value
    >>> a, b = Value(3.0), Value(4.0)
    >>> ((a * a + b * b) / 2).backward()
    >>> norm = clip_grad_norm_([a, b], max_norm=1.0)
    >>> norm, round(a.grad, 3), round(b.grad, 3)
    (5.0, 0.6, 0.8)
    """
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm_: max_norm is not below 0, so not {max_norm}")
    power = float(norm_type)
    if not power > 0:
        raise ValueError(f"clip_grad_norm_: norm_type is above 0, or infinite, not {norm_type}")
    learning = with_gradients(parameters, "clip_grad_norm_")
    norm = total_norm([p.grad for p in learning], power)
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(
            f"clip_grad_norm_: the norm of the gradients is {norm}, so they cannot be clipped"
        )
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1:  # NaN too
        with np.errstate(invalid="ignore"):  # 0 · inf
            for p in learning:
                p.grad *= scale
    return norm


def clip_grad_value_(
    parameters: Iterable[Any] | Any, clip_value: float, foreach: bool | None = None
) -> None:
    """Bring each number of the gradients into ±clip_value, in place.

    Unlike clipping by norm this turns the gradient: the large numbers lose, the small ones stay.
    `foreach` is PyTorch's, for a GPU, and has no meaning here.

    Raises:
        ValueError: a clip_value below 0.
        TypeError: something else than parameters.

    >>> from groundup.engine import Value
    >>> a, b = Value(3.0), Value(-0.5)
    >>> (a * a + b * b).backward()
    >>> clip_grad_value_([a, b], 2.0)
    >>> a.grad, b.grad
    (2.0, -1.0)
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value is not below 0, so not {clip_value}")
    for p in with_gradients(parameters, "clip_grad_value_"):
        out = p.grad if isinstance(p.grad, np.ndarray) else None
        p.grad = np.clip(p.grad, -clip_value, clip_value, out=out)


def with_gradients(parameters: Iterable[Any] | Any, who: str) -> list[Any]:
    """Those that have a gradient."""
    one = isinstance(parameters, Node) or not isinstance(parameters, Iterable)
    each: list[Any] = [parameters] if one else list(parameters)
    for p in each:
        if not isinstance(p, Node):
            raise TypeError(
                f"{who}: parameters, such as model.parameters(), not a {type(p).__name__}"
            )
    return [p for p in each if p.grad is not None]


def total_norm(grads: list[Any], power: float) -> float:
    """(Σ |g|ᵖ)^(1/p) of all numbers in the gradients, in float64."""
    if power == 2:
        return math.sqrt(sum(map(square_norm, grads)))
    flat = np.concatenate([np.zeros(0), *(np.abs(np.ravel(grad)) for grad in grads)])
    largest = float(np.max(flat, initial=0))
    if power == math.inf or largest == 0 or not math.isfinite(largest):
        return largest
    # In units of the largest no power is too large for a float.
    return largest * float(np.sum((flat / largest) ** power)) ** (1 / power)


def square_norm(grad: Any) -> float:
    flat = np.ravel(grad, order="K")  # any order does, and this one copies nothing
    if run := compiled(flat):
        return float(run.square_norm(flat))  # added up in float64
    with np.errstate(over="ignore"):
        square = float(flat @ flat)
    if square in (0, math.inf) and flat.dtype != np.float64:  # perhaps too small or large for it
        square = float(np.vdot(wide := flat.astype(np.float64), wide))
    return square
