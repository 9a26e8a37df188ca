"""Derivatives of functions: `grad(f)(x)`, in JAX's form, of any order.

Each makes fresh nodes for the inputs, runs f on them, and walks back no further than to them.
The results are of the inputs' kind: Tensors for Tensors, Values for Values, arrays for arrays,
floats for floats. Tensors and Values are recorded, so that they can be differentiated again, where
there is something to differentiate by: an input that requires a gradient, or a parameter in f.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import Any, SupportsIndex

import numpy as np

from .graph import Node
from .modes import enable_grad, mode, modes
from .shares import gradients
from .starts import as_seed, captures, filled, goes_on, kind, of_kind, start
from .tensor import made
from .value import Value

Pullback = Callable[[Any], tuple[Any, ...]]
Argnums = SupportsIndex | Sequence[int]  # with respect to which argument, or which several


def vjp(f: Callable[..., Any], *xs: Any) -> tuple[Any, Pullback]:
    """f(*xs), and a function that carries a gradient of the output back to the inputs.

    Args:
        f: takes and returns one array each (or Tensors, or Values).
        xs: where to differentiate.

    Returns:
        out, pullback; pullback(g) is the tuple of gᵀ · ∂f/∂x, one for each x.

    Raises:
        TypeError: an input of integers, or of something else that has no derivative, such as a
            list of nodes.

    >>> out, pullback = vjp(np.multiply, 2.0, 5.0)
    >>> out, pullback(1.0)
    (10.0, (5.0, 2.0))
    """
    if not xs:
        raise ValueError("no argument to differentiate with respect to")
    scalar = any(isinstance(x, Value) for x in xs)
    starts = [start(x, scalar) for x in xs]
    first = min(node.born for node in starts)
    with enable_grad(), mode(tracing=first if modes.tracing is None else modes.tracing):
        root = f(*starts)
    if root is None or isinstance(root, tuple | list | dict):
        raise TypeError(f"the function returns {type(root).__name__}; it must return one array")
    if isinstance(root, np.ndarray) and root.dtype == object:
        raise TypeError("the function returns an array of Values; return one, such as their sum")
    # Gradients are recorded where someone may differentiate them: the caller, by the nodes handed
    # in or by parameters, or a derivative being taken around this one, whose variables f has
    # captured.
    inside = captures(root, first)
    recorded = any(isinstance(x, Node) for x in xs) and goes_on(root, starts, first)

    def pullback(g: Any) -> tuple[Any, ...]:
        within = inside or captures(g, first)
        again = within or recorded or (isinstance(g, Node) and g.requires_grad)
        grads = [None] * len(starts)
        if isinstance(root, Node) and root.requires_grad:
            with mode(recording=again):
                grads = gradients(root, as_seed(root, g, again), starts)
        whole = map(filled, grads, starts)
        return tuple(of_kind(x, grad, again, within) for x, grad in zip(xs, whole, strict=True))

    return of_kind(kind(xs), root, recorded, inside), pullback


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives (f(*xs), ∂f/∂xs[argnums]); f returns one number.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """

    def both(*xs: Any, **kwargs: Any) -> tuple[Any, Any]:
        out, pullback = partial_vjp(f, argnums, xs, kwargs)
        if np.size(out) != 1:
            raise ValueError(
                f"grad: the function returned shape {np.shape(out)}; it must return one number. "
                "Reduce it, or use jacobian."
            )
        grads = pullback(None)
        return out, grads if isinstance(argnums, Sequence) else grads[0]

    return both


def partial_vjp(f: Any, argnums: Any, xs: tuple, kwargs: dict) -> tuple[Any, Pullback]:
    """vjp with respect to some of the arguments."""
    places = places_of(argnums, len(xs))

    def of_those(*moving: Any) -> Any:
        args = list(xs)
        for place, x in zip(places, moving, strict=True):
            args[place] = x
        return f(*args, **kwargs)

    return vjp(of_those, *(xs[place] for place in places))


