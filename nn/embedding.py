"""`Embedding`: a learned vector for each of a finite number of things."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """Row `id` of a table: integers (…) give (…, embedding_dim) (Bengio et al., 2003).

    The weight (num_embeddings, embedding_dim) starts normal, with mean 0 and variance 1.

    Raises:
        IndexError: an id below 0 or not below num_embeddings.

    >>> Embedding(10, 4)(np.array([[1, 2, 1]])).shape
    (1, 3, 4)
    """

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = Parameter(np.zeros((num_embeddings, embedding_dim), np.float32))
        init.normal_(self.weight)

    def forward(self, ids: Any) -> Any:
        return F.embedding(ids, self.weight)

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"
