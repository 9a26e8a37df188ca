"""Convolution: a weighted sum of what a window sees, wherever it stands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import op
from ..samples import Call, Draw, call
from .window import Borders, Sizes, bordered, check_window, each_axis, windows


def borders(name: str, padding: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Borders:
    """The zeros before and after each axis; "same" leaves each its length, "valid" adds none.

    Raises:
        ValueError: another word, or "same" with steps, which leave no axis its length; a number
            that makes no window.
    """
    check_window(name, size, stride, dilation)
    if not isinstance(padding, str):
        numbers = each_axis(padding, len(size))
        if any(number < 0 for number in numbers):
            raise ValueError(f"{name}: padding is 0 or more on each axis, not {padding}")
        return [(n, n) for n in numbers]
    if padding not in ("same", "valid"):
        raise ValueError(f"{name}: padding is 'same', 'valid' or numbers, not {padding!r}")
    if padding == "valid":
        return [(0, 0)] * len(size)
    if any(step != 1 for step in stride):
        raise ValueError(f"{name}: padding='same' goes with stride 1 alone, not {stride}")
    wanted = [d * (k - 1) for d, k in zip(dilation, size, strict=True)]
    return [(total // 2, total - total // 2) for total in wanted]


def convolve(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Over any number of axes: each window, as a row of numbers, times a matrix for each group."""
    dims = np.ndim(weight) - 2
    if np.ndim(x) == dims + 1:  # one alone
        return convolve(x[None], weight, bias, stride, padding, dilation, groups)[0]
    size, channels = np.shape(weight)[2:], np.shape(weight)[1]
    batch, given = np.shape(x)[:2] if np.ndim(x) == dims + 2 else (None, None)
    if given != channels * groups or np.shape(weight)[0] % groups:
        raise ValueError(
            f"conv{dims}d: weight {np.shape(weight)}{f' in {groups} groups' * (groups > 1)} needs "
            f"x (batch, {channels * groups}, {'height, width' if dims == 2 else 'time'}), not "
            f"{np.shape(x)}{', and outputs that the groups divide' * (groups > 1)}"
        )
    stride, dilation = each_axis(stride, dims), each_axis(dilation, dims)
    zeros = borders(f"conv{dims}d", padding, size, stride, dilation)
    seen = windows(bordered(x, zeros), size, stride, dilation)  # (B, C, *places, *size)
    places = np.shape(seen)[2 : 2 + dims]
    inner = channels * math.prod(size)
    apart = np.reshape(seen, (batch, groups, channels, *places, *size))
    order = (1, 0, *range(3, 3 + dims), 2, *range(3 + dims, 3 + 2 * dims))
    rows = np.reshape(np.transpose(apart, order), (groups, batch * math.prod(places), inner))
    matrix = np.swapaxes(np.reshape(weight, (groups, -1, inner)), 1, 2)  # (g, inner, O/g)
    out = np.reshape(rows @ matrix, (groups, batch, *places, np.shape(weight)[0] // groups))
    out = np.transpose(out, (1, 0, 2 + dims, *range(2, 2 + dims)))  # (B, g, O/g, *places)
    out = np.reshape(out, (batch, np.shape(weight)[0], *places))
    return out if bias is None else out + np.reshape(bias, (-1, *(1,) * dims))


def conv_samples(draw: Draw, dims: int) -> Call:
    batch, groups, inputs, outputs, stride, dilation = draw.sides(6, 1, 2)
    x = draw.array((batch, inputs * groups, *(draw.integer(3, 4),) * dims))
    weight = draw.array((outputs * groups, inputs, *draw.sides(dims, 1, 2)))
    bias = draw.choice((None, draw.array((outputs * groups,))))
    padding = draw.choice((0, 1, "valid", *(["same"] if stride == 1 else [])))
    x = x[0] if draw.boolean() else x
    return call(x, weight, bias, stride, padding, dilation, groups)


@op(samples=lambda draw: conv_samples(draw, dims=1))
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    """Σ over the window of x · weight, + bias, as the window moves (LeCun et al., 1989).

    Args:
        x: (B, C, T), or (C, T).
        weight: (O, C / groups, K).
        bias: (O,), or None.
        stride, dilation: steps of the window, and how far apart its own elements lie.
        padding: zeros on both sides; "same" for as many as leave T as it is, with one more at the
            end where their number is odd; "valid" for none.
        groups: each sees its own part of the channels alone.

    >>> conv1d(np.ones((1, 1, 3)), np.array([[[1.0, 2.0]]]))
    array([[[3., 3.]]])
    """
    return convolve(x, weight, bias, stride, padding, dilation, groups)


@op(samples=lambda draw: conv_samples(draw, dims=2))
def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    """The same over pictures: x (B, C, H, W), weight (O, C / groups, K, L) give (B, O, …, …).

    >>> conv2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))
    array([[[[4.]]]])
    """
    return convolve(x, weight, bias, stride, padding, dilation, groups)
