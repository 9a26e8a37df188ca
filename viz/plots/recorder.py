"""`record`: what activations and gradients did, module by module, over many backward passes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...engine import Tensor, relu, sigmoid
from ...engine.graph import Node, Steps, ancestry
from ...engine.modes import mode, modes
from ...engine.op import TABLE
from ..calls import Call, call_tree
from ..theme import Theme
from .findings import findings
from .spread import Spread, magnitudes, spread

if TYPE_CHECKING:
    from .figure import Plot

# How far out an activation is flat, given its result: beyond, its slope is below 0.02.
FLAT: dict[Any, Any] = {
    TABLE[np.tanh]: lambda out: np.abs(out) > 0.99,
    TABLE[sigmoid]: lambda out: np.abs(out - 0.5) > 0.49,
}


class Part(NamedTuple):
    """One call of a module in one pass.

    Attributes:
        kind: the module's class.
        around: the name of the call that it was made in, None for the outermost.
        data: how the numbers of its output are spread; the output is the last op made in it.
        grad: how the sizes of the output's gradient are; None if none reached it.
    """

    kind: str
    around: str | None
    data: Spread
    grad: Spread | None


class Pass(NamedTuple):
    """One backward pass.

    Attributes:
        number: which it was, from 1.
        parts: module calls by name, in forward order. A name is the module's path, or its class
            where it was called by itself; of a second call in one pass it is `path (2)`.
        saturated: the share of a tanh's or sigmoid's results that lie where it is flat, by what
            the op is called, `tanh after layers.0`.
    """

    number: int
    parts: dict[str, Part]
    saturated: dict[str, float]


class Recorder:
    """An observer of backward passes, which keeps how activations and gradients were spread.

    Attributes:
        passes: what was kept, the latest so many.
        count: how many backward passes there were.
        alive: for each relu, `relu after layers.0`, the number of the last pass in which each of
            its units was not 0 for some input, (C,).
    """

    def __init__(self, every: int = 1, keep: int = 200) -> None:
        if every < 1 or keep < 1:
            raise ValueError(f"record: every={every} and keep={keep} are counts, 1 or more")
        self.every = every
        self.passes: deque[Pass] = deque(maxlen=keep)
        self.count = 0
        self.alive: dict[str, np.ndarray] = {}

    def __call__(self, root: Node, steps: Steps) -> Steps:
        """Hand each step on, and note what the pass was when it ends, or breaks."""
        self.count += 1
        if (self.count - 1) % self.every or not isinstance(root, Tensor):
            yield from steps
            return
        ops = [node for node in ancestry(root) if node.op is not None]
        stage, home = call_tree(ops)
        # In forward order, as the first op of each call comes; the last op is what stays.
        outputs = {call: node for node in ops for call in home[node].above() if call.scope}
        wanted, grads = set(outputs.values()), dict[Node, Spread]()
        try:
            for node, grad in steps:
                if node in wanted:
                    data = grad._data if isinstance(grad, Node) else grad
                    grads[node] = magnitudes(data)
                yield node, grad
        finally:
            self._note(ops, home, outputs, grads)
            del stage  # which until here kept the calls that `home` is about

    def _note(
        self, ops: list[Node], home: Any, outputs: dict[Call, Node], grads: dict[Node, Spread]
    ) -> None:
        names = named(outputs)
        data = {node: spread(node._data) for node in set(outputs.values())}
        parts = {}
        for call, name in names.items():
            out, around = outputs[call], names.get(call.parent) if call.parent else None
            parts[name] = Part(kind_of(call), around, data[out], grads.get(out))
        bends = bent(ops, home, names)
        flat = {name: flatness(node) for name, node in bends.items() if node.op in FLAT}
        if parts:
            self.passes.append(Pass(self.count, parts, flat))
        for name, node in bends.items():
            if node.op is TABLE[relu]:
                self._see_units(name, node._data)

    def _see_units(self, name: str, out: np.ndarray) -> None:
        """Note which units, along the last axis of relu's result, are alive in this pass."""
        lives = np.any(out.reshape(-1, out.shape[-1] if out.ndim else 1) != 0, axis=0)
        before = self.alive.get(name)
        if before is None or before.shape != lives.shape:
            before = np.zeros(lives.shape, int)
        self.alive[name] = np.where(lives, self.count, before)

    def findings(self) -> list[str]:
        """What is wrong, in a sentence each; none for a healthy training. See `findings.py`."""
        return findings(self)

    def plot(self, inside: str | None = None, theme: str | Theme = "light") -> Plot:
        """The parts of a module, a row each: how their activations and gradients were spread, from
        pass to pass.

        Args:
            inside: the name of the module, such as "blocks.0"; by default the outermost that has
                several parts.
            theme: "light" or "dark".

        Returns:
            a matplotlib Figure, which shows itself in a notebook; `.savefig("layers.svg")`.

        Raises:
            MissingExtra: matplotlib is not installed.
            ValueError: nothing was recorded, or no such module.
        """
        from .strips import strips

        return strips(self, inside, theme)

    def __repr__(self) -> str:
        said = "\n".join(f"- {finding}" for finding in self.findings()) or "nothing wrong found"
        return f"{self.count:,} backward passes, {len(self.passes):,} kept:\n{said}"


def named(calls: Iterable[Call]) -> dict[Call, str]:
    """A name for each call of one pass; see `Pass`."""
    names, times = dict[Call, str](), Counter[str]()
    for call in calls:
        assert call.scope is not None
        names[call] = numbered(call.scope.path or call.scope.kind, times)
    return names


def kind_of(call: Call) -> str:
    assert call.scope is not None
    return call.scope.kind


def bent(ops: list[Node], home: dict[Node, Call], names: dict[Call, str]) -> dict[str, Node]:
    """The relus, tanhs and sigmoids of one pass, called by the module whose output they bend."""
    found, times = dict[str, Node](), Counter[str]()
    for node in ops:
        if node.op is TABLE[relu] or node.op in FLAT:
            (before,) = node.parents()
            own, source = names.get(home[node]), names.get(home.get(before, home[node]))
            place = f"after {source}" if source != own else f"in {own}" if own else ""
            found[numbered(f"{node.op} {place}".strip(), times)] = node
    return found


def numbered(name: str, times: Counter[str]) -> str:
    """`name`, or `name (2)` where it is the second of that name."""
    times[name] += 1
    return name if times[name] == 1 else f"{name} ({times[name]})"


def flatness(node: Node) -> float:
    return float(np.mean(FLAT[node.op](node._data)))


@contextmanager
def record(every: int = 1, keep: int = 200) -> Iterator[Recorder]:
    """Note, for every backward pass of this thread in the block, how the output of each module
    call and its gradient are spread: `log.plot()` shows it, `log.findings()` says what is wrong.

    It is for Tensors that modules compute; a scalar model has no arrays to look at. No array is
    kept, only histograms: about 1 kB for each call of a module in each pass.

    Args:
        every: look at the first of so many passes. To look at one takes about half a millisecond
            for each call of a module.
        keep: so many passes, the latest.

    >>> from groundup import nn
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> with record() as log:
    ...     net(np.ones((2, 3), np.float32)).sum().backward()
    >>> list(log.passes[0].parts)
    ['Sequential', '0', '1', '2']
    >>> log.findings()
    []
    """
    recorder = Recorder(every, keep)
    with mode(observers=(*modes.observers, recorder)):
        yield recorder
