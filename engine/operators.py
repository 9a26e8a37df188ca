"""Tensor arithmetic in its plainest case: one Tensor, two of one width, or a Tensor and a number.

`record` in tensor.py takes any call. But most are these, and an op on a small array costs less than
to look at all that a call might be. So these look for that first, and leave the rest to `record`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Node
from .op import TABLE
from .protocol import NO_OPTIONS, binary

WEAK = {float, int}  # numbers that take the width of what they meet
FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}


def on_one(ufunc: Any, x: Any) -> Any:
    """np.exp(x) and the like."""
    op, data = TABLE.get(ufunc), x._data
    if op is None or op.vjps is None or data.dtype not in FLOATS or not data.ndim:
        return x.interpret(ufunc, (x,), NO_OPTIONS)
    return x.result(op, (x,), NO_OPTIONS, op.definition(data), (data,), x.requires_grad)


def operators(ufunc: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """x + y for a Tensor on the left, and for one on the right."""
    op = TABLE[ufunc]
    general, general_reflected = binary(ufunc)

    def operator(self: Any, other: Any) -> Any:
        a, needs = self._data, self.requires_grad
        if type(other) in WEAK:
            b = other
        elif isinstance(other, Node):
            b, needs = other._data, needs or other.requires_grad
            if type(b) is not np.ndarray or b.dtype is not a.dtype:
                return general(self, other)
        else:
            return general(self, other)
        if a.dtype not in FLOATS or not a.ndim:
            return general(self, other)
        try:
            data = op.definition(a, b)
        except ValueError:
            return general(self, other)  # which says what is wrong
        if type(data) is not np.ndarray:  # a product of two vectors
            data = np.asarray(data)
        return self.result(op, (self, other), NO_OPTIONS, data, (a, b), needs)

    def reflected(self: Any, other: Any) -> Any:
        b = self._data
        if type(other) not in WEAK or b.dtype not in FLOATS or not b.ndim:
            return general_reflected(self, other)
        data = op.definition(other, b)
        return self.result(op, (other, self), NO_OPTIONS, data, (other, b), self.requires_grad)

    return operator, reflected
