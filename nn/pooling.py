"""Pooling: a smaller image, in which each number stands for a window of the larger one.

Of T numbers there are T′ = ⌊(T + 2 · padding − dilation · (kernel_size − 1) − 1) / stride⌋ + 1
windows; with ceil_mode the quotient is rounded up.
"""

from __future__ import annotations

from typing import Any

from . import functional as F
from .module import Module


class MaxPool(Module):
    """What `MaxPool1d` and `MaxPool2d` share: of each window the largest number (Zhou and
    Chellappa, 1988); of equal ones the first.

    Args:
        kernel_size: of the window; one number for all axes, or one for each, as all below.
        stride: its steps; None for its own size, so that windows do not overlap.
        padding: places on both sides that never win, up to half of the window.
        dilation: how far apart its own elements lie.
        ceil_mode: whether what is left at the end, too short for a window, makes one as well.

    Raises:
        ValueError: in a call, a window larger than its axis, sizes below 1, more padding than half
            of the window.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode

    def _options(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(MaxPool):
    """Over time: (…, T) gives (…, T′). Arguments: see `nn.pooling.MaxPool`.

    >>> import numpy as np
    >>> MaxPool1d(2)(np.array([[1.0, 3.0, 2.0, 0.0]]))
    array([[3., 2.]])
    """

    def forward(self, x: Any) -> Any:
        return F.max_pool1d(x, *self._options())


class MaxPool2d(MaxPool):
    """Over images: (…, H, W) gives (…, H′, W′). Arguments: see `nn.pooling.MaxPool`.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.array([[1.0, 3.0], [2.0, 0.0]]))
    array([[3.]])
    """

    def forward(self, x: Any) -> Any:
        return F.max_pool2d(x, *self._options())


class AvgPool(Module):
    """What `AvgPool1d` and `AvgPool2d` share: the mean of each window (LeCun et al., 1990).

    Args:
        kernel_size, stride, padding, ceil_mode: see `MaxPool`; the border is of zeros.
        count_include_pad: whether those zeros count.

    Raises:
        ValueError: in a call, as `MaxPool` says.
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad = count_include_pad

    def _options(self) -> tuple[Any, Any, Any, bool, bool]:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(AvgPool):
    """Over time: (…, T) gives (…, T′). Arguments: see `nn.pooling.AvgPool`.

    >>> import numpy as np
    >>> AvgPool1d(2)(np.array([[1.0, 3.0, 2.0, 0.0]]))
    array([[2., 1.]])
    """

    def forward(self, x: Any) -> Any:
        return F.avg_pool1d(x, *self._options())


class AvgPool2d(AvgPool):
    """Over images: (…, H, W) gives (…, H′, W′). Arguments: see `nn.pooling.AvgPool`, and

    Args:
        divisor_override: what each sum is divided by, instead of how many numbers it is of.

    >>> import numpy as np
    >>> AvgPool2d(2)(np.array([[1.0, 3.0], [2.0, 0.0]]))
    array([[1.5]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, x: Any) -> Any:
        return F.avg_pool2d(x, *self._options(), divisor_override=self.divisor_override)
