"""Schedulers that multiply the rates of an optimiser by a factor that changes with the step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...schedule import Schedule, constant, exponential, linear, sequence, stairs
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check, per_group, rates  # noqa: F401 (of the examples)


class LambdaLR(LRScheduler):
    """The first rate times a function of the step, yours or of `nn.schedule`; a list of them has
    one for each group. It sets the rates, whoever has changed them since.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = LambdaLR(opt, nn.schedule.noam(512, warmup=4000))
    >>> f"{scheduler.get_last_lr()[0]:.2e}"
    '1.75e-07'
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Schedule | Sequence[Schedule],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambda = lr_lambda
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        factors = per_group(self, "lr_lambda", self.lr_lambda)
        pairs = zip(self.base_lrs, factors, strict=True)
        return [base * factor(self.last_epoch) for base, factor in pairs]


class FactorLR(LRScheduler):
    """floor + (first − floor) · factor, where first is the rate that a group began with.

    A rate that is another, since you have changed it, or a second scheduler of the same optimiser
    has, is not set but moved, to where (rate − floor) is multiplied by factor(step) /
    factor(step − 1). So schedulers that are stepped one after the other multiply. A rate that
    nobody else has changed is a function of the step alone: no rounding adds up.

    Args:
        schedule: the factor at each step; see `nn.schedule`.
        floor: a rate.
    """

    def __init__(
        self, optimizer: Optimizer, schedule: Schedule, last_epoch: int, floor: float = 0.0
    ) -> None:
        self.schedule, self.floor = schedule, floor
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        now = before = self.schedule(self.last_epoch)
        if self.last_epoch == 0:
            before = 1.0
        elif self._last_lr:  # else it goes on with rates that have this factor
            before = self.schedule(self.last_epoch - 1)
        pairs = zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        return [self.moved(group["lr"], first, before, now) for group, first in pairs]

    def moved(self, rate: float, first: float, before: float, now: float) -> float:
        """The rate of a group when the factor goes from `before` to `now`."""
        span = first - self.floor
        if now == before:
            return rate
        if rate == self.floor + span * before:
            return self.floor + span * now
        if before == 0:  # no factor leads away from 0
            return rate + span * now
        return self.floor + (rate - self.floor) * now / before


class ConstantLR(FactorLR):
    """The rate, multiplied by `factor` for `total_iters` steps, then by 1. With 0 of them the
    factor stays, as in PyTorch.

    >>> from groundup import nn
    >>> rates(ConstantLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), factor=0.5, total_iters=2), 4)
    [4.0, 4.0, 8.0, 8.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        check(self, factor=factor, total_iters=total_iters)
        both = sequence([constant(factor), constant(1.0)], [total_iters or math.inf])
        super().__init__(optimizer, both, last_epoch)


class LinearLR(FactorLR):
    """The rate, multiplied by a factor that goes in a line from `start_factor` to `end_factor`,
    which is reached after `total_iters` steps. With 0 of them the first stays, as in PyTorch.

    >>> from groundup import nn
    >>> rates(LinearLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), 0.5, 1.0, total_iters=2), 4)
    [4.0, 6.0, 8.0, 8.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        check(self, start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        line = linear(start_factor, end_factor, total_iters)
        super().__init__(optimizer, line if total_iters else constant(start_factor), last_epoch)


class ExponentialLR(FactorLR):
    """The rate, multiplied by gammaˢᵗᵉᵖ.

    >>> from groundup import nn
    >>> rates(ExponentialLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), gamma=0.5), 4)
    [8.0, 4.0, 2.0, 1.0]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        check(self, gamma=gamma)
        super().__init__(optimizer, exponential(gamma), last_epoch)


class StepLR(FactorLR):
    """The rate, multiplied by gamma after every `step_size` steps.

    >>> from groundup import nn
    >>> rates(StepLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), step_size=2, gamma=0.5), 5)
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        check(self, step_size=step_size, gamma=gamma)
        super().__init__(optimizer, stairs(step_size, gamma), last_epoch)


class MultiStepLR(FactorLR):
    """The rate, multiplied by gamma at each of the `milestones`; by gamma² at one given twice.

    >>> from groundup import nn
    >>> rates(MultiStepLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), milestones=[1, 3], gamma=0.5), 5)
    [8.0, 4.0, 4.0, 2.0, 2.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        check(self, gamma=gamma)
        places = sorted(milestones)
        levels = [constant(gamma**passed) for passed in range(len(places) + 1)]
        super().__init__(optimizer, sequence(levels, places), last_epoch)
