"""Which module is being called, and by which name its root knows it: what nodes remember."""

from __future__ import annotations

import threading
from typing import Any

from ..engine.modes import Scope
from .parameter import Parameter
from .tree import Tree

Paths = dict[Tree, str]


class Calls(threading.local):
    """The module whose call is the outermost in this thread; gone when the call is."""

    root: Any = None


calls = Calls()


def path_in(root: Any, module: Any, outer: Scope) -> str:
    """A module's dotted name in the root of the call."""
    path = root._paths.get(module)
    if path is None:
        path = name_parts(root).get(module)  # a part that was added since
    if path is None:  # not a part of the root: made inside forward, or an argument of it
        return f"{outer.path}.{type(module).__name__}".lstrip(".")
    return path


def name_parts(root: Any) -> Paths:
    """The dotted name of each module inside, which the root keeps; parameters are given theirs."""
    paths: Paths = {}
    for name, part in root._walk():
        if isinstance(part, Tree):
            paths.setdefault(part, name)
        # A part that was called by itself before calls its weight "weight": now more is known.
        elif isinstance(part, Parameter) and (part.name is None or name.endswith(f".{part.name}")):
            part.name = name
    root._paths = paths
    return paths
