"""Picking, repeating and rearranging by index: all of them come down to `getitem`."""

from __future__ import annotations

import itertools
from collections import namedtuple
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..op import constant, declare, op
from ..samples import Call, Draw, along_axis, call, with_array
from .products import kron
from .shape import along, index_samples, scatter


def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    a = np.ravel(a) if axis is None else a
    return a[along(a, axis or 0, np.asarray(indices))]


def take_samples(draw: Draw, a: np.ndarray, axis: int) -> Call:
    return call(a, draw.index(a.shape[axis], draw.shape(max_dims=2)), axis)


declare(np.take, definition=take, samples=along_axis(take_samples))


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return np.ravel(arr)[indices]
    grid = np.ogrid[tuple(slice(n) for n in np.shape(arr))]
    places: list[Any] = [p * (side > 1) for p, side in zip(grid, np.shape(arr), strict=True)]
    places[axis] = np.asarray(indices)
    return arr[tuple(places)]


def take_along_samples(draw: Draw, a: np.ndarray, axis: int) -> Call:
    return call(a, draw.index(a.shape[axis], draw.resized(a.shape, axis, min_side=1)), axis)


declare(np.take_along_axis, definition=take_along_axis, samples=along_axis(take_along_samples))


def sort(a: Any, axis: int | None = -1, kind: Any = None) -> Any:
    """In rising order; equal numbers keep theirs, and so does their gradient."""
    if axis is None:
        a, axis = np.ravel(a), 0
    return take_along_axis(a, np.argsort(a, axis=axis, kind="stable"), axis)


declare(np.sort, definition=sort, samples=along_axis(distinct=True))


def topk_samples(draw: Draw, a: np.ndarray, axis: int) -> Call:
    return call(a, k=draw.integer(1, a.shape[axis]), axis=axis)


TopK = namedtuple("TopK", "values indices")


@op(samples=along_axis(topk_samples, distinct=True), inline=True)
def topk(x: Any, k: int, axis: int = -1) -> TopK:
    """The k largest numbers along `axis`, largest first, and where they were; of equal ones the
    first.

    Raises:
        ValueError: there are fewer than k.

    >>> topk(np.array([1.0, 3.0, 2.0]), 2)
    TopK(values=array([3., 2.]), indices=array([1, 2]))
    """
    if not 0 <= k <= np.shape(x)[axis]:
        raise ValueError(f"topk: {k} of {np.shape(x)[axis]} numbers along axis {axis}")
    order = falling(x, axis)[along(x, axis, slice(k))]
    return TopK(np.take_along_axis(x, order, axis), order)


@constant
def falling(x: Any, axis: int) -> np.ndarray:
    """The order from the largest to the smallest number, NaN first; equal ones keep theirs."""
    backwards = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.shape(x)[axis] - 1 - np.flip(backwards, axis)


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (a, normalize_axis_index(axis, np.ndim(a)))
    return take(a, np.repeat(np.arange(np.shape(a)[axis]), repeats), axis)


def repeat_samples(draw: Draw, a: np.ndarray, axis: int) -> Call:
    return call(a, draw.choice((draw.integer(0, 2), draw.index(3, (a.shape[axis],)))), axis)


declare(np.repeat, definition=repeat, samples=along_axis(repeat_samples))


def tile(A: Any, reps: Any) -> Any:
    """The Kronecker product of ones with it."""
    return kron(np.ones(reps, dtype=bool), A)  # booleans, which leave A its dtype


tiled = with_array(lambda draw, a: call(a, draw.choice((2, (2, 1), (1, 2, 2)))))
declare(np.tile, definition=tile, samples=tiled)


def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> Any:
    """A border of a number, or, by picking, of numbers from within.

    Raises:
        ValueError: another mode than constant, edge, reflect, symmetric or wrap; a width below 0.
    """
    shape = np.shape(array)
    widths = np.broadcast_to(pad_width, (len(shape), 2)).tolist()
    if np.min(widths, initial=0) < 0:
        raise ValueError(f"pad: a width is 0 or more, not {pad_width}; cut with a slice")
    if mode == "constant":
        inside = np.zeros(shape, np.asarray(constant_values).dtype)
        border = np.pad(inside, widths, constant_values=constant_values)
        inner = tuple(slice(w[0], w[0] + n) for w, n in zip(widths, shape, strict=True))
        placed = scatter(array, inner, border.shape)
        return placed + border if constant_values else placed
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise ValueError(f"pad: mode is constant, edge, reflect, symmetric or wrap, not {mode!r}")
    for axis, width in enumerate(widths):
        array = take(array, np.pad(np.arange(shape[axis]), width, mode=mode), axis)  # type: ignore[call-overload]
    return array


