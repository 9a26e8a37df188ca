"""`Embedding`: a learned vector for each of a finite number of things."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np

from . import draws, init
from . import functional as F
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """Row `id` of a table: integers (…) give (…, embedding_dim) (Bengio et al., 2003).

    Args:
        num_embeddings, embedding_dim: rows and columns of the table.
        padding_idx: the id of padding, whose row starts as 0 and is not learned; counted from the
            end if it is below 0.

    The weight (num_embeddings, embedding_dim) starts normal, with mean 0 and variance 1.

    Raises:
        ValueError: there is no such padding_idx.
        IndexError: in a call, an id below 0 or not below num_embeddings.

    >>> Embedding(10, 4)(np.array([[1, 2, 1]])).shape
    (1, 3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"Embedding: padding_idx {padding_idx} of {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        weight = init.new((num_embeddings, embedding_dim))
        self.weight = init.start_(weight, partial(table, padding_idx=padding_idx))

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """A table of known vectors (num_embeddings, embedding_dim), in their own width; frozen,
        unless told otherwise. `init.reseed` leaves them as they are.

        Raises:
            ValueError: no matrix.

        >>> Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])(np.array([1])).data
        array([[3., 4.]])
        """
        weight = Parameter(embeddings, requires_grad=not freeze)
        if weight.ndim != 2:
            raise ValueError(f"Embedding: a matrix of vectors, not an array of {weight.shape}")
        padding = {} if padding_idx is None else {"padding_idx": padding_idx}
        layer = cls(*weight.shape, **padding)
        layer.weight = weight
        return layer

    def forward(self, ids: Any) -> Any:
        return F.embedding(ids, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


def table(rng: Any, shape: tuple[int, ...], padding_idx: int | None) -> np.ndarray:
    """Normal, but for the row of padding."""
    rows = draws.normal(rng, shape, mean=0.0, std=1.0)
    if padding_idx is not None:
        rows[padding_idx] = 0
    return rows
