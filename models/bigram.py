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
        self.load_state_dict({"table.weight": pair_log_probs(ids, self.vocab_size)})
        return self


def pair_log_probs(ids: Any, vocab_size: int) -> np.ndarray:
    """log P(next | this) from the pairs in one sequence of ids (N,), as `Bigram.fit` says. (V, V)

    >>> np.exp(pair_log_probs([0, 1, 0, 1], vocab_size=2)).round(2)
    array([[0.25, 0.75],
           [0.67, 0.33]])
    """
    ids = np.asarray(ids)
    if ids.size and not (ids.min() >= 0 and ids.max() < vocab_size):
        raise IndexError(
            f"Bigram: ids from {ids.min()} to {ids.max()}, a vocabulary of {vocab_size}"
        )
    counts = np.ones((vocab_size, vocab_size))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return np.log(counts / counts.sum(axis=1, keepdims=True))
