"""What optimisers share: groups of parameters, each with its settings, and their state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from ...engine.blocks import BLOCK, flat_blocks
from ...engine.graph import Node
from ...engine.modes import enable_grad
from .saving import load, rest, save

State = dict[str, Any]
Settings = dict[str, Any]


class Optimizer:
    """Moves parameters; a subclass says which arrays it keeps for each, and its rule.

    Args:
        params: parameters (`model.parameters()`), or pairs of name and parameter
            (`model.named_parameters()`), whose names are kept in the group's "param_names"; or
            groups, dicts such as {"params": [...], "lr": 1e-4}, whose settings go before the
            defaults. Other keys of a group are yours: they are kept and saved with it.
        defaults: the settings of every group that does not say otherwise.

    Raises:
        ValueError: no parameters, one twice, or one that is a result and no leaf; a setting
            that makes no sense.
        TypeError: something that is no parameter.

    `foreach`, `fused` and `capturable` are accepted by the optimisers that have them in PyTorch,
    and change nothing: there they say how the same numbers are computed on a GPU.

    `param_groups` is a list of dicts, as in PyTorch: a schedule writes `group["lr"] = …`. State
    is kept by the parameter itself, so new data, loaded data or another width do not lose it.

    `step` calls `update` for each parameter, which makes or widens its state, then `apply`, which
    cuts a large array into blocks, then `rule`, which is all that most subclasses write. It gets
    arrays for Tensors and floats for Values: `state["x"] *= b` writes into an array, and puts a new
    number where a float was.

    >>> from groundup.engine import Value
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, params, lr=0.5):
    ...         super().__init__(params, lr=lr)
    ...
    ...     def rule(self, p, g, state, group):
    ...         p -= group["lr"] * np.sign(g)
    ...         return p
    >>> x = Value(2.0)
    >>> (x * x).backward()
    >>> SignDescent([x]).step()
    >>> x.data
    1.5
    """

    # What is kept for each parameter, and the setting that asks for it, None where it always is.
    # "step" is a count, all else is like the parameter.
    keeps: ClassVar[dict[str, str | None]] = {}

    def __init__(self, params: Iterable[Any], **defaults: Any) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Any, State] = {}
        if isinstance(params, Node | dict) or not isinstance(params, Iterable):
            raise TypeError(
                f"{self._name}: a list of parameters, such as model.parameters(), not one "
                f"{type(params).__name__}"
            )
        entries = list(params)
        grouped = bool(entries) and isinstance(entries[0], dict)
        for group in entries if grouped else [{"params": entries}]:
            self.add_param_group(group)
        if not self.all_parameters():
            raise ValueError(f"{self._name}: no parameters to optimise")

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for place, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {place}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with settings of their own."""
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f'{self._name}: a group is a dict with its parameters in "params"')
        inside = group["params"]
        inside = [inside] if isinstance(inside, Node) else list(inside)
        settings = self.defaults | rest(group)
        if all(isinstance(p, tuple) for p in inside) and inside:  # (name, parameter)
            settings["param_names"], inside = map(list, zip(*inside, strict=True))
        seen = dict.fromkeys(self.all_parameters())
        for place, p in enumerate(inside):
            if not isinstance(p, Node):
                raise TypeError(f"{self._name}: parameter {place} is a {type(p).__name__}")
            if p in seen:
                raise ValueError(f"{self._name}: {called(place, p)} is given twice")
            if p.op is not None:
                raise ValueError(
                    f"{self._name}: {called(place, p)} is the result of {p.op}, not a leaf"
                )
            seen[p] = None
        self.check({name: settings[name] for name in self.defaults}, inside)
        self.param_groups.append({"params": inside, **settings})
        self.size = sum(np.size(p._data) for p in self.all_parameters())

    def check(self, settings: Settings, params: list[Any]) -> None:
        """Refuse settings that make no sense, or parameters that the rule is not made for."""
        for name, setting in settings.items():
            if not (isinstance(setting, int | float | np.number) and 0 <= setting < math.inf):
                raise ValueError(
                    f"{self._name}: {name} is not below 0, and finite; not {setting!r}"
                )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False make zeros of them."""
        for p in self.all_parameters():
            p.zero_grad(set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move each parameter that has a gradient and is not frozen.

        Args:
            closure: called first: zeroes the gradients, computes them and returns the loss.

        Returns:
            what the closure returned.
        """
        with enable_grad():
            loss = closure() if closure else None
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.requires_grad:
                    grad = -p.grad if group.get("maximize") else p.grad
                    p.data = self.update(p.data, grad, self.state.setdefault(p, {}), group)
        return loss

    def update(self, data: Any, grad: Any, state: State, group: Settings) -> Any:
        """The new data, which may be written in place. `grad` stays as it is."""
        for name, asked in self.keeps.items():
            kept = state.get(name)
            if kept is None:
                if name == "step":
                    state[name] = 0
                elif asked is None or group[asked]:
                    first = self.start(group)
                    state[name] = first if isinstance(data, float) else np.full_like(data, first)
            elif isinstance(kept, np.ndarray) and kept.dtype != data.dtype:
                state[name] = kept.astype(data.dtype)  # the model was moved by `to`
        if "step" in state:
            state["step"] += 1
        return self.apply(data, grad, state, group)

    def start(self, group: Settings) -> float:
        """The number that what is kept begins with."""
        return 0.0

    def apply(self, data: Any, grad: Any, state: State, group: Settings) -> Any:
        """The rule, a block of a large array at a time."""
        if isinstance(data, float) or data.size <= BLOCK:
            return self.rule(data, grad, state, group)
        kept = {name: array for name, array in state.items() if name != "step"}
        for p, g, *parts in flat_blocks(data, grad, *kept.values()):
            self.rule(p, g, state | dict(zip(kept, parts, strict=True)), group)
        return data

    def rule(self, p: Any, g: Any, state: State, group: Settings) -> Any:
        """The new p, from its gradient g; arrays, those of the state too, are written in place."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Settings and state as plain numbers and arrays (copies); parameters become numbers.

        The form is PyTorch's: {"state": {0: {...}}, "param_groups": [{..., "params": [0, 1]}]}.
        """
        return save(self)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken, with parameters in the same order.

        A state dict of PyTorch's optimiser of the same name does as well.

        Raises:
            ValueError: another optimiser's, other groups, or state of other shapes. Nothing is
                changed then.
        """
        load(self, saved)

    def all_parameters(self) -> list[Any]:
        """The parameters of all groups, in order."""
        return [p for group in self.param_groups for p in group["params"]]


def called(place: int, p: Any) -> str:
    return f"parameter {place} ({p.name or 'unnamed'}, shape {p.shape})"


def with_decay(p: Any, g: Any, group: Settings) -> Any:
    """The gradient with that of weight_decay · p² / 2: all parameters are drawn towards 0."""
    return g + group["weight_decay"] * p if group["weight_decay"] else g


def larger(a: Any, b: Any) -> Any:
    """The larger of each two numbers, written into a where it is an array."""
    return np.maximum(a, b, out=a) if isinstance(a, np.ndarray) else max(a, b)
