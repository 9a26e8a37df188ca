"""Optimisers: from gradients to better parameters.

The same arithmetic serves Tensors and Values. On arrays `m *= b` writes in place, on floats it
makes a new number; so each rule returns its state.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.blocks import flat_blocks
from ..engine.fast import compiled
from ..engine.graph import Node

State = dict[str, Any]


class Optimizer:
    """What optimisers share: groups of parameters, each with its settings, and their state.

    Args:
        params: parameters (`model.parameters()`), or dicts such as
            {"params": [...], "lr": 1e-4}, whose settings go before the defaults.
        defaults: the settings of every group that does not say otherwise.

    Raises:
        ValueError: no parameters, one twice, or one that is a result and no leaf; a setting
            that makes no sense.
        TypeError: something that is no parameter.

    `param_groups` is a list of dicts, as in PyTorch: a schedule writes `group["lr"] = …`. State
    is kept by the parameter itself, so new data, loaded data or another width do not lose it.
    """

    def __init__(self, params: Iterable[Any], **defaults: Any) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Any, State] = {}
        if isinstance(params, Node | dict):
            raise TypeError(f"{self}: a list of parameters, not one {type(params).__name__}")
        entries = list(params)
        if not entries:
            raise ValueError(f"{self}: no parameters to optimise")
        for group in entries if isinstance(entries[0], dict) else [{"params": entries}]:
            self.add_param_group(group)

    def __str__(self) -> str:
        return type(self).__name__

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with settings of their own."""
        inside = group["params"]
        inside = [inside] if isinstance(inside, Node) else list(inside)
        seen = {p: None for other in self.param_groups for p in other["params"]}
        for place, p in enumerate(inside):
            if not isinstance(p, Node):
                raise TypeError(f"{self}: parameter {place} is a {type(p).__name__}")
            called = f"parameter {place} ({p.name or 'unnamed'}, shape {p.shape})"
            if p in seen:
                raise ValueError(f"{self}: {called} is given twice")
            if p.op is not None:
                raise ValueError(f"{self}: {called} is the result of {p.op}, not a leaf")
            seen[p] = None
        settings = self.defaults | {k: v for k, v in group.items() if k != "params"}
        unknown = settings.keys() - self.defaults.keys()
        if unknown:
            raise ValueError(f"{self} has no setting {', '.join(sorted(unknown))}")
        for name, setting in settings.items():
            check_setting(f"{self}: {name}", setting)
        self.param_groups.append({"params": inside, **settings})
        self.size = sum(np.size(p._data) for p in self._all())

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for p in group["params"]:
                p.zero_grad()

    def step(self) -> None:
        """Move each parameter that has a gradient and is not frozen."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None or not p.requires_grad:
                    continue
                state = self.state.get(p, {})
                dtype = getattr(p, "dtype", None)
                for key, kept in state.items():
                    if isinstance(kept, np.ndarray) and kept.dtype != dtype:
                        state[key] = kept.astype(dtype)  # the model was moved by `to`
                p.data, self.state[p] = self.update(p.data, p.grad, state, group)

    def update(self, data: Any, grad: Any, state: State, group: dict[str, Any]) -> Any:
        """The new data, which may be written in place, and the new state. `grad` stays as it is."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Settings and state as plain numbers and arrays (copies); parameters become numbers.

        The form is PyTorch's: {"state": {0: {...}}, "param_groups": [{..., "params": [0, 1]}]}.
        """
        number = {p: i for i, p in enumerate(self._all())}
        return {
            "state": {number[p]: copy.deepcopy(state) for p, state in self.state.items()},
            "param_groups": [
                {**group, "params": [number[p] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken, with parameters in the same order.

        Raises:
            ValueError: another optimiser's, other groups, or state of other shapes. Nothing is
                changed then.
        """
        for kept in saved["param_groups"]:
            if not self.defaults.keys() <= kept.keys():
                raise ValueError(f"{self}: the saved settings, {', '.join(kept)}, are not its own")
        sizes = [len(group["params"]) for group in saved["param_groups"]]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(f"{self}: saved groups of {sizes} parameters, here are {own}")
        params = self._all()
        state = {params[int(i)]: copy.deepcopy(kept) for i, kept in saved["state"].items()}
        for p, kept in state.items():
            for key, array in kept.items():
                if key != "step" and np.shape(array) != np.shape(p):
                    raise ValueError(
                        f"{self}: saved {key} of shape {np.shape(array)} for a parameter "
                        f"{p.name or ''} of {np.shape(p)}"
                    )
        self.state = state
        for group, kept in zip(self.param_groups, saved["param_groups"], strict=True):
            group.update({k: v for k, v in kept.items() if k in self.defaults})

    def _all(self) -> list[Any]:
        return [p for group in self.param_groups for p in group["params"]]


