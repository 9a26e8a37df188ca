"""What an op on Tensors is handed: Tensors, lists of Tensors, and anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Node, nodes
from .op import Op
from .value import MIXED, Value

ARRAYS = np.ndarray | np.generic
LISTS = {list, tuple}
SINGLE = {float, int, bool, str, type(None)}  # what goes into an op as it is


def own_lists(op: Op, args: tuple) -> tuple:
    """Arguments with their lists copied: the owner may go on filling one (`outs.append(h)`).

    Raises:
        TypeError: a list of Tensors, where the op takes none.
    """
    for arg in args:
        if is_list(arg) and not op.lists and any(True for _ in nodes(arg)):
            raise TypeError(f"{op}: a list of Tensors is no array; join them with np.stack first")
    if isinstance(op.fn, np.ufunc):
        return tuple(np.array(arg) if is_list(arg) else arg for arg in args)
    return tuple(map(own_list, args))


def own_list(arg: Any) -> Any:
    """A copy of a list, and of those in a tuple, as of an index."""
    if not isinstance(arg, list | tuple):
        return arg
    return (tuple if isinstance(arg, tuple) else list)(map(own_list, arg))


def unpacked(op: Op, args: tuple) -> tuple[tuple, list[Any], Any, bool]:
    """The arguments of an op, its own; the same as plain arrays; their width; whether one needs a
    gradient.

    The float Tensors among them alone decide the width, the widest; the rest follows.
    """
    args, width, needs = own_lists(op, args), None, False
    arrays = [plain(arg) for arg in args]
    for tensor in nodes(args):
        dtype = tensor._data.dtype
        if tensor.requires_grad:
            needs = True
            if dtype.kind != "f":  # it was assigned
                tensor.requires_grad_()  # which refuses
        if dtype is not width and dtype.kind == "f":
            width = dtype if width is None else np.promote_types(width, dtype)
    if width is not None:
        arrays = [of_width(array, width) for array in arrays]
    return args, arrays, width, needs


def plain(arg: Any) -> Any:
    """An argument with every Tensor in it replaced by its array.

    Raises:
        TypeError: it is a Value, or holds some.
    """
    if isinstance(arg, Value) or (isinstance(arg, np.ndarray) and arg.dtype == object):
        raise TypeError(MIXED)
    if isinstance(arg, Node):
        return arg._data
    return type(arg)(map(plain, arg)) if is_list(arg) else arg


def of_width(array: Any, width: Any) -> Any:
    """A float array or numpy scalar in that width; anything else as it is."""
    if isinstance(array, ARRAYS) and array.dtype is not width and array.dtype.kind == "f":
        return array.astype(width)
    return array


def each(change: Callable[[Any], Any], arg: Any) -> Any:
    """An argument with every node in it changed."""
    if is_list(arg):
        return type(arg)(each(change, item) for item in arg)
    return change(arg) if isinstance(arg, Node) else arg


def needs_grad(arg: Any) -> bool:
    """Whether an argument, or a member of one that is a list, requires a gradient."""
    if isinstance(arg, Node):
        return arg.requires_grad
    return is_list(arg) and any(map(needs_grad, arg))


def is_list(arg: Any) -> bool:
    return type(arg) in LISTS
