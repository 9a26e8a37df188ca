"""`checkpoint`: forget what is inside a function, and compute it again on the way back.

Memory for time (Griewank and Walther, 2000; Chen et al., 2016): of all that f computes only its
result is kept. It is a node whose rule is to run f again, recorded, and walk back through that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .arguments import each
from .graph import Node, ancestry, nodes, swept, tick
from .modes import enable_grad, modes
from .op import Op
from .tensor import Tensor, leaf, variable
from .value import Value


def checkpoint(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """f(*args, **kwargs), keeping its result alone; backward computes the rest again.

    Args:
        f: gives one Tensor, and the same one when it runs again: noise is an argument.
        args: what f takes. The gradient also reaches what f uses without being handed it, such
            as the parameters of a module.

    Raises:
        TypeError: f gives something else than one Tensor.
        RuntimeError: in the backward pass, f gave other numbers than at first.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> checkpoint(lambda x: np.exp(x * x), x).sum().backward()
    >>> bool(np.allclose(x.grad, 2 * x.data * np.exp(x.data**2)))
    True
    """
    if any(isinstance(node, Value) for node in nodes(args)):
        raise TypeError("checkpoint: it is for Tensors; a graph of Values keeps single numbers")
    if not modes.recording:
        return f(*args, **kwargs)
    first = tick()
    root = f(*(each(leaf, arg) for arg in args), **kwargs)
    if not isinstance(root, Tensor):
        raise TypeError(f"checkpoint: a function that gives one Tensor, not {type(root).__name__}")
    if not root.requires_grad or root.born < first:
        return root
    used = nodes(node.args for node in ancestry(root, since=first))
    captured = dict.fromkeys(n for n in used if n.born < first and n.requires_grad)

    @functools.wraps(f)
    def again(*xs: Any) -> Any:
        return f(*xs[: len(args)], **kwargs)

    op = Op(again, again, None, lists=True)
    inputs = (*args, *captured)
    return Tensor.__new__(Recomputed)._fill(root._data, True, op, inputs, {}, len(args))


class Recomputed(Tensor):
    """The result of a function that is run again for its gradient."""

    __slots__ = ()

    def shares(self, grad: Any, parts: bool = False) -> Iterator[tuple[Node, Any]]:
        own = self.args[: self.saved]
        begin = variable if isinstance(grad, Tensor) else leaf
        first = tick()
        with enable_grad():
            starts = [each(begin, arg) for arg in own]
            root = self.op.definition(*starts)
        if not np.array_equal(root._data, self._data, equal_nan=True):
            raise RuntimeError(
                f"checkpoint: {self.op} gave other numbers when it ran again. If it draws noise, "
                "draw it before and hand it in as an argument"
            )
        floats = (node for node in nodes(own) if node.data.dtype.kind == "f")
        wanted = dict(zip(nodes(starts), floats, strict=True))
        wanted |= {node: node for node in self.args[self.saved :]}
        for node, share in swept(root, grad, wanted.__contains__, first).items():
            if wanted[node].requires_grad:
                yield wanted[node], share
