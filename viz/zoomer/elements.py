"""One element of an op's result as a graph of scalars, with its slice of the backward pass."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine import Tensor, Value, enable_grad
from ...engine.graph import Node, walk
from ...engine.modes import mode
from ...engine.tensor import record
from ...engine.value_array import ValueArray, run_on_values
from .cutting import Closed, Cut, Cutter, Index, arrays_in, close, with_arrays
from .definitions import names_of

SHORT = 12  # letters of a name that is used for its elements
STEPS = 20_000  # scalar ops that one run may make


@dataclass(eq=False)
class Element:
    """The scalar graph of one element.

    Attributes:
        index: where it is in the result.
        root: its Value. Of an op that only moves numbers, a leaf.
        leaves: for each Value that came of an argument, that argument and the place in it.
        grad: the element's gradient; None where none reaches it.
        slopes: the derivative of the element in each node behind it.
    """

    index: Index
    root: Value
    leaves: dict[Node, tuple[Any, Index]]
    grad: float | None
    slopes: dict[Node, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.root.requires_grad:
            self.slopes = dict(walk(self.root, 1.0))

    def grads(self) -> dict[Node, float]:
        """Its slice of the backward pass: what it hands to each node behind it."""
        if self.grad is None:
            return {}
        if self.grad == 0:  # and not 0 · ∞
            return dict.fromkeys(self.slopes, 0.0)
        return {node: self.grad * slope for node, slope in self.slopes.items()}


class Elements:
    """The elements of an op's result, to be opened one by one.

    Args:
        node: a Tensor that an op with rules of its own made.
        grad: the gradient of the result, None where none reaches it.

    Raises:
        Closed: it does not open, and why.
    """

    def __init__(self, node: Any, grad: Any) -> None:
        if node.op.exempt:
            raise Closed(node.op.exempt)
        self.node, self.grad = node, grad
        self.cutter = Cutter(node)
        self.given = self.cutter.args
        self.names = names_of_arrays(node)
        self.twin, self.starts = self._twin()

    def open(self, index: Index) -> Element:
        """The scalar graph of one element, checked against the op and its rules.

        Raises:
            Closed: it cannot be cut out, needs too much, or does not run on scalars.
        """
        grad = None if self.grad is None else float(self.grad[index])
        if self.cutter.moved is not None:
            return self._moved(index, grad)
        cut = self.cutter.cut(index)
        with mode(scope=None, witness=Counter()), enable_grad():
            element, leaves = self._run(cut)
        found = Element(index, element, leaves, grad)
        self._check(found)
        return found

    def _moved(self, index: Index, grad: float | None) -> Element:
        source = self.cutter.source(index)
        number = float(self.cutter.whole[index])
        if source is None:
            return Element(index, Value(number, requires_grad=False), {}, grad)
        k, where = source
        given = self.given[k]
        leaf = Value(number, called(self.names[k], where), needs_grad(given))
        return Element(index, leaf, {leaf: (given, where)}, grad)

    def _run(self, cut: Cut) -> tuple[Value, dict[Node, tuple[Any, Index]]]:
        known: dict[tuple[int, Index], Value] = {}
        leaves: dict[Node, tuple[Any, Index]] = {}
        arrays = [
            scalars(array, start, name, given, known, leaves) if array.dtype.kind == "f" else array
            for array, start, name, given in zip(
                cut.arrays, cut.starts, self.names, self.given, strict=True
            )
        ]
        args = with_arrays(self.node.args, iter(arrays))
        try:
            out = run_on_values(self.node.op.fn, args, self.node.kwargs)
        except (TypeError, AttributeError, ValueError, IndexError) as error:
            raise Closed(f"it does not run on scalars ({error})") from error
        element = out[cut.place] if isinstance(out, np.ndarray) else out
        return element if isinstance(element, Value) else Value(element, None, False), leaves

    def _check(self, found: Element) -> None:
        """The number is the op's, and so are the slopes, in what was cut away too."""
        if not close(found.root.data, self.cutter.whole[found.index]):
            raise Closed("on scalars it gives another number")
        seed = np.zeros(self.cutter.whole.shape)
        seed[found.index] = 1.0
        ours: dict[int, np.ndarray] = {}
        for leaf, (given, where) in found.leaves.items():
            if leaf in found.slopes:
                if id(given) not in ours:
                    ours[id(given)] = np.zeros(given._data.shape)
                ours[id(given)][where] = found.slopes[leaf]
        for given, share in self._shares(seed).items():
            if not close(ours.get(given, np.zeros(share.shape)), share):
                raise Closed("its rules and the scalars behind an element do not agree")

    def _shares(self, seed: np.ndarray) -> dict[int, np.ndarray]:
        """What the rules of the op hand to each argument, by its id."""
        totals: dict[int, np.ndarray] = {}
        if self.twin.op is not None:
            with np.errstate(all="ignore"), mode(careful=True):
                for start, share in self.twin.shares(seed):
                    given = self.starts[start]
                    totals[given] = totals.get(given, 0.0) + share
        return totals

    def _twin(self) -> tuple[Any, dict[Node, int]]:
        """The op on fresh leaves of float64, and for each leaf the id of what it stands for."""
        starts: dict[Node, int] = {}
        fresh: list[Any] = []
        for given, array in zip(self.given, self.cutter.wide, strict=True):
            if isinstance(given, Node):
                start = Tensor(array, requires_grad=given.requires_grad)
                starts[start] = id(given)
            fresh.append(start if isinstance(given, Node) else array)
        with mode(scope=None), enable_grad():
            args = with_arrays(self.node.args, iter(fresh))
            return record(self.node.op, args, self.node.kwargs), starts


class Counter:
    """A witness that ends a run of too many scalars."""

    def __init__(self) -> None:
        self.left = STEPS

    def computed(self, op: Any, args: Any, data: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise Closed(f"one element of it takes more than {STEPS:,} scalar ops")

    def made(self, node: Node) -> None:
        """Nothing to see."""


def needs_grad(given: Any) -> bool:
    return isinstance(given, Node) and given.requires_grad


def names_of_arrays(node: Any) -> list[str]:
    """What each of them is called: by its own name if that is short, else as the op calls it."""
    stand_ins = with_arrays(node.args, (Value(0.0) for _ in arrays_in(node.args)))
    names = zip(arrays_in(node.args), names_of(node.op, stand_ins), strict=True)
    own = ((getattr(given, "name", None) or "", name) for given, name in names)
    return [mine if 0 < len(mine) <= SHORT else name for mine, name in own]


def scalars(
    array: np.ndarray, start: Index, name: str, given: Any,
    known: dict[tuple[int, Index], Value], leaves: dict[Node, tuple[Any, Index]],
) -> ValueArray:  # fmt: skip
    """Values with the numbers of a cut array, named by their places in the whole one; each is
    added to `leaves`. What is `known`, since an op is given it twice, is one Value."""
    found, requires_grad = [], needs_grad(given)
    for place, number in zip(np.ndindex(array.shape), array.ravel().tolist(), strict=True):
        where = tuple(map(operator.add, place, start))
        key = (id(given), where)
        if key not in known:
            leaf = known[key] = Value(number, called(name, where), requires_grad)
            leaves[leaf] = given, where
        found.append(known[key])
    return np.fromiter(found, dtype=object).reshape(array.shape).view(ValueArray)


def called(name: str, where: Index) -> str:
    return f"{name}[{', '.join(map(str, where))}]" if where else name
