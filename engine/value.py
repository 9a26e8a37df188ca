"""`Value`: one float that remembers how it was made.

Each function says what it computes and, beside it, its partial derivatives. They are kept on
the node: first-order backward is then one multiplication per edge, with no look-up. Op and
arguments are kept too, so higher orders take the same rules as Tensors do, from the table; a
test holds the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from . import ops  # noqa: F401  (fills the table)
from .graph import Node, modes, stamp_change, tick
from .op import CONSTANT, INTERPRETERS, TABLE, Op, lookup
from .ops.elementwise import erf, relu

MIXED = "a Value and a Tensor in one op: stay with one kind, Value for numbers, Tensor for arrays"
NUMBERS = (int, float, np.integer, np.floating, np.bool_)


# Floats as IEEE and numpy have them, where Python would raise


def ieee(python: Callable[..., Any], numpy: Callable[..., Any], *xs: float) -> float:
    """Python's quick function; where it raises (exp(1000), 1/0), the answer of numpy."""
    try:
        return python(*xs)
    except (OverflowError, ZeroDivisionError, ValueError):
        with np.errstate(all="ignore"):
            return float(numpy(*xs))


def quotient(a: float, b: float) -> float:
    return a / b if b else ieee(float.__truediv__, np.divide, a, b)


def logarithm(a: float) -> float:
    return ieee(math.log, np.log, a)


# The node of an op


def result(
    op: Op, args: tuple[Any, ...], data: float, partials: tuple[float, ...], needs: bool
) -> Value:
    """The node of op(*args); a constant where nothing is recorded or nothing `needs` it."""
    if not (needs and modes.recording):
        return Value(data, requires_grad=False)
    node = Value.__new__(Value)
    node._data, node.grad, node.requires_grad = data, 0.0, True
    node.op, node.args, node.partials = op, args, partials
    node.born, node.changed = tick(), 0
    node.scope, node.name, node.trace = modes.scope, None, None
    if modes.witness:
        modes.witness.made(node)
    return node


# Rules: what an op computes, and its partial derivative for each argument, side by side

Rule = Callable[[float, float], tuple[float, tuple[float, float]]]


def add(a: float, b: float) -> Any:
    return a + b, (1.0, 1.0)


def subtract(a: float, b: float) -> Any:
    return a - b, (1.0, -1.0)


def multiply(a: float, b: float) -> Any:
    return a * b, (b, a)


def divide(a: float, b: float) -> Any:
    out = quotient(a, b)
    return out, (quotient(1.0, b), -quotient(out, b))


def power(a: float, b: float) -> Any:
    """a**b. As in the table, a**0 is flat in a, and 0**b in b."""
    out = ieee(math.pow, np.power, a, b)
    in_a = b * ieee(math.pow, np.power, a, b - 1) if b else 0.0
    in_b = out * logarithm(a or 1.0) if a >= 0 else math.nan
    return out, (in_a, in_b)


def number(x: Any) -> float | None:
    """The float of an operand; None for what a Value cannot be combined with by itself."""
    if isinstance(x, NUMBERS):
        return float(x)
    if isinstance(x, Node):
        raise TypeError(MIXED)
    return None


def operators(fn: Any, rule: Rule) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """x + y for a Value on the left, and for one on the right."""
    op = TABLE[fn]

    def operator(self: Value, other: Any) -> Any:
        if isinstance(other, Value):
            data, partials = rule(self._data, other._data)
            needs = self.requires_grad or other.requires_grad
            return result(op, (self, other), data, partials, needs)
        b = number(other)
        if b is None:
            return NotImplemented
        data, partials = rule(self._data, b)
        return result(op, (self, other), data, partials, self.requires_grad)

    def reflected(self: Value, other: Any) -> Any:
        a = number(other)
        if a is None:
            return NotImplemented
        data, partials = rule(a, self._data)
        return result(op, (other, self), data, partials, self.requires_grad)

    return operator, reflected


def function(fn: Any, rule: Callable[[float], tuple[float, float]]) -> Callable[[Value], Value]:
    """A function of one number, as a method."""
    op = TABLE[fn]

    def method(self: Value) -> Value:
        data, partial = rule(self._data)
        return result(op, (self,), data, (partial,), self.requires_grad)

    method.__doc__ = rule.__doc__
    return method


def negative(a: float) -> tuple[float, float]:
    return -a, -1.0


def exp(a: float) -> tuple[float, float]:
    """e to the power of it."""
    out = ieee(math.exp, np.exp, a)
    return out, out


