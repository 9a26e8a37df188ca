"""`Linear`: every output a weighted sum of all inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


def drawn(shape: tuple[int, ...], fan_in: int) -> Parameter:
    """A parameter that starts uniform in ±1/√fan_in, where each output sees so many inputs, as
    PyTorch has it (LeCun et al., 1998)."""
    bound = 1 / math.sqrt(max(fan_in, 1))
    parameter = Parameter(np.zeros(shape, np.float32))
    init.uniform_(parameter, -bound, bound)
    return parameter


class Linear(Module):
    """x Wᵀ + b, from (…, in_features) to (…, out_features).

    Weight (out_features, in_features) and bias (out_features,) start uniform in ±1/√in_features.

    Raises:
        ValueError: the last axis of the input has another length.

    >>> Linear(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = drawn((out_features, in_features), in_features)
        self.bias = drawn((out_features,), in_features) if bias else None

    def forward(self, x: Any) -> Any:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"
