"""Ops that reduce an array over axes, and those that need such a sum: softmax and its kin.

`axis` is one axis, several, or None for all, and `keepdims` leaves them there with size 1, as
in numpy.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..op import constant, declare
from ..samples import Call, Draw, call, reduction, with_array


def kept(g: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction's gradient with the reduced axes back in place, so that it broadcasts to a."""
    if keepdims or np.ndim(a) == 0:
        return g
    return np.expand_dims(g, tuple(range(np.ndim(a))) if axis is None else axis)


def reduced_by(fn: Any) -> Any:
    """numpy's function, with the options that have a rule here and no others."""
    return lambda a, axis=None, keepdims=False: fn(a, axis=axis, keepdims=keepdims)


def spread(g: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction's gradient everywhere where the numbers were that it is of."""
    if type(g) is not np.ndarray or g.ndim:
        return np.broadcast_to(kept(g, a, axis, keepdims), np.shape(a))
    # Of one number, ten times as fast as np.broadcast_to.
    everywhere: np.ndarray = np.ndarray(a.shape, g.dtype, g, 0, (0,) * a.ndim)
    everywhere.flags.writeable = False
    return everywhere


def total(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    add: Any = np.add.reduce  # np.sum, without its wrapping
    return add(a, axis=axis, keepdims=keepdims)


def sum_vjp(g: Any, out: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return spread(g, a, axis, keepdims)


declare(np.sum, sum_vjp, definition=total, samples=reduction())


def mean_vjp(g: Any, out: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    share = g * (np.size(out) / max(np.size(a), 1))
    return spread(share, a, axis, keepdims)


declare(np.mean, mean_vjp, definition=reduced_by(np.mean), samples=reduction(min_side=1))


# numpy's own takes a conjugate, which a Value has not; and the definition is a rule already.
def var(
    a: Any, axis: Any = None, keepdims: Any = False, ddof: float = 0, correction: Any = None
) -> Any:
    """The mean square of what is left after the mean, n − ddof standing for the count n."""
    ddof = ddof if correction is None else correction
    apart = a - np.mean(a, axis=axis, keepdims=True)
    mean = np.mean(apart * apart, axis=axis, keepdims=keepdims)
    n = np.size(a) // max(np.size(mean), 1)
    return mean * n / max(n - ddof, 0) if ddof else mean


def root(x: Any, degree: float = 2) -> Any:
    """The root, with slope 0 at 0: a length that is 0 grows in every direction alike."""
    lifted = x + (x == 0)
    return (np.sqrt(lifted) if degree == 2 else lifted ** (1 / degree)) * (x != 0)


def std(
    a: Any, axis: Any = None, keepdims: Any = False, ddof: float = 0, correction: Any = None
) -> Any:
    return root(var(a, axis, keepdims, ddof, correction))


def spread_samples(draw: Draw) -> Call:
    (a,), options = reduction(min_side=2)(draw)
    several = np.size(np.sum(a, **options)) < np.size(a)
    return call(a, **options, ddof=draw.choice((0, 1)) if several else 0)


declare(np.var, definition=var, samples=spread_samples)
declare(np.std, definition=std, samples=spread_samples)


def cumsum_vjp(g: Any, out: Any, a: Any, axis: Any = None) -> Any:
    """What comes after an element holds it: the sum from the end."""
    along = 0 if axis is None else axis
    share = np.flip(np.cumsum(np.flip(g, along), axis=along), along)
    return np.reshape(share, np.shape(a))


def cumulative(draw: Draw, a: np.ndarray) -> Call:
    return call(a, axis=draw.choice((draw.axis(a.ndim), None)))


declare(np.cumsum, cumsum_vjp, samples=with_array(cumulative, min_dims=1))


# A product's derivative in one factor is the product of all others, which no division finds where
# one of them is 0. So both products are definitions in products of two.


def prod(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """Halves multiplied together, again and again: (k, …), (k/2, …), …, (1, …)."""
    if np.size(a) == 0:
        return np.sum(a, axis=axis, keepdims=keepdims) + 1  # the product of no numbers
    out = merged(a, axis)
    while len(out) > 1:
        half = len(out) // 2
        out = np.concatenate([out[:half] * out[half : 2 * half], out[2 * half :]])
    return kept(out[0], a, axis, False) if keepdims else out[0]


declare(np.prod, definition=prod, samples=reduction())


def cumprod(a: Any, axis: Any = None) -> Any:
    """Each element times those before it, in steps of 1, 2, 4 … (Hillis and Steele, 1986)."""
    out = np.ravel(a) if axis is None else np.moveaxis(a, axis, 0)
    step = 1
    while step < len(out):
        out = np.concatenate([out[:step], out[step:] * out[:-step]])
        step *= 2
    return out if axis is None else np.moveaxis(out, 0, axis)


declare(np.cumprod, definition=cumprod, samples=with_array(cumulative, min_dims=1))


def merged(a: Any, axis: Any) -> Any:
    """The axes that are reduced as one, in front: (k, …rest)."""
    order, count = in_front(np.ndim(a), axis)
    shape = [np.shape(a)[i] for i in order]
    return np.reshape(np.transpose(a, order), (math.prod(shape[:count]), *shape[count:]))


def in_front(ndim: int, axis: Any) -> tuple[tuple[int, ...], int]:
    """All axes, those first that are reduced, and how many these are."""
    axes = tuple(range(ndim)) if axis is None or not ndim else normalize_axis_tuple(axis, ndim)
    return (*axes, *(i for i in range(ndim) if i not in axes)), len(axes)


@constant
def first_where(mask: Any, axis: Any = None) -> Any:
    """True at the first True along `axis` alone: who wins a tie.

    >>> first_where(np.array([False, True, True]))
    array([False,  True, False])
    """
    order, _ = in_front(np.ndim(mask), axis)
    first = np.array(merged(mask, axis))  # (k, …)
    first[1:] &= ~np.logical_or.accumulate(first[:-1], axis=0)
    return first.reshape([np.shape(mask)[i] for i in order]).transpose(np.argsort(order))


def extreme_vjp(g: Any, out: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    best = kept(out, a, axis, keepdims)
    wins = first_where((a == best) | (a != a), axis)
    return np.where(wins, kept(g, a, axis, keepdims), 0)


def one_by_one(choose: Any) -> Any:
    """A reduction that chooses between two at a time, as numpy's does, but minds a NaN."""

    def reduce(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        best = functools.reduce(choose, merged(a, axis))
        return np.asarray(kept(best, a, axis, False)) if keepdims else best

    return reduce


for extreme, choose in ((np.max, np.maximum), (np.min, np.minimum)):
    declare(
        extreme,
        extreme_vjp,
        definition=reduced_by(extreme),
        on_scalars=one_by_one(choose),
        samples=reduction(min_side=1, distinct=True),
    )


def largest(x: Any, axis: Any) -> Any:
    """What may be taken away before exp: the largest along `axis`, or 0 where that is infinite (as
    −∞ − −∞ would be NaN) or there is nothing at all."""
    if np.size(x) == 0:
        return 0.0
    top = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isinf(top), 0, top)
