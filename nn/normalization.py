"""Norms of each vector by itself: `LayerNorm`, `RMSNorm`."""

from __future__ import annotations

from typing import Any

from . import functional as F
from . import init
from .module import Module


class LayerNorm(Module):
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
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        self.normalized_shape, self.eps = tuple(shape), eps
        self.elementwise_affine = elementwise_affine
        self.weight = init.filled(shape, 1.0) if elementwise_affine else None
        self.bias = init.filled(shape, 0.0) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = self.elementwise_affine
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"


class RMSNorm(Module):
    """x / √(mean x² + eps) · weight over the trailing axes (Zhang and Sennrich, 2019).

    Args:
        normalized_shape: the size of the last axis, or the sizes of several last axes.
        eps: keeps a vector of zeros finite; None for the machine epsilon of the input's dtype.
        elementwise_affine: whether there is a weight, of that shape, which starts at 1.

    Raises:
        ValueError: the input does not end in normalized_shape.

    >>> import numpy as np
    >>> RMSNorm(2)(np.array([[3.0, 3.0]])).data.tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        self.normalized_shape, self.eps = tuple(shape), eps
        self.elementwise_affine = elementwise_affine
        self.weight = init.filled(shape, 1.0) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        affine = self.elementwise_affine
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}"
