"""`Value`: one float that remembers how it was made.

Its partial derivatives (`partials.py`) are kept on the node: first-order backward is then one
product per edge, with no look-up. Op and arguments are kept too, so higher orders take the same
rules as Tensors do, from the table.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from . import ops  # noqa: F401  (fills the table)
from .graph import DETACHED, OF_CONSTANTS, UNRECORDED, Node, stamp_change, tick
from .modes import modes
from .op import INTERPRETERS, TABLE, Op, in_order
from .ops.activation import erf, relu, sigmoid
from .partials import PARTIALS, ieee

MIXED = "a Value and a Tensor in one op: stay with one kind, Value for numbers, Tensor for arrays"
OBJECTS = np.dtype(object)  # of arrays that hold Values; value_array.py has what numpy does there
NUMBERS = (int, float, np.integer, np.floating, np.bool_)


# The node of an op


def result(
    op: Op, a: Any, b: Any, data: float, da: float | None, db: float | None = None,
    needs: bool = True, kind: Any = None,
) -> Value:  # fmt: skip
    """The node of op(a, b), or op(a) where b is None, with its slope in each; a constant where
    nothing is recorded or no argument `needs` a gradient."""
    here = modes.__dict__
    witness = here["witness"]
    if witness:
        witness.computed(op, (a,) if b is None else (a, b), data)
    if not (needs and here["recording"]):
        node = Value(data, requires_grad=False)
        node.why = OF_CONSTANTS if here["recording"] else UNRECORDED
        return node
    node = new(kind or Value)
    node._data, node._grad, node.requires_grad, node.op = data, 0.0, True, op
    node._a, node._b, node._da, node._db = a, b, da, db
    node.born, node.changed = tick(), 0
    node.scope, node.name, node.seen = here["scope"], None, None
    if witness:
        witness.made(node)
    return node


new: Any = object.__new__


def wants_grad(x: Any) -> bool:
    return isinstance(x, Value) and x.requires_grad


def real(x: Any, what: str) -> Any:
    """x, which numpy would cut to its real part where it becomes a float.

    Raises:
        TypeError: it is complex.
    """
    if np.iscomplexobj(x):
        raise TypeError(f"{what}: real numbers, not complex ones ({x!r:.60})")
    return x


def number(x: Any) -> float | None:
    """The float of an operand; None for what a Value cannot be combined with by itself."""
    if type(x) is float:
        return x
    if isinstance(x, NUMBERS):
        return float(x)
    if isinstance(x, Node):
        raise TypeError(MIXED)
    return None


def operators(fn: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """x + y for a Value on the left, and for one on the right."""
    op, rule = TABLE[fn], PARTIALS[fn]

    def operator(self: Value, other: Any) -> Any:
        if isinstance(other, Value):
            data, da, db = rule(self._data, other._data)
            if self.requires_grad and other.requires_grad:
                return result(op, self, other, data, da, db)
            da, db = da if self.requires_grad else None, db if other.requires_grad else None
            needs = self.requires_grad or other.requires_grad
            return result(op, self, other, data, da, db, needs)
        b = number(other)
        if b is None:
            return NotImplemented
        data, da, _ = rule(self._data, b)
        return result(op, self, other, data, da, None, self.requires_grad)

    def reflected(self: Value, other: Any) -> Any:
        a = number(other)
        if a is None:
            return NotImplemented
        data, _, db = rule(a, self._data)
        return result(op, other, self, data, None, db, self.requires_grad)

    return operator, reflected


def function(fn: Any) -> Callable[[Value], Value]:
    """A function of one number, as a method."""
    op, rule = TABLE[fn], PARTIALS[fn]

    def method(self: Value) -> Value:
        data, da = rule(self._data)
        return result(op, self, None, data, da, None, self.requires_grad)

    method.__doc__ = rule.__doc__
    return method


def comparison(compare: Callable[[float, float], Any]) -> Callable[..., Any]:
    """An operator whose result is a plain number: it has no gradient."""

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

    # Its arguments and its slope in each, None where nothing flows. No tuples: a graph has millions
    # of nodes, and Python's cycle collector would look at each tuple again and again.
    __slots__ = ("_a", "_b", "_da", "_db", "_grad")

    kwargs: dict[str, Any] = {}  # noqa: RUF012  (no op on scalars has any)
    _grad: float
    _a: Any
    _b: Any
    _da: float | None
    _db: float | None
    shape = ()
    keeps_grad = True

    def __init__(self, data: Any, name: str | None = None, requires_grad: bool = True) -> None:
        if type(data) is not float:
            if not isinstance(data, NUMBERS):
                hint = " (use its .item())" if isinstance(data, Node | np.ndarray) else ""
                raise TypeError(f"Value: one number, not {type(data).__name__} {data!r}{hint}")
            data = float(data)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"Value: its name is a text, not {type(name).__name__} {name!r}")
        self._data, self._grad, self.requires_grad = data, 0.0, requires_grad
        self.op = self._a = self._b = self._da = self._db = None
        self.born, self.changed = tick(), 0
        self.scope, self.name, self.seen = modes.scope, name, None

    @property
    def data(self) -> float:
        """The number. It may be changed after backward; a graph that used the old one then
        refuses to run backward again."""
        return self._data

    @data.setter
    def data(self, new: float) -> None:
        if not isinstance(new, NUMBERS):
            raise TypeError(f"data of a Value: one number, not {type(new).__name__} {new!r}")
        self._data = float(new)
        stamp_change(self)

    @property
    def grad(self) -> float:
        """The sum of all gradients since it was last zeroed. None may be assigned for 0.0."""
        return self._grad

    @grad.setter
    def grad(self, new: float | None) -> None:
        self._grad = 0.0 if new is None else float(real(new, "grad of a Value"))

    def item(self) -> float:
        """The number, without its graph."""
        return self._data

    def detach(self) -> Value:
        """A constant with the same number."""
        constant = Value(self._data, self.name, requires_grad=False)
        constant.why = DETACHED
        return constant

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set `.grad` back to 0.0, which is a Value's None."""
        self._grad = 0.0

    # Backward

    @property
    def args(self) -> tuple[Any, ...]:
        """What its op was given: Values, and plain numbers."""
        if self.op is None:
            return ()
        return (self._a,) if self._b is None else (self._a, self._b)

    def seed(self, seed: Any = None) -> Any:
        if seed is None or isinstance(seed, Value):
            return 1.0 if seed is None else seed
        return float(real(seed, "seed"))

    def shares(self, grad: Any, parts: bool = False) -> Iterable[tuple[Node, Any]]:
        if isinstance(grad, Value):
            return self.recorded_shares(grad)
        edges = ((self._a, self._da), (self._b, self._db))
        return [(arg, grad * d if grad else 0.0) for arg, d in edges if d is not None]

    def recorded_shares(self, grad: Value) -> Iterator[tuple[Node, Any]]:
        """By the rules in the table, so that the shares are Values themselves."""
        for arg, vjp in zip(self.args, self.op.vjps, strict=True):
            if isinstance(arg, Value) and arg.requires_grad and vjp is not None:
                share = unwrap(vjp(grad, self, *self.args))
                if grad._data == 0 and floats(share) != 0:  # 0 · ∞
                    share = 0.0
                yield arg, as_value(share)

    def summed(self, grad: Any) -> float:
        return self._grad + (grad if type(grad) is float else grad.item())

    # Operators and functions

    __add__, __radd__ = operators(np.add)
    __sub__, __rsub__ = operators(np.subtract)
    __mul__, __rmul__ = operators(np.multiply)
    __truediv__, __rtruediv__ = operators(np.divide)
    __pow__, __rpow__ = operators(np.power)
    __mod__, __rmod__ = operators(np.remainder)
    __neg__ = function(np.negative)
    __abs__ = abs = function(np.absolute)
    exp, log, sqrt = map(function, (np.exp, np.log, np.sqrt))
    exp2, expm1, cbrt = map(function, (np.exp2, np.expm1, np.cbrt))
    log2, log10, log1p = map(function, (np.log2, np.log10, np.log1p))
    sin, cos, tan = map(function, (np.sin, np.cos, np.tan))
    arcsin, arccos, arctan = map(function, (np.arcsin, np.arccos, np.arctan))
    sinh, cosh, tanh = map(function, (np.sinh, np.cosh, np.tanh))
    arcsinh, arccosh, arctanh = map(function, (np.arcsinh, np.arccosh, np.arctanh))
    relu, erf, sigmoid = map(function, (relu, erf, sigmoid))

    def __pos__(self) -> Value:
        return self

    conjugate = __pos__  # np.var of a list asks for it

    __floordiv__ = comparison(lambda a, b: ieee(operator.floordiv, np.floor_divide, a, b))
    __rfloordiv__ = comparison(lambda a, b: ieee(operator.floordiv, np.floor_divide, b, a))
    __eq__ = comparison(float.__eq__)
    __lt__ = comparison(float.__lt__)
    __le__ = comparison(float.__le__)
    __gt__ = comparison(float.__gt__)
    __ge__ = comparison(float.__ge__)
    __hash__ = Node.__hash__

    # Where numpy meets a Value: as it meets an array of one

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return INTERPRETERS[OBJECTS](ufunc, args, kwargs, method)

    def __array_function__(self, fn: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        return INTERPRETERS[OBJECTS](fn, *in_order(fn, args, kwargs))

    @staticmethod
    def interpret(fn: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Run a function of ours on Values, bare or in arrays."""
        return INTERPRETERS[OBJECTS](fn, args, kwargs)

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


class Chosen(Value):
    """What np.where chose between two; the one op with a third argument, its mask."""

    __slots__ = ("mask",)

    mask: Any

    @property
    def args(self) -> tuple[Any, ...]:
        return (self.mask, self._a, self._b)


Chosen.__name__ = Value.__name__  # as errors call it


# One Value, or an array of them, as something else


def as_value(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(x, requires_grad=False)


def floats(x: Any) -> Any:
    """The numbers of Values, bare or in an array, as floats."""
    if isinstance(x, np.ndarray) and x.dtype == object:
        return np.array([as_value(v)._data for v in x.flat]).reshape(x.shape)
    return x._data if isinstance(x, Value) else x


def unwrap(x: Any) -> Any:
    """A bare Value instead of an array of no dimensions, as numpy's reductions give."""
    is_one = isinstance(x, np.ndarray) and x.dtype == OBJECTS and x.ndim == 0
    return x.item() if is_one else x
