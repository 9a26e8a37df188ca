"""How much gradient each part of a model was given by a pass: norms, by module."""

from __future__ import annotations

import math

from ...engine.graph import Node

MOST = 300  # parts that are told apart; the youngest beyond them are counted together
NAMELESS = "leaves without a name"


def by_part(leaves: dict[Node, float]) -> dict[str, float]:
    """The norm of each part's gradients as one long vector, from the norm of each leaf.

    A part is a module, named by the way to it; of leaves that are in none, each name is one. They
    come in the order in which their leaves were made.

    >>> from groundup.engine import Value
    >>> a, b, c = Value(1.0, name="fc.weight"), Value(1.0, name="fc.bias"), Value(1.0, name="c")
    >>> by_part({c: 1.0, a: 3.0, b: 4.0})
    {'fc': 5.0, 'c': 1.0}
    """
    parts: dict[str, list[float]] = {}
    for leaf in sorted(leaves, key=lambda leaf: leaf.born):
        parts.setdefault(part_of(leaf.name or ""), []).append(leaves[leaf])
    names = list(parts)
    norms = {name: math.hypot(*parts[name]) for name in names[:MOST]}
    if rest := names[MOST:]:
        norms[f"{len(rest):,} others"] = math.hypot(*(n for name in rest for n in parts[name]))
    return norms


def part_of(name: str) -> str:
    """The module of a parameter of that name, else the name itself.

    >>> part_of("blocks.0.attn.c_attn.weight"), part_of("fc.weight[0, 1]"), part_of("w")
    ('blocks.0.attn.c_attn', 'fc', 'w')
    """
    array = name.partition("[")[0] or name  # of which a scalar model's Value is one number
    return array.rpartition(".")[0] or array or NAMELESS
