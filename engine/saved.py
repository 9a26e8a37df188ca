"""`saved(loss)`: what a graph keeps alive for its backward pass, in bytes, and where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph import Node, ancestry, owner
from .tensor import Tensor


@dataclass
class Saved:
    """Bytes that a graph keeps.

    Attributes:
        nodes: for each op, oldest first, what it keeps and nothing before it kept; a view, and an
            argument that is kept by the op that made it, cost nothing.
        leaves: parameters and inputs, which would be there anyway.
        gradients: the most that gradients take at one moment of a backward pass. What a rule
            needs for itself on the way is not counted.
    """

    nodes: dict[Node, int]
    leaves: int
    gradients: int

    @property
    def total(self) -> int:
        """Of all ops."""
        return sum(self.nodes.values())

    @property
    def peak(self) -> int:
        """With leaves and gradients, at the worst moment of a backward pass."""
        return self.total + self.leaves + self.gradients

    @property
    def by_module(self) -> dict[str, int]:
        """For each module, by its path, what the ops made in it keep; "" is outside of all."""
        kept: dict[str, int] = {}
        for node, size in self.nodes.items():
            path = node.scope.path if node.scope else ""
            kept[path] = kept.get(path, 0) + size
        return kept

    def __str__(self) -> str:
        lines = [
            f"{in_bytes(self.total)} kept by {len(self.nodes)} ops",
            f"{in_bytes(self.leaves)} of parameters and inputs",
            f"{in_bytes(self.peak)} at the peak, with gradients",
        ]
        for path, size in sorted(self.by_module.items(), key=lambda pair: -pair[1]):
            share = size / max(self.total, 1)
            lines.append(f"  {path or '(no module)':<32} {in_bytes(size):>10} {share:>5.0%}")
        return "\n".join(lines)

    __repr__ = __str__


def saved(loss: Node) -> Saved:
    """What the graph behind `loss` keeps alive for its backward pass.

    >>> from groundup.engine import Tensor
    >>> x = Tensor(np.ones(1000), requires_grad=True)
    >>> print(saved(np.exp(x * x).sum()))
    15.6 kB kept by 3 ops
    7.8 kB of parameters and inputs
    39.1 kB at the peak, with gradients
      (no module)                         15.6 kB  100%
    """
    if not isinstance(loss, Node):
        raise TypeError(f"saved: a Value or a Tensor, not {type(loss).__name__}")
    nodes, seen = ancestry(loss), set[int]()
    leaves = sum(size_of(held_by(node), seen) for node in nodes if node.op is None)
    sizes = {node: size_of(held_by(node), seen) for node in nodes if node.op is not None}
    return Saved(sizes, leaves, most_gradients(nodes))


def held_by(node: Node) -> Iterator[Any]:
    """The arrays that a node keeps, or a Value itself."""
    if not isinstance(node, Tensor):
        yield node
        return
    yield from arrays_in([node, node.args])
    # A definition that is differentiated through itself keeps the graph inside.
    kept: Any = node.saved
    if isinstance(kept, tuple) and kept and isinstance(kept[0], Node):
        for inner in ancestry(kept[0]):
            yield from held_by(inner)
    else:
        yield from arrays_in(kept)


def arrays_in(x: Any) -> Iterator[np.ndarray]:
    """Arrays, and those of Tensors, in lists too. What is behind a Tensor is its own affair: to
    follow it from here would take every way through the graph."""
    if isinstance(x, list | tuple):
        for item in x:
            yield from arrays_in(item)
    elif isinstance(x, Tensor | np.ndarray):
        yield x._data if isinstance(x, Tensor) else x


def size_of(held: Iterator[Any], seen: set[int]) -> int:
    """The bytes of what has not been seen before; of a view, those of the array behind it."""
    size = 0
    for one in held:
        one = owner(one) if isinstance(one, np.ndarray) else one
        if id(one) not in seen:
            seen.add(id(one))
            size += one.nbytes if isinstance(one, np.ndarray) else size_of_value(one)
    return size


def size_of_value(value: Any) -> int:
    """A Value with its number, its gradient and its slopes."""
    numbers = (value._data, value._grad, value._da, value._db)
    return sum(map(sys.getsizeof, (value, *numbers)))


def most_gradients(nodes: list[Node]) -> int:
    """The walk without its numbers: how many bytes of gradients wait or are kept, at the most."""
    waiting = {nodes[-1]: gradient_size(nodes[-1])}
    most = now = waiting[nodes[-1]]
    for node in reversed(nodes):
        if node not in waiting:
            continue
        for parent in node.parents():
            if parent.requires_grad and parent not in waiting:
                waiting[parent] = gradient_size(parent)
                now += waiting[parent]
        most = max(most, now)
        if not node.keeps_grad:
            now -= waiting[node]
    return most


def gradient_size(node: Node) -> int:
    return node._data.nbytes if isinstance(node._data, np.ndarray) else sys.getsizeof(node._data)


def in_bytes(size: float) -> str:
    """
    >>> in_bytes(1536), in_bytes(3 * 2**20)
    ('1.5 kB', '3.0 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
