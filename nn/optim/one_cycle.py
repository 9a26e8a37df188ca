"""`OneCycleLR`: up to a rate that could not be borne for long, and down again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ..schedule import Schedule, constant, cosine, linear, sequence
from .lr_scheduler import LRScheduler
from .optimizer import Optimizer

CURVES = {"cos": cosine, "linear": linear}


class OneCycleLR(LRScheduler):
    """The rate rises from a low one to `max_lr` and falls to a far lower one; momentum meanwhile
    falls and rises (Smith and Topin, 2018).

    Args:
        optimizer: its momentum, or its first beta, is cycled.
        max_lr: the highest rate, or one for each group.
        total_steps: of the whole cycle, or `epochs` and `steps_per_epoch`, whose product it is.
        pct_start: the share of the cycle in which the rate rises.
        anneal_strategy: along "cos" or "linear".
        cycle_momentum: False leaves momentum as it is; else it falls from `max_momentum` to
            `base_momentum` while the rate rises, and rises again with its fall.
        div_factor: the first rate is max_lr / div_factor.
        final_div_factor: the last one is the first / final_div_factor.
        three_phase: back to the first rate in as many steps as it rose, and only then lower.

    After the cycle the last rate stays.

    Raises:
        ValueError: neither total_steps nor the other two; a share, a strategy or a number of
            steps that makes no sense; momentum to be cycled in an optimiser that has none.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], momentum=0.9)
    >>> scheduler = OneCycleLR(opt, max_lr=1.0, total_steps=10)
    >>> for _ in range(2):
    ...     scheduler.step()
    >>> scheduler.get_last_lr(), opt.param_groups[0]["momentum"]
    ([1.0], 0.85)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
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
        if cycle_momentum and not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                f"OneCycleLR: {optimizer} has no momentum to cycle: set cycle_momentum=False"
            )
        groups = optimizer.param_groups
        self.max_lrs = max_lr if isinstance(max_lr, list) else [max_lr] * len(groups)
        if len(self.max_lrs) != len(groups):
            raise ValueError(f"OneCycleLR: {len(self.max_lrs)} rates for {len(groups)} groups")
        top = pct_start * total - 1
        ends = [top, 2 * top, total - 1] if three_phase else [top, total - 1]
        first, last = 1 / div_factor, 1 / div_factor / final_div_factor
        low, high = base_momentum, max_momentum
        rates = [first, 1.0, first, last] if three_phase else [first, 1.0, last]
        self.momentum: Schedule | None = None
        if cycle_momentum:
            between = [high, low, high, high] if three_phase else [high, low, high]
            self.momentum = through(between, ends, anneal_strategy)
        for group, highest in zip(groups, self.max_lrs, strict=True):
            group["initial_lr"] = highest * first  # not what it had, and not where it is later
        super().__init__(optimizer, through(rates, ends, anneal_strategy))

    def rates(self, step: float) -> list[float]:
        factor = self.schedule(step)
        return [top * factor for top in self.max_lrs]

    def set_rates(self) -> None:
        super().set_rates()
        if self.momentum is None:
            return
        momentum = self.momentum(self.last_epoch)
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum


def through(values: list[float], ends: list[float], curve: str) -> Schedule:
    """From each value to the next, which is reached at the step in `ends`."""
    spans = [end - start for start, end in pairwise([0.0, *ends])]
    ways: Any = zip(pairwise(values), spans, strict=True)
    pieces = [CURVES[curve](start, end, span) for (start, end), span in ways]
    return sequence([*pieces, constant(values[-1])], ends)
