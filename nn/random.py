"""Where all randomness of layers comes from: one generator, seeded by `manual_seed`."""

from __future__ import annotations

import numpy as np

# One for the process, as in PyTorch. numpy locks it for each draw, so threads may share it; which
# thread gets which numbers then depends on who comes first. A checkpoint that is to go on exactly
# saves `generator.bit_generator.state`.
generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the generator again, so that initial weights and dropout repeat.

    >>> manual_seed(0)
    >>> first = generator.random()
    >>> manual_seed(0)
    >>> first == generator.random()
    True
    """
    generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
