"""`OneCycleLR`: up to a rate that could not be borne for long, and down again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..optimizer import Optimizer
from .scheduler import LRScheduler, per_group

CURVES = ("cos", "linear")


class OneCycleLR(LRScheduler):
    """The rate rises from a low one to `max_lr` and falls to a far lower one; momentum meanwhile
    falls and rises (Smith and Topin, 2018). It sets both, whoever has changed them since.

    Args:
        optimizer: its momentum, or its first beta, is cycled.
        max_lr: the highest rate, or one for each group.
        total_steps: of the whole cycle, or `epochs` and `steps_per_epoch`, whose product it is.
        pct_start: the share of the cycle in which the rate rises.
        anneal_strategy: along "cos" or "linear".
        cycle_momentum: False leaves momentum as it is; else it falls from `max_momentum` to
            `base_momentum` while the rate rises, and rises again with its fall. Either may be one
            for each group.
        div_factor: the first rate is max_lr / div_factor.
        final_div_factor: the last one is the first / final_div_factor.
        three_phase: back to the first rate in as many steps as it rose, and only then lower.
        last_epoch: as of `LRScheduler`.

    The cycle ends with the rate of step total_steps − 1, counted from 0. As in PyTorch `step` may
    be called once more, after the last of the optimiser's, and the curve runs past its end.

    Raises:
        ValueError: neither total_steps nor the other two; a share, a strategy, a divisor or a
            number of steps that makes no sense; momentum to be cycled in an optimiser that has
            none. From `step`, when the cycle is over.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], momentum=0.9)
    >>> scheduler = OneCycleLR(opt, max_lr=1.0, total_steps=10)
    >>> for _ in range(2):
    ...     scheduler.step()
    >>> scheduler.get_last_lr(), opt.param_groups[0]["momentum"]
    ([1.0], 0.85)
    """

    writes = (*LRScheduler.writes, "momentum", "betas")

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float] | np.ndarray,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self._attach(optimizer, last_epoch)
        total = (epochs or 0) * (steps_per_epoch or 0) if total_steps is None else total_steps
        if total < 1:
            raise ValueError(
                "OneCycleLR: say how long it is, by total_steps, or by epochs and steps_per_epoch, "
                "all at least 1"
            )
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start is a share, from 0 to 1, not {pct_start}")
        if anneal_strategy not in CURVES:
            raise ValueError(
                f"OneCycleLR: anneal_strategy is one of {', '.join(CURVES)}, not {anneal_strategy}"
            )
        for name, by in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if not by > 0:
                raise ValueError(f"OneCycleLR: {name} is above 0, not {by}")
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"OneCycleLR: {type(optimizer).__name__} has no momentum to cycle: set "
                "cycle_momentum=False"
            )
        top = pct_start * total - 1
        first, last = 1 / div_factor, 1 / div_factor / final_div_factor
        self.total_steps, self.anneal_strategy = total, anneal_strategy
        self.cycle_momentum = cycle_momentum
        self.ends = [top, 2 * top, total - 1] if three_phase else [top, total - 1]
        # What is reached at each end, of max_lr, and of the way from max_momentum to base_momentum.
        self.factors = [first, 1.0, first, last] if three_phase else [first, 1.0, last]
        self.slack = [0.0, 1.0, 0.0, 0.0] if three_phase else [0.0, 1.0, 0.0]
        self.max_lr, self.max_momentum = max_lr, max_momentum
        self.base_momentum = base_momentum
        if last_epoch == -1:
            for group, highest in zip(
                optimizer.param_groups, per_group(self, "max_lr", max_lr), strict=True
            ):
                group["initial_lr"] = highest * first  # not what it had, and not where it is later
        super().__init__(optimizer, last_epoch)

    def step(self) -> None:
        if self.last_epoch >= self.total_steps:
            raise ValueError(
                f"OneCycleLR: all {self.total_steps} steps of the cycle were made: give it more "
                "total_steps, or step no further"
            )
        super().step()

    def get_lr(self) -> list[float]:
        if self.cycle_momentum:
            self.cycle()
        factor = self.reached(self.factors)
        return [highest * factor for highest in per_group(self, "max_lr", self.max_lr)]

    def cycle(self) -> None:
        """Set the momentum of each group."""
        slack = self.reached(self.slack)
        highs = per_group(self, "max_momentum", self.max_momentum)
        lows = per_group(self, "base_momentum", self.base_momentum)
        for group, high, low in zip(self.optimizer.param_groups, highs, lows, strict=True):
            momentum = float(high + (low - high) * slack)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def reached(self, values: list[float]) -> float:
        """Where the way from each value to the next, which is reached at its end, is now."""
        phases = range(len(self.ends))
        phase = next((i for i in phases if self.last_epoch <= self.ends[i]), phases[-1])
        start = self.ends[phase - 1] if phase else 0.0
        span = self.ends[phase] - start
        share = (self.last_epoch - start) / span if span else 1.0
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        return values[phase] * (1 - share) + values[phase + 1] * share