def log(a: float) -> tuple[float, float]:
    """The natural logarithm."""
    return logarithm(a), quotient(1.0, a)


def sqrt(a: float) -> tuple[float, float]:
    """The square root."""
    out = ieee(math.sqrt, np.sqrt, a)
    return out, quotient(0.5, out)


def tanh(a: float) -> tuple[float, float]:
    """The hyperbolic tangent, between −1 and 1."""
    out = math.tanh(a)
    return out, 1 - out * out


def rectified(a: float) -> tuple[float, float]:
    """max(it, 0), with slope 0 at 0."""
    return (0.0, 0.0) if a <= 0 else (a, 1.0)


def error_function(a: float) -> tuple[float, float]:
    """The error function."""
    return math.erf(a), 2 / math.sqrt(math.pi) * math.exp(-a * a)


def absolute(a: float) -> tuple[float, float]:
    """Its size, with slope 0 at 0."""
    return math.fabs(a), (a > 0) - (a < 0) + 0 * a


def comparison(compare: Callable[[float, float], bool]) -> Callable[..., Any]:
    """A comparison of numbers, which has no gradient."""

    def operator(self: Value, other: Any) -> Any:
        b = other._data if isinstance(other, Value) else number(other)
        return NotImplemented if b is None else compare(self._data, b)

    return operator


