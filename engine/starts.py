"""What the derivative of a function starts from, and in which kind it gives its results."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import is_list, plain
from .graph import Node, ancestry, nodes
from .modes import enable_grad, modes
from .op import TABLE
from .ops.shape import identity
from .tensor import Tensor, made, variable
from .value import Value, as_value
from .value import result as value_result


def start(x: Any, scalar: bool = False) -> Node:
    """A node with the number or array of x, connected to x if that is a node."""
    if isinstance(x, Value):
        with enable_grad():
            node = value_result(TABLE[identity], x, None, x._data, 1.0, needs=x.requires_grad)
            node.requires_grad = True
            return node
    if isinstance(x, Tensor) and x.dtype.kind == "f":
        return variable(x)
    if isinstance(x, int | np.integer) and not isinstance(x, bool):
        x = float(x)
    return Value(x) if scalar else Tensor(as_one_array(x), requires_grad=True)


def as_one_array(x: Any) -> np.ndarray:
    """The array of an input that is no node.

    Raises:
        TypeError: a list that holds nodes, whose graph would be lost.
        ValueError: a ragged one.
    """
    if is_list(x) and any(True for _ in nodes(x)):
        raise TypeError(
            f"a derivative with respect to a {type(x).__name__} that holds nodes: join them with "
            "np.stack, or hand them in one by one and say which by argnums"
        )
    try:
        return np.asarray(plain(x))
    except ValueError:
        raise ValueError(
            f"a derivative with respect to a {type(x).__name__} of unequal lengths: hand its parts "
            "in one by one, as arrays, and say which by argnums"
        ) from None


def kind(xs: tuple) -> Any:
    """The input whose kind the output has: a node, if there is one."""
    return next((x for x in xs if isinstance(x, Node)), xs[0])


def captures(root: Any, first: int) -> bool:
    """Whether root depends on a variable of a derivative being taken around this one, whose own
    inputs were born from `first` on."""
    if modes.tracing is None or not isinstance(root, Node):
        return False
    behind = ancestry(root, since=modes.tracing)
    return any(modes.tracing <= node.born < first and node.requires_grad for node in behind)


def goes_on(root: Any, starts: list[Any], first: int) -> bool:
    """Whether a gradient goes from root to more than the starts, which were born from `first` on:
    to what was there before, or to a leaf that f has made."""
    if not isinstance(root, Node):
        return False
    behind = ancestry(root, since=first)
    before = (p for node in behind for p in node.parents() if p.born < first)
    made_here = {node for node in behind if node.op is None}.difference(starts)
    return any(node.requires_grad for node in (*before, *made_here))


def as_seed(root: Any, g: Any, recorded: bool) -> Any:
    """What the walk from root starts with: a node where it is recorded, else plain numbers."""
    seed = root.seed(g if recorded or not isinstance(g, Node) else g.data)
    if isinstance(seed, Node) or not recorded:
        return seed
    return as_value(seed) if isinstance(root, Value) else made(seed)


def filled(grad: Any, node: Node) -> Any:
    """The gradient, or the zero of an input that f did not use."""
    if grad is not None:
        return grad
    return Value(0.0, requires_grad=False) if isinstance(node, Value) else np.zeros_like(node)


def of_kind(x: Any, result: Any, recorded: bool, inside: bool) -> Any:
    """A result in the kind of x: of a node recorded, where it goes on; and in any case left a node
    if an outer derivative still needs it."""
    if isinstance(x, Node) and isinstance(result, Node):
        return result if (recorded or inside) and modes.recording else result.detach()
    array = result.data if isinstance(result, Node) else result
    if isinstance(x, Node):
        return as_value(float(array)) if isinstance(x, Value) else made(np.array(array))
    if inside:
        return result
    if isinstance(x, int | float | np.integer) and np.ndim(array) == 0:
        return float(array)
    return np.array(array)  # the caller's own: it may be a view of an input, or given twice
