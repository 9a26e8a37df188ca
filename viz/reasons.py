"""Why no gradient can reach a node."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.graph import Node
from .nodes import is_parameter

# Of a node that asks for a gradient, where a pass ran and brought none: each of its users is flat
# in it, as `np.where` is in its condition.
FLAT = "flat on every way"
_NO_FLOATS = {"b": "a comparison or a mask", "i": "integers", "u": "integers"}


def reason(x: Any) -> str:
    """Why no gradient can reach a node, or a number or array that an op was handed as it is;
    "" if one can.

    >>> from groundup.engine import Tensor, Value, no_grad
    >>> a = Value(2.0)
    >>> with no_grad():
    ...     b = a * a
    >>> [reason(x) for x in (a, b, a.detach(), Value(1.0, requires_grad=False))]
    ['', 'made under no_grad', 'detached', 'requires_grad=False']
    >>> [reason(x) for x in (Tensor([1, 2]), Tensor([1.0]) * 2, a > 1, np.ones(2))]
    ['integers', 'made of constants', 'a comparison or a mask', 'a plain array']
    """
    if isinstance(x, Node) and x.requires_grad:
        return ""
    data = np.asarray(x._data if isinstance(x, Node) else x)
    if data.dtype.kind in _NO_FLOATS:
        return _NO_FLOATS[data.dtype.kind]
    if not isinstance(x, Node):
        return "a plain array" if data.ndim else "a plain number"
    return "frozen" if is_parameter(x) else getattr(x, "why", "requires_grad=False")
