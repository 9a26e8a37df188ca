"""Schedulers of schedulers: one after the other, and all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, rates  # noqa: F401 (of the examples)


class Several(LRScheduler):
    """What is common to both: the schedulers of one optimiser, which are saved with the whole."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        if not schedulers:
            raise ValueError(f"{self._name}: at least one scheduler is needed")
        self.schedulers = list(schedulers)
        self._attach(optimizer or self.schedulers[0].optimizer, 0)
        for scheduler in self.schedulers:
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{self._name}: ReduceLROnPlateau is told a number at each step, so step it "
                    "on its own"
                )
            if scheduler.optimizer is not self.optimizer:
                raise ValueError(f"{self._name}: a scheduler was made for another optimiser")

    def state_dict(self) -> dict[str, Any]:
        """That of each scheduler, and what is common."""
        return super().state_dict() | {
            "_schedulers": [part.state_dict() for part in self.schedulers]
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """As of `LRScheduler`.

        Raises:
            ValueError: besides, another number of schedulers.
        """
        parts = saved.get("_schedulers", [])
        if len(parts) != len(self.schedulers):
            raise ValueError(
                f"{self._name}: saved for {len(parts)} schedulers, here are {len(self.schedulers)}"
            )
        for scheduler, part in zip(self.schedulers, parts, strict=True):
            scheduler.load_state_dict(part)
        super().load_state_dict(saved)


class SequentialLR(Several):
    """One after the other: from step milestones[i] on schedulers[i + 1], which counts from there,
    and sets out from the rates that the groups had at first.

    Args:
        optimizer: the one that all of them were made for.
        schedulers: in order.
        milestones: one less than they are, rising.

    Raises:
        ValueError: no schedulers, another number of milestones, or schedulers of another
            optimiser.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=8.0)
    >>> parts = [nn.LinearLR(opt, 0.5, total_iters=2), nn.ExponentialLR(opt, 0.5)]
    >>> rates(SequentialLR(opt, parts, milestones=[2]), 5)
    [4.0, 6.0, 8.0, 4.0, 2.0]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        super().__init__(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers have {len(schedulers) - 1} "
                f"milestones between them, not {len(milestones)}"
            )
        if any(first > second for first, second in pairwise(milestones)):
            raise ValueError(f"SequentialLR: milestones rise, unlike {list(milestones)}")
        self.milestones = list(milestones)
        self._set_out_from(self)  # each of the schedulers has set rates of its own
        self.begin()

    @property
    def active(self) -> LRScheduler:
        return self.schedulers[bisect_right(self.milestones, self.last_epoch)]

    def begin(self) -> None:
        self.last_epoch = 0
        self.active.begin()
        self._note()

    def step(self) -> None:
        self.last_epoch += 1
        if self.last_epoch in self.milestones:
            self._set_out_from(self.active)
            self.active.begin()
        else:
            self.active.step()
        self._note()

    def _set_out_from(self, scheduler: LRScheduler) -> None:
        """Give the groups the rates that they had at first, as a scheduler has noted them."""
        scheduler._meet_groups()
        for group, first in zip(self.optimizer.param_groups, scheduler.base_lrs, strict=True):
            group["lr"] = first


class ChainedScheduler(Several):
    """All at once: each makes its step, in order, so that factors are multiplied.

    Args:
        schedulers: of one optimiser.
        optimizer: theirs, which need not be said.

    Raises:
        ValueError: no schedulers, or of several optimisers.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=8.0)
    >>> parts = [nn.ConstantLR(opt, 0.5, total_iters=2), nn.ExponentialLR(opt, 0.5)]
    >>> rates(ChainedScheduler(parts), 4)
    [4.0, 2.0, 2.0, 1.0]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        super().__init__(schedulers, optimizer)
        self._note()

    def begin(self) -> None:
        self.last_epoch = 0
        for scheduler in self.schedulers:
            scheduler.begin()
        self._note()

    def step(self) -> None:
        self.last_epoch += 1
        for scheduler in self.schedulers:
            scheduler.step()
        self._note()
