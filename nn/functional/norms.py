"""Norms over the trailing axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import engine
from .given import width_of


def sizes(normalized_shape: Any) -> tuple[int, ...]:
    """Those of the axes that are normalised together, from one for the last or several."""
    return tuple(np.atleast_1d(normalized_shape).tolist())


def trailing(name: str, input: Any, normalized_shape: Any, *affine: Any) -> tuple[Any, ...]:
    """Input and affine parameters with the axes that are normalised together as one, the last.

    Raises:
        ValueError: the input does not end in `normalized_shape`.
    """
    shape, ends = np.shape(input), sizes(normalized_shape)
    if not ends or shape[-len(ends) :] != ends:
        raise ValueError(f"{name}: an input of shape {shape} does not end in {ends}")
    if len(ends) == 1:
        return input, *affine
    flat = np.reshape(input, (*shape[: -len(ends)], math.prod(ends)))
    return flat, *(None if p is None else np.reshape(p, (-1,)) for p in affine)


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """(x − mean) / √(var + eps) · weight + bias, over the trailing axes (Ba et al., 2016).

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the trailing axes that are normalised together.
        weight, bias: of that shape, or None for 1 and 0.
        eps: keeps a constant input finite.

    Raises:
        ValueError: the input does not end in `normalized_shape`.

    >>> layer_norm(np.array([1.0, 3.0]), (2,)).round(3)
    array([-1.,  1.])
    """
    x, weight, bias = trailing("layer_norm", input, normalized_shape, weight, bias)
    out = engine.layer_norm(x, weight, bias, eps)
    return out if x is input else np.reshape(out, np.shape(input))


def rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Any:
    """x / √(mean x² + eps) · weight over the trailing axes (Zhang and Sennrich, 2019).

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the trailing axes that are normalised together.
        weight: of that shape, or None for 1.
        eps: None for the machine epsilon of the result's float type, as in PyTorch.

    Raises:
        ValueError: the input does not end in `normalized_shape`.

    >>> rms_norm(np.array([3.0, 4.0]), (2,)).round(3)
    array([0.849, 1.131])
    """
    if eps is None:
        eps = float(np.finfo(width_of(input, weight)).eps)
    x, weight = trailing("rms_norm", input, normalized_shape, weight)
    out = engine.rms_norm(x, weight, eps)
    return out if x is input else np.reshape(out, np.shape(input))
