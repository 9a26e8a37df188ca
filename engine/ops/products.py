"""Sums of products, all by einsum; and diagonals."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import declare, op
from ..samples import Call, Draw, call, shaped, with_array
from .shape import scatter

# einsum: the share of one factor is the sum of products of g with all the others


def labels(subscripts: str, operands: tuple[Any, ...]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with "..." written out in letters."""
    before, arrow, after = subscripts.replace(" ", "").partition("->")
    spare = [c for c in string.ascii_letters if c not in subscripts]
    inputs = before.split(",")
    sizes = [np.ndim(x) - len(t.replace("...", "")) for t, x in zip(inputs, operands, strict=False)]
    widest = max((n for n, t in zip(sizes, inputs, strict=False) if "..." in t), default=0)
    dots = "".join(spare[:widest])
    full = [t.replace("...", dots[widest - n :] if n else "") for n, t in zip(sizes, inputs)]  # noqa: B905
    if not arrow:  # what stands once, in order of the alphabet
        letters = before.replace(",", "").replace("...", "")
        after = "..." + "".join(c for c in sorted(set(letters)) if letters.count(c) == 1)
    return full, after.replace("...", dots)


def einsum_vjp(place: int) -> Any:
    """The rule of the operand in that place."""

    def vjp(g: Any, out: Any, subscripts: str, *operands: Any, optimize: Any = True) -> Any:
        inputs, result = labels(subscripts, operands)
        own, x = inputs[place], operands[place]
        others = [*zip(inputs, operands, strict=True)]
        del others[place]
        spare = iter(c for c in string.ascii_letters if c not in "".join(inputs) + result)
        factors, target = [(result, g), *others], ""
        for axis, letter in enumerate(own):
            if letter in target:  # a diagonal: off it the share is 0
                fresh = next(spare)
                factors.append((letter + fresh, np.eye(np.shape(x)[axis])))
                letter = fresh
            elif not any(letter in t for t, _ in factors):  # a sum over this operand alone
                factors.append((letter, np.ones(np.shape(x)[axis])))
            target += letter
        written = ",".join(t for t, _ in factors) + "->" + target
        share = einsum(written, *(a for _, a in factors))
        # A size of 1 everywhere else was stretched over this operand's.
        whole = np.broadcast_shapes(np.shape(share), np.shape(x))
        return share if np.shape(share) == whole else np.broadcast_to(share, whole)

    return vjp


def in_letters(operands: Sequence[Any]) -> tuple[Any, ...]:
    """numpy's other form, `a, [0, 1], b, [1, 2], [0, 2]`, in the usual one."""
    pairs = [*zip(operands[::2], operands[1::2], strict=False)]

    def text(axes: Any) -> str:
        return "".join("..." if i is ... else string.ascii_letters[i] for i in axes)

    after = "->" + text(operands[-1]) if len(operands) % 2 else ""
    return ",".join(text(axes) for _, axes in pairs) + after, *(a for a, _ in pairs)


EINSUMS = (
    *("ij,jk->ik", "ij,jk", "ij->ji", "ij->i", "ij,ij->", "ij,kj->ik", "i,j->ij", "ij,j,i"),
    *("ii->i", "ii", "ij,ii->j", "...j,jk->...k", "...ij,...jk->...ik", "bij,bj->bi", "ij,ik,jk->"),
)


def einsum_samples(draw: Draw) -> Call:
    subscripts = draw.choice(EINSUMS)
    return call(subscripts, *draw.arrays(subscripts.split("->")[0]))


FACTORS = 32  # numpy takes no more


@op(None, *map(einsum_vjp, range(FACTORS)), samples=einsum_samples)
def einsum(subscripts: str, *operands: Any, optimize: Any = True) -> Any:
    """The sum of products that `subscripts` say, as of np.einsum.

    >>> einsum("ij,j->i", np.eye(2), np.array([1.0, 2.0]))
    array([1., 2.])
    """
    # With optimize, two factors go through BLAS where they can; not for arrays of objects.
    objects = any(isinstance(x, np.ndarray) and x.dtype.kind == "O" for x in operands)
    operands = tuple(x.view(np.ndarray) if isinstance(x, np.ndarray) else x for x in operands)
    return np.einsum(subscripts, *operands, optimize=optimize and not objects)


