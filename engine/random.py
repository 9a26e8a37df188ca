"""Draws whose gradient flows to their parameters: the noise is drawn, and then moved and stretched
(Kingma and Welling, 2014). Names and arguments are those of numpy's Generator."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Rng: TypeAlias = "np.random.Generator | int | None"  # as text: numpy's generators load slowly


def shape_of(size: Any, *parameters: Any) -> tuple[int, ...]:
    """How many numbers are drawn: what is asked for, or one for each of the parameters."""
    if size is None:
        return np.broadcast_shapes(*map(np.shape, parameters))
    return (size,) if np.ndim(size) == 0 else tuple(size)


def normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, rng: Rng = None) -> Any:
    """loc + scale · ε, ε from the standard normal distribution.

    Args:
        loc, scale: mean and standard deviation: numbers, arrays, Tensors or Values.
        size: shape of the result; left out, that of the parameters.
        rng: a generator of numpy's, or a seed.

    >>> from groundup.engine import Tensor
    >>> scale = Tensor(2.0, requires_grad=True)
    >>> x = normal(1.0, scale, rng=0)
    >>> x.backward()
    >>> bool(np.isclose(scale.grad, (x.data - 1) / 2))
    True
    """
    noise = np.random.default_rng(rng).standard_normal(shape_of(size, loc, scale))
    return loc + scale * noise


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, rng: Rng = None) -> Any:
    """low + (high − low) · u, u evenly from 0 to 1.

    >>> 3 <= float(uniform(3.0, 4.0, rng=0)) < 4
    True
    """
    noise = np.random.default_rng(rng).random(shape_of(size, low, high))
    return low + (high - low) * noise


def gumbel(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, rng: Rng = None) -> Any:
    """loc + scale · (−log(−log u)): the argmax of logits + such noise is a draw from their softmax
    (Gumbel, 1954; Jang et al., 2017).

    >>> gumbel(size=(2, 3), rng=0).shape
    (2, 3)
    """
    noise = np.random.default_rng(rng).gumbel(size=shape_of(size, loc, scale))
    return loc + scale * noise
