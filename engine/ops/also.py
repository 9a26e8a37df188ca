"""Functions of numpy that are other ops under another name: they leave no node of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import declare
from ..samples import Call, Draw, along_axis, call, reduction, with_array
from .shape import along


def also(fn: Any, definition: Any, samples: Any) -> None:
    declare(fn, definition=definition, samples=samples, inline=True)


def several(*cases: str) -> Any:
    """Samples of one list of arrays."""
    return lambda draw: call(draw.arrays(draw.choice(cases)))


def at_least(dims: int) -> Any:
    """np.atleast_1d or np.atleast_2d: new axes in front."""

    def definition(*arrays: Any) -> Any:
        raised = tuple(
            np.reshape(a, (1,) * max(dims - np.ndim(a), 0) + np.shape(a)) for a in arrays
        )
        return raised[0] if len(raised) == 1 else raised

    return definition


at_least_1d, at_least_2d = at_least(1), at_least(2)
any_array = with_array()
also(np.atleast_1d, at_least_1d, any_array)
also(np.atleast_2d, at_least_2d, any_array)


def vstack(tup: Any) -> Any:
    return np.concatenate([at_least_2d(a) for a in tup])


def hstack(tup: Any) -> Any:
    parts = [at_least_1d(a) for a in tup]
    return np.concatenate(parts, axis=0 if np.ndim(parts[0]) == 1 else 1)


def column_stack(tup: Any) -> Any:
    return np.concatenate([np.reshape(a, (len(a), -1)) for a in tup], axis=1)


also(np.vstack, vstack, several(",", "k,k", "nk,nk"))
also(np.hstack, hstack, several(",", "k,k", "nk,nk"))
also(np.column_stack, column_stack, several("k,k", "nk,nk"))


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """np.split into parts that need not be of one length: the first ones are longer by one."""
    cuts = indices_or_sections
    if isinstance(cuts, int | np.integer):
        if cuts < 1:
            raise ValueError(f"array_split: 1 part or more, not {cuts}")
        short, longer = divmod(np.shape(ary)[axis], cuts)
        cuts = [i * short + min(i, longer) for i in range(1, cuts)]
    return np.split(ary, cuts, axis)


splits = along_axis(lambda draw, a, axis: call(a, draw.choice((2, [1])), axis))
also(np.array_split, array_split, splits)


def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Each number less the one before it, n times."""
    for _ in range(n):
        a = a[along(a, axis, slice(1, None))] - a[along(a, axis, slice(-1))]
    return a


diffs = along_axis(lambda draw, a, axis: call(a, draw.integer(0, 2), axis))
also(np.diff, diff, diffs)


def average(a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Any:
    """The mean, or one in which numbers count by weights of the same shape, or along one axis.

    Raises:
        ValueError: weights of another shape.
    """
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    along_one = np.ndim(weights) == 1 and np.ndim(a) > 1 and isinstance(axis, int)
    if np.shape(weights) != ((np.shape(a)[axis],) if along_one else np.shape(a)):
        raise ValueError(
            f"average: weights of shape {np.shape(weights)} for numbers of shape {np.shape(a)}: "
            "one weight for each number, or, with an axis, one for each place along it"
        )
    if along_one:
        weights = np.moveaxis(np.reshape(weights, (1,) * (np.ndim(a) - 1) + (-1,)), -1, axis)
    total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keepdims)
    return np.sum(a * weights, axis=axis, keepdims=keepdims) / total


def average_samples(draw: Draw) -> Call:
    (a,), options = reduction(min_side=1)(draw)
    return call(a, **options, weights=draw.choice((None, np.abs(a) + 1)))


also(np.average, average, average_samples)
also(np.ptp, lambda a, axis=None: np.max(a, axis) - np.min(a, axis), along_axis(distinct=True))
also(np.fliplr, lambda m: np.flip(m, 1), with_array(min_dims=2))
also(np.flipud, lambda m: np.flip(m, 0), with_array(min_dims=1))


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([arr, values], axis)


appended = along_axis(lambda draw, a, axis: call(a, a + 1, draw.choice((None, axis))))
also(np.append, append, appended)
