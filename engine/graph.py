"""The graph: a node remembers how it was made, and one walk goes back through it.

Everything else in the engine is a kind of node (`Value`, `Tensor`), a rule for one op, or a
consumer of `walk`. Read this file first.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from .modes import Scope, mode, modes
from .part import Part

# One clock for the whole process: it stamps a node's birth, and a later change of its data.
# Arguments exist before the op that takes them, so sorting by birth *is* the topological order.
tick = itertools.count(1).__next__
newest_change = 0  # when data was last changed anywhere: what was born later needs no check
newest_write = 0  # the same of an array that was written in place
# When that was, by the id of the array that owns the memory, and by where in it: from, and to.
written: dict[int, dict[tuple[float, float], int]] = {}
changing, assigning = threading.Lock(), threading.Lock()


# Why a node that came of others has nothing behind it.
DETACHED, UNRECORDED, OF_CONSTANTS = "detached", "made under no_grad", "made of constants"


class Node:
    """What `Value` and `Tensor` share: `data`, `grad`, and how the data came to be.

    A leaf has `op is None`. A result is `op(*args, **kwargs)`, whose args are nodes, lists of
    nodes or plain numbers and arrays. Both kinds answer two questions: which `shares` of a
    gradient go to the arguments, and what is `summed` up in `.grad`.
    """

    __slots__ = ("_data", "born", "changed", "name", "op", "requires_grad", "scope", "seen", "why")

    _data: Any
    op: Any  # the `Op` that made it, None of a leaf
    kwargs: dict[str, Any]
    born: int
    changed: int
    requires_grad: bool
    scope: Scope | None
    name: str | None
    seen: Any  # what `detect_anomaly` remembers of it
    why: str  # one of the above; of a constant that came of other nodes, and of no other node

    # Comparisons compare numbers, so the hash must be said again: identity.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        return NotImplemented

    if TYPE_CHECKING:  # what a kind of node brings along
        data: Any
        grad: Any
        _grad: Any
        _a: Any
        _b: Any
        _da: Any
        _db: Any
        args: Any
        shape: Any
        keeps_grad: Any  # whether `backward` adds this node's gradient to its `.grad`

        def detach(self) -> Any: ...

        def shares(self, grad: Any, parts: bool = False) -> Iterable[tuple[Node, Any]]:
            """(argument, its share of `grad`) for each argument that requires a gradient.

            With `parts`, a share may be a `Part`, for who adds it up with others.
            """

        def summed(self, grad: Any) -> Any:
            """`.grad` + `grad`, an array of its own."""

        def seed(self, seed: Any = None) -> Any:
            """The gradient that a walk from here starts with: `seed` checked, or 1."""

    def parents(self) -> Iterator[Any]:
        """The nodes among the arguments."""
        return nodes(self.args)

    def backward(self, seed: Any = None) -> None:
        """Add ∂self/∂node to `.grad` of every node behind this one that keeps its gradient.

        Args:
            seed: the gradient of some later loss with respect to this node, of its shape;
                may be left out where the node holds one number: then it is 1.

        Raises:
            RuntimeError: no seed for many numbers, nothing here requires a gradient, or data
                was changed after an op used it. `.grad` is then as it was before.

        >>> from groundup.engine import Value
        >>> a, b = Value(2.0), Value(-3.0)
        >>> (a * b + a).backward()
        >>> a.grad, b.grad
        (-2.0, 2.0)
        """
        add_up(collected(self, seed))

    def __reduce__(self) -> Any:
        """Copies and pickles are of leaves: a copied result would drag its graph along."""
        if self.op is not None:
            raise TypeError(f"copy or pickle of a {self.op} result: take .detach() first")
        why = getattr(self, "why", None)
        return restored, (type(self), self._data, self.name, self.requires_grad, self._grad, why)


def restored(
    kind: Any, data: Any, name: str | None, requires_grad: bool, grad: Any, why: str | None
) -> Node:
    """A copied or unpickled leaf: it is born now."""
    node = kind(data, name=name, requires_grad=requires_grad)
    node.grad = grad
    if why:
        node.why = why
    return node


def nodes(args: Any) -> Iterator[Any]:
    """The nodes among arguments, those inside a list (as of `np.concatenate`) too."""
    for arg in args:
        if isinstance(arg, Node):
            yield arg
        elif type(arg) in (list, tuple):
            yield from nodes(arg)


def ancestry(root: Node, since: int = 0) -> list[Node]:
    """`root` and every node behind it, oldest first: each stands before what it goes into.

    Nodes born before `since` are left out.

    >>> from groundup.engine import Value
    >>> a = Value(2.0, name="a")
    >>> [node.name or node.op.name for node in ancestry(a * a + 1)]
    ['a', 'multiply', 'add']
    """
    found, ahead = {root}, [root]
    while ahead:
        for parent in ahead.pop().parents():
            if parent not in found and parent.born >= since:
                found.add(parent)
                ahead.append(parent)
    return sorted(found, key=lambda node: node.born)


Steps = Iterator[tuple[Node, Any]]
Observer = Callable[[Node, Steps], Steps]  # sees each step of a pass and hands it on


def walk(root: Node, seed: Any, since: int = 0) -> Steps:
    """The backward pass as data: yield (node, ∂root/∂node), newest node first.

    The newest pending node has nothing left to receive: all that it fed is newer, and done. So
    each gradient is whole when it is yielded. Nothing is written on any node, and a consumer
    may stop whenever it has seen enough.

    Args:
        root: where to start.
        seed: ∂loss/∂root. A plain number or array gives plain gradients; a node gives
            gradients that are nodes themselves, and can be differentiated again.
        since: nodes born before this are reached, but not walked through.

    >>> from groundup.engine import Value
    >>> a = Value(3.0, name="a")
    >>> [(node.name or node.op.name, grad) for node, grad in walk(a * a, 1.0)]
    [('multiply', 1.0), ('a', 6.0)]
    """
    waiting, grads = {root.born: root}, {root.born: seed}  # by birth, which no two nodes share
    born, queue = root.born, None
    witness = modes.witness
    while waiting:
        # The newest that waits was mostly born just before the last one. Where a gap is wide,
        # births go into a heap from then on.
        gap = 0
        while queue is None and born not in waiting:
            born, gap = born - 1, gap + 1
            if gap > WIDE:
                queue = [-key for key in waiting]
                heapq.heapify(queue)
        if queue is not None:
            born = -heapq.heappop(queue)
        node, grad = waiting.pop(born), grads.pop(born)
        if type(grad) is Part:
            grad = grad.whole()
        yield node, grad
        if node.op is None or born < since:
            continue
        if born < newest_change:
            check_unchanged(node)
        quick = type(grad) is float and not witness
        if quick:
            shares: Any = (node._a, node._da), (node._b, node._db)
        elif witness:
            shares = witness.handed(node, grad, node.shares(grad))
        else:
            shares = node.shares(grad, parts=True)
        for arg, share in shares:
            if quick:  # a Value keeps its slopes, None where nothing flows
                if share is None:
                    continue
                share = share * grad if grad else 0.0  # and not 0 · ∞
            key = arg.born
            if key in grads:
                grads[key] = grads[key] + share  # not +=, which would write into an array
            else:
                waiting[key], grads[key] = arg, share
                if queue is not None:
                    heapq.heappush(queue, -key)


WIDE = 64  # births between two nodes of a graph; beyond it a heap is faster than counting down


def swept(
    root: Node, seed: Any, keep: Callable[[Node], Any] | None, since: int = 0,
    observers: tuple[Observer, ...] = (),
) -> dict[Node, Any]:  # fmt: skip
    """The gradients that a walk gives, of those nodes alone that `keep` wants; None wants all.

    A number that is 0 stays 0 on its way back through an op on each element, be the slope there
    infinite: nothing flows into the branch that `where` did not take. To see to that takes time,
    so we first walk without, and numpy tells when 0 · ∞ has made a NaN.
    """
    if not (observers or modes.witness or modes.careful):
        try:
            with np.errstate(divide="raise", invalid="raise"):
                kept = wanted(walk(root, seed, since), keep)
            # Values see to it in `walk`; an array may have had its NaN before.
            if type(seed) is float or not any(map(has_nan, kept.values())):
                return kept
        except FloatingPointError:
            pass
    with mode(careful=True):
        steps = walk(root, seed, since)
        for observer in observers:
            steps = observer(root, steps)
        return wanted(steps, keep)


def wanted(steps: Steps, keep: Callable[[Node], Any] | None) -> dict[Node, Any]:
    return {node: grad for node, grad in steps if keep(node)} if keep else dict(steps)


def collected(root: Node, seed: Any = None) -> dict[Node, Any]:
    """What `root.backward(seed)` adds to `.grad`, added to nothing yet."""
    if not root.requires_grad:
        raise RuntimeError(
            f"backward() from {describe(root)}: it is a constant. Give an input "
            "requires_grad=True, and compute outside no_grad()."
        )
    start = root.seed(seed.data if isinstance(seed, Node) else seed)
    keep = None if type(root).keeps_grad is True else attrgetter("keeps_grad")  # a Value always
    return swept(root, start, keep, observers=modes.observers)


def add_up(*passes: dict[Node, Any]) -> None:
    """Add what passes have collected to `.grad`; the collections are used up.

    Collect first, assign after: a pass that is interrupted leaves every .grad whole, and threads
    that share a leaf do not lose each other's gradients.
    """
    totals: dict[Node, Any] = {}
    with assigning:
        for kept in passes:
            while kept:  # each gradient goes as its sum is made: none is there twice
                node, grad = kept.popitem()
                if node in totals:
                    totals[node] += grad  # in place, as an array is our own by now
                elif type(grad) is float:
                    totals[node] = node._grad + grad
                else:
                    totals[node] = node.summed(grad)
        for node, total in totals.items():
            node._grad = total


def has_nan(x: Any) -> bool:
    data = x._data if isinstance(x, Node) else x
    return math.isnan(np.vdot(data, data))


def stamp_change(node: Node) -> None:
    """Note that a node has other data from now on."""
    global newest_change
    with changing:  # or a slower thread would set an older stamp as the newest
        node.changed = newest_change = tick()


def stamp_written(array: np.ndarray) -> None:
    """Note that an array was written in place: whatever node shows its memory has other data from
    now on. It is noted of the memory, since a constant view (x[:2], x.T) does not know its x."""
    global newest_change, newest_write
    memory = owner(array)
    with changing:
        if id(memory) not in written:
            weakref.finalize(memory, written.pop, id(memory), None).atexit = False
            written[id(memory)] = {}
        written[id(memory)][span(array)] = newest_change = newest_write = tick()


def owner(array: np.ndarray) -> np.ndarray:
    """The array whose memory it shows: itself, or the one behind a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def span(array: np.ndarray) -> tuple[float, float]:
    """From where to where it lies; of all that there is, without looking."""
    return (0, math.inf) if array.base is None else byte_bounds(array)


