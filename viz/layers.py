"""How far the edges of a picture go, which says what its layout will cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

# Layers that the edges of one picture cross together. Graphviz puts a hidden node into each of them
# and takes seconds from some thousands on, then minutes: it is a leaf that is used all over a large
# graph that does it.
MOST = 2000


def lengths(boxes: Iterable[Any], edges: Sequence[Any]) -> list[int]:
    """How many layers each edge, from its `tail` to its `head`, leads over, where a box stands in
    the layer after the last one that leads to it, and a leaf just before the first that uses it."""
    ahead: dict[Any, list[Any]] = {box: [] for box in boxes}
    missing = dict.fromkeys(ahead, 0)
    for edge in edges:
        ahead[edge.tail].append(edge.head)
        missing[edge.head] += 1
    leaves = [box for box, count in missing.items() if not count]
    layer, ready = dict.fromkeys(ahead, 0), [*leaves]
    for box in ready:  # which grows
        for head in ahead[box]:
            layer[head] = max(layer[head], layer[box] + 1)
            missing[head] -= 1
            if not missing[head]:
                ready.append(head)
    for leaf in leaves:
        layer[leaf] = min((layer[head] for head in ahead[leaf]), default=1) - 1
    return [layer[edge.head] - layer[edge.tail] for edge in edges]
