"""A step of both passes, in whichever library: they agree on how a leaf and a result are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def both_passes(f: Callable[..., Any], leaves: Sequence[Any], seed: Any = None) -> Any:
    """A step that forgets the gradients, runs f on the leaves, and walks back from its result; it
    gives the numbers of the result and the gradients."""

    def step() -> Any:
        for leaf in leaves:
            leaf.grad = None
        out = f(*leaves)
        out.backward(seed)
        return out.data, *(leaf.grad for leaf in leaves)

    return step
