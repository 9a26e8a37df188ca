"""Where a token stands: attention alone cannot tell, since it is the same for every order.

A position is added to what is embedded (`LearnedPositionalEmbedding`,
`SinusoidalPositionalEmbedding`), or turns queries and keys (`RotaryEmbedding`), or lowers scores
(`ALiBi`).

Time is the axis before the last: what is (T, B, C) wants `swapaxes(0, 1)` before and after. An
`offset` is how many tokens came before, where they are read a few at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import functional as F
from .embedding import Embedding
from .module import Module


class LearnedPositionalEmbedding(Embedding):
    """x, (…, T, C), with a learned vector for its position added to each (Gehring et al., 2017, as
    in BERT and GPT-2).

    Args:
        num_embeddings: how many positions there are.
        embedding_dim: C.

    The weight (num_embeddings, embedding_dim) starts normal, with mean 0 and variance 1.

    Raises:
        ValueError: in a call, x of another width, or longer than there are positions.

    >>> LearnedPositionalEmbedding(10, 4)(np.zeros((2, 3, 4))).shape
    (2, 3, 4)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__(num_embeddings, embedding_dim)

    def forward(self, x: Any, offset: int = 0) -> Any:
        T = length(self, x, self.embedding_dim, offset)
        if offset + T > self.num_embeddings:
            raise ValueError(
                f"{type(self).__name__}: {offset + T} positions, and there are only "
                f"{self.num_embeddings}; cut the sequence, or make num_embeddings larger"
            )
        return x + self.weight[offset : offset + T]  # (…, T, C) + (T, C)


class SinusoidalPositionalEmbedding(Module):
    """x, (…, T, C), with sines and cosines of its position added to each (Vaswani et al., 2017,
    section 3.5); see `functional.sinusoidal_positions`. Nothing is learned, and no sequence is
    too long.

    Args:
        embedding_dim: C.
        base: of the wavelengths.

    >>> SinusoidalPositionalEmbedding(4)(np.zeros((1, 4)))
    array([[0., 1., 0., 1.]])
    """

    def __init__(self, embedding_dim: int, base: float = 10000.0) -> None:
        self.embedding_dim, self.base = embedding_dim, base

    def forward(self, x: Any, offset: int = 0) -> Any:
        T = length(self, x, self.embedding_dim, offset)
        positions = np.arange(offset, offset + T)
        return x + F.sinusoidal_positions(positions, self.embedding_dim, self.base)

    def extra_repr(self) -> str:
        return f"{self.embedding_dim}, base={self.base}"


class RotaryEmbedding(Module):
    """Queries or keys, (…, T, d), turned by their positions (Su et al., 2021); see
    `functional.rotary_embedding`. Call it on both, after the heads are split.

    Args:
        dim: d, the width of a head, even.
        base: of the angles.
        interleaved: which numbers are pairs: neighbours, as in the paper, or those half a width
            apart, as in GPT-NeoX.

    Raises:
        ValueError: an odd width; in a call, another one.

    >>> RotaryEmbedding(4)(np.ones((2, 3, 5, 4))).shape
    (2, 3, 5, 4)
    """

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = False) -> None:
        if dim < 2 or dim % 2:
            raise ValueError(f"RotaryEmbedding: dim is even, since pairs are turned, not {dim}")
        self.dim, self.base, self.interleaved = dim, base, interleaved

    def forward(self, x: Any, offset: int = 0) -> Any:
        T = length(self, x, self.dim, offset)
        return F.rotary_embedding(x, np.arange(offset, offset + T), self.base, self.interleaved)

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}, interleaved={self.interleaved}"


class ALiBi(Module):
    """−slope · |t − s|, what scores lose by distance, (H, T, S) (Press et al., 2022). Hand it as
    attn_mask to `functional.scaled_dot_product_attention`, together with is_causal=True. Nothing is
    learned, and sequences may be longer than those that were trained on.

    Args:
        num_heads: H; see `functional.alibi_slopes`.

    >>> ALiBi(1)(2)
    array([[[-0.        , -0.00390625],
            [-0.00390625, -0.        ]]])
    """

    def __init__(self, num_heads: int) -> None:
        self.num_heads, self.slopes = num_heads, F.alibi_slopes(num_heads)

    def forward(self, T: int, S: int | None = None, offset: int = 0) -> np.ndarray:
        """Of T queries, at positions from `offset`, and S keys, at positions from 0; None for all
        up to the last query's."""
        keys = np.arange(offset + T if S is None else S)
        return F.alibi_bias(self.slopes, np.arange(offset, offset + T), keys)

    def extra_repr(self) -> str:
        return f"num_heads={self.num_heads}"


def length(layer: Module, x: Any, width: int, offset: int) -> int:
    """T of x, (…, T, width).

    Raises:
        ValueError: another shape, an offset below 0.
    """
    shape = np.shape(x)
    if len(shape) < 2 or shape[-1] != width or offset < 0:
        raise ValueError(
            f"{type(layer).__name__}: (…, T, {width}) from an offset of 0 or more, not shape "
            f"{shape} from {offset}"
        )
    return shape[-2]
