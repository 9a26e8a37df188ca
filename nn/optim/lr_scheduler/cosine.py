"""Schedulers that go along cosines (Loshchilov and Hutter, 2017)."""

from __future__ import annotations

import math
from functools import partial

from ..optimizer import Optimizer
from .factors import FactorLR
from .scheduler import LRScheduler, check, rates  # noqa: F401 (of the examples)


def height(steps: float, step: float) -> float:
    """From 1 to 0, which is reached at `steps`, and up again, and so on."""
    return (1 + math.cos(math.pi * (step / steps))) / 2


class CosineAnnealingLR(FactorLR):
    """Along half a cosine down to `eta_min`, a rate, at step `T_max`, and up again, and so on:

        eta_min + (first − eta_min) · (1 + cos(π · step / T_max)) / 2

    >>> from groundup import nn
    >>> rates(CosineAnnealingLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), T_max=2), 5)
    [8.0, 4.0, 0.0, 4.0, 8.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check(self, T_max=T_max, eta_min=eta_min)
        super().__init__(optimizer, partial(height, T_max), last_epoch, eta_min)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Along half a cosine down towards `eta_min` in `T_0` steps, then again from the top, each
    time in `T_mult` times as many. It sets the rates, whoever has changed them since.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=8.0)
    >>> rates(CosineAnnealingWarmRestarts(opt, T_0=2, T_mult=2), 7)
    [8.0, 4.0, 8.0, 6.828427, 4.0, 1.171573, 8.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        check(self, T_0=T_0, T_mult=T_mult, eta_min=eta_min)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step, steps = self.last_epoch, self.T_0
        if self.T_mult == 1:
            step %= steps
        while step >= steps:
            step, steps = step - steps, steps * self.T_mult
        share = height(steps, step)
        return [self.eta_min + (first - self.eta_min) * share for first in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next rates, or to those at `epoch`, which may lie between two steps."""
        if epoch is not None:
            self.last_epoch = epoch - 1  # type: ignore[assignment]  # a whole number below
        super().step()
        self.last_epoch = math.floor(self.last_epoch)
