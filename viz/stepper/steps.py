"""`steps`: both passes of a graph, one step at a time, with rule and numbers.

Forward steps stand in the order in which nodes were made. Backward steps are the edges that a
backward pass goes through, in its own order: we watch the engine's walk, and add nothing to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...engine.graph import Node, Steps, ancestry, collected
from ...engine.modes import mode
from ..rules import Contribution, contributions, placed_shares, positions
from .called import calls, in_names, in_numbers, in_their_names, symbols_of
from .step_record import Step


def steps(loss: Node, seed: Any = None) -> Iterator[Step]:
    """Every forward step of a graph, then every step of a backward pass, run for it.

    `.grad` is neither read nor changed. `print(step)` says a step in words.

    Args:
        loss: a Value or a Tensor.
        seed: the gradient of the root, where it holds more than one number.

    Raises:
        TypeError: not a node.
        RuntimeError: there is no backward pass from here, as `loss.backward()` would say.

    >>> from groundup.engine import Value
    >>> a, b = Value(0.5, name="a"), Value(-3.0, name="b")
    >>> *_, last_but_one, last = steps(a * b + a)
    >>> print(last_but_one)
    Backward 4 of 5: from multiply₃ to a
        ∂out · b = 1 · (−3) = −3
        incoming × local derivative: 1 × (−3) = −3
        two paths meet at a: 1 + (−3) = −2
        so ∂loss/∂a = −2
    """
    root = checked(loss)
    yield from steps_of(root, backward_pass(root, seed))


def checked(loss: Any) -> Node:
    """A node, or a TypeError that says what else was given."""
    if not isinstance(loss, Node):
        raise TypeError(
            f"step through a Value or a Tensor, not {type(loss).__name__}. Of an array of Values "
            "take one element, or their sum."
        )
    return loss


def backward_pass(root: Node, seed: Any = None) -> list[tuple[Node, Any]]:
    """What a backward pass of the engine hands to an observer; nothing is added to `.grad`."""
    seen = []

    def note(_: Node, steps: Steps) -> Steps:
        for step in steps:
            seen.append(step)
            yield step

    with np.errstate(all="ignore"), mode(observers=(note,)):
        collected(root, seed)
    return seen


def steps_of(root: Node, passed: list[tuple[Node, Any]]) -> list[Step]:
    """The steps of a graph, and of a backward pass that ran through it, if one did.

    Args:
        root: where the pass began.
        passed: what it gave: each node with its whole gradient, the root first.
    """
    nodes = ancestry(root)
    names = calls(nodes, root)
    backward = backward_steps(passed, names) if passed else ()
    return [*forward_steps(nodes, names), *backward]


def size(root: Node) -> int:
    """How many steps there are at the most: a node each, an edge each, and the seed. (An edge
    through which no gradient flows, as into an index, turns out to have none.)"""
    nodes = ancestry(root)
    edges = sum(parent.requires_grad for node in nodes for parent in node.parents())
    return len(nodes) + edges + root.requires_grad


def forward_steps(nodes: list[Node], names: dict[Node, str]) -> Iterator[Step]:
    """A step for each node; they come oldest first, the root last."""
    root_name = names[nodes[-1]]
    for place, node in enumerate(nodes, 1):
        rule, numbers = (in_names(node, names), in_numbers(node)) if node.op else ("", "")
        yield Step("forward", place, len(nodes), node, names[node], root_name, rule, numbers)


def backward_steps(passed: list[tuple[Node, Any]], names: dict[Node, str]) -> Iterator[Step]:
    """The seed, and a step for each edge of a backward pass."""
    edges = edges_of(passed)
    paths = Counter(given.arg for _, given, _ in edges)
    count, (root, seed) = len(edges) + 1, passed[0]
    yield Step(
        "backward", 1, count, root, names[root], names[root],
        incoming=seed, total=seed, path=1, paths=1,
    )  # fmt: skip
    totals: dict[Node, Any] = {root: seed}
    met = Counter[Node]()
    for place, (node, given, local) in enumerate(edges, 2):
        arg, before = given.arg, totals.get(given.arg)
        totals[arg] = given.share if before is None else before + given.share
        met[arg] += 1
        position = positions(node)[given.place][0]
        rule, symbols = in_their_names(
            given.rule, symbols_of(given.rule, node, position, names)
        )  # fmt: skip
        yield Step(
            "backward", place, count, node, names[node], names[root], rule, given.numbers,
            symbols, arg, names[arg], given.place,
            totals[node], local, given.share, given.axes, before, totals[arg], met[arg], paths[arg],
        )  # fmt: skip


def edges_of(passed: list[tuple[Node, Any]]) -> list[tuple[Node, Contribution, float | None]]:
    """(node, what it hands on, its local derivative) of each edge that a pass went through.

    As the pass itself does, a gradient of 0 stays 0, and numpy's warnings are not news.
    """
    with np.errstate(all="ignore"), mode(careful=True):
        return [
            (node, given, slopes.get(given.place))
            for node, grad in passed
            for slopes in [local_derivatives(node)]
            for given in contributions(node, grad)
        ]


def local_derivatives(node: Node) -> dict[int, float]:
    """∂node/∂parent, where both are single numbers: what a gradient of 1 would hand on."""
    if np.ndim(node._data) or any(np.ndim(parent._data) for parent in node.parents()):
        return {}
    unit = np.ones_like(node._data)[()] if isinstance(node._data, np.ndarray) else 1.0
    return {place: float(share) for place, _, share in placed_shares(node, unit)}
