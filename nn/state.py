"""What a module saves and loads: its numbers, by dotted name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.graph import Node
from .parameter import Parameter
from .tree import Array, Buffer, Tree

Part = Array | Buffer


def saved_parts(tree: Tree) -> dict[str, Part]:
    """All that is saved, under each of its names."""
    leaves = tree._leaves().items()
    return {name: p for name, p in leaves if not isinstance(p, Buffer) or p.persistent}


def numbers(part: Part) -> np.ndarray:
    """A copy of what a part holds."""
    if isinstance(part, Buffer):
        return part.array.copy()
    if isinstance(part, Parameter):
        return part.data.copy()
    return np.array([value.data for value in part.flat], float).reshape(part.shape)


def assign(part: Part, new: np.ndarray) -> None:
    """Put numbers into a part, in its own width."""
    if isinstance(part, Buffer):
        setattr(part.owner, part.attribute, new.astype(part.array.dtype))
    elif isinstance(part, Parameter):
        new = new.astype(part.dtype)
        # Its own numbers again are no change, so graphs that used them stay good.
        if not np.array_equal(new, part.data):
            part.data = new
    else:
        for value, number in zip(part.flat, new.flat, strict=True):
            value.data = number


def misfits(own: Mapping[str, Part], arrays: Mapping[str, np.ndarray]) -> list[str]:
    """All that is wrong with saved arrays, a line for each."""
    wrong = [f"missing: {name}" for name in own if name not in arrays]
    wrong += [f"not in the model: {name}" for name in arrays if name not in own]
    first_name: dict[Any, str] = {}
    for name in (name for name in own if name in arrays):
        new, part = arrays[name], own[name]
        old = part.array if isinstance(part, Buffer) else part
        width = np.dtype(float) if old.dtype == object else old.dtype  # a Value's is Python's
        if new.shape != old.shape:
            wrong.append(f"{name}: shape {new.shape}, the model has {old.shape}")
        elif new.dtype.kind != width.kind:
            wrong.append(f"{name}: {new.dtype}, which is no kind of {width}")
        key = part if isinstance(part, Buffer) else id(part)  # an array has no hash
        twin = arrays[first := first_name.setdefault(key, name)]
        if not np.array_equal(new, twin, equal_nan=new.dtype.kind == twin.dtype.kind == "f"):
            wrong.append(f"{name}: differs from {first}, with which the model ties it")
    return wrong


def load(tree: Tree, state: Mapping[str, Any]) -> None:
    """Put saved arrays into a module, or name all that does not fit, and change nothing."""
    own = saved_parts(tree)
    arrays = {k: np.asarray(v.data if isinstance(v, Node) else v) for k, v in state.items()}
    if wrong := misfits(own, arrays):
        raise ValueError(
            f"this state does not fit {type(tree).__name__}; nothing was loaded:\n  "
            + "\n  ".join(wrong)
        )
    for name, part in own.items():
        assign(part, arrays[name])
