"""What an op hands back to its arguments: in their shape and width, and, behind a whole definition,
to each of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arguments import each
from .graph import Node, describe, nodes, swept
from .op import Op
from .ops.shape import stretched


def gradients(root: Node, seed: Any, args: Sequence[Any]) -> list[Any]:
    """∂root/∂arg for each argument, None where there is none; what is behind is left alone."""
    targets = dict.fromkeys(nodes(args))
    oldest = min((node.born for node in targets), default=0)
    found = swept(root, seed, targets.__contains__, oldest)
    return [each(found.get, arg) for arg in args]


class Misfit(ValueError):
    """A share that has not the shape of its argument, nor one that broadcasting made of it."""


def fit(share: Any, arg: Any, op: Op) -> Any:
    """A share in the shape and width of its argument: the one place that undoes broadcasting."""
    shape, dtype = np.shape(share), arg._data.dtype
    if shape != arg.shape:
        axes = stretched(arg.shape, shape)
        if axes is None:
            raise Misfit(f"a rule of {op} gave a share of shape {shape} for {describe(arg)}")
        share = np.reshape(np.sum(share, axis=axes), arg.shape)
    if isinstance(share, np.ndarray) and share.dtype == dtype:
        return share
    if dtype.kind != "f":
        raise TypeError(f"a gradient for {describe(arg)} of {dtype}: only floats can have one")
    if isinstance(share, Node):
        return share.astype(dtype)  # type: ignore[attr-defined]
    return np.asarray(share, dtype)
