"""Ops that move numbers without changing them: shapes, axes, joining, and picking by index.

Each rule moves the gradient back. Several name no axis sums of their own: where an op repeats
numbers by broadcasting, the walk sums the share to the argument's shape anyway.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..fast import compiled
from ..op import declare, op
from ..part import Part
from ..samples import Call, Draw, call, with_array


@op(lambda g, out, a: g, samples=with_array())
def identity(a: Any) -> Any:
    """a itself, as a new node: where a derivative begins, or a width changes."""
    return a


# An array of its own: a copy of a parameter stays as it was when an optimiser steps.
declare(np.copy, lambda g, out, a: g, definition=lambda a: np.array(a), samples=with_array())
declare(
    np.reshape,
    lambda g, out, a, shape: np.reshape(g, np.shape(a)),
    samples=with_array(lambda draw, a: call(a, draw.choice(((-1,), a.shape[::-1])))),
)
declare(np.ravel, definition=lambda a: np.reshape(a, (-1,)), samples=with_array())
declare(
    np.expand_dims,
    lambda g, out, a, axis: np.reshape(g, np.shape(a)),
    samples=with_array(
        lambda draw, a: call(a, draw.choice((draw.axis(a.ndim + 1), (0, -1)))), max_dims=2
    ),
)
declare(
    np.squeeze,
    lambda g, out, a, axis=None: np.reshape(g, np.shape(a)),
    samples=lambda draw: call(draw.array((1, *draw.shape(max_dims=2))), draw.choice((None, 0))),
)


def broadcast_to_samples(draw: Draw) -> Call:
    shape = draw.shape()
    return call(draw.array(draw.broadcastable(shape)), shape)


declare(np.broadcast_to, lambda g, out, array, shape: g, samples=broadcast_to_samples)


def transpose_vjp(g: Any, out: Any, a: Any, axes: Any = None) -> Any:
    back = None if axes is None else tuple(np.argsort(np.mod(axes, max(np.ndim(a), 1))))
    return np.transpose(g, back)


permuted = with_array(lambda draw, a: call(a, draw.choice((None, draw.permutation(a.ndim)))))
declare(np.transpose, transpose_vjp, samples=permuted)

two_axes = with_array(lambda draw, a: call(a, draw.axis(a.ndim), draw.axis(a.ndim)), min_dims=1)
declare(np.swapaxes, lambda g, out, a, axis1, axis2: np.swapaxes(g, axis1, axis2), samples=two_axes)
declare(
    np.moveaxis,
    lambda g, out, a, source, destination: np.moveaxis(g, destination, source),
    samples=two_axes,
)

declare(
    np.flip,
    lambda g, out, m, axis=None: np.flip(g, axis),
    samples=with_array(lambda draw, m: call(m, draw.axes(m.ndim)), min_dims=1),
)


def roll_samples(draw: Draw, a: np.ndarray) -> Call:
    return call(a, draw.integer(-2, 2), draw.choice((draw.axis(a.ndim), None)))


declare(
    np.roll,
    lambda g, out, a, shift, axis=None: np.roll(g, np.negative(shift), axis),
    samples=with_array(roll_samples, min_dims=1),
)

triangle = with_array(lambda draw, m: call(m, draw.integer(-1, 1)), min_dims=2)
declare(np.tril, lambda g, out, m, k=0: np.tril(g, k), samples=triangle)
declare(np.triu, lambda g, out, m, k=0: np.triu(g, k), samples=triangle)


def stretched(shape: tuple[int, ...], out: tuple[int, ...]) -> tuple[int, ...] | None:
    """The axes of `out` along which broadcasting repeats an array of `shape`; None if it cannot.

    >>> stretched((3, 1), (2, 3, 4))
    (0, 2)
    """
    pairs = [*zip((1,) * (len(out) - len(shape)) + shape, out, strict=False)]
    if len(shape) > len(out) or any(n not in (1, side) for n, side in pairs):
        return None
    return tuple(axis for axis, (n, side) in enumerate(pairs) if n != side)


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of one shape becomes one of the other by repetition.

    >>> broadcasts((3, 1), (2, 3, 4)), broadcasts((2, 3, 4), (3, 4))
    (True, False)
    """
    return stretched(shape, to) is not None


def along(a: Any, axis: int, pick: Any) -> tuple[Any, ...]:
    """The index that picks along one axis and takes all of the others."""
    return (*(slice(None),) * normalize_axis_index(axis, max(np.ndim(a), 1)), pick)


def concatenate_vjp(g: Any, out: Any, arrays: Any, axis: int | None = 0) -> Any:
    """One slice of the gradient for each part, which may lie in one array as well."""
    shares, start = [], 0
    for part in arrays:
        length = np.size(part) if axis is None else np.shape(part)[axis]
        pick = slice(start, start + length)
        own = g[pick if axis is None else along(part, axis, pick)]
        shares.append(np.reshape(own, np.shape(part)))
        start += length
    return shares if isinstance(arrays, list | tuple) else np.stack(shares)


def joined_samples(draw: Draw, a: np.ndarray) -> Call:
    axis = draw.axis(a.ndim)
    others = [draw.array(draw.resized(a.shape, axis)) for _ in range(draw.integer(0, 2))]
    return call([a, *others], axis=axis)


