"""Where things stand in a sequence, said in three ways that need no learning."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.ops.shape import broadcasts


def sinusoidal_positions(positions: Any, dim: int, base: float = 10000.0) -> np.ndarray:
    """A vector for each position: clocks, each slower than the one before (Vaswani et al., 2017,
    section 3.5).

        PE(pos, 2i)     = sin(pos / base^(2i / dim))
        PE(pos, 2i + 1) = cos(pos / base^(2i / dim))

    Args:
        positions: (…), from 0.
        dim: the width of the vectors.
        base: the slowest clock takes nearly 2π · base steps for a turn.

    Returns:
        (…, dim).

    >>> sinusoidal_positions(np.array([0, 1]), 4).round(4)
    array([[0.    , 1.    , 0.    , 1.    ],
           [0.8415, 0.5403, 0.01  , 1.    ]])
    """
    angles = angles_of(positions, (dim + 1) // 2, dim, base)  # (…, dim / 2)
    pairs = np.stack([np.sin(angles), np.cos(angles)], axis=-1)  # (…, dim / 2, 2)
    return pairs.reshape(*angles.shape[:-1], -1)[..., :dim]  # an odd width has one cosine fewer


def angles_of(positions: Any, count: int, dim: int, base: float) -> np.ndarray:
    """pos / base^(2i / dim) in radians, for i from 0 to count − 1: (…, count)."""
    return np.asarray(positions)[..., None] / base ** (2 * np.arange(count) / dim)


def rotary_embedding(
    input: Any, positions: Any = None, base: float = 10000.0, interleaved: bool = False
) -> Any:
    """Each pair of numbers of a query or a key, turned by an angle that grows with its position, so
    that their product depends on how far they are apart alone (Su et al., 2021, equation 34).

        a′ = a cos θ − b sin θ        θ = pos / base^(2i / d) for pair i
        b′ = a sin θ + b cos θ

    Args:
        input: (…, T, d), d even.
        positions: (T,), or anything that broadcasts to (…, T); 0 to T − 1 if None.
        base: of the angles.
        interleaved: pairs are neighbours, (0, 1), (2, 3), …, as in the paper and in Meta's LLaMA;
            or else (0, d/2), (1, d/2 + 1), …, as in GPT-NeoX and in LLaMA as Hugging Face has it.
            Weights made for one are wrong for the other.

    Returns:
        (…, T, d), each vector as long as it was.

    Raises:
        ValueError: d is odd; positions do not fit.

    >>> x = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> rotary_embedding(x, np.array([0.0, np.pi / 2])).round(4)
    array([[1., 0.],
           [0., 1.]])
    """
    shape = np.shape(input)
    if len(shape) < 2 or shape[-1] % 2:
        raise ValueError(f"rotary_embedding: (…, T, d) with an even d, not shape {shape}")
    *front, T, d = shape
    theta = angles_of(np.arange(T) if positions is None else positions, d // 2, d, base)
    if not broadcasts(theta.shape[:-1], shape[:-1]):
        raise ValueError(
            f"rotary_embedding: positions of shape {theta.shape[:-1]} do not broadcast to "
            f"{shape[:-1]}, one for each vector of the input"
        )
    axis = -1 if interleaved else -2  # on which the two of a pair lie
    pairs = np.reshape(input, (*front, T, d // 2, 2) if interleaved else (*front, T, 2, d // 2))
    a, b = np.moveaxis(pairs, axis, 0)  # (…, T, d / 2) each
    cos, sin = np.cos(theta), np.sin(theta)
    turned = np.stack([a * cos - b * sin, a * sin + b * cos], axis=axis)
    return np.reshape(turned, shape)


def alibi_slopes(num_heads: int) -> np.ndarray:
    """How fast each head of ALiBi forgets, (num_heads,) (Press et al., 2022, section 3).

    Of n heads, a power of two, the i-th has 2^(−8i / n), i from 1. Of another number the first are
    those of the power of two below, and the others every second one of twice as many, as in the
    authors' code.

    >>> alibi_slopes(2).tolist(), alibi_slopes(3).tolist()
    ([0.0625, 0.00390625], [0.0625, 0.00390625, 0.25])
    """
    if num_heads < 1:
        raise ValueError(f"alibi_slopes: num_heads is at least 1, not {num_heads}")
    n = 2 ** math.floor(math.log2(num_heads))
    slopes = 2.0 ** (-8 * np.arange(1, n + 1) / n)
    between = 2.0 ** (-8 * np.arange(1, 2 * n, 2) / (2 * n))
    return np.concatenate([slopes, between[: num_heads - n]])


def alibi_bias(slopes: Any, queries: Any, keys: Any) -> np.ndarray:
    """−slope · |distance|, to be added to scores: what is further away counts for less.

    Args:
        slopes: (H,), see `alibi_slopes`.
        queries, keys: their positions, (T,) and (S,).

    Returns:
        (H, T, S). The paper has queries look back alone: pass is_causal=True as well. Without, the
        future is as far away as the past.

    >>> alibi_bias(np.array([0.5]), np.arange(3), np.arange(3))
    array([[[-0. , -0.5, -1. ],
            [-0.5, -0. , -0.5],
            [-1. , -0.5, -0. ]]])
    """
    distance = np.abs(np.asarray(queries)[:, None] - np.asarray(keys))  # (T, S)
    return -np.asarray(slopes)[:, None, None] * distance
