"""What a module saves and loads: its numbers, by dotted name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine import Value
from ..engine.graph import Node
from .parameter import Parameter
from .tree import Array, Buffer, Tree

Part = Array | Buffer


class IncompatibleKeys(NamedTuple):
    """Names that a saved state lacks, and names in it that the module does not have."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def saved_parts(tree: Tree) -> dict[str, Part]:
    """All that is saved, under each of its names."""
    leaves = tree._leaves().items()
    return {name: p for name, p in leaves if not isinstance(p, Buffer) or p.persistent}


def values_of(part: Value | np.ndarray) -> Iterable[Value]:
    return [part] if isinstance(part, Value) else part.flat


def numbers(part: Part) -> np.ndarray:
    """A copy of what a part holds."""
    if isinstance(part, Buffer):
        return part.array.copy()
    if isinstance(part, Parameter):
        return part.data.copy()
    return np.array([value.data for value in values_of(part)], float).reshape(part.shape)


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
        for value, number in zip(values_of(part), new.flat, strict=True):
            value.data = number


def key(part: Part) -> Any:
    """The same for one part under all of its names; an array has no hash."""
    return part if isinstance(part, Buffer) else id(part)


def unmatched(own: Mapping[str, Part], names: Iterable[str]) -> IncompatibleKeys:
    """What is only here, and what is only there. A part of several names is saved by any of them:
    PyTorch knows nothing of those in a plain list, and a file may hold a tied array once."""
    there = {key(own[name]) for name in names if name in own}
    missing = [name for name, part in own.items() if key(part) not in there]
    return IncompatibleKeys(missing, [name for name in names if name not in own])


def misfits(own: Mapping[str, Part], arrays: Mapping[str, np.ndarray]) -> list[str]:
    """All that is wrong with saved arrays of names that there are, a line for each."""
    wrong: list[str] = []
    first_name: dict[Any, str] = {}
    for name, new in ((name, arrays[name]) for name in own if name in arrays):
        part = own[name]
        old: Any = part.array if isinstance(part, Buffer) else part
        width = old.dtype if isinstance(part, Buffer | Parameter) else np.dtype(float)
        if new.shape != old.shape:
            wrong.append(f"{name}: shape {new.shape}, the model has {old.shape}")
        elif new.dtype.kind != width.kind:
            wrong.append(f"{name}: {new.dtype}, which is no kind of {width}")
        twin = arrays[first := first_name.setdefault(key(part), name)]
        if not np.array_equal(new, twin, equal_nan=new.dtype.kind == twin.dtype.kind == "f"):
            wrong.append(f"{name}: differs from {first}, with which the model ties it")
    return wrong


def load(tree: Tree, state: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Put saved arrays into a module, or name all that does not fit, and change nothing."""
    if not isinstance(state, Mapping):
        raise TypeError(
            "load_state_dict: arrays by name, such as another module's state_dict() or what "
            f"safetensors.numpy.load_file reads, not a {type(state).__name__}"
        )
    own = saved_parts(tree)
    arrays = {k: np.asarray(v.data if isinstance(v, Node) else v) for k, v in state.items()}
    apart, wrong = unmatched(own, arrays), misfits(own, arrays)
    if strict:
        missing = [f"missing: {name}" for name in apart.missing_keys]
        wrong = [*missing, *(f"not in the model: {name}" for name in apart.unexpected_keys), *wrong]
    if wrong:
        raise ValueError(
            f"this state does not fit {type(tree).__name__}; nothing was loaded:\n  "
            + "\n  ".join(wrong)
        )
    for name in own.keys() & arrays.keys():
        assign(own[name], arrays[name])
    return apart
