"""Attention as it first appeared, between the states of two recurrent networks: `AdditiveAttention`
and `MultiplicativeAttention`, which differ in how they score the fit of a query and a key."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import softmax
from ..engine.ops.masks import masked
from . import functional as F
from . import init
from .linear import Linear
from .masks import allowed, as_mask
from .module import Module


class Attention(Module):
    """Σₛ wₜₛ valueₛ, where wₜ = softmax(scoreₜ) over all s. Subclasses write `score`."""

    query_dim: int
    key_dim: int

    def score(self, query: Any, key: Any) -> Any:
        """How well they fit, (…, T, S), of queries (…, T, ·) and keys (…, S, ·)."""
        raise NotImplementedError

    def forward(
        self, query: Any, key: Any, value: Any = None, key_padding_mask: Any = None
    ) -> tuple[Any, Any]:
        """What each query reads, and how much of each value.

        Args:
            query: (…, T, query_dim), the states of the decoder, or one of them with T = 1.
            key: (…, S, key_dim), those of the encoder.
            value: (…, S, V); the keys if None.
            key_padding_mask: (…, S), True where a key is no part of its sequence, or numbers that
                are added to the scores. A query that may look nowhere reads zeros.

        Returns:
            (…, T, V), and the weights (…, T, S).

        Raises:
            ValueError: axes that do not agree.
            TypeError: a mask of integers.
        """
        value = key if value is None else value
        self._check(np.shape(query), np.shape(key), np.shape(value))
        scores = self.score(query, key)  # (…, T, S)
        if key_padding_mask is not None:
            shapes = {"(…, S)": np.shape(key)[:-1]}
            mask = as_mask(type(self).__name__, "key_padding_mask", key_padding_mask, shapes)
            scores = masked(scores, allowed(np.expand_dims(mask, -2)))  # of (…, 1, S)
        weights = softmax(scores)
        return weights @ value, weights

    def _check(self, query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
        fit = len(query) == len(key) >= 2 and query[:-2] == key[:-2] and key[:-1] == value[:-1]
        if not fit or (query[-1], key[-1]) != (self.query_dim, self.key_dim):
            raise ValueError(
                f"{type(self).__name__}: query {query}, key {key} and value {value} do not fit; "
                f"they are (…, T, {self.query_dim}), (…, S, {self.key_dim}) and (…, S, V)"
            )

    def extra_repr(self) -> str:
        return f"query_dim={self.query_dim}, key_dim={self.key_dim}"


def additive_scores(query: Any, key: Any, v: Any) -> Any:
    """vᵀ tanh(q + k) for each pair: (…, T, A), (…, S, A) and (A,) give (…, T, S)."""
    pairs = np.expand_dims(query, -2) + np.expand_dims(key, -3)  # (…, T, S, A)
    return np.tanh(pairs) @ v


class AdditiveAttention(Attention):
    """score = v_aᵀ tanh(W_a q + U_a k) (Bahdanau, Cho and Bengio, 2015, appendix A.1.2).

    Args:
        query_dim, key_dim: widths of queries and keys.
        hidden_dim: A, how many numbers each pair is compared by; query_dim if None.

    Parameters: W_a.weight (A, query_dim), U_a.weight (A, key_dim), v_a (A,).

    >>> out, weights = AdditiveAttention(4, 6)(np.ones((3, 1, 4)), np.ones((3, 5, 6)))
    >>> out.shape, weights.shape
    ((3, 1, 6), (3, 1, 5))
    """

    def __init__(self, query_dim: int, key_dim: int, hidden_dim: int | None = None) -> None:
        hidden = query_dim if hidden_dim is None else hidden_dim
        self.query_dim, self.key_dim, self.hidden_dim = query_dim, key_dim, hidden
        self.v_a = init.fan_in_uniform((hidden,), hidden)
        self.W_a = Linear(query_dim, hidden, bias=False)
        self.U_a = Linear(key_dim, hidden, bias=False)

    def score(self, query: Any, key: Any) -> Any:
        return additive_scores(self.W_a(query), self.U_a(key), self.v_a)


class MultiplicativeAttention(Attention):
    """The scores of Luong, Pham and Manning (2015, section 3.1).

        "dot":      qᵀ k
        "general":  qᵀ W_a k
        "concat":   v_aᵀ tanh(W_a [q; k]), which is additive attention in their notation

    Args:
        query_dim, key_dim: widths of queries and keys; key_dim None for the same.
        method: which score.

    Parameters: W_a, (query_dim, key_dim) in "general" and (query_dim, query_dim + key_dim) in
    "concat", and there v_a (query_dim,).

    Raises:
        ValueError: another method; "dot" of two widths.

    >>> q = np.array([[1.0, 0.0]])
    >>> _, weights = MultiplicativeAttention(2, method="dot")(q, np.log([[1.0, 1.0], [3.0, 1.0]]))
    >>> weights.round(3)
    array([[0.25, 0.75]])
    """

    def __init__(self, query_dim: int, key_dim: int | None = None, method: str = "general") -> None:
        key_dim = query_dim if key_dim is None else key_dim
        if method not in ("dot", "general", "concat"):
            raise ValueError(
                f"MultiplicativeAttention: method is 'dot', 'general' or 'concat', not {method!r}"
            )
        if method == "dot" and key_dim != query_dim:
            raise ValueError(
                f"MultiplicativeAttention: 'dot' multiplies queries and keys of one width, not "
                f"{query_dim} and {key_dim}; 'general' has a matrix between them"
            )
        self.query_dim, self.key_dim, self.method = query_dim, key_dim, method
        self.W_a: Any = None
        self.v_a: Any = None
        if method == "general":
            self.W_a = init.fan_in_uniform((query_dim, key_dim), key_dim)
        elif method == "concat":
            self.W_a = init.fan_in_uniform((query_dim, query_dim + key_dim), query_dim + key_dim)
            self.v_a = init.fan_in_uniform((query_dim,), query_dim)

    def score(self, query: Any, key: Any) -> Any:
        if self.method == "concat":
            # W_a [q; k] is W q + U k, W and U being its left and its right columns.
            W, U = self.W_a[:, : self.query_dim], self.W_a[:, self.query_dim :]
            return additive_scores(F.linear(query, W), F.linear(key, U), self.v_a)
        if self.method == "general":
            query = query @ self.W_a  # (…, T, key_dim)
        return query @ np.swapaxes(key, -1, -2)  # (…, T, S)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, method={self.method!r}"
