"""Is a gradient right? Ask the function itself: (f(x + h) − f(x − h)) / 2h."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..arguments import each, is_list
from ..derivatives import partial_vjp, start
from ..graph import Node, ancestry, no_grad, nodes
from ..op import Op
from ..tensor import Tensor
from ..value import Value

# The step where truncation (h²) and rounding (1e-16 / h) errors of central differences balance.
STEP = 6e-6


class GradientError(AssertionError):
    """A gradient that differs from the slope.

    Attributes:
        op: name of the op or function that is wrong.
        input: which of its inputs, counted from 0.
        index: which element of that input; None for a random direction.
        analytic: what the engine's rule says.
        numeric: what central differences say.
    """

    def __init__(self, op: str, input: int, index: Any, analytic: float, numeric: float) -> None:
        self.op, self.input, self.index = op, input, index
        self.analytic, self.numeric = analytic, numeric
        where = "along a random direction" if index is None else f"at index {index}"
        super().__init__(
            f"the gradient of {op} with respect to input {input} {where} is {analytic:.10g}, but "
            f"finite differences give {numeric:.10g}"
        )


def gradcheck(
    f: Callable[..., Any],
    *xs: Any,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    max_elements: int = 200,
    seed: int = 0,
) -> bool:
    """Hold every derivative of f at xs against central differences, in float64.

    A random weight for each output makes one number of them, so one pull checks all rows.
    Inputs of up to `max_elements` elements are checked element by element; larger ones at that
    many random elements, and all together along random directions.

    Args:
        f: takes Tensors (or Values) and returns one; any shape.
        xs: arrays, floats, Tensors or Values; integers and booleans are handed on as they are.

    Returns:
        True.

    Raises:
        GradientError: naming op, input, index and both numbers. Where f is made of ops, the op
            that is wrong by itself is the one named.

    >>> gradcheck(lambda x: (x**2).sum(), np.array([1.0, 2.0]))
    True
    """
    xs = tuple(map(as_float64, xs))
    if not any(map(moves, xs)):
        raise ValueError("gradcheck: no input of floats, so there is no gradient to check")
    error = next(mismatches(f, xs, rtol, atol, max_elements, seed), None)
    if error is None:
        return True
    raise next(wrong_ops(f, xs, rtol, atol), error)


def as_float64(x: Any) -> Any:
    """An input as a float64 array or a Value; integers, booleans and None as they are."""
    if isinstance(x, Value):
        return Value(x.data, x.name)
    array = x.data if isinstance(x, Tensor) else x
    if isinstance(array, float) or (isinstance(array, np.ndarray) and array.dtype.kind == "f"):
        return np.array(array, dtype=np.float64)
    return array


def moves(x: Any) -> bool:
    """Whether an input has a gradient that can be checked."""
    return isinstance(x, Value) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def mismatches(
    f: Any, xs: tuple, rtol: float, atol: float, max_elements: int = 50, seed: int = 0
) -> Iterator[GradientError]:
    """Every place where the pullback of f disagrees with f."""
    rng = np.random.default_rng(seed)
    places = tuple(place for place, x in enumerate(xs) if moves(x))
    out, pullback = partial_vjp(f, places, xs, {})
    weights = rng.uniform(0.5, 1.5, np.shape(out))
    grads = pullback(weights if np.ndim(weights) else float(weights))

    def loss(moved: int, to: np.ndarray) -> float:
        args = [to if place == moved else x for place, x in enumerate(xs)]
        args = [node_at(a, x) if moves(x) else x for a, x in zip(args, xs, strict=True)]
        with no_grad():
            return float(np.sum(numbers(f(*args)) * weights))

    for place, grad in zip(places, grads, strict=True):
        point = numbers(xs[place])
        for index, direction in directions(point.shape, max_elements, rng):
            step = STEP * direction
            numeric = (loss(place, point + step) - loss(place, point - step)) / (2 * STEP)
            analytic = float(np.sum(numbers(grad)[direction != 0] * direction[direction != 0]))
            bound = atol + rtol * max(abs(analytic), abs(numeric))
            if not abs(analytic - numeric) <= bound and analytic != numeric:
                yield GradientError(getattr(f, "__name__", str(f)), place, index, analytic, numeric)


def directions(shape: tuple[int, ...], max_elements: int, rng: Any) -> Iterator[tuple[Any, Any]]:
    """(index, direction) in which to move an input: along each element; of a large input along
    some, and then, with no index, along a few random mixtures of all."""
    size = int(np.prod(shape))
    chosen: Any = np.arange(size)
    if size > max_elements:
        chosen = np.sort(rng.choice(size, max_elements, replace=False))
    for element in chosen:
        unit = np.zeros(size)
        unit[element] = 1.0
        index = tuple(int(i) for i in np.unravel_index(element, shape))
        yield index, unit.reshape(shape)
    for _ in range(3 if size > max_elements else 0):
        yield None, rng.standard_normal(shape) / np.sqrt(size)


def node_at(number: Any, kind: Any) -> Node:
    """A Tensor or a Value, whichever `kind` asks for, with these numbers."""
    array = numbers(number)
    return Value(array.item()) if isinstance(kind, Value) else Tensor(array)


def numbers(x: Any) -> np.ndarray:
    return np.asarray(x.data if isinstance(x, Node) else x)


def wrong_ops(f: Any, xs: tuple, rtol: float, atol: float) -> Iterator[GradientError]:
    """The ops inside f that are wrong by themselves, in the order in which they ran."""
    root = f(*(start(x) if moves(x) else x for x in xs))
    for node in ancestry(root) if isinstance(root, Node) else ():
        if node.op is not None and node.op.fn is not f:
            call, leaves = op_as_function(node.op, node.args, node.kwargs)
            yield from mismatches(call, leaves, rtol, atol)


def op_as_function(op: Op, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, tuple]:
    """An op call as a function of its floats alone, wherever among the arguments they stand."""
    args = tuple(map(as_nodes, args))
    found = list(nodes(args))

    def call(*xs: Any) -> Any:
        moved = dict(zip(found, xs, strict=True))
        return joined(op.fn(*(each(moved.__getitem__, arg) for arg in args), **kwargs))

    call.__name__ = op.name
    return call, tuple(map(as_float64, found))


def joined(out: Any) -> Any:
    """The results of an op that gives several, one after the other in one row."""
    return (
        np.concatenate([np.ravel(part) for part in out]) if isinstance(out, tuple | list) else out
    )


def as_nodes(arg: Any) -> Any:
    """An argument with each float array in it a Tensor, so that it can be found and moved."""
    if is_list(arg):
        return type(arg)(map(as_nodes, arg))
    is_float = isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
    return Tensor(arg) if is_float else arg
