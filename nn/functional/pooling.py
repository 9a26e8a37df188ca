"""Pooling over one axis and over two, with one number for all of them or one for each."""

from __future__ import annotations

from typing import Any

from ... import engine
from ...engine.ops.window import each_axis


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """The largest number in each window over the last axis; arguments: see `engine.max_pool`."""
    size = each_axis("max_pool1d: kernel_size", kernel_size, 1)
    return engine.max_pool(input, size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:  # fmt: skip
    """The largest number in each window over the last two axes."""
    size = each_axis("max_pool2d: kernel_size", kernel_size, 2)
    return engine.max_pool(input, size, stride, padding, dilation, ceil_mode)


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """The mean of each window over the last axis; arguments: see `engine.avg_pool`."""
    size = each_axis("avg_pool1d: kernel_size", kernel_size, 1)
    return engine.avg_pool(input, size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window over the last two axes."""
    options = ceil_mode, count_include_pad, divisor_override
    return engine.avg_pool(
        input, each_axis("avg_pool2d: kernel_size", kernel_size, 2), stride, padding, *options
    )
