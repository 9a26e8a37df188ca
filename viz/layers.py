"""In which layer a box stands, how deep a picture is, and how far its edges go."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

# Boxes one after the other that are read from left to right; more go down the page.
LINE = 4
# Layers that the edges of one picture cross together. Graphviz puts a hidden node into each of them
# and takes seconds from some thousands on, then minutes: it is a leaf that is used all over a large
# graph that does it.
MOST = 2000


def layers(boxes: Iterable[Any], edges: Sequence[Any]) -> dict[Any, int]:
    """The layer of each box, edges going from their `tail` to their `head`: one after the last that
    leads to it. A leaf stands just before the first that uses it. Boxes in a circle have none."""
    ahead: dict[Any, list[Any]] = {box: [] for box in boxes}
    missing = dict.fromkeys(ahead, 0)
    for edge in edges:
        ahead[edge.tail].append(edge.head)
        missing[edge.head] += 1
    leaves = [box for box, count in missing.items() if not count]
    layer, ready = dict.fromkeys(leaves, 0), [*leaves]
    for box in ready:  # which grows
        for head in ahead[box]:
            layer[head] = max(layer.get(head, 0), layer[box] + 1)
            missing[head] -= 1
            if not missing[head]:
                ready.append(head)
    for leaf in leaves:
        layer[leaf] = min((layer[head] for head in ahead[leaf]), default=1) - 1
    return {box: layer[box] for box in ready}


def lengths(boxes: Iterable[Any], edges: Sequence[Any]) -> list[int]:
    """How many layers each edge leads over."""
    layer = layers(boxes, edges)
    return [layer.get(edge.head, 0) - layer.get(edge.tail, 0) for edge in edges]


def depth(boxes: Sequence[Any], edges: Sequence[Any]) -> float:
    """How many boxes stand one after the other on the longest way; infinite if one is a circle."""
    layer = layers(boxes, edges)
    return max(layer.values(), default=-1) + 1 if len(layer) == len(boxes) else math.inf
