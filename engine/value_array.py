"""Arrays whose elements are Values, and what numpy's functions do with those, and with a Value."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from .graph import Node, nodes
from .op import ALIASES, CONSTANT, INTERPRETERS, TABLE, in_order, lookup
from .partials import PARTIALS
from .protocol import NumpyProtocol
from .value import (
    MIXED,
    OBJECTS,
    Chosen,
    Value,
    as_value,
    floats,
    result,
    unwrap,
    wants_grad,
)


class ValueArray(np.ndarray):
    """An array of Values. numpy runs on it element by element, and so builds a scalar graph.

    Functions with a row in the table run as the row says; others as numpy has them, which is
    right as long as they come down to arithmetic.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return run_on_values(ufunc, args, kwargs, method)

    def __array_function__(self, fn: Any, types: Any, args: Any, kwargs: Any) -> Any:
        # numpy takes no object for a NaN: of those who look for one, the table decides.
        if fn in TABLE or fn in CONSTANT or fn in ALIASES or fn.__name__.startswith("nan"):
            return run_on_values(fn, *in_order(fn, args, kwargs))
        try:
            return unwrap(lift(super().__array_function__(fn, types, args, kwargs)))
        except (TypeError, AttributeError):
            lookup(fn)  # which says it better than numpy
            raise

    def interpret(self, fn: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        return run_on_values(fn, args, kwargs)

    # numpy's methods would take a root, or a bound, whose slope is not ours where it has a kink.
    var, std = NumpyProtocol.var, NumpyProtocol.std
    clip: Any = NumpyProtocol.clip


def run_ufunc(ufunc: Any, method: str, args: tuple, kwargs: dict[str, Any]) -> Any:
    """np.exp and the like: numpy asks each element for `.exp()`, for `a + b`."""
    if method == "reduce" and ufunc in REDUCTIONS:
        options = {"axis": kwargs.get("axis", 0), "keepdims": kwargs.get("keepdims", False)}
        return run_on_values(REDUCTIONS[ufunc], args, options)
    if ufunc in CONSTANT:
        return getattr(ufunc, method)(*map(floats, args), **kwargs)
    ufunc = lookup(ufunc).fn
    run = ON_EACH.get(ufunc, getattr(ufunc, method))
    kwargs = {key: bare(x) for key, x in kwargs.items()}  # `out` as well
    with np.errstate(all="ignore"):  # as the methods of a Value, which say nothing
        try:
            return unwrap(lift(run(*bare(args), **kwargs)))
        except TypeError:
            pass  # a number that was put among the Values has no `.exp()`
        return unwrap(lift(run(*bare(tuple(map(lift, args))), **kwargs)))


def run_on_values(fn: Any, args: tuple, kwargs: dict[str, Any], method: str = "__call__") -> Any:
    """Any function. One of ours that is a method of Value is called on each element, as numpy does
    with its own; the rest run their definition, the scalar graph of the whole op."""
    if isinstance(fn, np.ufunc):
        return run_ufunc(fn, method, args, kwargs)
    if fn in CONSTANT:
        return fn(*map(floats, args), **{key: floats(x) for key, x in kwargs.items()})
    if fn in ON_EACH:
        return unwrap(lift(ON_EACH[fn](*map(bare, args))))
    op = lookup(fn)
    if kwargs:
        args, kwargs = op.arguments(args, kwargs)
    if not (op.lists or op.inline):
        args = tuple(map(joined, args))
    args, kwargs = tuple(map(lift, args)), {key: lift(x) for key, x in kwargs.items()}
    if op.ours and fn in PARTIALS:
        with np.errstate(invalid="ignore"):  # a comparison with a NaN is no accident
            return unwrap(lift(np.frompyfunc(getattr(Value, op.name), 1, 1)(*map(bare, args))))
    if not (op.ours or op.on_scalars or op.vjps is None):
        # A definition that calls numpy's own function gets bare arrays, or it would come back here.
        args, kwargs = bare(args), {key: bare(x) for key, x in kwargs.items()}
    return unwrap(lift((op.on_scalars or op.definition)(*args, **kwargs)))


def on_each(fn: Any) -> Any:
    """A function that numpy cannot call on objects, on each element: np.where, np.maximum …"""
    op, rule = TABLE[fn], PARTIALS[fn]

    def on_one(*xs: Any) -> Any:
        data, da, db = rule(*(x._data if isinstance(x, Value) else x for x in xs))
        *mask, a, b = xs
        da, db = da if wants_grad(a) else None, db if wants_grad(b) else None
        needs = wants_grad(a) or wants_grad(b)
        node = result(op, a, b, float(data), da, db, needs, Chosen if mask else None)
        if isinstance(node, Chosen):
            node.mask = mask[0]
        return node

    on_all = np.frompyfunc(on_one, len(inspect.signature(rule).parameters), 1)
    return np.errstate(invalid="ignore")(on_all)


ON_EACH = {
    fn: on_each(fn) for fn in (np.where, np.maximum, np.minimum, np.hypot, np.arctan2, np.logaddexp)
}
REDUCTIONS: dict[Any, Any] = {np.add: np.sum, np.maximum: np.max, np.minimum: np.min}
INTERPRETERS[OBJECTS] = run_on_values


def lift(x: Any) -> Any:
    """An object array as a ValueArray, with every plain number in it made a constant Value.

    `np.where(mask, x, 0)` and the like leave numbers among the Values, and the next np.exp
    would ask an int for its `.exp()`.
    """
    if isinstance(x, Value) or (isinstance(x, np.ndarray) and x.dtype == object):
        lifted = np.frompyfunc(as_value, 1, 1)(bare(x))
        return np.asarray(lifted, dtype=object).view(ValueArray)
    if isinstance(x, Node):  # a Tensor: of ids perhaps, which have no gradient
        if x.requires_grad or x.data.dtype.kind == "f":
            raise TypeError(MIXED)
        return x.data
    return [lift(item) for item in x] if isinstance(x, list) or hasattr(x, "_fields") else x


def joined(x: Any) -> Any:
    """A list of Values, or of lists of them, as one array."""
    is_list = isinstance(x, list | tuple) and any(True for _ in nodes(x))
    return np.array(x, dtype=object) if is_list else x


def bare(x: Any) -> Any:
    """An argument as numpy's own loops take it: plain object arrays."""
    if isinstance(x, list | tuple):
        return (list if isinstance(x, list) else tuple)(map(bare, x))
    is_value = isinstance(x, Value | ValueArray)
    return np.asarray(x, dtype=object).view(np.ndarray) if is_value else x


def values(data: Any, name: str | None = None, requires_grad: bool = True) -> ValueArray:
    """An array of new Values with the numbers of `data`, named `name[i, j]`.

    >>> w = values([[1.0, 2.0]], name="w")
    >>> w[0, 1].name, (w @ np.array([3.0, 4.0]))[0].data
    ('w[0, 1]', 11.0)
    """
    array = np.asarray(data)
    out = np.empty(array.shape, dtype=object).view(ValueArray)
    for index in np.ndindex(array.shape):
        called = f"{name}[{', '.join(map(str, index))}]" if name and index else name
        out[index] = Value(array[index], called, requires_grad)
    return out
