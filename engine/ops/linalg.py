"""Matrix products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import declare, op
from ..samples import shaped


def rows(a: Any) -> Any:
    """All axes but the last as one: (…, n, k) as (…·n, k)."""
    *batch, size = np.shape(a)
    return np.reshape(a, (math.prod(batch), size))


def matmul(a: Any, b: Any) -> Any:
    """np.matmul, with a batch times one matrix as one large product, not slice by slice."""
    if type(a) is type(b) is np.ndarray and a.ndim == b.ndim == 2:
        return a.dot(b)  # the same product, which starts three times as fast
    if np.ndim(a) > 2 and np.ndim(b) == 2:
        return np.reshape(matmul(rows(a), b), (*np.shape(a)[:-1], np.shape(b)[-1]))
    return np.matmul(a, b)


# A vector on the left is a row, on the right a column: the rules put the missing axis back.
# Shares may keep batch axes that the argument lacks; the walk sums them away.


def matmul_vjp_a(g: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return np.squeeze(np.expand_dims(g, -2) @ b.swapaxes(-1, -2), -2)
    return matmul(g, b.swapaxes(-1, -2))


def matmul_vjp_b(g: Any, out: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return np.expand_dims(g, -1) * a
    if a.ndim == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if a.ndim > 2 and b.ndim == 2:
        a, g = rows(a), rows(g)
    return matmul(a.swapaxes(-1, -2), g)


declare(
    np.matmul, matmul_vjp_a, matmul_vjp_b, definition=matmul, symbol="@",
    samples=shaped("nk,km", "k,km", "nk,k", "k,k", "...nk,km", "...nk,k", "k,...km", "...nk,...km"),
    fits="the last size of the first must equal the last but one of the second (the only one of a "
    "vector), and the axes before them broadcast; by a number, multiply with *",
)  # fmt: skip


def outer(a: Any, b: Any) -> Any:
    return np.expand_dims(np.ravel(a), -1) * np.ravel(b)


declare(np.outer, definition=outer, samples=shaped("n,m"))


def dot(a: Any, b: Any) -> Any:
    """A product, a matrix product, or, above two dimensions, one over the last axis of a and the
    last but one of b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return np.matmul(a, b) if np.ndim(b) <= 2 else np.tensordot(a, b, (-1, -2))


declare(np.dot, definition=dot, samples=shaped("2k,k3", "k,k", "2k,k", ",2k"))


def bias_vjp(g: Any, out: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """g: the walk would sum it, too, but a product with ones does so faster."""
    if type(g) is np.ndarray and g.ndim > 1 and np.ndim(bias) == 1:
        return np.ones(math.prod(g.shape[:-1]), g.dtype) @ rows(g)
    return g


@op(
    lambda g, out, x, weight, bias=None: matmul(g, weight),
    lambda g, out, x, weight, bias=None: np.swapaxes(rows(g), 0, 1) @ rows(x),
    bias_vjp,
    samples=shaped("...n,mn,m", "...n,mn"),
    fits="x (…, in) needs weight (out, in) and bias (out,)",
)
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x weightᵀ + bias, with the weight as PyTorch keeps it.

    Args:
        x: (…, in).
        weight: (out, in).
        bias: (out,), or None.

    >>> linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([0.5]))
    array([11.5])
    """
    out = matmul(x, np.swapaxes(weight, 0, 1))  # (…, out)
    if bias is None:
        return out
    plain = type(out) is type(bias) is np.ndarray and out.dtype == bias.dtype
    if plain and out.shape[-1:] == bias.shape:
        out += bias  # a product that nobody else has
        return out
    return out + bias