class Value(Node):
    """A number in a graph, with `.grad` 0.0 until a backward pass adds to it.

    Args:
        data: a Python or numpy number; kept as a float.
        name: what pictures and errors call it.
        requires_grad: False for a constant.

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = (a * b + 10).tanh()
    >>> loss.backward()
    >>> print(f"{loss:.4f} {a.grad:.4f} {b.grad:.4f}")
    0.9993 -0.0040 0.0027
    """

    __slots__ = ("grad", "partials")

    kwargs: dict[str, Any] = {}  # noqa: RUF012  (no op on scalars has any)
    partials: tuple[float, ...]
    shape = ()
    keeps_grad = True

    def __init__(self, data: Any, name: str | None = None, requires_grad: bool = True) -> None:
        if not isinstance(data, NUMBERS):
            hint = " (use its .item())" if isinstance(data, Node | np.ndarray) else ""
            raise TypeError(f"Value: one number, not {type(data).__name__} {data!r}{hint}")
        self._data, self.grad, self.requires_grad = float(data), 0.0, requires_grad
        self.op, self.args, self.partials = None, (), ()
        self.born, self.changed = tick(), 0
        self.scope, self.name, self.trace = modes.scope, name, None

    @property
    def data(self) -> float:
        """The number. It may be changed after backward; a graph that used the old one then
        refuses to run backward again."""
        return self._data

    @data.setter
    def data(self, new: float) -> None:
        self._data = float(new)
        stamp_change(self)

    def item(self) -> float:
        """The number, without its graph."""
        return self._data

    def detach(self) -> Value:
        """A constant with the same number."""
        return Value(self._data, self.name, requires_grad=False)

    def zero_grad(self) -> None:
        """Set `.grad` back to 0.0."""
        self.grad = 0.0

    # Backward

    def seed(self, seed: Any = None) -> Any:
        return 1.0 if seed is None else seed if isinstance(seed, Value) else float(seed)

    def shares(self, grad: Any) -> Iterable[tuple[Node, Any]]:
        if isinstance(grad, Value):
            return self.recorded_shares(grad)
        return [
            (arg, grad * partial)
            for arg, partial in zip(self.args, self.partials)  # noqa: B905  (strict is slower)
            if isinstance(arg, Value) and arg.requires_grad
        ]

    def recorded_shares(self, grad: Value) -> Iterator[tuple[Node, Any]]:
        """By the rules in the table, so that the shares are Values themselves."""
        vjps = self.op.vjps or () if self.op else ()
        for arg, vjp in zip(self.args, vjps, strict=True):
            if isinstance(arg, Value) and arg.requires_grad and vjp is not None:
                share = unwrap(vjp(grad, self, *self.args))
                yield arg, share if isinstance(share, Value) else Value(share, requires_grad=False)

    def accumulate(self, grad: Any) -> None:
        self.grad += grad if type(grad) is float else grad.item()

    # Operators and functions

    __add__, __radd__ = operators(np.add, add)
    __sub__, __rsub__ = operators(np.subtract, subtract)
    __mul__, __rmul__ = operators(np.multiply, multiply)
    __truediv__, __rtruediv__ = operators(np.divide, divide)
    __pow__, __rpow__ = operators(np.power, power)
    __neg__ = function(np.negative, negative)
    __abs__ = abs = function(np.absolute, absolute)
    exp, log = function(np.exp, exp), function(np.log, log)
    sqrt, tanh = function(np.sqrt, sqrt), function(np.tanh, tanh)
    relu, erf = function(relu, rectified), function(erf, error_function)

    def __pos__(self) -> Value:
        return self

    __eq__ = comparison(float.__eq__)
    __lt__ = comparison(float.__lt__)
    __le__ = comparison(float.__le__)
    __gt__ = comparison(float.__gt__)
    __ge__ = comparison(float.__ge__)
    __hash__ = Node.__hash__

    # Where numpy meets a Value

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        """np.exp(value): as numpy does on an object array, which asks each element for `.exp()`."""
        if ufunc in CONSTANT:
            return ufunc(*(x._data if isinstance(x, Value) else x for x in args), **kwargs)
        lookup(ufunc)
        objects = (np.asarray(x, dtype=object) if isinstance(x, Value) else x for x in args)
        out = getattr(ufunc, method)(*objects, **kwargs)
        return unwrap(lift(np.asarray(out, dtype=object)))

    @staticmethod
    def interpret(fn: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Run a function of ours on Values, bare or in object arrays.

        As numpy's functions do, one that is a method of Value is called on each element; any
        other runs its definition, which so builds the scalar graph of the whole op.
        """
        args, kwargs = tuple(map(lift, args)), {key: lift(x) for key, x in kwargs.items()}
        if fn in CONSTANT:
            return fn.__wrapped__(*args, **kwargs)
        op = lookup(fn)
        method = getattr(Value, fn.__name__, None)
        if method is not None and len(args) == 1:
            return unwrap(np.frompyfunc(method, 1, 1)(args[0]))
        return unwrap(lift((op.on_scalars or op.definition)(*args, **kwargs)))

    # Leaving the graph is said aloud

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        raise TypeError(
            "float() of a Value would drop its gradient without a word (so would math.exp and "
            "a float array): write .item() or .data if you mean that, or use .exp(), .log() …"
        )

    __int__ = __complex__ = __float__

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Value({self._data!r}, grad={self.grad!r}{name})"

    def __reduce__(self) -> Any:
        """Copies and pickles are of leaves: a copied result would drag its graph along."""
        if self.op is not None:
            raise TypeError(f"copy or pickle of a {self.op} result: take .detach() first")
        return restored, (self._data, self.name, self.requires_grad, self.grad)


INTERPRETERS[np.dtype(object)] = Value.interpret


def restored(data: float, name: str | None, requires_grad: bool, grad: float) -> Value:
    """A copied or unpickled leaf: it is born now."""
    value = Value(data, name, requires_grad)
    value.grad = grad
    return value


# Object arrays: arrays whose elements are Values


def as_value(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(x, requires_grad=False)


def lift(x: Any) -> Any:
    """An object array with every plain number in it made a constant Value.

    `np.where(mask, x, 0)` and the like leave numbers among the Values, and the next np.exp
    would ask an int for its `.exp()`.
    """
    if isinstance(x, Value) or (isinstance(x, np.ndarray) and x.dtype == object):
        array = np.asarray(x, dtype=object)
        return np.asarray(np.frompyfunc(as_value, 1, 1)(array), dtype=object)
    if isinstance(x, Node):  # a Tensor: of ids perhaps, which have no gradient
        if x.requires_grad or x.data.dtype.kind == "f":
            raise TypeError(MIXED)
        return x.data
    return [lift(item) for item in x] if type(x) is list else x


def unwrap(x: Any) -> Any:
    """A bare Value instead of an object array of no dimensions, as numpy's reductions give."""
    return x.item() if isinstance(x, np.ndarray) and x.dtype == object and x.ndim == 0 else x


def values(data: Any, name: str | None = None, requires_grad: bool = True) -> np.ndarray:
    """An object array of new Values with the numbers of `data`, named `name[i, j]`.

    >>> w = values([[1.0, 2.0]], name="w")
    >>> w[0, 1].name, (w @ np.array([3.0, 4.0])).item().data
    ('w[0, 1]', 11.0)
    """
    array = np.asarray(data)
    out = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        called = f"{name}[{', '.join(map(str, index))}]" if name and index else name
        out[index] = Value(array[index], called, requires_grad)
    return out
