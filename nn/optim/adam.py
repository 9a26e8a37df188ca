"""`Adam` and `AdamW`: momentum, and a step of the same size in each direction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ...engine.fast import compiled
from .optimizer import Optimizer, Settings, State, larger


class Adam(Optimizer):
    """Each number moves by its own mean gradient, measured in its own usual size (Kingma and Ba,
    2015, algorithm 1):

        g += weight_decay · p
        m += (1 − β₁) · (g − m);  v = β₂ · v + (1 − β₂) · g²
        p −= lr · m̂ / (√v̂ + eps)

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) at step t, since both start at 0. With `amsgrad` the
    largest v so far stands for v (Reddi et al., 2018): what m is divided by never shrinks.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = Adam([x], lr=0.1)
    >>> (x * x).backward()
    >>> opt.step()
    >>> round(x.data, 6)
    0.9
    """

    keeps: ClassVar = {
        "step": None,
        "exp_avg": None,
        "exp_avg_sq": None,
        "max_exp_avg_sq": "amsgrad",
    }
    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
            maximize=maximize,
        )  # fmt: skip

    def check(self, settings: Settings, params: list[Any]) -> None:
        rest = dict(settings)
        betas = rest.pop("betas")
        super().check(rest, params)
        if np.shape(betas) != (2,) or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"{self._name}: betas are two, from 0 to below 1, not {betas}")

    def decay(self, group: Settings) -> tuple[float, float]:
        """How much of p is added to its gradient, and how much of p is kept."""
        rate = group["weight_decay"]
        return (0.0, 1 - group["lr"] * rate) if self.decoupled else (rate, 1.0)

    def apply(self, data: Any, grad: Any, state: State, group: Settings) -> Any:
        m, v = state["exp_avg"], state["exp_avg_sq"]
        run = None if group["amsgrad"] else compiled(data, grad, m, v, size=self.size)
        if run is None:
            return super().apply(data, grad, state, group)
        settings = (group["lr"], *group["betas"], group["eps"], *self.decay(group), state["step"])
        run.adam(*(a.reshape(-1) for a in (data, grad, m, v)), *settings)
        return data

    def rule(self, p: Any, g: Any, state: State, group: Settings) -> Any:
        (beta1, beta2), step = group["betas"], state["step"]
        pull, kept = self.decay(group)
        m, v = state["exp_avg"], state["exp_avg_sq"]
        if pull:
            g = g + pull * p
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * (g * g)
        state["exp_avg"], state["exp_avg_sq"] = m, v
        if group["amsgrad"]:
            v = state["max_exp_avg_sq"] = larger(state["max_exp_avg_sq"], v)
        # The two corrections are single numbers: they go where they cost no pass over memory.
        size = v**0.5
        size *= (1 - beta2**step) ** -0.5
        size += group["eps"]
        move = m / size
        move *= group["lr"] / (1 - beta1**step)
        if kept != 1:
            p *= kept
        p -= move
        return p


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019): p shrinks by itself.

        p = (1 − lr · weight_decay) · p − lr · m̂ / (√v̂ + eps)

    In Adam the decay is a part of the gradient, and is divided by its size: what moves much then
    decays little.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = AdamW([x], lr=0.1, weight_decay=0)
    >>> (x * x).backward()
    >>> opt.step()
    >>> round(x.data, 6)
    0.9
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