def check_setting(what: str, setting: Any) -> None:
    """Learning rates and the like are not below 0; betas are rates, below 1."""
    if isinstance(setting, tuple | list):
        if not all(0 <= beta < 1 for beta in setting):
            raise ValueError(f"{what} are from 0 to below 1, not {setting}")
    elif not setting >= 0:
        raise ValueError(f"{what} is not below 0, so not {setting}")


def zeros_like(data: Any) -> Any:
    return 0.0 if isinstance(data, float) else np.zeros_like(data)


class SGD(Optimizer):
    """Against the gradient, with momentum (Polyak, 1964): a ball that rolls down.

    g += weight_decay · p;  b = momentum · b + g (b = g at first);  p −= lr · b

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = SGD([x], lr=0.25)
    >>> (x * x).backward()
    >>> opt.step()
    >>> x.data
    0.5
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay)

    def update(self, data: Any, grad: Any, state: State, group: dict[str, Any]) -> Any:
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * data
        if group["momentum"]:
            if "momentum_buffer" in state:
                ball = state["momentum_buffer"]
                ball *= group["momentum"]
                ball += grad
            else:
                ball = grad * 1.0  # an array of its own
            grad = ball
            state = {"momentum_buffer": ball}
        data -= group["lr"] * grad
        return data, state


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov and Hutter, 2019).

    Each number moves by its own mean gradient, measured in its own usual size:

        m += (1 − β₁) · (g − m);  v = β₂ · v + (1 − β₂) · g²
        p = (1 − lr · weight_decay) · p − lr · m̂ / (√v̂ + eps)

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ), since both start at 0.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = AdamW([x], lr=0.1, weight_decay=0)
    >>> (x * x).backward()
    >>> opt.step()
    >>> round(x.data, 6)
    0.9
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, data: Any, grad: Any, state: State, group: dict[str, Any]) -> Any:
        if not state:
            state = {"step": 0, "exp_avg": zeros_like(data), "exp_avg_sq": zeros_like(data)}
        step, m, v = state["step"] + 1, state["exp_avg"], state["exp_avg_sq"]
        settings: Any = (group["lr"], *group["betas"], group["eps"], group["weight_decay"], step)
        if run := compiled(data, grad, m, v, size=self.size):
            run.adamw(*(a.reshape(-1) for a in (data, grad, m, v)), *settings)
        elif isinstance(data, float):
            data, m, v = adamw(data, grad, m, v, *settings)
        else:
            for part in flat_blocks(data, grad, m, v):
                adamw(*(*part, *settings))  # in place
        return data, {"step": step, "exp_avg": m, "exp_avg_sq": v}


def adamw(
    p: Any, g: Any, m: Any, v: Any,
    lr: float, beta1: float, beta2: float, eps: float, weight_decay: float, step: int,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """AdamW's arithmetic: new p, m and v, which on arrays are the old ones, written in place."""
    m += (1 - beta1) * (g - m)
    v *= beta2
    v += (1 - beta2) * (g * g)
    # The two corrections are single numbers: they go where they cost no pass over memory.
    size = v**0.5
    size *= (1 - beta2**step) ** -0.5
    size += eps
    move = m / size
    move *= lr / (1 - beta1**step)
    p *= 1 - lr * weight_decay
    p -= move
    return p, m, v
