"""Convolution: the same small set of weights, wherever its window stands."""

from __future__ import annotations

import math
from typing import Any

from ..engine.ops.convolution import borders
from ..engine.ops.window import each_axis
from . import functional as F
from . import init
from .module import Module


class Convolution(Module):
    """What `Conv1d` and `Conv2d` share: the arguments, and how they start.

    In one dimension, and likewise in two (the kernel is not turned round, so this is a
    cross-correlation, as everywhere in this field):

        out[b, o, t] = bias[o] + Σ_c Σ_k weight[o, c, k] · x[b, c, s],
        where s = t · stride + k · dilation − padding

    and T′ = ⌊(T + 2 · padding − dilation · (kernel_size − 1) − 1) / stride⌋ + 1 places.

    Args:
        in_channels, out_channels: C and O.
        kernel_size: of the window; one number for all axes, or one for each.
        stride, dilation: steps of the window, and how far apart its own elements lie.
        padding: zeros on both sides; "same" for as many as keep the size, "valid" for none.
        groups: into how many parts the channels fall that see nothing of each other.
        bias: whether a number is added to each output channel.
        padding_mode: "zeros".

    Weight (O, C / groups, *kernel_size) and bias (O,) start uniform in ±1/√(C / groups · window).

    Raises:
        ValueError: groups that do not divide the channels, another padding_mode, "same" with a
            stride, sizes below 1; in a call, an input of another shape.
    """

    dims: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        name = type(self).__name__
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: {groups} groups do not divide {in_channels} channels and {out_channels}"
            )
        if padding_mode != "zeros":
            raise ValueError(
                f"{name}: padding_mode is 'zeros', not {padding_mode!r}; np.pad pads an input in "
                "modes 'reflect', 'edge' and 'wrap' as well"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = each_axis(f"{name}: kernel_size", kernel_size, self.dims)
        self.stride = each_axis(f"{name}: stride", stride, self.dims)
        self.dilation = each_axis(f"{name}: dilation", dilation, self.dims)
        words = isinstance(padding, str)
        self.padding = padding if words else each_axis(f"{name}: padding", padding, self.dims)
        borders(name, self.padding, self.kernel_size, self.stride, self.dilation)
        seen = in_channels // groups * math.prod(self.kernel_size)
        self.weight = init.fan_in_uniform(
            (out_channels, in_channels // groups, *self.kernel_size), seen
        )
        self.bias = init.fan_in_uniform((out_channels,), seen) if bias else None

    def _convolve(self, function: Any, x: Any) -> Any:
        spacing = self.stride, self.padding, self.dilation
        return function(x, self.weight, self.bias, *spacing, self.groups)

    def extra_repr(self) -> str:
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        said += f", stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1)):
            if getattr(self, name) != (usual,) * self.dims:
                said += f", {name}={getattr(self, name)}"
        said += f", groups={self.groups}" if self.groups != 1 else ""
        return said if self.bias is not None else f"{said}, bias=False"


class Conv1d(Convolution):
    """Over time: (B, C, T) gives (B, O, T′), (C, T) gives (O, T′) (Waibel et al., 1989).

    Formula, T′, arguments and errors: see `nn.convolution.Convolution`.

    >>> import numpy as np
    >>> Conv1d(2, 3, kernel_size=3, padding="same")(np.ones((1, 2, 5))).shape
    (1, 3, 5)
    """

    dims = 1

    def forward(self, x: Any) -> Any:
        return self._convolve(F.conv1d, x)


class Conv2d(Convolution):
    """Over images: (B, C, H, W) gives (B, O, H′, W′), and without B likewise (LeCun et al., 1989).

    Formula, H′ and W′, arguments and errors: see `nn.convolution.Convolution`.

    >>> import numpy as np
    >>> Conv2d(3, 8, kernel_size=3, stride=2)(np.ones((1, 3, 9, 7))).shape
    (1, 8, 4, 3)
    """

    dims = 2

    def forward(self, x: Any) -> Any:
        return self._convolve(F.conv2d, x)
