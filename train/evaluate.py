"""How well a model predicts text that it has not seen, and what it has to beat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine import no_grad
from ..engine.errors import InputError
from ..models.bigram import pair_log_probs
from .data import check_length, row_of_ids


@contextmanager
def inference(model: Any) -> Iterator[None]:
    """A block in which nothing is recorded and the model does not train (no dropout).

    Afterwards each module is in the mode it was in, however the block ends.
    """
    before = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


def validation_loss(
    model: Any, ids: Any, block_size: int, windows: int | None = None, batch_size: int = 32
) -> float:
    """The mean loss over a text cut into windows, in nats per character. Always the same number.

    Args:
        model: `model(ids, targets)` gives (logits, mean loss).
        ids: (N,) integers. All but the first are predicted, each once, from what precedes it in
            its window: the same characters that `bigram_loss` is about.
        windows: take only so many full windows, evenly spaced: quicker, and rougher.
        batch_size: how many windows at a time; memory, not the result, depends on it.

    Raises:
        InputError: fewer than block_size + 1 ids, not a row of integers, or no window.
    """
    if windows is not None and windows < 1:
        raise InputError(f"windows is at least 1, not {windows}")
    ids = row_of_ids(ids)
    check_length(ids, block_size, "validation")
    starts = np.arange(0, len(ids) - block_size, block_size)
    rest = len(ids) - 1 - len(starts) * block_size  # what the last full window leaves over
    if windows is not None:
        starts = starts[np.linspace(0, len(starts) - 1, min(windows, len(starts))).astype(int)]
        rest = 0
    chunks = [
        starts[i : i + batch_size, None] + np.arange(block_size)
        for i in range(0, len(starts), batch_size)
    ]
    if rest:
        chunks.append(np.arange(len(ids) - 1 - rest, len(ids) - 1)[None])
    with inference(model):
        total = sum(model(ids[at], ids[at + 1])[1].item() * at.size for at in chunks)
    return float(total / sum(at.size for at in chunks))


def bigram_loss(train_ids: Any, val_ids: Any, vocab_size: int) -> float:
    """What counting achieves: the loss of P(next | this) from counts, in nats per character.

    Each pair counts once more than it was seen, so that no pair is impossible.

    Args:
        train_ids: (N,), counted.
        val_ids: (M,), of which all but the first are predicted.
        vocab_size: the ids are below this.

    Raises:
        IndexError: an id of train_ids that is not.

    >>> seen = np.array([0, 1] * 8)
    >>> round(bigram_loss(seen, np.array([0, 1]), vocab_size=2), 4)  # (8 + 1) of (8 + 2) times
    0.1054
    """
    log_probs = pair_log_probs(train_ids, vocab_size)
    return float(-log_probs[val_ids[:-1], val_ids[1:]].mean())
