"""`ReduceLROnPlateau`: smaller steps when there is no progress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ....engine import Tensor, Value
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check, per_group


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by `factor` when a number has not become better for more than
    `patience` steps.

    Args:
        optimizer: whose rates are lowered.
        mode: "min" where less is better, as of a loss, or "max".
        factor: below 1.
        patience: how many steps without progress are borne.
        threshold: what is better is so by more than this, as a share of the best so far, with
            `threshold_mode` "rel", or as it is, with "abs".
        cooldown: for how many steps after a lowering none is counted.
        min_lr: no rate is lowered below it; or one for each group.
        eps: a lowering by no more than this is left out.

    Raises:
        ValueError: a setting that makes no sense.

    >>> from groundup import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=8.0)
    >>> scheduler = ReduceLROnPlateau(opt, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.5, 2.5, 2.5):
    ...     scheduler.step(loss)
    ...     print(scheduler.get_last_lr())
    [8.0]
    [8.0]
    [8.0]
    [4.0]
    [4.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self._attach(optimizer, 0)
        check(self, factor=factor, patience=patience, cooldown=cooldown, eps=eps)
        if factor >= 1:
            raise ValueError(f"{self._name}: factor is below 1, not {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"{self._name}: mode is min or max, not {mode}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"{self._name}: threshold_mode is rel or abs, not {threshold_mode}")
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.factor, self.patience, self.cooldown = factor, patience, cooldown
        self.min_lr, self.eps = min_lr, eps
        per_group(self, "min_lr", min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self._note()

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Take note of the number after this step, such as the validation loss."""
        metrics = metrics.item() if isinstance(metrics, Tensor | Value) else float(metrics)
        self.last_epoch += 1
        if self.is_better(metrics):
            self.best, self.num_bad_epochs = metrics, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.num_bad_epochs, self.cooldown_counter = 0, self.cooldown
            self.reduce()
        self._note()

    def is_better(self, metrics: float) -> bool:
        """Whether a number is better than the best one, and by enough."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bar = self.best * (1 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return sign * metrics > sign * bar

    def reduce(self) -> None:
        """Lower the rates."""
        lowest = per_group(self, "min_lr", self.min_lr)
        for group, least in zip(self.optimizer.param_groups, lowest, strict=True):
            lower = max(group["lr"] * self.factor, least)
            if group["lr"] - lower > self.eps:
                group["lr"] = lower
