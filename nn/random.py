"""Where all randomness of layers comes from: generators, seeded by `manual_seed`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# One for the process, as in PyTorch. numpy locks it for each draw, so threads may share it; which
# thread gets which numbers then depends on who comes first. A checkpoint that is to go on exactly
# saves `generator.bit_generator.state`.
generator = np.random.default_rng()
# The seeds of models, see `init.reseed`: apart, so that the second model's does not depend on how
# much the first one drew.
seeds = np.random.default_rng()


class Source(threading.local):
    """Whose numbers this thread draws: those of the process, or of generators of its own."""

    generator = generator
    seeds = seeds


source = Source()


@contextmanager
def own_generator(seed: int) -> Iterator[None]:
    """A block in which this thread draws from generators of its own: its numbers follow from the
    seed, whatever other threads draw meanwhile."""
    before = source.generator, source.seeds
    source.generator, source.seeds = np.random.default_rng(seed), for_models(seed)
    try:
        yield
    finally:
        source.generator, source.seeds = before


def manual_seed(seed: int) -> None:
    """Start the generators again, so that initial weights and dropout repeat.

    >>> manual_seed(0)
    >>> first = generator.random()
    >>> manual_seed(0)
    >>> first == generator.random()
    True
    """
    source.generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    source.seeds.bit_generator.state = for_models(seed).bit_generator.state


def for_models(seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, 1))
