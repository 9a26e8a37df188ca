"""`SGD`: against the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from .optimizer import Optimizer, Settings, State, with_decay


class SGD(Optimizer):
    """Against the gradient, with momentum (Polyak, 1964): a ball that rolls down.

        g += weight_decay · p
        b = momentum · b + (1 − dampening) · g, and b = g at first
        p −= lr · b, or with nesterov p −= lr · (g + momentum · b)

    Nesterov's (1983) looks ahead, to where the ball is about to roll (Sutskever et al., 2013).

    Raises:
        ValueError: besides what `Optimizer` says, nesterov without momentum or with dampening.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = SGD([x], lr=0.25)
    >>> (x * x).backward()
    >>> opt.step()
    >>> x.data
    0.5
    """

    keeps: ClassVar = {"momentum_buffer": "momentum"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
            nesterov=nesterov, maximize=maximize,
        )  # fmt: skip

    def check(self, settings: Settings, params: list[Any]) -> None:
        super().check(settings, params)
        if settings["nesterov"] and (not settings["momentum"] or settings["dampening"]):
            raise ValueError(
                f"{self._name}: nesterov is a way to use momentum: set one, and no dampening"
            )

    def update(self, data: Any, grad: Any, state: State, group: Settings) -> Any:
        if "momentum_buffer" not in state:  # the first push is not dampened
            group = group | {"dampening": 0.0}
        return super().update(data, grad, state, group)

    def rule(self, p: Any, g: Any, state: State, group: Settings) -> Any:
        g = with_decay(p, g, group)
        if group["momentum"]:
            state["momentum_buffer"] *= group["momentum"]
            state["momentum_buffer"] += (1 - group["dampening"]) * g
            ball = state["momentum_buffer"]
            g = g + group["momentum"] * ball if group["nesterov"] else ball
        p -= group["lr"] * g
        return p
