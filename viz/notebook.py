"""`notebook`: a Value or a Tensor that ends a notebook's cell, shown as its picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..engine.graph import Node
from .drawing import draw
from .renderer import asked

METHOD = "_repr_mimebundle_"  # which Jupyter and marimo ask for


def notebook(on: bool = True) -> None:
    """From now on show a Value or a Tensor that ends a cell as its picture, or (False) as text.

    A picture runs a backward pass of its own, so this is by request. A leaf, which has nothing
    behind it, is shown as text all the same.

    >>> from groundup.engine import Value
    >>> notebook()
    >>> Value(2.0, name="a")._repr_mimebundle_()
    {'text/plain': "Value(2.0, grad=0.0, name='a')"}
    >>> notebook(False)
    """
    if on:
        setattr(Node, METHOD, bundle)
    elif METHOD in vars(Node):
        delattr(Node, METHOD)


def bundle(
    node: Node, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> dict[str, Any]:
    """The representations of a node, by their MIME types: one."""
    if node.op is None:
        return asked({"text/plain": repr(node)}, include, exclude)
    return draw(node)._repr_mimebundle_(include, exclude)
