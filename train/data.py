"""From one long row of ids to what a training step takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..nn.functional import integers


def split(ids: np.ndarray, fraction: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """The first part, for training, and the rest, for validation.

    By position and not at random: else the validation text would stand between training texts
    that give it away.

    Raises:
        InputError: fraction is not between 0 and 1.

    >>> split(np.arange(10), 0.7)
    (array([0, 1, 2, 3, 4, 5, 6]), array([7, 8, 9]))
    """
    if not 0 < fraction < 1:
        raise InputError(f"the training part is a fraction between 0 and 1, not {fraction}")
    cut = round(len(ids) * fraction)
    return ids[:cut], ids[cut:]


def row_of_ids(ids: Any) -> np.ndarray:
    """One row of ids (N,) as an array: of an array, a Tensor, a list, or what `generate` yields.

    Raises:
        InputError: no row, or not of integers.

    >>> row_of_ids(iter([2, 0, 1]))
    array([2, 0, 1])
    """
    row = np.asarray(list(ids) if isinstance(ids, Iterator) else integers(ids))
    if row.shape == (0,):
        return row.astype(np.int64)  # of a list, where nothing says of what kind
    if row.ndim != 1 or row.dtype.kind not in "iu":
        raise InputError(f"ids are one row of integers, (N,), not {row.dtype} of shape {row.shape}")
    return row


def check_length(ids: np.ndarray, block_size: int, part: str) -> None:
    """Refuse a text that does not fill one block and the character after it.

    Raises:
        InputError: with both numbers.

    >>> check_length(np.arange(5), 8, "training")
    Traceback (most recent call last):
    groundup.engine.errors.InputError: the training part has 5 characters and a block of 8 ...
    """
    if len(ids) <= block_size:
        raise InputError(
            f"the {part} part has {len(ids):,} characters and a block of {block_size} needs at "
            f"least {block_size + 1}: take a longer text or a smaller block"
        )


def batches(
    ids: Any, block_size: int, batch_size: int, seed: int = 0, start: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Without end: windows from random places, and the same windows one character later.

    The batch of a step is a function of (seed, step) alone. So a training that was interrupted
    goes on with exactly the batches it would have had, and no generator state need be kept.

    Args:
        ids: (N,) integers.
        start: the step to begin at.

    Yields:
        (ids, targets), each (batch_size, block_size): target t is what follows id t.

    Raises:
        InputError: fewer than block_size + 1 ids, or not a row of integers.

    >>> ids, targets = next(batches(np.arange(100), block_size=3, batch_size=2))
    >>> ids.shape, (targets == ids + 1).all()
    ((2, 3), np.True_)
    """
    ids = row_of_ids(ids)
    check_length(ids, block_size, "training")
    # A generator of its own, so that the error above comes at the call and not at the first batch.
    return _batches(ids, np.arange(block_size + 1), batch_size, seed, start)


def _batches(
    ids: np.ndarray, window: np.ndarray, batch_size: int, seed: int, step: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    while True:
        rng = np.random.default_rng((seed, step))
        places = rng.integers(len(ids) - len(window) + 1, size=(batch_size, 1))
        taken = ids[places + window]  # (batch_size, block_size + 1)
        yield taken[:, :-1], taken[:, 1:]
        step += 1
