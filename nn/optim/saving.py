"""An optimiser's state as plain numbers and arrays, and back."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .optimizer import Optimizer, Settings, State

# Settings that a saved state of an older version may lack: their defaults are what it had.
LATER = {"amsgrad", "dampening", "maximize", "nesterov"}


def save(optimizer: Optimizer) -> dict[str, Any]:
    """Copies of all it keeps, by the numbers of its parameters."""
    number = {p: i for i, p in enumerate(optimizer.all_parameters())}
    return {
        "state": {number[p]: copy.deepcopy(kept) for p, kept in optimizer.state.items() if kept},
        "param_groups": [
            copy.deepcopy(rest(group)) | {"params": [number[p] for p in group["params"]]}
            for group in optimizer.param_groups
        ],
    }


def load(optimizer: Optimizer, saved: dict[str, Any]) -> None:
    """Give an optimiser what was saved, if all of it fits."""
    name = type(optimizer).__name__
    if not {"state", "param_groups"} <= saved.keys():
        raise ValueError(f"{name}: a saved state has state and param_groups, not {[*saved]}")
    sizes = [len(group["params"]) for group in saved["param_groups"]]
    own = [len(group["params"]) for group in optimizer.param_groups]
    if sizes != own:
        raise ValueError(f"{name}: saved groups of {sizes} parameters, here are {own}")
    pairs = zip(saved["param_groups"], optimizer.param_groups, strict=True)
    settings = [own_settings(optimizer, kept, group) for kept, group in pairs]
    numbers = [i for group in saved["param_groups"] for i in group["params"]]
    params = dict(zip(numbers, optimizer.all_parameters(), strict=True))
    kept_by = {int(i): kept for i, kept in saved["state"].items()}
    if strays := kept_by.keys() - params.keys():
        raise ValueError(f"{name}: state saved for {sorted(strays)}, which no group has")
    optimizer.state = {
        params[i]: own_state(optimizer, params[i], kept) for i, kept in kept_by.items()
    }
    for group, kept in zip(optimizer.param_groups, settings, strict=True):
        group.update(kept)


def own_settings(optimizer: Optimizer, saved: Settings, group: Settings) -> Settings:
    """What is to change in a group: the saved settings, and whatever else was saved in it."""
    defaults = optimizer.defaults
    if not defaults.keys() - LATER <= saved.keys():
        raise ValueError(
            f"{type(optimizer).__name__}: the saved settings, {', '.join(saved)}, are not its own"
        )
    known = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items() if k in defaults}
    optimizer.check({name: group[name] for name in defaults} | known, [])
    return copy.deepcopy(rest(saved)) | known


def own_state(optimizer: Optimizer, p: Any, saved: State) -> State:
    """What was saved for a parameter, as copies."""
    kept = {k: np.asarray(v).copy() for k, v in saved.items() if v is not None}
    keeps = optimizer.keeps
    always = {name for name, asked in keeps.items() if asked is None}
    if kept and not always <= kept.keys() <= keeps.keys():
        raise ValueError(
            f"{type(optimizer).__name__} keeps {', '.join(keeps) or 'nothing'}; the saved state "
            f"has {', '.join(kept)}"
        )
    for name, array in kept.items():
        if name != "step" and array.shape != np.shape(p._data):
            raise ValueError(
                f"{type(optimizer).__name__}: saved {name} of shape {array.shape} for a parameter "
                f"{p.name or ''} of {np.shape(p._data)}"
            )
    scalar = isinstance(p._data, float)
    return {
        name: int(array) if name == "step" else float(array) if scalar else array
        for name, array in kept.items()
    }


def rest(group: Settings) -> Settings:
    """All of a group but its parameters."""
    return {k: v for k, v in group.items() if k != "params"}
