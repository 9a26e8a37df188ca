"""Which elements of a result a page opens into scalars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...engine import Tensor
from ...engine.graph import Node, describe
from .cutting import Index
from .regions import Tree

FEW = 16  # numbers in a result all of which open, where there is room
SOME = 6  # of a larger one

Asked = int | Mapping[Any, Iterable[Any]] | None


class Choice:
    """Which elements are opened of each op: how many, or which ones.

    Raises:
        TypeError: it is neither a count nor says which.
        ValueError: fewer than none are asked for, or those of something that is no result of the
            graph.
    """

    def __init__(self, tree: Tree, asked: Asked) -> None:
        if not (asked is None or isinstance(asked, int | np.integer | Mapping)):
            raise TypeError(
                f"zoom: elements={asked!r:.40} is a count, or {{tensor: [(0, 3), (1, 2)]}}"
            )
        self.most = int(asked) if isinstance(asked, int | np.integer) else None
        self.which = dict(asked) if isinstance(asked, Mapping) else {}
        if self.most is not None and self.most < 0:
            raise ValueError(f"zoom: elements={asked} is a count, 0 or more")
        for node in self.which:
            if not isinstance(node, Tensor) or node not in tree.home:
                what = describe(node) if isinstance(node, Node) else f"{node!r:.40}"
                raise ValueError(
                    f"zoom: elements has {what}, which is no Tensor made in this graph"
                )

    def pass_on(self, node: Node, inside: Node) -> None:
        """What is asked of an op is asked of the last one in its definition."""
        if node in self.which:
            self.which[inside] = self.which[node]

    def of(self, node: Any, grad: Any, room: int) -> dict[Index, str]:
        """The elements of a node, and in a word why each: those asked for, else as many as there
        is room for.

        Raises:
            IndexError: an element that the result does not have.
        """
        if node in self.which:
            return {checked(node, index): "asked for" for index in self.which[node]}
        if self.most is not None:
            return telling(node._data, grad, self.most)
        return telling(node._data, grad, min(room, FEW if node._data.size <= FEW else SOME))


def checked(node: Any, index: Any) -> Index:
    """An index as a user gives it."""
    shape = node._data.shape
    given = tuple(index) if isinstance(index, Iterable) else (index,)
    if len(given) != len(shape) or not all(-n <= i < n for i, n in zip(given, shape, strict=True)):
        raise IndexError(f"zoom: elements has {given}, but that result has shape {shape}")
    return tuple(int(i) % n for i, n in zip(given, shape, strict=True))


def telling(data: np.ndarray, grad: Any, most: int) -> dict[Index, str]:
    """At most so many elements: all, or those that say most.

    >>> telling(np.array([0.0, 9.0, 5.0, 7.0]), None, 3)
    {(1,): 'largest number', (0,): 'smallest number', (3,): 'last'}
    """
    if data.size <= most:
        return dict.fromkeys(np.ndindex(data.shape), "")
    size = np.abs(np.nan_to_num(data if grad is None else grad)).ravel()
    what = "number" if grad is None else "gradient"
    # A number that is 0 was mostly masked, or cut off: behind it there is little to see.
    telling = np.where(data.ravel() == 0, 0, size)
    places = {int(telling.argmax() if telling.any() else size.argmax()): f"largest {what}"}
    places.setdefault(int(size.argmin()), f"smallest {what}")
    places.setdefault(0, "first")
    places.setdefault(data.size - 1, "last")
    for i in range(1, most):
        places.setdefault(data.size * i // most, "in between")
    picked = list(places.items())[:most]
    return {tuple(map(int, np.unravel_index(k, data.shape))): why for k, why in picked}
