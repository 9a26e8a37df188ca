"""Hypothesis strategies for arrays and for calls of ops (needs the extra `check`).

Three lines hold a function of yours against finite differences; where it is wrong, the error is
that of the smallest input that hypothesis finds.

>>> from hypothesis import given
>>> from groundup.engine.check import gradcheck
>>> @given(operands())
... def test_product(xs):
...     gradcheck(lambda a, b: a * np.tanh(b), *xs)
>>> test_product()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..op import lookup
from ..samples import REAL, Call, Domain, Draw, Shape, elementwise


class HypothesisDraw(Draw):
    """Choices by hypothesis, which shrinks a failing one to the smallest that still fails."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def integers(self, count: int, low: int, high: int, distinct: bool) -> np.ndarray:
        one = st.integers(low, high)
        chosen = self.draw(st.lists(one, min_size=count, max_size=count, unique=distinct))
        return np.array(chosen, dtype=np.int64)


@st.composite
def draws(draw: st.DrawFn) -> Draw:
    """A `Draw` that hypothesis decides, for an op's `samples(draw)`."""
    return HypothesisDraw(draw)


def calls(fn: Callable[..., Any]) -> st.SearchStrategy[Call]:
    """Valid (args, kwargs) for an op: shapes, numbers inside its domain, broadcastings."""
    samples = lookup(fn).samples
    if samples is None:
        raise ValueError(f"{fn} says no samples")
    return draws().map(samples)


def shapes(min_dims: int = 0, max_dims: int = 4, min_side: int = 0) -> st.SearchStrategy[Shape]:
    """Shapes of up to `max_dims` axes, with sides from `min_side` to 3."""
    return draws().map(lambda draw: draw.shape(min_dims, max_dims, min_side))


@st.composite
def arrays(
    draw: st.DrawFn, shape: Any = None, domain: Domain = REAL, distinct: bool = False
) -> Any:
    """float64 arrays with numbers inside `domain`, away from kinks at integers.

    Args:
        shape: a shape, or a strategy for shapes; None for any.
        domain: the open interval (low, high) that they lie in.
        distinct: no two numbers alike.
    """
    strategy = shapes() if shape is None else shape
    chosen = draw(strategy) if isinstance(strategy, st.SearchStrategy) else strategy
    return HypothesisDraw(draw).array(chosen, Domain(*domain), distinct)


def operands(*domains: Domain) -> st.SearchStrategy[tuple[np.ndarray, ...]]:
    """Arrays that broadcast against each other, one for each domain (two of any numbers, where
    none is said)."""
    samples = elementwise(*(Domain(*d) for d in domains or (REAL, REAL)))
    return draws().map(lambda draw: samples(draw)[0])