def places_of(argnums: Argnums, count: int) -> tuple[int, ...]:
    """Which of `count` arguments are meant, from 0 on."""
    try:
        places = tuple(map(index, argnums if isinstance(argnums, Sequence) else [argnums]))
    except TypeError:
        raise TypeError(f"argnums is one integer or several, not {argnums!r}") from None
    if not all(-count <= place < count for place in places):
        raise ValueError(f"argnums {argnums} of a function called with {count} arguments")
    places = tuple(place % count for place in places)
    if len({*places}) < len(places):
        raise ValueError(f"argnums {argnums}: each argument once")
    return places


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives the gradient of f, which returns one number.

    >>> grad(lambda x: (x**2).sum())(np.array([1.0, 2.0]))
    array([2., 4.])
    >>> round(grad(grad(np.tanh))(0.5), 4)
    -0.7269
    """
    both = value_and_grad(f, argnums)
    return lambda *xs, **kwargs: both(*xs, **kwargs)[1]


def jvp(f: Callable[..., Any], xs: tuple, tangents: tuple) -> tuple[Any, ...]:
    """f(*xs), and ∂f/∂xs · tangents: how the output moves when the inputs do.

    There are no forward rules: the pullback is linear in g, so its own vjp, with respect to g,
    is the derivative forward.

    >>> jvp(np.multiply, (2.0, 5.0), (1.0, 0.0))
    (10.0, 5.0)
    """
    both = isinstance(xs, tuple | list) and isinstance(tangents, tuple | list)
    if not both or len(xs) != len(tangents):
        raise TypeError("jvp takes a tuple of inputs, and one of as many tangents: (x,), (v,)")
    for x, tangent in zip(xs, tangents, strict=True):
        if np.shape(x) != np.shape(tangent):
            raise ValueError(f"jvp: a tangent of shape {np.shape(tangent)} for {np.shape(x)}")
    starts = [start(x, isinstance(kind(xs), Value)) for x in xs]
    out, pullback = vjp(f, *starts)

    def along(g: Any) -> Any:
        pulled = zip(pullback(g), tangents, strict=True)
        terms = [np.sum(one * tangent) for one, tangent in pulled]
        return sum(terms[1:], terms[0])

    zero = Value(0.0) if isinstance(out, Value) else made(np.zeros_like(out))
    _, back = vjp(along, zero)
    tangent = back(None)[0]
    first = min(node.born for node in starts)

    def given(one: Any) -> Any:
        return of_kind(kind(xs), one, goes_on(one, starts, first), captures(one, first))

    return given(out), given(tangent)


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that gives ∂f/∂x, of shape out.shape + x.shape, a row for each output; for a
    tuple of arguments a tuple.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """

    def matrix(*xs: Any, **kwargs: Any) -> Any:
        out, pullback = partial_vjp(f, argnums, xs, kwargs)
        shapes = [np.shape(xs[place]) for place in places_of(argnums, len(xs))]
        if isinstance(out, Value | float):
            found = pullback(None)
        else:
            units = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
            # Where there are no rows, one of zeros says of which kind and width they would be.
            rows = [*map(pullback, units)] or [pullback(np.zeros(out.shape, out.dtype))]
            found = tuple(
                np.reshape(np.stack(own) if out.size else np.stack(own)[:0], out.shape + shape)
                for own, shape in zip(zip(*rows, strict=True), shapes, strict=True)
            )
        return found if isinstance(argnums, Sequence) else found[0]

    return matrix


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The function that gives ∂²f/∂x², of shape x.shape + x.shape; f returns one number.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    if isinstance(argnums, Sequence):
        raise TypeError(
            f"hessian: one argument, not argnums {argnums}; of arguments i and j the block is "
            "jacobian(grad(f, i), j)"
        )
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """∂²f/∂x² · v, the Hessian times a vector, without the Hessian: the gradient of the slope
    along v (Pearlmutter, 1994).

    Args:
        f: takes x and returns one number.
        x, v: of one shape.

    >>> hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 2.])
    """
    if np.shape(x) != np.shape(v):
        raise ValueError(f"hvp: a vector of shape {np.shape(v)} for x of {np.shape(x)}")
    return grad(lambda at: np.sum(grad(f)(at) * v))(x)
