"""`Adagrad`: what has moved far moves less."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from .optimizer import Optimizer, Settings, State, with_decay


class Adagrad(Optimizer):
    """Each number's gradient is divided by the size of all its gradients (Duchi et al., 2011).

        g += weight_decay · p
        s += g², from initial_accumulator_value on
        p −= lr / (1 + (t − 1) · lr_decay) · g / (√s + eps), at step t

    So what is seldom touched, such as the vector of a rare word, still takes large steps late.

    >>> from groundup.engine import Value
    >>> x = Value(1.0)
    >>> opt = Adagrad([x], lr=0.1)
    >>> (x * x).backward()
    >>> opt.step()
    >>> round(x.data, 6)
    0.9
    """

    keeps: ClassVar = {"step": None, "sum": None}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps, maximize=maximize,
        )  # fmt: skip

    def start(self, group: Settings) -> float:
        return group["initial_accumulator_value"]

    def rule(self, p: Any, g: Any, state: State, group: Settings) -> Any:
        g = with_decay(p, g, group)
        state["sum"] += g * g
        lr = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        p -= lr * g / (state["sum"] ** 0.5 + group["eps"])
        return p