def either_form(*operands: Any, optimize: Any = True) -> Any:
    usual = isinstance(operands[0], str)
    return einsum(*(operands if usual else in_letters(operands)), optimize=optimize)


declare(np.einsum, definition=either_form, samples=einsum_samples, inline=True)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sums over pairs of axes: the last `axes` of a with the first of b, or those named."""
    n, m = np.ndim(a), np.ndim(b)
    if np.ndim(axes) == 0:
        axes = (range(n - axes, n), range(axes))
    of_a, of_b = ([int(i) for i in np.atleast_1d(side)] for side in axes)
    names_a, names_b = [*range(n)], [*range(n, n + m)]
    for i, j in zip(of_a, of_b, strict=True):
        if np.shape(a)[i] != np.shape(b)[j]:
            raise ValueError(
                f"tensordot: axis {i} of {np.shape(a)} and axis {j} of {np.shape(b)} must be equal"
            )
        names_b[j] = names_a[i]
    once = [c for c in names_a + names_b if (c in names_a) != (c in names_b)]
    return either_form(a, names_a, b, names_b, once)


def tensordot_samples(draw: Draw) -> Call:
    cases: Any = (("23,32", 1), ("232,32", 2), ("2,3", 0), ("23,23", ([0, 1], [0, 1])))
    shapes, axes = draw.choice(cases)
    return call(*draw.arrays(shapes), axes)


declare(np.tensordot, definition=tensordot, samples=tensordot_samples)


def inner(a: Any, b: Any) -> Any:
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else tensordot(a, b, (-1, -1))


declare(np.inner, definition=inner, samples=shaped("3,3", "23,3", "23,23", ",2"))


def vdot(a: Any, b: Any) -> Any:
    return np.sum(np.ravel(a) * np.ravel(b))


declare(np.vdot, definition=vdot, samples=shaped("3,3", "23,23"))


def kron(a: Any, b: Any) -> Any:
    """Each number of a times the whole of b."""
    ndim = max(np.ndim(a), np.ndim(b))
    sides = [(1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b)]
    apart_a = np.reshape(a, [n for side in sides[0] for n in (side, 1)])
    apart_b = np.reshape(b, [n for side in sides[1] for n in (1, side)])
    return np.reshape(apart_a * apart_b, [n * m for n, m in zip(*sides, strict=True)])


declare(np.kron, definition=kron, samples=shaped("2,3", "23,12", "2,22"))

# Diagonals


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements whose index along axis2 is that along axis1 plus `offset`, as the last axis."""
    m = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = np.shape(m)[-2:]
    first, count = max(-offset, 0), min(rows + min(offset, 0), columns - max(offset, 0))
    along = np.arange(max(count, 0)) + first
    return m[..., along, along + offset]


def diagonal_samples(draw: Draw, a: np.ndarray) -> Call:
    return call(a, draw.integer(-1, 1), *draw.choice(((0, 1), (1, 0), (-1, -2))))


square = with_array(diagonal_samples, min_dims=2, min_side=1)
declare(np.diagonal, definition=diagonal, samples=square)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


declare(np.trace, definition=trace, samples=square)


def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix with that diagonal."""
    if np.ndim(v) == 2:
        return diagonal(v, k)
    if np.ndim(v) != 1:
        raise ValueError(f"diag: a vector or a matrix, not {np.shape(v)}; see np.diagonal")
    along, side = np.arange(len(v)), len(v) + abs(k)
    return scatter(v, (along + max(-k, 0), along + max(k, 0)), (side, side))


def diag_samples(draw: Draw, v: np.ndarray) -> Call:
    return call(v, draw.integer(-1, 1))


declare(
    np.diag, definition=diag, samples=with_array(diag_samples, min_dims=1, max_dims=2, min_side=1)
)
