"""What one element of an op's result needs of its arguments, found by trying and checked.

No table says for each op which numbers an element comes from. So axes are cut one by one: if the
op, run on arguments of which one slice is left along some axes, gives that slice of its result, the
rest was not needed. The rules of the op then confirm it: no gradient may reach what was cut away.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine import Tensor
from ...engine.arguments import is_list
from ...engine.graph import Node

MOST = 4_000_000  # numbers in the arguments of an op that is looked at
NEEDED = 10_000  # numbers that one element may need
WHOLE = 64  # numbers in result and arguments together of an op that runs whole
TRIES = 200  # ways to cut one axis
CLOSE = 1e-9  # relative to the largest number, in float64

Index = tuple[int, ...]


class Closed(Exception):
    """Why an op does not open into scalars, in a sentence."""


class Cut(NamedTuple):
    """One element's arguments: for each array what is left of it, and where that began."""

    arrays: list[np.ndarray]
    starts: list[Index]
    place: Index  # of the element, in what the op makes of them


class Cutter:
    """The arguments of an op, and which axes of them follow which axis of its result.

    Raises:
        Closed: they hold too many numbers.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        self.args = list(arrays_in(node.args))
        self.given = [arg._data if isinstance(arg, Tensor) else arg for arg in self.args]
        if sum(a.size for a in self.given) + node._data.size > MOST:
            raise Closed(f"its arguments hold more than {MOST:,} numbers")
        self.wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in self.given]
        self.whole = self.run(self.wide)
        self.moved = self._moved()
        small = sum(a.size for a in self.given) + self.whole.size <= WHOLE
        self.follows = {} if small or self.moved is not None else self._follows()

    def run(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The op on other arrays."""
        args = with_arrays(self.node.args, iter(arrays))
        with np.errstate(all="ignore"):
            return np.asarray(self.node.op.definition(*args, **self.node.kwargs))

    def cut(self, index: Index) -> Cut:
        """What the element at an index needs.

        Raises:
            Closed: more than `NEEDED` numbers, or it cannot be told.
        """
        keep = [[slice(None)] * a.ndim for a in self.given]
        for axis, along in self.follows.items():
            for k, its in along:
                keep[k][its] = slice(index[axis], index[axis] + 1)
        arrays = [a[tuple(k)] for a, k in zip(self.wide, keep, strict=True)]
        starts = [tuple(part.start or 0 for part in k) for k in keep]
        needed = sum(a.size for a in arrays)
        if needed > NEEDED:
            raise Closed(f"one element of it needs {needed:,} numbers")
        own = tuple(0 if axis in self.follows else i for axis, i in enumerate(index))
        return Cut(arrays, starts, own)

    def source(self, index: Index) -> tuple[int, Index] | None:
        """Which array and which element of it an op that only moves numbers has put there; None
        where it put a number of its own."""
        assert self.moved is not None
        place = int(self.moved[index])
        for k, array in enumerate(self.given):
            if 0 < place <= array.size and array.dtype.kind == "f":
                where = np.unravel_index(place - 1, array.shape)
                return k, tuple(int(i) for i in where)
            place -= array.size if array.dtype.kind == "f" else 0
        return None

    def _moved(self) -> np.ndarray | None:
        """Of an op that only moves numbers (a reshape, an index), where each came from: places
        counted from 1 through all arrays; 0 for what it put there itself. None for other ops."""
        floats = [a for a in self.wide if a.dtype.kind == "f"]
        count = sum(a.size for a in floats)
        if not count:
            return None
        random = np.random.default_rng(0).normal(size=count + 1)
        random[0] = 0.0
        try:
            found = self.run(self._filled(np.arange(1.0, count + 1)))
            # An op that looks at numbers, as relu and max do, gives itself away on these.
            probe = self.run(self._filled(random[1:]))
        except Exception:  # noqa: BLE001  (an op may refuse such numbers in any way)
            return None
        if not np.all((found >= 0) & (found <= count) & (found == np.floor(found))):
            return None
        found = found.astype(int)
        data = np.concatenate([[0.0], *(a.ravel() for a in floats)])
        same = np.array_equal(data[found], self.whole, equal_nan=True)
        return found if same and np.array_equal(random[found], probe) else None

    def _filled(self, numbers: np.ndarray) -> list[np.ndarray]:
        """The arrays of floats filled with these numbers, one after the other."""
        filled, start = [], 0
        for a in self.wide:
            if a.dtype.kind == "f":
                filled.append(numbers[start : start + a.size].reshape(a.shape))
                start += a.size
            else:
                filled.append(a)
        return filled

    def _follows(self) -> dict[int, list[tuple[int, int]]]:
        """For each axis of the result that can be cut, the axes (array, axis) that follow it.

        Each is tried on all of the rest: one row of a softmax may be 1 by chance, not every row.
        And on other numbers, too: in a weight that is 1 everywhere no place can be told from
        another.
        """
        other = [moved_a_little(a) for a in self.wide]
        probes = [(self.wide, self.whole), (other, self.run(other))]
        shapes = [a.shape for a in self.wide]
        follows: dict[int, list[tuple[int, int]]] = {}
        taken: set[tuple[int, int]] = set()
        for axis, size in enumerate(self.whole.shape):
            for along in ways(shapes, axis, size, self.whole.ndim, taken) if size > 1 else ():
                if all(self._cuts(arrays, along, whole, axis) for arrays, whole in probes):
                    follows[axis] = along
                    taken |= set(along)
                    break
        return follows

    def _cuts(
        self, arrays: Sequence[np.ndarray], along: Sequence[tuple[int, int]], whole: Any, axis: int
    ) -> bool:
        """Whether the first slice of some axes gives the first slice of the result."""
        less = list(arrays)
        for k, its in along:
            less[k] = less[k][one(its)]
        try:
            got = self.run(less)
        except Exception:  # noqa: BLE001  (shapes that do not fit, said in any way)
            return False
        part = whole[one(axis)]
        return got.shape == part.shape and close(got, part)


