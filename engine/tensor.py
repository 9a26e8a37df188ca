"""`Tensor`: one array that remembers how it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .arguments import SINGLE, each, needs_grad, of_width, plain, unpacked
from .graph import DETACHED, OF_CONSTANTS, UNRECORDED, Node, stamp_change, stamp_written, tick
from .modes import enable_grad, modes
from .op import CONSTANT, TABLE, Op, lookup
from .operators import on_one, operators
from .ops.shape import identity
from .protocol import NO_OPTIONS, NumpyProtocol
from .shares import fit, gradients
from .value import real

ndarray, new = np.ndarray, object.__new__


class Tensor(NumpyProtocol, Node):
    """An array in a graph. Whatever numpy code it goes through is differentiable.

    Args:
        data: numbers, nested lists of them, or an array, which is copied. As in numpy, Python
            floats are float64, and an array keeps its dtype.
        requires_grad: whether `backward` gives it a `.grad`.
        name: what pictures and errors call it.

    Raises:
        TypeError: not real numbers, or an integer tensor that asks for a gradient.

    >>> x = Tensor([[1.0, 2.0]], requires_grad=True)
    >>> (x @ x.T).sum().backward()
    >>> x.grad
    array([[2., 4.]])
    """

    # `saved` is what the way back needs: for rules the arguments as arrays, for a kernel what it
    # says, for a definition the graph inside.
    __slots__ = ("__weakref__", "_grad", "args", "keeps_grad", "kwargs", "saved")

    _grad: Any

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None) -> None:
        if isinstance(data, Node):
            raise TypeError(f"Tensor of a {type(data).__name__}: use it as it is, or .detach() it")
        array = np.array(data)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"Tensor: an array of real numbers, not of {array.dtype} ({data!r:.60})"
            )
        self._fill(array)
        self.name = name
        if requires_grad:
            self.requires_grad_()

    def _fill(
        self, data: np.ndarray, needs: bool = False, op: Op | None = None, args: tuple = (),
        kwargs: dict[str, Any] = NO_OPTIONS, saved: Any = None,
    ) -> Tensor:  # fmt: skip
        here = modes.__dict__
        self._data, self._grad, self.requires_grad, self.keeps_grad = data, None, needs, op is None
        self.op, self.args, self.kwargs, self.saved = op, args, kwargs, saved
        self.born, self.changed = tick(), 0
        self.scope, self.name, self.seen = here["scope"], None, None
        if op is not None and here["witness"]:
            here["witness"].made(self)
        return self

    @property
    def data(self) -> np.ndarray:
        """The array. Assigning copies the numbers, in the tensor's width and shape; graphs that
        used the old ones refuse to run backward. (`x.data[0] = 9` cannot be seen.)"""
        return self._data

    @data.setter
    def data(self, new: Any) -> None:
        array = np.asarray(new)
        if array.shape != self.shape:
            raise ValueError(f"data of shape {array.shape} assigned to a Tensor of {self.shape}")
        if not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise TypeError(f"{array.dtype} data assigned to a Tensor of {self.dtype}")
        if array is not self._data:  # after x.data -= …, it is
            self._data = array.astype(self.dtype)
            stamp_change(self)
        else:
            stamp_written(array)

    @property
    def grad(self) -> Any:
        """An array of data's shape and dtype, the sum of all gradients since it was last zeroed;
        None if there was none. Assigning copies."""
        return self._grad

    @grad.setter
    def grad(self, new: Any) -> None:
        if new is not None:
            new = np.asarray(real(plain(new), "grad of a Tensor"))
            if new.shape != self.shape:
                raise ValueError(f"grad of shape {new.shape} assigned to a Tensor of {self.shape}")
            if new is not self._grad:  # after x.grad *= …, it is
                new = new.astype(self.dtype)
        self._grad = new

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient, or no longer; in place."""
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(
                f"a Tensor of {self.dtype} cannot require a gradient: only floats change "
                "smoothly. Write 1.0 instead of 1, or use .astype(float) on the array."
            )
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> Tensor:
        """Keep the gradient of this result too, where backward keeps those of leaves alone."""
        self.keeps_grad = True
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set `.grad` back to None, or with False to zeros, where there is one."""
        self._grad = None if set_to_none or self._grad is None else np.zeros_like(self._grad)

    def detach(self) -> Tensor:
        """A constant with a copy of the array."""
        return constant(self._data.copy(), DETACHED)

    def item(self) -> Any:
        """The number in a tensor of one element, without its graph."""
        return self._data.item()

    def astype(self, dtype: Any) -> Tensor:
        """The same numbers in another dtype; between floats the gradient flows through."""
        if self.dtype == dtype:
            return self
        if self.requires_grad and modes.recording and np.dtype(dtype).kind == "f":
            return variable(self, dtype)
        why = OF_CONSTANTS if modes.recording else UNRECORDED
        return constant(self._data.astype(dtype), why)

    # Backward

    def seed(self, seed: Any = None) -> Any:
        if seed is None:
            if self.size != 1:
                raise RuntimeError(
                    f"backward() from a Tensor of shape {self.shape}: reduce it to one number "
                    "first (.sum(), .mean()), or pass a seed of that shape"
                )
            return np.ones(self._data.shape, self._data.dtype)
        if np.shape(seed) != self.shape:
            raise ValueError(f"seed of shape {np.shape(seed)} for a Tensor of shape {self.shape}")
        if isinstance(seed, Tensor):
            return seed.astype(self.dtype)
        return np.asarray(real(seed, "seed"), self.dtype)

    def shares(self, grad: Any, parts: bool = False) -> Iterable[tuple[Node, Any]]:
        op: Any = self.op
        found: list[tuple[Node, Any]] = []
        if parts and op.part is not None and type(grad) is ndarray:
            part = op.part(grad, *self.saved)
            if part is not None and self.args[0].requires_grad:
                return [(self.args[0], part)]
        if type(grad) is not ndarray or not op.is_plain or modes.careful:
            return self.other_shares(op, grad)
        # What is below comes to the same for numbers and for rules that are handed arrays alone.
        # That is most of all steps, so it is said again, in one go.
        inputs, kwargs = self.saved, self.kwargs
        for arg, vjp in zip(self.args, op.vjps):  # noqa: B905
            if vjp is not None and isinstance(arg, Tensor) and arg.requires_grad:
                share, data = vjp(grad, self._data, *inputs, **kwargs), arg._data
                like_it = type(share) is ndarray and share.shape == data.shape
                if not (like_it and share.dtype is data.dtype):
                    share = fit(share, arg, op)
                found.append((arg, share))
        return found

    def other_shares(self, op: Op, grad: Any) -> Iterator[tuple[Node, Any]]:
        """Of rules or of a definition, on arrays or, for a recorded walk, on Tensors."""
        pairs: Iterable[tuple[Any, Any]]
        if op.kernel is not None and not isinstance(grad, Tensor):
            pairs = zip(self.args, op.kernel.backward(grad, self.saved), strict=False)
        elif op.vjps is None:
            pairs = zip(self.args, through_definition(self, grad), strict=False)
        elif op.is_elementwise and modes.careful:
            pairs = self.careful_shares(op, grad)
        else:
            pairs = self.by_rules(op, grad)
        for arg, share in pairs:
            if isinstance(arg, Tensor):
                if share is not None and arg.requires_grad:
                    yield arg, fit(share, arg, op)
            elif needs_grad(arg):  # a list, and a list of shares
                for one, its_share in zip(arg, share, strict=True):
                    if its_share is not None and needs_grad(one):
                        yield one, fit(its_share, one, op)

    def by_rules(self, op: Op, grad: Any) -> Iterator[tuple[Any, Any]]:
        """Each argument with its share, by its rule."""
        recorded = isinstance(grad, Tensor)
        out, args = (self, self.args) if recorded else (self._data, self.saved)
        for arg, vjp in zip(self.args, op.vjps or ()):  # noqa: B905
            if vjp is not None and needs_grad(arg):
                yield arg, vjp(grad, out, *args, **self.kwargs)

    def careful_shares(self, op: Op, grad: Any) -> Iterator[tuple[Any, Any]]:
        """The same, with 0 for the NaN that a gradient of 0 and an infinite slope make."""
        with np.errstate(divide="ignore", invalid="ignore"):
            pairs = [*self.by_rules(op, grad)]
        for arg, share in pairs:
            # A share that is a number stays: it may have a derivative even where grad is 0.
            lost = np.logical_and(np.equal(grad, 0), np.isnan(share))
            yield arg, np.where(lost, 0, share) if np.any(lost) else share

    def summed(self, grad: Any) -> np.ndarray:
        # A copy, since `a + b` hands one array to both of its arguments.
        grad = plain(grad)
        return np.array(grad) if self._grad is None else np.asarray(self._grad + grad)

    # Recording

    @staticmethod
    def result(
        op: Op, args: tuple, kwargs: dict[str, Any], data: np.ndarray, saved: Any, needs: bool
    ) -> Tensor:
        """The node of op(*args, **kwargs), or a constant: where nothing is recorded or needed."""
        here = modes.__dict__
        if here["witness"]:
            here["witness"].computed(op, args, data)
        if needs and here["recording"]:
            return new(Tensor)._fill(data, True, op, args, kwargs, saved)
        return constant(data, OF_CONSTANTS if here["recording"] else UNRECORDED)

    @staticmethod
    def interpret(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        """Run `fn` on the arrays of Tensors and record the call."""
        op = TABLE.get(fn)
        if op is None:
            if fn in CONSTANT:
                return fn(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
            op = lookup(fn)  # by another name, or an error
        if kwargs:
            args, kwargs = op.arguments(args, kwargs)
        if not op.inline:
            return record(op, args, kwargs)
        try:
            return op.definition(*args, **kwargs)
        except (ValueError, IndexError) as error:
            raise op.explained(error, ()) from None  # by the name that the user called it

    __add__, __radd__ = operators(np.add)
    __sub__, __rsub__ = operators(np.subtract)
    __mul__, __rmul__ = operators(np.multiply)
    __truediv__, __rtruediv__ = operators(np.divide)
    __matmul__ = operators(np.matmul)[0]

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and method == "__call__":
            return on_one(ufunc, self)
        return super().__array_ufunc__(ufunc, method, *args, **kwargs)

    # Behaviour as a number

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth of a Tensor of shape {self.shape} is ambiguous: use (x > 0).any() "
                "or .all()"
            )
        return bool(self._data)

    def __float__(self) -> float:
        raise TypeError(
            "float() or int() of a Tensor would lose its gradient: write .item() or .data"
        )

    __int__ = __index__ = __float__

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "a Tensor is not changed in place: an op may still need it. x.at[index].set(values) "
            "is a changed copy; or assign to .data of a leaf"
        )

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", prefix="Tensor(")
        name = f", name={self.name!r}" if self.name else ""
        asked = ", requires_grad=True" if self.requires_grad else ""
        how = f", op={self.op}" if self.op else asked
        width = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        return f"{type(self).__name__}({text}{width}{name}{how})"


def made(data: np.ndarray, needs: bool = False, *how: Any) -> Tensor:
    """A Tensor that shares its array: a constant, or the result of `how` (op, args, …)."""
    return new(Tensor)._fill(data, needs, *how)


def constant(data: np.ndarray, why: str) -> Tensor:
    """A Tensor that came of others, and through which no gradient goes back to them."""
    node = made(data)
    node.why = why
    return node


# Recording: what happens when an op meets a Tensor


def record(op: Op, args: tuple, kwargs: dict[str, Any]) -> Tensor:
    """The Tensor op(*args, **kwargs): its array, and how it was made."""
    here = modes.__dict__
    arrays, width, needs = [], None, False
    for arg in args:
        if isinstance(arg, Tensor):
            data = arg._data
            if data.dtype is not width:
                if width is not None or data.dtype.kind != "f":
                    break
                width = data.dtype
            if arg.requires_grad:
                needs = True
            arrays.append(data)
        elif type(arg) in SINGLE:
            arrays.append(arg)
        else:
            break
    if len(arrays) < len(args):  # lists, plain arrays, integers, two widths
        args, arrays, width, needs = unpacked(op, args)
    needs = needs and here["recording"]
    try:
        if op.kernel is not None:
            data, saved = op.kernel.forward(*arrays, **kwargs)
        elif op.vjps is not None:
            data, saved = op.definition(*arrays, **kwargs), arrays
        elif needs:
            data, saved = record_definition(op, args, kwargs)
        else:
            data, saved = op.definition(*arrays, **kwargs), None
    except (ValueError, IndexError) as error:
        raise op.explained(error, arrays) from None
    if type(data) is not ndarray:
        data = np.asarray(data)
    if data.dtype is not width and width is not None:
        data = of_width(data, width)  # where no Tensor decides, numpy's own rule holds
    if needs and data.dtype is not width and data.dtype.kind != "f":
        raise TypeError(f"{op} gave {data.dtype}, which has no gradient: take .data of the Tensors")
    for place in range(len(op.vjps or args), len(args)):
        if needs_grad(args[place]):
            op.rule(place)  # which says that there is none
    return Tensor.result(op, args, kwargs, data, saved if needs else None, needs)


def record_definition(op: Op, args: tuple, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Run a definition on fresh leaves, and keep its graph for the first derivative."""
    leaves = [each(leaf, arg) for arg in args]
    inside = op.definition(*leaves, **kwargs)
    return inside.data, (inside, leaves)


def through_definition(node: Tensor, grad: Any) -> Sequence[Any]:
    """The derivative of a definition: the first through the graph that was kept, a recorded one by
    running it again, on the arguments themselves."""
    if isinstance(grad, Tensor):
        with enable_grad():
            starts = [each(variable, arg) for arg in node.args]
            return gradients(node.op.definition(*starts, **node.kwargs), grad, starts)
    inside, leaves = node.saved
    return gradients(inside, grad, leaves)


def variable(x: Tensor, dtype: Any = None) -> Any:
    """A new node equal to x, from which a derivative can be taken without going behind x.

    Integers, such as ids, come as a plain array: they have no derivative.
    """
    if x.dtype.kind != "f":
        return x._data
    data = x._data.astype(dtype or x.dtype, copy=False)
    return made(data, True, TABLE[identity], (x,), NO_OPTIONS, (x._data,))


def leaf(x: Tensor) -> Any:
    """The same with nothing behind it; it wants a gradient if x does."""
    return made(x._data, x.requires_grad) if x.dtype.kind == "f" else x._data