def was_written(data: Any, since: int) -> bool:
    """Whether an array, or one whose memory it shares, was written in place."""
    spans = written.get(id(owner(data))) if isinstance(data, np.ndarray) else None
    if not spans:
        return False
    low, high = span(data)
    return any(when > since and a < high and low < b for (a, b), when in [*spans.items()])


def forget_change(node: Node) -> None:
    """For who has put a node's numbers back as they were."""
    node.changed = 0
    if isinstance(node._data, np.ndarray):
        written.get(id(owner(node._data)), {}).pop(span(node._data), None)


# Their slopes hang on no argument's numbers.
STRAIGHT = {np.add, np.subtract, np.concatenate, np.stack}


def check_unchanged(node: Node) -> None:
    """Refuse to differentiate with numbers that are not those the op was computed from."""
    born = node.born
    for used in (node, *node.parents()):
        if used.changed > born or (newest_write > born and was_written(used._data, born)):
            raise RuntimeError(
                f"the data of {describe(used)} was changed after {node.op} used it, so its "
                "gradient would be wrong. Run the forward pass again, then backward()."
            )
    if newest_write <= born or node.op is None or node.op.fn in STRAIGHT:
        return
    if any(was_written(arg, born) for arg in node.args):
        raise RuntimeError(
            f"an array that {node.op} was handed, the data of a Tensor, was changed afterwards, so "
            "its gradient would be wrong. Hand over a copy, x.data.copy() or x.detach()."
        )


def describe(node: Node) -> str:
    """A node in an error message: its name if it has one, else what it is."""
    what = f"result of {node.op}" if node.op else "leaf"
    named = f" {node.name!r}" if node.name else ""
    return f"{type(node).__name__}{named} ({what}, shape {node.shape})"
