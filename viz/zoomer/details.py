"""What a page tells of one array when the reader looks closer: its numbers, its gradient, a map."""

from __future__ import annotations

import re
from typing import Any

from ...engine.graph import Node
from ...engine.op import Op
from ..arrays import Arrays
from ..reasons import FLAT, reason
from ..rules import rules
from ..summary import shape_of
from .borders import Borders

SHAPE = r"\(\d+,( \d+,?)*\)"


def details(node: Node, found: Borders, arrays: Arrays) -> dict[str, Any]:
    """A node's numbers and those of its gradient, as places in a table, or why it has none."""
    said: dict[str, Any] = {"name": node.name or "", "shape": shape_of(node._data)}
    said["data"] = arrays.put(node._data)
    if node in found.grads:
        said["grad"] = arrays.put(found.grads[node])
    else:
        said["none"] = found.trouble or f"No gradient: {reason(node) or FLAT}."
    return said


def rules_of(op: Op) -> list[list[str]]:
    """The rule of each argument of an op, written down."""
    if op.vjps is None:
        return []
    try:
        # Written for a sample, whose shapes are not those of this graph.
        return [[name, re.sub(SHAPE, "…", rule)] for name, rule in rules(op).items()]
    except Exception:  # noqa: BLE001  (a user's rule, in code that no name goes through)
        return []
