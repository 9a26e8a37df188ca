"""`Linear`: every output a weighted sum of all inputs."""

from __future__ import annotations

from typing import Any

from . import functional as F
from . import init
from .module import Module


class Linear(Module):
    """x Wᵀ + b, from (…, in_features) to (…, out_features).

    Args:
        in_features, out_features: the widths of input and output.
        bias: whether there is a b.

    Weight (out_features, in_features) and bias (out_features,) start uniform in ±1/√in_features.

    Raises:
        ValueError: the last axis of the input has another length.

    >>> import numpy as np
    >>> Linear(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = init.fan_in_uniform((out_features, in_features), in_features)
        self.bias = init.fan_in_uniform(out_features, in_features) if bias else None

    def forward(self, x: Any) -> Any:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"
