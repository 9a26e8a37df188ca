"""How an op says which inputs are valid: `samples(draw) -> (args, kwargs)`.

`draw` chooses. Hypothesis chooses in `check/strategies.py`, numpy's generator in `RandomDraw`,
and `ExampleDraw` always takes the plainest case, for formulas in docs and pictures.

Every number is an odd multiple of 1/16, so that none sits on a kink at an integer and two
different ones are far enough apart for finite differences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")
Shape = tuple[int, ...]
Call = tuple[tuple[Any, ...], dict[str, Any]]
Sampler = Callable[["Draw"], Call]


def call(*args: Any, **kwargs: Any) -> Call:
    """The arguments of one call: `call(a, axis=0)` is ((a,), {"axis": 0})."""
    return args, kwargs


class Domain(NamedTuple):
    """An open interval that an op's argument must lie in."""

    low: float
    high: float


REAL = Domain(-3.0, 3.0)
POSITIVE = Domain(0.5, 4.0)
SMALL = Domain(-0.9, 0.9)


class Draw:
    """Choices. A subclass says how one integer, and how many integers, are chosen."""

    def integer(self, low: int, high: int) -> int:
        raise NotImplementedError

    def integers(self, count: int, low: int, high: int, distinct: bool) -> np.ndarray:
        raise NotImplementedError

    def choice(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def boolean(self) -> bool:
        return self.choice((False, True))

    def sides(self, count: int, low: int, high: int) -> Shape:
        return tuple(self.integer(low, high) for _ in range(count))

    def shape(self, min_dims: int = 0, max_dims: int = 4, min_side: int = 0) -> Shape:
        dims = self.integer(min_dims, max_dims)
        low = min_side or int(self.integer(1, 6) < 6)  # one in six may have empty axes
        return self.sides(dims, low, 3 if dims < 4 else 2)

    def broadcastable(self, shape: Shape) -> Shape:
        """A shape that broadcasts to `shape`: axes missing on the left, others of size 1."""
        kept = shape[self.integer(0, len(shape)) :]
        return tuple(1 if self.boolean() else side for side in kept)

    def resized(self, shape: Shape, axis: int, min_side: int = 0) -> Shape:
        """The same shape but for its length along one axis."""
        sides = list(shape)
        sides[axis] = self.integer(min_side, 3)
        return tuple(sides)

    def axis(self, ndim: int) -> int:
        return self.integer(-ndim, ndim - 1)

    def axes(self, ndim: int) -> int | Shape | None:
        """One axis, several, or None for all."""
        several = tuple(axis for axis in range(ndim) if self.boolean())
        return self.choice((None, self.axis(ndim), several)) if ndim else None

    def permutation(self, n: int) -> Shape:
        return tuple(int(i) for i in self.integers(n, 0, max(n - 1, 0), distinct=True))

    def array(self, shape: Shape, domain: Domain = REAL, distinct: bool = False) -> np.ndarray:
        """Odd multiples of 1/16 inside `domain`; where `distinct`, no two alike."""
        count = int(np.prod(shape, dtype=int))
        low, high = round(domain.low * 8), round(domain.high * 8) - 1
        if distinct:
            high = max(high, low + count)
        return ((2 * self.integers(count, low, high, distinct) + 1) / 16).reshape(shape)

    def arrays(self, shapes: str, domain: Domain = REAL, **sides: int) -> list[np.ndarray]:
        """Arrays of shapes that are written as in einsum: "...nk,k3" gives (…, n, k) and (k, 3).

        Each letter is a side from 1 to 3, where `sides` does not say it, and the axes of one
        "..." broadcast against those of the others.
        """
        batch = self.shape(max_dims=2)
        drawn = {c: self.integer(1, 3) for c in shapes if c.isalpha()}
        sides = drawn | {c: int(c) for c in shapes if c.isdigit()} | sides

        def shape(text: str) -> Shape:
            lead = self.broadcastable(batch) if "..." in text else ()
            return (*lead, *(sides[c] for c in text.replace("...", "")))

        return [self.array(shape(text), domain) for text in shapes.split(",")]

    def index(self, high: int, shape: Shape) -> np.ndarray:
        """An array of indices below `high`, repeats allowed."""
        count = int(np.prod(shape, dtype=int))
        return self.integers(count, 0, high - 1, False).reshape(shape)


class RandomDraw(Draw):
    """Choices by numpy's generator."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def integers(self, count: int, low: int, high: int, distinct: bool) -> np.ndarray:
        if distinct:
            return low + self.rng.permutation(high - low + 1)[:count]
        return self.rng.integers(low, high + 1, count)


class ExampleDraw(RandomDraw):
    """The plainest case: matrices of 2 rows and 3 columns, nothing broadcast, no options."""

    def integer(self, low: int, high: int) -> int:
        return high

    def choice(self, options: Sequence[T]) -> T:
        return options[0]

    def boolean(self) -> bool:
        return False

    def shape(self, min_dims: int = 0, max_dims: int = 4, min_side: int = 0) -> Shape:
        return (2, 3, 4)[: min(max(2, min_dims), max_dims)]

    def broadcastable(self, shape: Shape) -> Shape:
        return shape


def elementwise(*domains: Domain, tied: bool = True) -> Sampler:
    """Samples for an op that works on each element: arguments broadcast against each other.

    Where not `tied`, numbers of one argument never equal those of the next.
    """

    def samples(draw: Draw) -> Call:
        shape = draw.shape()
        shapes = [shape] + [draw.broadcastable(shape) for _ in domains[1:]]
        if draw.boolean():
            shapes.reverse()
        arrays = [draw.array(s, domain) for s, domain in zip(shapes, domains, strict=True)]
        return call(*(np.asarray(a + (not tied) * i / 16) for i, a in enumerate(arrays)))

    return samples


def shaped(*cases: str) -> Sampler:
    """Samples of several arrays, of one of these lists of shapes; see `Draw.arrays`."""
    return lambda draw: call(*draw.arrays(draw.choice(cases)))


def with_array(
    make: Callable[[Draw, np.ndarray], Call] = lambda draw, a: call(a),
    domain: Domain = REAL,
    distinct: bool = False,
    **shape: int,
) -> Sampler:
    """Samples `make(draw, array)` around one array, its shape bounded as by `Draw.shape`."""
    return lambda draw: make(draw, draw.array(draw.shape(**shape), domain, distinct))


def reduction(domain: Domain = REAL, min_side: int = 0, distinct: bool = False) -> Sampler:
    """Samples for an op that reduces an array over some of its axes."""

    def make(draw: Draw, a: np.ndarray) -> Call:
        return call(a, axis=draw.axes(a.ndim), keepdims=draw.boolean())

    return with_array(make, domain, distinct, min_side=min_side)


def along_axis(
    make: Callable[[Draw, np.ndarray, int], Call] = lambda draw, a, axis: call(a, axis=axis),
    domain: Domain = REAL,
    distinct: bool = False,
) -> Sampler:
    """Samples `make(draw, array, axis)` for an op along one axis, of arrays that are not empty."""
    chosen = lambda draw, a: make(draw, a, draw.axis(a.ndim))  # noqa: E731
    return with_array(chosen, domain, distinct, min_dims=1, min_side=1)
