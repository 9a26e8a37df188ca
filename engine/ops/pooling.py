"""Pooling: of what a window sees, the largest, or the mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import op
from ..samples import Call, Draw, call
from .window import Borders, Sizes, bordered, check_window, continued, each_axis, windows


class Window:
    """A window of pooling, as it moves over the last axes of an array.

    Attributes:
        size, stride, dilation, border: one number for each axis.
        inner: the border that was asked for, before and after each axis.
        outer: the border with which the window fits as often as it is to: with `ceil_mode` its last
            place may reach beyond the border, if it begins before its end.
    """

    def __init__(
        self, sides: Sizes, size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
    ) -> None:
        if not np.ndim(size):
            raise TypeError(f"pooling: size is a tuple, one number for each axis, not {size!r}")
        dims = len(size)
        self.size, self.sides = tuple(size), sides[len(sides) - dims :]
        self.stride = each_axis("pooling: stride", size if stride is None else stride, dims)
        self.dilation = each_axis("pooling: dilation", dilation, dims)
        check_window("pooling", self.size, self.stride, self.dilation)
        self.border = border = each_axis("pooling: padding", padding, dims)
        if not all(0 <= p <= k // 2 for p, k in zip(border, self.size, strict=True)):
            raise ValueError(
                f"pooling: a border of {border} is more than half of the window {self.size}, or "
                "below 0"
            )
        self.inner: Borders = [(p, p) for p in border]
        self.outer = self.inner
        if ceil_mode:
            numbers = zip(self.sides, self.size, self.stride, border, self.dilation, strict=True)
            self.outer = [(p, p + beyond(n, k, s, p, d)) for n, k, s, p, d in numbers]

    def over(self, x: Any) -> Any:
        """What it sees, (…, *size, *places), of an array that has its border."""
        return windows(x, self.size, self.stride, self.dilation)

    @property
    def axes(self) -> Sizes:
        """Those of its elements."""
        return tuple(range(-2 * len(self.size), -len(self.size)))


def beyond(side: int, size: int, stride: int, border: int, dilation: int) -> int:
    """How far the last of the windows that begin within an axis reaches out of it."""
    length, spread = side + 2 * border, dilation * (size - 1) + 1
    steps = -((spread - length) // stride)  # rounded up
    if steps * stride >= side + border:  # would see nothing but the border
        steps -= 1
    return max(0, steps * stride + spread - length)


def max_pool_samples(draw: Draw) -> Call:
    (x, size), options = avg_pool_samples(draw)
    return call(x, size, options["stride"], options["padding"], 1, options["ceil_mode"])


@op(samples=max_pool_samples)
def max_pool(
    x: Any, size: Sizes, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """The largest number in each window over the last axes, as many as `size` has.

    Args:
        x: (…, *sides).
        size: of the window, a tuple.
        stride: its steps; None for its own size, so that windows do not overlap.
        padding: places on both sides that never win.
        dilation: how far apart its own elements lie.
        ceil_mode: whether what is left at the end, too short for a window, makes one as well.

    >>> max_pool(np.array([1.0, 3.0, 2.0, 0.0]), (2,))
    array([3., 2.])
    """
    window = Window(np.shape(x), size, stride, padding, dilation, ceil_mode)
    axes = zip(window.border, window.dilation, window.sides, strict=True)
    if any(border and gap > side for border, gap, side in axes):
        raise ValueError(
            f"max_pool: with a dilation of {window.dilation} a window steps from border to border "
            f"of {window.sides}, and sees no number"
        )
    return np.max(window.over(continued(x, window.outer, window.dilation)), axis=window.axes)


def avg_pool_samples(draw: Draw) -> Call:
    dims = draw.integer(1, 2)
    x = draw.array((1, 2, *(draw.integer(3, 4),) * dims), distinct=True)
    size = (draw.integer(2, 3),) * dims
    spacing = {"stride": draw.choice((None, 1)), "padding": draw.integer(0, 1)}
    return call(x, size, **spacing, ceil_mode=draw.boolean(), count_include_pad=draw.boolean())


@op(samples=avg_pool_samples)
def avg_pool(
    x: Any, size: Sizes, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window.

    Args:
        x, size, stride, padding, ceil_mode: see `max_pool`; the border is of zeros.
        count_include_pad: whether those zeros count.
        divisor_override: what each sum is divided by, instead of how many numbers it is of.

    >>> avg_pool(np.array([1.0, 3.0, 2.0, 0.0]), (2,))
    array([2., 1.])
    """
    if divisor_override == 0:
        raise ValueError("avg_pool: divisor_override is what sums are divided by, so not 0")
    window = Window(np.shape(x), size, stride, padding, 1, ceil_mode)
    total = np.sum(window.over(bordered(x, window.outer)), axis=window.axes)
    if divisor_override is not None:
        return total / divisor_override
    if count_include_pad and not ceil_mode:
        return total / math.prod(window.size)
    # How many numbers of each window count: those of x, perhaps those of the border that was asked
    # for, never those past it, which are there for ceil_mode alone.
    counts = bordered(np.ones(window.sides), window.inner, float(count_include_pad))
    past = [(0, o[1] - i[1]) for o, i in zip(window.outer, window.inner, strict=True)]
    return total / np.sum(window.over(bordered(counts, past)), axis=window.axes)
