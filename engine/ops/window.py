"""Convolution and pooling: both look at an array through a window that moves over it.

`windows` cuts out what the window sees at each place, `unwindow` adds such pieces up again where
they were; each is the other's rule. All else is a definition: a matrix product, a largest, a mean.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ..op import op
from ..samples import Call, Draw, call

Sizes = tuple[int, ...]


def spots(count: Sizes, offset: Sizes, stride: Sizes) -> tuple[Any, ...]:
    """Where element `offset` of the window lies as it moves: a slice of each of the last axes."""
    bounds = zip(offset, count, stride, strict=True)
    return (..., *(slice(o, o + n * s, s) for o, n, s in bounds))


def windows_samples(draw: Draw) -> Call:
    dims = draw.integer(1, 2)
    sides, size = draw.sides(dims, 3, 5), draw.sides(dims, 1, 2)
    step, gap = draw.choice(((1, 1), (2, 1), (1, 2)))
    x = draw.array((*draw.shape(max_dims=1), *sides))
    return call(x, size, (step,) * dims, (gap,) * dims)


def windows_vjp(g: Any, out: Any, x: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    return unwindow(g, size, stride, dilation, np.shape(x))


@op(windows_vjp, samples=windows_samples)
def windows(x: Any, size: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    """What a window sees at each place: (…, *sides) gives (…, *places, *size).

    Args:
        x: any array; the window moves over its last axes, as many as `size` has.
        size: of the window.
        stride: how far it moves at a time.
        dilation: how far apart its own elements lie.

    Raises:
        ValueError: a window larger than the array.

    >>> windows(np.arange(4.0), (2,), (1,), (1,))
    array([[0., 1.],
           [1., 2.],
           [2., 3.]])
    """
    sides = np.shape(x)[np.ndim(x) - len(size) :]
    spread = [d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)]
    if any(s > n for s, n in zip(spread, sides, strict=True)):
        raise ValueError(f"a window of {tuple(spread)} is larger than {sides}; pad the array")
    axes = tuple(range(-len(size), 0))
    seen: Any = np.lib.stride_tricks.sliding_window_view(np.asarray(x), spread, axes)
    steps = [slice(None, None, s) for s in (*stride, *dilation)]
    return seen[(..., *steps)]


def unwindow_samples(draw: Draw) -> Call:
    (x, *window), _ = windows_samples(draw)
    return call(draw.array(windows(x, *window).shape), *window, x.shape)


@op(
    lambda g, out, pieces, size, stride, dilation, shape: windows(g, size, stride, dilation),
    samples=unwindow_samples,
)
def unwindow(pieces: Any, size: Sizes, stride: Sizes, dilation: Sizes, shape: Sizes) -> Any:
    """Pieces (…, *places, *size) added up in zeros of `shape`, each where its window lay."""
    dims = len(size)
    count = np.shape(pieces)[np.ndim(pieces) - 2 * dims : np.ndim(pieces) - dims]
    out = np.zeros(shape, np.asarray(pieces).dtype)
    for element in itertools.product(*map(range, size)):
        offset = tuple(i * d for i, d in zip(element, dilation, strict=True))
        out[spots(count, offset, stride)] += pieces[(..., *element)]
    return out


def each_axis(number: Any, dims: int) -> Sizes:
    """One number for each axis, from one for all or a tuple."""
    return tuple(number) if np.ndim(number) else (int(number),) * dims


def bordered(x: Any, padding: Sizes, number: float = 0.0) -> Any:
    width = [(0, 0)] * (np.ndim(x) - len(padding)) + [(p, p) for p in padding]
    return np.pad(x, width, mode="constant", constant_values=number) if any(padding) else x


def convolve(x: Any, weight: Any, bias: Any, *spacing: Any, groups: int) -> Any:
    """Over any number of axes: each window, as a row of numbers, times a matrix for each group."""
    dims = np.ndim(weight) - 2
    size, channels = np.shape(weight)[2:], np.shape(weight)[1]
    batch, given = np.shape(x)[:2] if np.ndim(x) == dims + 2 else (None, None)
    if given != channels * groups or np.shape(weight)[0] % groups:
        raise ValueError(
            f"conv{dims}d: weight {np.shape(weight)}{f' in {groups} groups' * (groups > 1)} needs "
            f"x (batch, {channels * groups}, {'height, width' if dims == 2 else 'time'}), not "
            f"{np.shape(x)}{', and outputs that the groups divide' * (groups > 1)}"
        )
    stride, padding, dilation = (each_axis(n, dims) for n in spacing)
    seen = windows(bordered(x, padding), size, stride, dilation)  # (B, C, *places, *size)
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
    spacing = {"stride": stride, "padding": draw.integer(0, 1), "dilation": dilation}
    return call(x, weight, bias, **spacing, groups=groups)


@op(samples=lambda draw: conv_samples(draw, dims=1))
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    """Σ over the window of x · weight, + bias, as the window moves (LeCun et al., 1989).

    Args:
        x: (B, C, T).
        weight: (O, C / groups, K).
        bias: (O,), or None.
        stride, padding, dilation: steps of the window, zeros on both sides, gaps in the window.
        groups: each sees its own part of the channels alone.

    >>> conv1d(np.ones((1, 1, 3)), np.array([[[1.0, 2.0]]]))
    array([[[3., 3.]]])
    """
    return convolve(x, weight, bias, stride, padding, dilation, groups=groups)


@op(samples=lambda draw: conv_samples(draw, dims=2))
def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Any:  # fmt: skip
    """The same over pictures: x (B, C, H, W), weight (O, C / groups, K, L) give (B, O, …, …).

    >>> conv2d(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))
    array([[[[4.]]]])
    """
    return convolve(x, weight, bias, stride, padding, dilation, groups=groups)


def pooled(reduce: Any, border: float, x: Any, size: Any, stride: Any, padding: Any) -> Any:
    """Each window reduced to one number, `border` standing on the outside."""
    if not isinstance(size, tuple | list):
        raise TypeError(f"pooling: size is a tuple, one number for each axis, not {size!r}")
    dims = len(size)
    padding = each_axis(padding, dims)
    stride = each_axis(size if stride is None else stride, dims)
    if any(p > k // 2 for p, k in zip(padding, size, strict=True)):
        raise ValueError(f"pooling: a border of {padding} is more than half of the window {size}")
    seen = windows(bordered(x, padding, border), tuple(size), stride, (1,) * dims)
    return reduce(seen, axis=tuple(range(-dims, 0)))


def pool_samples(draw: Draw) -> Call:
    dims = draw.integer(1, 2)
    x = draw.array((1, 2, *(draw.integer(3, 4),) * dims), distinct=True)
    size = (draw.integer(2, 3),) * dims
    return call(x, size, stride=draw.choice((None, 1)), padding=draw.integer(0, 1))


@op(samples=pool_samples)
def max_pool(x: Any, size: Sizes, stride: Any = None, padding: Any = 0) -> Any:
    """The largest number in each window over the last axes, as many as `size` has.

    Args:
        x: (…, *sides).
        size: of the window, a tuple.
        stride: its steps; None for its own size, so that windows do not overlap.
        padding: places on both sides that never win.

    >>> max_pool(np.array([1.0, 3.0, 2.0, 0.0]), (2,))
    array([3., 2.])
    """
    return pooled(np.max, -np.inf, x, size, stride, padding)


@op(samples=pool_samples)
def avg_pool(x: Any, size: Sizes, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window; zeros of the border count. Arguments as of `max_pool`.

    >>> avg_pool(np.array([1.0, 3.0, 2.0, 0.0]), (2,))
    array([2., 1.])
    """
    return pooled(np.mean, 0.0, x, size, stride, padding)
