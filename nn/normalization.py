"""Norms of each vector by itself: `LayerNorm`, `RMSNorm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import functional as F
from . import init
from .functional.norms import sizes
from .module import Module


class Norm(Module):
    """What `LayerNorm` and `RMSNorm` share: the axes, and a weight."""

    eps: Any

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None, elementwise_affine: bool
    ) -> None:
        self.normalized_shape, self.eps = sizes(normalized_shape), eps
        self.elementwise_affine = elementwise_affine
        self.weight = init.filled(self.normalized_shape, 1.0) if elementwise_affine else None

    def extra_repr(self) -> str:
        affine = self.elementwise_affine
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"


class LayerNorm(Norm):
    """(x − mean) / √(var + eps) · weight + bias over the trailing axes (Ba et al., 2016); var is
    divided by n.

    Args:
        normalized_shape: the size of the last axis, or the sizes of several last axes. Input
            and output are (…, *normalized_shape).
        eps: keeps a constant input finite.
        elementwise_affine: whether there is a weight, which starts at 1.
        bias: whether there is a bias beside it, which starts at 0.

    Raises:
        ValueError: the input does not end in normalized_shape.

    >>> import numpy as np
    >>> LayerNorm(2)(np.array([[1.0, 3.0]])).data.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine)
        shifted = elementwise_affine and bias
        self.bias = init.filled(self.normalized_shape, 0.0) if shifted else None

    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, bias={self.bias is not None}"


class RMSNorm(Norm):
    """x / √(mean x² + eps) · weight over the trailing axes (Zhang and Sennrich, 2019).

    Args:
        normalized_shape: the size of the last axis, or the sizes of several last axes.
        eps: keeps a vector of zeros finite; None for the machine epsilon of the result's
            float type.
        elementwise_affine: whether there is a weight, of that shape, which starts at 1.

    Raises:
        ValueError: the input does not end in normalized_shape.

    >>> import numpy as np
    >>> RMSNorm(2)(np.array([[3.0, 3.0]])).data.tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine)

    def forward(self, x: Any) -> Any:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)
