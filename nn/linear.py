"""`Linear`: every output a weighted sum of all inputs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """x Wᵀ + b, from (…, in_features) to (…, out_features).

    Weight (out_features, in_features) and bias (out_features,) start uniform in ±1/√in_features
    (LeCun et al., 1998; PyTorch's choice).

    Raises:
        ValueError: the last axis of the input has another length.

    >>> Linear(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(max(in_features, 1))
        self.weight = Parameter(np.zeros((out_features, in_features), np.float32))
        init.uniform_(self.weight, -bound, bound)
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Any) -> Any:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"
