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
        numbers = each_axis(f"{name}: padding", padding, len(size))
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
    """Over any number of axes, as a product of two matrices (im2col): the weight, and what each
    element of the window sees at all places.

    In the shapes G are the groups, c = C / G and o = O / G the channels of one.
    """
    dims = np.ndim(weight) - 2
    if np.ndim(x) == dims + 1:  # a single input, (C, *sides)
        return convolve(x[None], weight, bias, stride, padding, dilation, groups)[0]
    check_shapes(dims, np.shape(x), np.shape(weight), groups)
    (outputs, c, *size), batch = np.shape(weight), len(x)
    name = f"conv{dims}d"
    stride = each_axis(f"{name}: stride", stride, dims)
    dilation = each_axis(f"{name}: dilation", dilation, dims)
    window = tuple(size), stride, dilation
    seen = windows(bordered(x, borders(name, padding, *window)), *window)
    places = np.shape(seen)[2 + dims :]  # of (B, C, *size, *places)
    inner, outer = c * math.prod(size), math.prod(places)
    seen = np.reshape(seen, (batch, groups, inner, outer))
    out = np.reshape(weight, (groups, -1, inner)) @ seen  # (G, o, inner) @ … = (B, G, o, outer)
    out = np.reshape(out, (batch, outputs, *places))
    return out if bias is None else out + np.reshape(bias, (-1, *(1,) * dims))


def check_shapes(dims: int, x: Sizes, weight: Sizes, groups: int) -> None:
    """Raise ValueError unless x (B, C, *sides) has the channels that the weight (O, c, *size) is
    for, and the groups divide the outputs."""
    channels = weight[1] * groups
    if len(x) != dims + 2 or x[1] != channels or weight[0] % groups:
        in_groups = f" in {groups} groups" if groups > 1 else ""
        divided = ", and outputs that the groups divide" if groups > 1 else ""
        axes = "height, width" if dims == 2 else "time"
        raise ValueError(
            f"conv{dims}d: weight {weight}{in_groups} needs x (batch, {channels}, {axes}), not "
            f"{x}{divided}"
        )


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
    """A weighted sum of what a window sees, as it moves (Waibel et al., LeCun et al., both 1989):

        out[b, o, t] = bias[o] + Σ_c Σ_k weight[o, c, k] · x[b, c, s],
        where s = t · stride + k · dilation − padding

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
    """The same over images: x (B, C, H, W) and weight (O, C / groups, K, L) give (B, O, H′, W′).

    >>> conv2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))
    array([[[[4.]]]])
    """
    return convolve(x, weight, bias, stride, padding, dilation, groups)