def pad_samples(draw: Draw, a: np.ndarray) -> Call:
    width = draw.choice((1, (0, 2), [(i % 2, 1) for i in range(a.ndim)]))
    mode = draw.choice(("constant", "edge", "reflect", "symmetric", "wrap"))
    filled = {"constant_values": draw.choice((0.0, 0.5))} if mode == "constant" else {}
    return call(a, pad_width=width, mode=mode, **filled)


declare(np.pad, definition=pad, samples=with_array(pad_samples, min_dims=1, min_side=1))


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts of equal length, or cut before each index.

    Raises:
        ValueError: a length that the number of parts does not divide.
    """
    axis = normalize_axis_index(axis, np.ndim(ary))
    cuts, length = indices_or_sections, np.shape(ary)[axis]
    if isinstance(cuts, int | np.integer):
        if cuts < 1 or length % cuts:
            raise ValueError(f"split: {length} along axis {axis} is not {cuts} equal parts")
        cuts = range(length // cuts, length, length // cuts) if length else [0] * (cuts - 1)
    bounds = [0, *cuts, length]
    return [ary[along(ary, axis, slice(*pair))] for pair in itertools.pairwise(bounds)]


def split_samples(draw: Draw) -> Call:
    a = draw.array((4, *draw.shape(max_dims=2)))
    return call(a, draw.choice((2, [1, 3])), axis=draw.choice((0, -a.ndim)))


declare(np.split, definition=split, samples=split_samples, inline=True)


# Updates out of place


def add_samples(draw: Draw) -> Call:
    (x, index), _ = index_samples(draw)
    return call(x, index, draw.array(draw.broadcastable(np.shape(x[index]))))


def set_samples(draw: Draw, x: np.ndarray) -> Call:
    index: Any = draw.choice((slice(None, None, -1), draw.integer(0, len(x) - 1), (..., [0])))
    return call(x, index, draw.array(draw.broadcastable(np.shape(x[index]))))


@op(samples=add_samples, lists=True)
def index_add(x: Any, index: Any, values: Any) -> Any:
    """x with `values` added at `index`, once for each time an element is named; x.at[i].add(v).

    >>> index_add(np.zeros(3), np.array([0, 2, 0]), 1.0)
    array([2., 0., 1.])
    """
    shape = np.shape(x)
    named = np.broadcast_to(values, np.empty(shape)[index].shape)
    return x + scatter(named, index, shape)


@op(samples=with_array(set_samples, min_dims=2, min_side=1), lists=True)
def index_set(x: Any, index: Any, values: Any) -> Any:
    """x with `values` at `index` instead of what was there; x.at[i].set(v).

    Raises:
        ValueError: an element named twice: which of its values would stay?

    >>> index_set(np.zeros(3), slice(1, None), 5.0)
    array([0., 5., 5.])
    """
    shape = np.shape(x)
    ones: Any = np.ones(shape)[index]
    times = scatter(ones, index, shape)
    if np.any(times > 1):
        raise ValueError(
            "set: an index names one element twice, and which value would stay is open. Use add, "
            "or name each once"
        )
    return np.where(times > 0, scatter(np.broadcast_to(values, ones.shape), index, shape), x)


class At:
    """x.at[index].add(values) and .set(values): a changed copy, which x[index] = … cannot be."""

    def __init__(self, x: Any, index: Any = None) -> None:
        self.x, self.index = x, index

    def __getitem__(self, index: Any) -> At:
        return At(self.x, index)

    def add(self, values: Any) -> Any:
        """A copy with `values` added; an element named twice receives both."""
        return index_add(self.x, self.index, values)

    def set(self, values: Any) -> Any:
        """A copy with `values` instead; an element named twice is refused."""
        return index_set(self.x, self.index, values)
