"""Looking at an array through a window that moves over it.

`windows` cuts out what the window sees at each place, `unwindow` adds such pieces up again where
they were; each is the other's rule. Convolution and pooling are definitions in these.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..op import op
from ..samples import Call, Draw, call
from .shape import along

Sizes = tuple[int, ...]
Borders = Sequence[tuple[int, int]]  # on each axis, how much before and after


def elements(
    size: Sizes, places: Sizes, stride: Sizes, dilation: Sizes
) -> Iterator[tuple[Any, Any]]:
    """For each element of the window, as indices: itself in (…, *size, *places), and where in
    (…, *sides) it lies as the window moves."""
    everywhere = (slice(None),) * len(places)
    for element in itertools.product(*map(range, size)):
        moves = zip(element, places, stride, dilation, strict=True)
        spot = [slice(i * d, i * d + (n - 1) * s + 1, s) for i, n, s, d in moves]
        yield (..., *element, *everywhere), (..., *spot)


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
    """What each element of a window sees as it moves: (…, *sides) gives (…, *size, *places).

    Args:
        x: any array; the window moves over its last axes, as many as `size` has.
        size: of the window.
        stride: how far it moves at a time.
        dilation: how far apart its own elements lie.

    Raises:
        ValueError: a window larger than the array.

    >>> windows(np.arange(4.0), (2,), (1,), (1,))
    array([[0., 1., 2.],
           [1., 2., 3.]])
    """
    x = np.asarray(x)
    front, sides = x.shape[: x.ndim - len(size)], x.shape[x.ndim - len(size) :]
    spread = tuple(d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True))
    if any(s > n for s, n in zip(spread, sides, strict=True)):
        raise ValueError(f"a window of {spread} is larger than {sides}; pad the array")
    places = tuple((n - w) // s + 1 for n, w, s in zip(sides, spread, stride, strict=True))
    out = np.empty((*front, *size, *places), x.dtype)
    for element, spot in elements(size, places, stride, dilation):
        out[element] = x[spot]
    return out


def unwindow_samples(draw: Draw) -> Call:
    (x, *window), _ = windows_samples(draw)
    return call(draw.array(windows(x, *window).shape), *window, x.shape)


@op(
    lambda g, out, pieces, size, stride, dilation, shape: windows(g, size, stride, dilation),
    samples=unwindow_samples,
)
def unwindow(pieces: Any, size: Sizes, stride: Sizes, dilation: Sizes, shape: Sizes) -> Any:
    """Pieces (…, *size, *places) added up in zeros of `shape`, each where its window lay."""
    pieces = np.asarray(pieces)
    places = pieces.shape[pieces.ndim - len(size) :]
    out = np.zeros(shape, pieces.dtype)
    for element, spot in elements(size, places, stride, dilation):
        out[spot] += pieces[element]
    return out


def each_axis(name: str, number: Any, dims: int) -> Sizes:
    """One number for each axis, from one for all or a tuple.

    Raises:
        ValueError: a tuple of another length.
    """
    if np.ndim(number) and len(number) != dims:
        one = "one number" if dims == 1 else f"one number for all, or {dims}"
        raise ValueError(f"{name} is {one}, not {tuple(number)}")
    return tuple(number) if np.ndim(number) else (int(number),) * dims


def check_window(name: str, size: Sizes, stride: Sizes, dilation: Sizes) -> None:
    """Refuse what is no window, or one that does not move."""
    for what, numbers in (("size", size), ("stride", stride), ("dilation", dilation)):
        if any(number < 1 for number in numbers) or len(numbers) != len(size):
            raise ValueError(
                f"{name}: the window's {what} is {len(size)} numbers from 1 on, not {numbers}"
            )


def bordered(x: Any, borders: Borders, number: float = 0.0) -> Any:
    """x with a border of that number around its last axes."""
    width = [*[(0, 0)] * (np.ndim(x) - len(borders)), *borders]
    return np.pad(x, width, mode="constant", constant_values=number) if np.any(width) else x


def continued(x: Any, borders: Borders, steps: Sizes) -> Any:
    """x with a border of its own numbers around its last axes: each is that which lies a multiple
    of `steps` further in, so that a window dilated by these sees no number that it would not see
    anyway."""
    for axis, (before, after), step in zip(range(-len(borders), 0), borders, steps, strict=True):
        side = np.shape(x)[axis]
        left = [place % step for place in range(-before, 0)]
        right = [max(side - step + place % step, 0) for place in range(after)]
        parts = [x[along(x, axis, slice(place, place + 1))] for place in (*left, *right)]
        x = np.concatenate([*parts[:before], x, *parts[before:]], axis) if parts else x
    return x
