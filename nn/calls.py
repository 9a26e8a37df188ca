"""Which module is being called, and by which name its root knows it: what nodes remember."""

from __future__ import annotations

import threading
from typing import Any

from ..engine import Value
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
    """The dotted name of each module inside, which the root keeps; parameters are given theirs,
    but one that has a name by hand."""
    paths: Paths = {}
    seen = set()
    for name, part in root._walk():
        if isinstance(part, Tree):
            paths.setdefault(part, name)
        elif isinstance(part, Parameter) and part not in seen:
            seen.add(part)
            # A part that is called by itself calls "weight" what the whole called "0.weight".
            if part.name in (None, part.path) and not f"{part.name}".endswith(f".{name}"):
                part.name = part.path = name
        elif isinstance(part, Value):
            part.name = part.name or name
    root._paths = paths
    return paths
