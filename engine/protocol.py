"""The operators, methods and protocols through which an object takes part in numpy code.

`np.exp(x)`, `x + 1`, `1 - x`, `x.sum(axis=0)`, `x[1:]`: all of them arrive at one place, the
class's `interpret(fn, args, kwargs)`, with the numpy function that was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from .op import in_order
from .ops.activation import erf, relu, sigmoid
from .ops.index import At
from .ops.shape import getitem

# Of a ufunc's other ways of being called, what says the same with a gradient.
INSTEAD = {
    "reduce": "np.sum, np.max …",
    "accumulate": "np.cumsum, np.cumprod",
    "at": "x.at[index].add(values)",
    "outer": "a[:, None] and b, which broadcast",
}


NO_OPTIONS: dict[str, Any] = {}  # one for all
USUAL: set[type] = {float, int, np.ndarray}  # operands that need no second look


def _asks_itself(other: Any) -> bool:
    """Whether an operand opts out of numpy's ufuncs, as pytest.approx does."""
    return getattr(type(other), "__array_ufunc__", True) is None


def binary(ufunc: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def operator(self: Any, other: Any) -> Any:
        if type(other) not in USUAL and _asks_itself(other):
            return NotImplemented
        return self.interpret(ufunc, (self, other), NO_OPTIONS)

    def reflected(self: Any, other: Any) -> Any:
        return self.interpret(ufunc, (other, self), NO_OPTIONS)

    return operator, reflected


def _comparison(ufunc: Any) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        if isinstance(other, str):  # which is no number
            return NotImplemented
        if _asks_itself(other):  # about numbers
            return bool(self.data == other) is (ufunc is np.equal)
        return self.interpret(ufunc, (self, other), {})

    return operator


def _unary(fn: Any) -> Callable[..., Any]:
    def method(self: Any) -> Any:
        return self.interpret(fn, (self,), NO_OPTIONS)

    method.__doc__ = f"{fn.__name__} of each element."
    return method


def _as_function(fn: Any) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)

    method.__doc__ = f"np.{fn.__name__} of it."
    return method


def _reduction(fn: Any) -> Callable[..., Any]:
    def method(self: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        return self.interpret(fn, (self, axis, keepdims), options)

    method.__doc__ = f"np.{fn.__name__} over `axis` (one, several or None for all)."
    return method


def _of_data(name: str) -> Any:
    return property(attrgetter(f"data.{name}"))


class NumpyProtocol:
    """What an array has, by way of `interpret`; a subclass has that, and `data`, an array."""

    __slots__ = ()

    data: Any
    interpret: Callable[..., Any]

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__" or "out" in kwargs:
            what = f"np.{ufunc.__name__}{'' if method == '__call__' else '.' + method}"
            instead = INSTEAD.get(method, "an assignment, y = y + x")
            raise TypeError(
                f"{what}{' into an array' if 'out' in kwargs else ''} would lose the gradient of "
                f"a {type(self).__name__}: use {instead}"
            )
        return self.interpret(ufunc, args, kwargs)

    def __array_function__(self, fn: Any, types: Any, args: tuple, kwargs: dict) -> Any:
        if fn is np.where and len(args) == 1:
            fn = np.nonzero  # which it is then, and no choice
        return self.interpret(fn, *in_order(fn, args, kwargs))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError(
            f"a {type(self).__name__} made a plain array would lose its gradient: write .data (or "
            ".item()) if you mean that, np.stack or np.concatenate to join several"
        )

    __add__, __radd__ = binary(np.add)
    __sub__, __rsub__ = binary(np.subtract)
    __mul__, __rmul__ = binary(np.multiply)
    __truediv__, __rtruediv__ = binary(np.divide)
    __pow__, __rpow__ = binary(np.power)
    __matmul__, __rmatmul__ = binary(np.matmul)
    __mod__, __rmod__ = binary(np.remainder)
    __floordiv__, __rfloordiv__ = binary(np.floor_divide)
    __eq__ = _comparison(np.equal)
    __ne__ = _comparison(np.not_equal)
    __lt__ = binary(np.less)[0]
    __le__ = binary(np.less_equal)[0]
    __gt__ = binary(np.greater)[0]
    __ge__ = binary(np.greater_equal)[0]
    __hash__ = object.__hash__

    __neg__ = _unary(np.negative)
    __abs__ = _unary(np.absolute)
    exp, log, sqrt = map(_unary, (np.exp, np.log, np.sqrt))
    sin, cos, tanh = map(_unary, (np.sin, np.cos, np.tanh))
    abs, square = map(_unary, (np.absolute, np.square))
    relu, erf, sigmoid = map(_unary, (relu, erf, sigmoid))
    sum, mean, max, min = map(_reduction, (np.sum, np.mean, np.max, np.min))
    var, std = map(_reduction, (np.var, np.std))

    def __pos__(self) -> Any:
        return self

    def tolist(self) -> Any:
        """The numbers in nested lists, without their graph."""
        return self.data.tolist()

    def __getitem__(self, index: Any) -> Any:
        return self.interpret(getitem, (self, index), {})

    @property
    def at(self) -> At:
        """x.at[index].add(v) and x.at[index].set(v): a changed copy."""
        return At(self)

    def reshape(self, *shape: Any) -> Any:
        """np.reshape: one shape, or its sides."""
        sides = shape[0] if len(shape) == 1 and np.iterable(shape[0]) else shape
        return self.interpret(np.reshape, (self, tuple(sides)), {})

    def transpose(self, *axes: Any) -> Any:
        """np.transpose: all axes reversed, or in the order given."""
        order = axes[0] if len(axes) == 1 and (axes[0] is None or np.iterable(axes[0])) else axes
        return self.interpret(np.transpose, (self, tuple(order) if order else None), {})

    def clip(
        self, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
    ) -> Any:
        """np.clip; the slope at a bound is 1."""
        return self.interpret(np.clip, (self, a_min, a_max), {"min": min, "max": max})

    swapaxes = _as_function(np.swapaxes)
    prod, cumsum, cumprod = map(_as_function, (np.prod, np.cumsum, np.cumprod))
    ravel, squeeze, repeat, take = map(_as_function, (np.ravel, np.squeeze, np.repeat, np.take))
    dot, trace, diagonal, copy = map(_as_function, (np.dot, np.trace, np.diagonal, np.copy))
    argmax, argmin, argsort = map(_as_function, (np.argmax, np.argmin, np.argsort))
    any, all, round = map(_as_function, (np.any, np.all, np.round))
    flatten = ravel

    @property
    def T(self) -> Any:
        return self.transpose()

    shape, ndim, size, dtype = map(_of_data, ("shape", "ndim", "size", "dtype"))

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError(f"iteration over a {type(self).__name__} of no dimensions")
        return (self[i] for i in range(len(self)))
