"""Is a gradient right? Ask the function itself: (f(x + h) − f(x − h)) / 2h."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..derivatives import start, vjp
from ..graph import Node, no_grad, nodes
from ..op import Op
from ..tensor import Tensor, each
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
    rng = np.random.default_rng(seed)
    try:
        for mismatch in mismatches(f, xs, rng, rtol, atol, max_elements):
            raise mismatch
    except GradientError as error:
        for inner in wrong_ops(f, xs, rtol, atol):
            raise inner from error
        raise
    return True


def as_float64(x: Any) -> Any:
    """An input as a float64 array or a Value; integers, booleans and None as they are."""
    if isinstance(x, Value):
        return Value(x.data, x.name)
    array = x.data if isinstance(x, Tensor) else x
    if isinstance(array, float) or (isinstance(array, np.ndarray) and array.dtype.kind == "f"):
        return np.array(array, dtype=np.float64)
    return array


def moves(x: Any) -> bool:
    return isinstance(x, Value) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def mismatches(
    f: Any, xs: tuple, rng: np.random.Generator, rtol: float, atol: float, max_elements: int
) -> Iterator[GradientError]:
    """Every place where the pullback of f disagrees with f."""
    places = [i for i, x in enumerate(xs) if moves(x)]

    def of_moving(*moving: Any) -> Any:
        args = list(xs)
        for place, x in zip(places, moving, strict=True):
            args[place] = x
        return f(*args)

    moving = [xs[place] for place in places]
    out, pullback = vjp(of_moving, *moving)
    weights = rng.uniform(0.5, 1.5, np.shape(out))

    def loss(*at: Any) -> float:
        with no_grad():
            return float(np.sum(np.asarray(number_or_array(of_moving(*map(start, at)))) * weights))

    grads = pullback(weights if np.ndim(weights) else float(weights))
    grads = tuple(np.asarray(number_or_array(g)) for g in grads)
    name = getattr(f, "__name__", str(f))
    points = [np.asarray(number_or_array(x)) for x in moving]

    def slope(directions: list[Any]) -> float:
        ahead = [like(x, p + STEP * d) for x, p, d in zip(moving, points, directions, strict=True)]
        behind = [like(x, p - STEP * d) for x, p, d in zip(moving, points, directions, strict=True)]
        return (loss(*ahead) - loss(*behind)) / (2 * STEP)

    def differ(analytic: float, numeric: float) -> bool:
        if np.isfinite(analytic) != np.isfinite(numeric):
            return True
        return bool(abs(analytic - numeric) > atol + rtol * max(abs(analytic), abs(numeric)))

    for which, (point, grad) in enumerate(zip(points, grads, strict=True)):
        flat = np.arange(point.size)
        if point.size > max_elements:
            flat = np.sort(rng.choice(flat, max_elements, replace=False))
        for element in flat:
            unit = np.zeros(point.size)
            unit[element] = 1
            directions: list[Any] = [0.0] * len(points)
            directions[which] = unit.reshape(point.shape)
            analytic, numeric = float(grad.flat[element]), slope(directions)
            if differ(analytic, numeric):
                index = tuple(int(i) for i in np.unravel_index(element, point.shape))
                yield GradientError(name, places[which], index, analytic, numeric)
        if point.size > max_elements:
            directions = [0.0] * len(points)
            directions[which] = rng.standard_normal(point.shape) / np.sqrt(point.size)
            analytic, numeric = float(np.sum(grad * directions[which])), slope(directions)
            if differ(analytic, numeric):
                yield GradientError(name, places[which], None, analytic, numeric)


def like(x: Any, number: Any) -> Any:
    return Value(float(number)) if isinstance(x, Value) else number


def number_or_array(x: Any) -> Any:
    return x.data if isinstance(x, Node) else x


def wrong_ops(f: Any, xs: tuple, rtol: float, atol: float) -> Iterator[GradientError]:
    """The ops inside f that are wrong by themselves, in the order in which they ran."""
    root = f(*(start(x) if moves(x) else x for x in xs))
    seen: dict[Node, None] = {}
    stack = [root] if isinstance(root, Node) else []
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack.extend(node.parents())
    for node in sorted(seen, key=lambda node: node.born):
        if node.op is not None and node.op.fn is not f:
            call, leaves = op_as_function(node.op, node.args, node.kwargs)
            yield from mismatches(
                call, leaves, np.random.default_rng(0), rtol, atol, max_elements=50
            )


def op_as_function(op: Op, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, tuple]:
    """An op call as a function of its float arrays alone, those inside lists included."""
    wrapped = tuple(each_array(args))
    found = list(nodes(wrapped))
    leaves = tuple(as_float64(node) for node in found)

    def call(*xs: Any) -> Any:
        replacement = dict(zip(found, xs, strict=True))
        return op.fn(*(each(replacement.__getitem__, arg) for arg in wrapped), **kwargs)

    if not any(isinstance(node, Value) for node in found):
        call.__name__ = op.name
        return call, leaves

    def call_on_values(*xs: Any) -> Any:
        replacement = dict(zip(found, xs, strict=True))
        return op.fn(*(replacement.get(arg, arg) if isinstance(arg, Node) else arg for arg in args))

    call_on_values.__name__ = op.name
    return call_on_values, leaves


def each_array(args: Any) -> Iterator[Any]:
    """Arguments with each float array in them a Tensor, so that it can be found and moved."""
    for arg in args:
        if type(arg) in (list, tuple):
            yield type(arg)(each_array(arg))
        elif isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
            yield Tensor(arg)
        else:
            yield arg