def moved_a_little(a: np.ndarray) -> np.ndarray:
    """Other numbers than these, each of its own, but of their size and sign."""
    if a.dtype.kind != "f":
        return a
    by = np.random.default_rng(0).random(a.shape)
    return a * (1 + by / 8) + by / 1000


def one(axis: int) -> tuple[slice, ...]:
    """The first of an axis, which stays; all of those before it."""
    return (*(slice(None),) * axis, slice(0, 1))


def ways(
    shapes: Sequence[Index], axis: int, size: int, ndim: int, taken: set[tuple[int, int]]
) -> list[list[tuple[int, int]]]:
    """Which axes of the arguments may follow an axis of the result, of those not taken: in as many
    arguments as possible first, and first as broadcasting has it, counted from the last.

    >>> ways([(2, 3), (3,)], axis=1, size=3, ndim=2, taken=set())
    [[(0, 1), (1, 0)], [(0, 1)], [(1, 0)]]
    """
    choices: list[list[int | None]] = []
    for k, shape in enumerate(shapes):
        right = axis - ndim + len(shape)
        fitting = [i for i, n in enumerate(shape) if n == size and (k, i) not in taken]
        choices.append([*(i for i in fitting if i == right), *(i for i in fitting if i != right)])
        choices[-1].append(None)
    found = [
        [(k, i) for k, i in enumerate(chosen) if i is not None]
        for chosen in itertools.islice(itertools.product(*choices), TRIES)
    ]
    return sorted(filter(None, found), key=lambda along: -len(along))


def close(a: Any, b: Any) -> bool:
    """Whether two arrays are equal but for rounding, that of what adds up to 0 included."""
    scale = np.max(np.abs(b), initial=1e-6, where=np.isfinite(b))
    return bool(np.allclose(a, b, rtol=CLOSE, atol=CLOSE * scale, equal_nan=True))


def arrays_in(args: Any) -> Iterator[Any]:
    """The Tensors and the plain arrays among arguments, those in lists too."""
    for arg in args:
        if isinstance(arg, Tensor | np.ndarray):
            yield arg
        elif is_list(arg):
            yield from arrays_in(arg)


def with_arrays(args: Any, arrays: Iterator[Any]) -> Any:
    """The same arguments with other arrays, in their order."""
    changed = [
        next(arrays)
        if isinstance(arg, Node | np.ndarray)
        else with_arrays(arg, arrays)
        if is_list(arg)
        else arg
        for arg in args
    ]
    return tuple(changed) if isinstance(args, tuple) else changed