declare(
    np.concatenate,
    concatenate_vjp,
    samples=with_array(joined_samples, min_dims=1),
    lists=True,
    fits="all must have as many axes, and equal sizes but along the one where they are joined",
)


def stack_vjp(g: Any, out: Any, arrays: Any, axis: int = 0) -> Any:
    """One place along the new axis for each part."""
    if isinstance(arrays, list | tuple):
        return [g[along(g, axis, place)] for place in range(len(arrays))]
    return np.moveaxis(g, axis, 0)


def stack_samples(draw: Draw, a: np.ndarray) -> Call:
    others = [draw.array(a.shape) for _ in range(draw.integer(0, 2))]
    return call([a, *others], axis=draw.axis(a.ndim + 1))


declare(
    np.stack,
    stack_vjp,
    samples=with_array(stack_samples, max_dims=2),
    lists=True,
    fits="all must have one shape",
)


def index_samples(draw: Draw) -> Call:
    shape = draw.shape(min_dims=2, min_side=1)
    n, m, last = shape[0], shape[1], draw.integer(0, shape[-1] - 1)
    basic = (slice(None, None, -1), draw.integer(-n, n - 1), (..., last), (None, slice(0, 1)))
    rows, pairs = draw.index(n, draw.shape(max_dims=2)), (draw.index(n, (2,)), draw.index(m, (2,)))
    return call(draw.array(shape), draw.choice((*basic, rows, pairs, draw.array(shape) > 0)))


def is_basic(index: Any) -> bool:
    """Whether an index picks no element twice: integers, slices, `...` and None alone."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(p, (int, np.integer, slice, type(...), type(None))) for p in parts)


def names_rows(index: Any, x: np.ndarray, out: np.ndarray) -> bool:
    """Whether an index is one array of integers, which picks rows, and these are of some length."""
    if type(index) is not np.ndarray or index.dtype.kind not in "iu":
        return False
    return x.shape == index.shape + out.shape[1:] and x.size > 0 and out[0].size > 7


def add_rows(out: np.ndarray, places: np.ndarray, x: np.ndarray) -> None:
    """out[places] += x, row by row, and each time that a place is named.

    np.add.at goes from number to number. Here the rows of one place are added in one sum.
    """
    table = out.reshape(len(out), out[0].size)
    flat = x.reshape(places.size, out[0].size)
    if run := compiled(flat, table):
        return run.add_rows(flat, places.reshape(-1), table)
    order = np.argsort(places, axis=None, kind="stable")
    named, starts = np.unique(places.reshape(-1)[order], return_index=True)
    for place, start, end in zip(named, starts, [*starts[1:], places.size], strict=True):
        table[place] = flat[order[start:end]].sum(axis=0)


def scatter_samples(draw: Draw) -> Call:
    (x, index), _ = index_samples(draw)
    return call(draw.array(np.shape(x[index])), index, x.shape)


@op(lambda g, out, x, index, shape: g[index], samples=scatter_samples, lists=True)
def scatter(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with x added at `index`, once for each time an element is named.

    The transpose of `getitem`: each is the other's rule.

    >>> scatter(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), (3,))
    array([5., 0., 2.])
    """
    x = np.asarray(x)
    out = np.zeros(shape, x.dtype)
    if is_basic(index):
        out[index] += x  # basic indexing names each element once
    elif names_rows(index, x, out):
        add_rows(out, np.arange(len(out))[index], x)  # where no place is below 0
    else:
        np.add.at(out, index, x)
    return out


def part_of(g: np.ndarray, x: np.ndarray, index: Any) -> Part | None:
    """The share of x as it is added up on arrays: what `scatter` gives, without its zeros."""
    return Part(g, index, x) if is_basic(index) and g.dtype is x.dtype else None


@op(
    lambda g, out, x, index: scatter(g, index, np.shape(x)),
    samples=index_samples,
    lists=True,
    part=part_of,
)
def getitem(x: Any, index: Any) -> Any:
    """x[index], for every index that numpy takes."""
    return x[index]


def embedding_samples(draw: Draw, weight: np.ndarray) -> Call:
    return call(weight, draw.index(len(weight), draw.shape(max_dims=2)))


@op(
    lambda g, out, weight, ids: scatter(g, ids, np.shape(weight)),
    None,
    samples=with_array(embedding_samples, min_dims=2, max_dims=2, min_side=1),
)
def embedding(weight: Any, ids: Any) -> Any:
    """Row `ids` of a table: (n, C) and integers of any shape (…) give (…, C).

    Raises:
        IndexError: an id below 0 or not below n.

    >>> embedding(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 1]))
    array([[3., 4.],
           [3., 4.]])
    """
    ids = np.asarray(ids)
    rows = len(weight)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding: ids are integers, not {ids.dtype}; convert with astype(int)")
    wrong = ids[(ids < 0) | (ids >= rows)]
    if wrong.size:
        raise IndexError(
            f"embedding: id {wrong[0]} is out of range for a table of {rows} rows (0 to "
            f"{rows - 1}). Is the vocabulary of the data that of the model?"
        )
    return weight[ids]
