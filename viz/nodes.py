"""A node in words: what it is, what it is called, what goes into it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.graph import Node
from ..engine.op import Op
from .summary import number


def is_parameter(node: Node) -> bool:
    """Whether a learner may change it: an `nn.Parameter`, frozen or not, or a leaf that wants a
    gradient. (By name, so that a picture of Values needs no layers.)"""
    marked = any(kind.__name__ == "Parameter" for kind in type(node).__mro__)
    return node.op is None and (node.requires_grad or marked)


def kind(node: Node) -> str:
    """ "parameter", "frozen" (a parameter that is), "input", "constant" or "op".

    An input was put in; a constant is a number, or was made of other nodes.
    """
    if node.op is not None:
        return "op"
    if is_parameter(node):
        return "parameter" if node.requires_grad else "frozen"
    given = (node.name or np.ndim(node._data)) and not hasattr(node, "why")
    return "input" if given else "constant"


def title(node: Node) -> str:
    """Its name, else its formula if that is short, else what it is."""
    if node.name:
        return node.name
    if node.op is None:
        what = kind(node)
        alone = what == "constant" and np.ndim(node._data) == 0
        return number(node._data) if alone else in_words(what)
    if node.op.name == "getitem":
        return options(node)
    return formula(node) or sign(node.op)


def sign(op: Op) -> str:
    """The symbol of an op, or its name."""
    return "×" if op.symbol == "·" else op.symbol or op.name  # a dot alone is easily missed


def formula(node: Node) -> str:
    """An infix op on leaves that have names: `a · b`. "" for anything else."""
    symbol = node.op.symbol if node.op else ""
    if not symbol or len(node.args) > 2:
        return ""
    words = [_word(arg) for arg in node.args]
    if not all(words) or sum(map(len, words)) > 16:
        return ""
    return f" {symbol} ".join(words) if len(words) == 2 else symbol + words[0]


def _word(arg: Any) -> str:
    if isinstance(arg, Node):
        # A name that is itself written with spaces would be misread beside a symbol.
        return arg.name if arg.name and arg.op is None and " " not in arg.name else ""
    return f"{arg:g}" if isinstance(arg, int | float) and not isinstance(arg, bool) else ""


def word(node: Node) -> str:
    """What stands in grey beside its title: the op with its options, or what a leaf is."""
    if node.op is not None:
        said = [node.op.name, options(node)]
        return " ".join(one for one in said if one and one != title(node))
    what = in_words(kind(node))
    return what if title(node) != what else ""


def in_words(kind: str) -> str:
    return "frozen parameter" if kind == "frozen" else kind


# What an op takes besides nodes


def arguments(node: Node) -> Iterator[tuple[str, Any, bool]]:
    """(name, argument, whether it is a number that the op computes with) of a result.

    The others choose what the op does: an axis, a shape, an index.
    """
    assert node.op is not None
    try:
        parameters = list(node.op.signature.parameters.values())
    except ValueError:  # some of numpy's functions do not say
        parameters = []
    for i, arg in enumerate(node.args):
        known = parameters[i] if i < len(parameters) else None
        name = known.name if known else ""
        if node.op.vjps is None:
            operand = known is None or known.default is inspect.Parameter.empty
        else:
            operand = i < len(node.op.vjps) and node.op.vjps[i] is not None
        yield name, arg, operand


def slots(node: Node) -> Iterator[tuple[str, Any, int]]:
    """(name, what goes in, place among the nodes or -1) in order: nodes, and the plain numbers
    and arrays beside them."""
    if node.op is None:
        return
    place = 0
    for name, arg, operand in arguments(node):
        for one in arg if type(arg) in (list, tuple) else (arg,):
            if isinstance(one, Node):
                yield name, one, place
                place += 1
            elif _is_array(one) or (operand and np.ndim(one) == 0 and _is_number(one)):
                yield name, one, -1


def _is_array(arg: Any) -> bool:
    return isinstance(arg, np.ndarray) and arg.ndim > 0


def _is_number(arg: Any) -> bool:
    return isinstance(arg, int | float | np.number | np.bool_ | np.ndarray)


def options(node: Node) -> str:
    """The arguments that choose what the op does, briefly: `axis=1`, `(2, 3)`, `[:, 0]`."""
    assert node.op is not None
    if isinstance(node.op.fn, np.ufunc):
        return ""  # it takes numbers alone
    said = []
    known = node.op.signature.parameters if node.kwargs or _has_options(node) else {}
    for name, arg, operand in arguments(node):
        if operand or _is_array(arg) or any(isinstance(x, Node) for x in _items(arg)):
            continue
        if name not in known or _differs(arg, known[name].default):
            said.append((name, arg))
    said += [
        (k, v) for k, v in node.kwargs.items() if k not in known or _differs(v, known[k].default)
    ]
    return ", ".join(_option(name, value) for name, value in said)[:28]


def _has_options(node: Node) -> bool:
    return any(not operand for _, _, operand in arguments(node))


def _items(arg: Any) -> Any:
    return arg if type(arg) in (list, tuple) else (arg,)


def _differs(arg: Any, default: Any) -> bool:
    return not (arg is default or (type(arg) is type(default) and arg == default))


def _option(name: str, value: Any) -> str:
    if name == "index":
        return f"[{', '.join(map(_index, _items(value)))}]"
    text = "…" if _is_array(value) else str(value)
    return text if name in ("", "shape", "newshape", "axes") else f"{name}={text}"


def _index(item: Any) -> str:
    if isinstance(item, slice):
        ends = ["" if end is None else str(end) for end in (item.start, item.stop)]
        return ":".join(ends) + (f":{item.step}" if item.step is not None else "")
    if item is Ellipsis or item is None:
        return "…" if item is Ellipsis else "None"
    return str(item) if np.ndim(item) == 0 else "array"
