"""Schedules that set an optimiser's learning rates, under PyTorch's names.

Each takes the rates that the groups have when it is made, and from then on gives them as a function
of how often it has stepped: nothing is carried from step to step that rounding could add up in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from ..schedule import (
    Schedule,
    constant,
    cosine,
    exponential,
    linear,
    sequence,
    stairs,
)
from .optimizer import Optimizer


class LRScheduler:
    """Multiplies each group's first rate by a factor that changes with the step.

    Call `step()` after each of the optimiser's. What the optimiser began with is kept in each
    group's "initial_lr", so that a second schedule sets out from there too.

    Args:
        optimizer: whose `param_groups` get a new "lr", now and at each step.
        schedule: a function of the step, from 0 on; see `nn.schedule`.

    Raises:
        TypeError: something else than an optimiser.
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: an optimiser, not a {type(optimizer).__name__}"
            )
        self.optimizer, self.schedule, self.last_epoch = optimizer, schedule, 0
        self.set_rates()

    @property
    def base_lrs(self) -> list[float]:
        """The rates that the groups had at first."""
        return [
            group.setdefault("initial_lr", group["lr"]) for group in self.optimizer.param_groups
        ]

    def rates(self, step: float) -> list[float]:
        """The rate of each group at a step."""
        factor = self.schedule(step)
        return [base * factor for base in self.base_lrs]

    def set_rates(self) -> None:
        rates = self.rates(self.last_epoch)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = float(rate)

    def step(self) -> None:
        """Go on to the next rates."""
        self.last_epoch += 1
        self.set_rates()

    def get_last_lr(self) -> list[float]:
        """The rate of each group now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """How often it has stepped, and the rates it began with."""
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken, with a schedule made in the same way.

        Raises:
            ValueError: another number of groups. Nothing is changed then.
        """
        groups = self.optimizer.param_groups
        if len(saved["base_lrs"]) != len(groups):
            raise ValueError(
                f"{type(self).__name__}: saved for {len(saved['base_lrs'])} groups, here are "
                f"{len(groups)}"
            )
        self.last_epoch = saved["last_epoch"]
        for group, base in zip(groups, saved["base_lrs"], strict=True):
            group["initial_lr"] = base
        self.set_rates()


class LambdaLR(LRScheduler):
    """A function of yours, or of `nn.schedule`, as the factor; a list of them has one per group.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = LambdaLR(opt, nn.schedule.noam(512, warmup=4000))
    >>> f"{scheduler.get_last_lr()[0]:.2e}"
    '1.75e-07'
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Schedule | Sequence[Schedule]) -> None:
        several = [lr_lambda] * len(optimizer.param_groups) if callable(lr_lambda) else lr_lambda
        if len(several) != len(optimizer.param_groups):
            raise ValueError(
                f"LambdaLR: {len(several)} functions for {len(optimizer.param_groups)} groups"
            )
        self.lr_lambdas = list(several)
        super().__init__(optimizer, constant(1.0))

    def rates(self, step: float) -> list[float]:
        return [
            base * factor(step) for base, factor in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]


class ConstantLR(LRScheduler):
    """The rate, multiplied by `factor` for `total_iters` steps, then by 1.

    >>> from groundup import nn
    >>> rates(ConstantLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), factor=0.5, total_iters=2), 4)
    [4.0, 4.0, 8.0, 8.0]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        check(self, factor=factor, total_iters=total_iters)
        super().__init__(optimizer, sequence([constant(factor), constant(1.0)], [total_iters]))


class LinearLR(LRScheduler):
    """The rate, multiplied by a factor that goes in a line from `start_factor` to `end_factor`,
    which is reached after `total_iters` steps.

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
    ) -> None:
        check(self, start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)
        super().__init__(optimizer, linear(start_factor, end_factor, total_iters))


class ExponentialLR(LRScheduler):
    """The rate, multiplied by gammaˢᵗᵉᵖ.

    >>> from groundup import nn
    >>> rates(ExponentialLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), gamma=0.5), 4)
    [8.0, 4.0, 2.0, 1.0]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        check(self, gamma=gamma)
        super().__init__(optimizer, exponential(gamma))


class StepLR(LRScheduler):
    """The rate, multiplied by gamma after every `step_size` steps.

    >>> from groundup import nn
    >>> rates(StepLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), step_size=2, gamma=0.5), 5)
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        check(self, step_size=step_size, gamma=gamma)
        super().__init__(optimizer, stairs(step_size, gamma))


class MultiStepLR(LRScheduler):
    """The rate, multiplied by gamma at each of the `milestones`; by gamma² at one given twice.

    >>> from groundup import nn
    >>> rates(MultiStepLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), milestones=[1, 3], gamma=0.5), 5)
    [8.0, 4.0, 4.0, 2.0, 2.0]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        check(self, gamma=gamma)
        places = sorted(milestones)
        levels = [constant(gamma**passed) for passed in range(len(places) + 1)]
        super().__init__(optimizer, sequence(levels, places))


class CosineAnnealingLR(LRScheduler):
    """Along half a cosine down to `eta_min`, a rate, at step `T_max`, and up again, and so on
    (Loshchilov and Hutter, 2017, without restarts):

        eta_min + (first − eta_min) · (1 + cos(π · step / T_max)) / 2

    >>> from groundup import nn
    >>> rates(CosineAnnealingLR(nn.SGD([nn.Parameter([1.0])], lr=8.0), T_max=2), 5)
    [8.0, 4.0, 0.0, 4.0, 8.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        check(self, T_max=T_max, eta_min=eta_min)
        fall = cosine(1.0, 0.0, T_max)
        self.eta_min = eta_min
        # There and back: the distance from the nearest top.
        super().__init__(optimizer, lambda step: fall(abs((step + T_max) % (2 * T_max) - T_max)))

    def rates(self, step: float) -> list[float]:
        height = self.schedule(step)
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


class SequentialLR(LRScheduler):
    """One after the other: from step milestones[i] on schedulers[i + 1], which counts from there.

    Args:
        optimizer: the one that all of them were made for.
        schedulers: in order.
        milestones: one less than they are, rising.

    Raises:
        ValueError: no schedulers, another number of milestones, or schedulers of another
            optimiser.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        if not schedulers or len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers have {max(len(schedulers) - 1, 0)} "
                f"milestones between them, not {len(milestones)}"
            )
        if any(first > second for first, second in pairwise(milestones)):
            raise ValueError(f"SequentialLR: milestones rise, unlike {list(milestones)}")
        if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
            raise ValueError("SequentialLR: a scheduler was made for another optimiser")
        self.path = sequence([scheduler.rates for scheduler in schedulers], milestones)
        super().__init__(optimizer, constant(1.0))

    def rates(self, step: float) -> list[float]:
        return self.path(step)


def rates(scheduler: LRScheduler, steps: int) -> list[float]:
    """The first group's rates from now on, for examples."""
    return [round(scheduler.rates(scheduler.last_epoch + i)[0], 6) for i in range(steps)]


def check(scheduler: LRScheduler, **settings: float) -> None:
    """Refuse what makes no sense as a factor or as a number of steps."""
    for name, setting in settings.items():
        least = 1 if name in ("T_max", "step_size") else 0
        if not setting >= least:  # NaN too
            said = "at least 1" if least else "not below 0"
            raise ValueError(f"{type(scheduler).__name__}: {name} is {said}, not {setting}")
