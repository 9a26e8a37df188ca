"""`RMSprop`: a step of the same size for steep and for flat directions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from .optimizer import Optimizer, Settings, State, larger, with_decay


class RMSprop(Optimizer):
    """Each number's gradient is divided by its own usual size of late (Tieleman and Hinton,
    2012, lecture 6.5):

        g += weight_decay · p
        v = alpha · v + (1 − alpha) · g²
        p −= lr · g / (√v + eps), or with momentum b = momentum · b + g / (√v + eps);  p −= lr · b

    With `centered` the size is the deviation from the mean gradient (Graves, 2013): √(v − m²)
    stands for √v, where m += (1 − alpha) · (g − m).

    Raises:
        ValueError: besides what `Optimizer` says, an alpha above 1.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = RMSprop([x], lr=0.1, alpha=0.75)
    >>> (x * x).backward()
    >>> opt.step()
    >>> round(x.data, 6)
    0.8
    """

    keeps: ClassVar = {
        "step": None,
        "square_avg": None,
        "momentum_buffer": "momentum",
        "grad_avg": "centered",
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
            centered=centered, maximize=maximize,
        )  # fmt: skip

    def check(self, settings: Settings, params: list[Any]) -> None:
        super().check(settings, params)
        if settings["alpha"] > 1:
            raise ValueError(f"{self._name}: alpha is from 0 to 1, not {settings['alpha']}")

    def rule(self, p: Any, g: Any, state: State, group: Settings) -> Any:
        alpha = group["alpha"]
        g = with_decay(p, g, group)
        state["square_avg"] *= alpha
        state["square_avg"] += (1 - alpha) * (g * g)
        size = state["square_avg"]
        if group["centered"]:
            state["grad_avg"] += (1 - alpha) * (g - state["grad_avg"])
            # Of a gradient that never changes the two are equal but for rounding.
            size = larger(size - state["grad_avg"] * state["grad_avg"], 0.0)
        move = g / (size**0.5 + group["eps"])
        if group["momentum"]:
            state["momentum_buffer"] *= group["momentum"]
            state["momentum_buffer"] += move
            move = state["momentum_buffer"]
        p -= group["lr"] * move
        return p
