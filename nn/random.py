"""Where all randomness of layers comes from: one generator, seeded by `manual_seed`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# One for the process, as in PyTorch. numpy locks it for each draw, so threads may share it; which
# thread gets which numbers then depends on who comes first. A checkpoint that is to go on exactly
# saves `generator.bit_generator.state`.
generator = np.random.default_rng()


class Source(threading.local):
    """Whose numbers this thread draws: those of the process, or of a generator of its own."""

    generator = generator


source = Source()


@contextmanager
def own_generator(seed: int) -> Iterator[None]:
    """A block in which this thread draws from a generator of its own: its numbers follow from the
    seed, whatever other threads draw meanwhile."""
    before = source.generator
    source.generator = np.random.default_rng(seed)
    try:
        yield
    finally:
        source.generator = before


def manual_seed(seed: int) -> None:
    """Start the generator again, so that initial weights and dropout repeat.

    >>> manual_seed(0)
    >>> first = generator.random()
    >>> manual_seed(0)
    >>> first == generator.random()
    True
    """
    source.generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
