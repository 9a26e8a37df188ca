"""Gradient clipping: no step is larger than the slope can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.fast import compiled
from ..engine.graph import Node


def clip_grad_norm_(parameters: Iterable[Any] | Any, max_norm: float) -> float:
    """Scale all gradients by min(1, max_norm / (‖g‖ + 1e-6)), in place (Pascanu et al., 2013).

    ‖g‖ is the norm of all the gradients as one long vector. Parameters without a gradient are
    left out.

    Returns:
        ‖g‖ as it was before; a NaN or an infinity shows that the step should not be taken.

    >>> from groundup.engine import Value
    >>> a, b = Value(3.0), Value(4.0)
    >>> ((a * a + b * b) / 2).backward()
    >>> norm = clip_grad_norm_([a, b], max_norm=1.0)
    >>> norm, round(a.grad, 3), round(b.grad, 3)
    (5.0, 0.6, 0.8)
    """
    each = [parameters] if isinstance(parameters, Node) else parameters
    learning = [p for p in each if p.grad is not None]
    norm = math.sqrt(sum(square_norm(p.grad) for p in learning))
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1:  # NaN too
        with np.errstate(invalid="ignore"):  # 0 · inf
            for p in learning:
                p.grad *= scale
    return norm


def square_norm(grad: Any) -> float:
    flat = np.ravel(grad, order="K")  # any order does, and this one copies nothing
    if run := compiled(flat):
        return float(run.square_norm(flat))  # added up in float64
    with np.errstate(over="ignore"):
        square = float(flat @ flat)
    if square in (0, math.inf) and flat.dtype != np.float64:  # perhaps too small or large for it
        square = float(np.vdot(wide := flat.astype(np.float64), wide))
    return square
