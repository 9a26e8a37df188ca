"""The bigram: the next token guessed from the last one alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..engine import cross_entropy
from ..nn.functional import integers


class Bigram(nn.Module):
    """A table of logits: row i tells which tokens follow token i (Markov, 1913).

    It is the least that a language model can know, so the measure of those that know more. It
    can be trained like any model, and has its best table in closed form as well: `fit`.

    >>> model = Bigram(vocab_size=3).fit(np.array([0, 1, 0, 1, 0, 2]))
    >>> logits, loss = model(np.array([[0, 1]]))
    >>> np.exp(logits.data[0, 0]).round(3)  # after 0: 1 twice, 2 once, and one more of each
    array([0.167, 0.5  , 0.333], dtype=float32)
    """

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self.table = nn.Embedding(vocab_size, vocab_size)
        nn.init.reseed(self)

    def forward(self, ids: Any, targets: Any = None) -> tuple[Any, Any]:
        """Logits (B, T, vocab_size) for ids (B, T), and the loss against targets (B, T) or None."""
        logits = self.table(ids)
        return logits, None if targets is None else cross_entropy(logits, integers(targets))

    def fit(self, ids: Any) -> Bigram:
        """Set the table from one sequence of ids (N,): log (count + 1) / (row total + vocab_size).

        Counting is maximum likelihood; the one more of each (Laplace) leaves nothing impossible.

        Raises:
            IndexError: an id that is not in the vocabulary.
        """
        ids, n = np.asarray(ids), self.vocab_size
        if ids.size and not (ids.min() >= 0 and ids.max() < n):
            raise IndexError(f"Bigram: ids from {ids.min()} to {ids.max()}, a vocabulary of {n}")
        counts = np.bincount(ids[:-1] * n + ids[1:], minlength=n * n).reshape(n, n) + 1
        logits = np.log(counts / counts.sum(axis=1, keepdims=True))
        self.load_state_dict({"table.weight": logits})
        return self
