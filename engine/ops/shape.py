"""Ops that move numbers without changing them: shapes, axes, joining, and picking by index.

Each rule moves the gradient back. Several name no axis sums of their own: where an op repeats
numbers by broadcasting, the walk sums the share to the argument's shape anyway.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..op import declare, op
from ..samples import REAL, Draw, elementwise, with_array


@op(lambda g, out, a: g, samples=elementwise(REAL))
def identity(a: Any) -> Any:
    """a itself, as a new node: where a derivative begins, or a width changes."""
    return a


def reshape_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    a = draw.array(draw.shape())
    return (a, draw.choice(((-1,), a.shape[::-1])) if a.size else a.shape), {}


declare(
    np.reshape,
    lambda g, out, a, shape: np.reshape(g, np.shape(a)),
    definition=lambda a, shape: np.reshape(a, shape),
    samples=reshape_samples,
)


declare(
    np.transpose,
    lambda g, out, a, axes=None: np.transpose(
        g, None if axes is None else tuple(np.argsort(np.mod(axes, max(np.ndim(a), 1))))
    ),
    samples=with_array(lambda draw, a: (draw.choice((None, draw.permutation(a.ndim))),)),
)


two_axes = with_array(lambda draw, a: (draw.axis(a.ndim), draw.axis(a.ndim)), min_dims=1)
declare(
    np.swapaxes,
    lambda g, out, a, axis1, axis2: np.swapaxes(g, axis1, axis2),
    samples=two_axes,
)


declare(
    np.expand_dims,
    lambda g, out, a, axis: np.reshape(g, np.shape(a)),
    samples=with_array(
        lambda draw, a: (draw.choice((draw.axis(a.ndim + 1), (0, -1))),), max_dims=2
    ),
)


def squeeze_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    a = draw.array((1, *draw.shape(max_dims=2)))
    return (a, draw.choice((None, 0))), {}


declare(
    np.squeeze,
    lambda g, out, a, axis=None: np.reshape(g, np.shape(a)),
    samples=squeeze_samples,
)


def broadcast_to_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    shape = draw.shape()
    return (draw.array(draw.broadcastable(shape)), shape), {}


declare(
    np.broadcast_to,
    lambda g, out, array, shape: g,
    definition=lambda array, shape: np.broadcast_to(array, shape),
    samples=broadcast_to_samples,
)


declare(
    np.flip,
    lambda g, out, m, axis=None: np.flip(g, axis),
    samples=with_array(lambda draw, m: (draw.axes(m.ndim),), min_dims=1),
)


def roll_samples(draw: Draw, a: np.ndarray) -> tuple[Any, ...]:
    return draw.integer(-2, 2), draw.choice((draw.axis(a.ndim), None))


declare(
    np.roll,
    lambda g, out, a, shift, axis=None: np.roll(g, np.negative(shift), axis),
    samples=with_array(roll_samples, min_dims=1),
)
declare(
    np.ravel,
    definition=lambda a: np.reshape(a, (-1,)),
    samples=lambda draw: ((draw.array(draw.shape(min_side=1)),), {}),
)


declare(
    np.moveaxis,
    lambda g, out, a, source, destination: np.moveaxis(g, destination, source),
    samples=two_axes,
)


triangle_samples = with_array(lambda draw, m: (draw.integer(-1, 1),), min_dims=2)
declare(
    np.tril,
    lambda g, out, m, k=0: np.tril(g, k),
    samples=triangle_samples,
)
declare(
    np.triu,
    lambda g, out, m, k=0: np.triu(g, k),
    samples=triangle_samples,
)


def joined_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    shape = draw.shape(min_dims=1)
    axis = draw.axis(len(shape))
    parts = []
    for _ in range(draw.integer(1, 3)):
        side = list(shape)
        side[axis] = draw.integer(0, 3)
        parts.append(draw.array(tuple(side)))
    return (parts,), {"axis": axis}


def along(a: Any, axis: int, pick: Any) -> tuple[Any, ...]:
    """The index that picks along one axis and takes all of the others."""
    return (*(slice(None),) * normalize_axis_index(axis, max(np.ndim(a), 1)), pick)


def concatenate_vjp(g: Any, out: Any, arrays: Any, axis: int | None = 0) -> Any:
    """One slice of the gradient for each part, which may lie in one array as well."""
    shares, start = [], 0
    for part in arrays:
        length = np.size(part) if axis is None else np.shape(part)[axis]
        pick: Any = slice(start, start + length)
        if axis is not None:
            pick = along(part, axis, pick)
        shares.append(np.reshape(g[pick], np.shape(part)))
        start += length
    return shares if isinstance(arrays, list | tuple) else np.stack(shares)


declare(
    np.concatenate,
    concatenate_vjp,
    definition=lambda arrays, axis=0: np.concatenate(arrays, axis=axis),
    samples=joined_samples,
    lists=True,
)


def stack_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    shape = draw.shape(max_dims=2)
    parts = [draw.array(shape) for _ in range(draw.integer(1, 3))]
    return (parts,), {"axis": draw.axis(len(shape) + 1)}


declare(
    np.stack,
    definition=lambda arrays, axis=0: np.concatenate(
        [np.expand_dims(part, axis) for part in arrays], axis=axis
    ),
    samples=stack_samples,
    lists=True,
)


def index_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    shape = draw.shape(min_dims=2, min_side=1)
    x = draw.array(shape)
    index = draw.choice(
        (
            slice(None, None, -1),
            draw.integer(-shape[0], shape[0] - 1),
            (..., draw.integer(0, shape[-1] - 1)),
            (None, slice(0, 1)),
            draw.index(shape[0], draw.shape(max_dims=2)),
            (draw.index(shape[0], (2,)), draw.index(shape[1], (2,))),
            draw.array(shape) > 0,
        )
    )
    return (x, index), {}


def is_basic(index: Any) -> bool:
    """Whether an index picks no element twice: integers, slices, `...` and None alone."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(p, (int, np.integer, slice, type(...), type(None))) for p in parts)


def getitem_vjp(g: Any, out: Any, x: Any, index: Any) -> Any:
    return scatter(g, index, np.shape(x))


@op(getitem_vjp, samples=index_samples, lists=True)
def getitem(x: Any, index: Any) -> Any:
    """x[index], for every index that numpy takes."""
    return x[index]


def scatter_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    (x, index), _ = index_samples(draw)
    return (draw.array(np.shape(x[index])), index, x.shape), {}


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
    else:
        np.add.at(out, index, x)
    return out


def embedding_samples(draw: Draw) -> tuple[tuple[Any, ...], dict[str, Any]]:
    rows = draw.integer(2, 4)
    return (draw.array((rows, 3)), draw.index(rows, draw.shape(max_dims=2))), {}


def embedding_vjp(g: Any, out: Any, weight: Any, ids: Any) -> Any:
    return scatter(g, ids, np.shape(weight))


@op(embedding_vjp, None, samples=embedding_samples)
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
