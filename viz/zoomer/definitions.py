"""An op that is defined by others, opened: its definition, run on leaves that hold the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine import Tensor, enable_grad
from ...engine.arguments import each
from ...engine.checkpoint import Recomputed
from ...engine.graph import Node, nodes, tick
from ...engine.modes import mode
from ...engine.tensor import leaf
from .regions import Tree


@dataclass(eq=False)
class Definition:
    """The graph inside of an op.

    Attributes:
        tree: of the ops that its definition ran.
        starts: a leaf for each argument, called as the definition calls it.
        apart: how far its result is from the op's own, where that comes from a kernel; relative
            to the largest number.
    """

    tree: Tree
    starts: dict[Node, Node]
    apart: float

    @property
    def said(self) -> str:
        """How it was run, and what came out."""
        how = "Run again on leaves that hold the same numbers"
        if not self.apart:
            return f"{how}: the result is the same to the last digit."
        return (
            f"{how}. The op itself takes a faster way, whose rounding differs: by at most "
            f"{self.apart:.0e} of the largest number."
        )


def has_definition(node: Node) -> bool:
    """Whether an op is differentiated through others that define it."""
    return isinstance(node, Tensor) and node.op is not None and node.op.vjps is None


def definition_of(node: Any) -> Definition:
    """Run the definition of an op again, on fresh leaves."""
    given = node.args[: node.saved] if isinstance(node, Recomputed) else node.args
    first = tick()
    with mode(scope=None), enable_grad():
        args = tuple(each(leaf, arg) for arg in given)
        inside = node.op.definition(*args, **node.kwargs)
    floats = (arg for arg in nodes(given) if arg.data.dtype.kind == "f")
    starts = dict(zip(nodes(args), floats, strict=True))
    for start, name in zip(starts, names_of(node.op, args), strict=True):
        start.name = name
    return Definition(Tree(inside, first), starts, apart(inside._data, node._data))


def names_of(op: Any, args: tuple) -> list[str]:
    """What an op calls the nodes among its arguments: `x`, `weight`, `arrays[0]`."""
    try:
        parameters = list(op.signature.parameters.values())
    except ValueError:  # some of numpy's functions do not say
        parameters = []
    several = bool(parameters) and parameters[-1].kind is parameters[-1].VAR_POSITIONAL
    names = []
    for place, arg in enumerate(args):
        last = several and place >= len(parameters) - 1
        known = None if last or place >= len(parameters) else parameters[place].name
        name = known or "abcdefgh"[(place - len(parameters) + 1 if last else place) % 8]
        inner = list(nodes((arg,)))
        single = isinstance(arg, Node)
        names += [name if single else f"{name}[{i}]" for i in range(len(inner))]
    return names


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference between two arrays, relative to the largest number in them."""
    with np.errstate(all="ignore"):
        difference = np.abs(np.subtract(a, b, dtype=np.float64))
        scale = np.max(np.abs(b), initial=0, where=np.isfinite(b))
        worst = np.max(difference, initial=0, where=np.isfinite(difference))
    return float(worst / scale) if scale else float(worst)
