"""`LRScheduler`: what all schedulers share: an optimiser, a step, and a state that can be saved."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np

from ..optimizer import Optimizer


class LRScheduler:
    """Sets the learning rate of each group of an optimiser, when it is made and at each step.

    Call `step()` after each of the optimiser's. A subclass writes `get_lr()`: the rates at step
    `last_epoch`, one for each group, from `base_lrs`, those that the groups began with.

    Args:
        optimizer: whose groups get a new "lr". What it was at first is kept in "initial_lr".
        last_epoch: −1 to begin. To go on where the optimiser's state alone was saved, the step
            before the one that its groups have the rates of.

    Raises:
        TypeError: something else than an optimiser.
        ValueError: a last_epoch for groups that have no "initial_lr", so never had a scheduler.

    >>> from groundup import nn
    >>> class Harmonic(LRScheduler):
    ...     def get_lr(self):
    ...         return [base / (1 + self.last_epoch) for base in self.base_lrs]
    >>> rates(Harmonic(nn.SGD([nn.Parameter([1.0])], lr=8.0)), 4)
    [8.0, 4.0, 2.666667, 2.0]
    """

    # The settings of a group that it writes.
    writes: ClassVar[tuple[str, ...]] = ("initial_lr", "lr")

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self._attach(optimizer, last_epoch)
        if last_epoch >= 0 and not all("initial_lr" in group for group in optimizer.param_groups):
            raise ValueError(
                f"{self._name}: last_epoch={last_epoch} goes on with a training, and the groups "
                'have no "initial_lr" to go on from: load the optimiser\'s state first'
            )
        self._meet_groups()
        self.step()

    def _attach(self, optimizer: Optimizer, last_epoch: int) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{self._name}: an optimiser, not a {type(optimizer).__name__}")
        self.optimizer, self.last_epoch = optimizer, last_epoch
        self.base_lrs: list[float] = []
        self._last_lr: list[float] = []

    def _meet_groups(self) -> None:
        """Note the first rates of groups that were added since."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(group.setdefault("initial_lr", group["lr"]))

    @property
    def _name(self) -> str:
        return type(self).__name__

    def get_lr(self) -> list[float]:
        """The rate of each group at step `last_epoch`; subclasses write it."""
        raise NotImplementedError(f"{self._name} has no get_lr")

    def step(self) -> None:
        """Go on to the next rates."""
        self.last_epoch += 1
        self._meet_groups()
        for group, rate in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = float(rate)
        self._note()

    def begin(self) -> None:
        """Go to step 0, from the rates that the groups have."""
        self.last_epoch = -1
        self.step()

    def _note(self) -> None:
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rate of each group after the last step."""
        return [*self._last_lr]

    def state_dict(self) -> dict[str, Any]:
        """All that it keeps but the optimiser and functions, and what it writes as it is now."""
        state = {
            name: copy.deepcopy(kept)
            for name, kept in vars(self).items()
            if name not in ("optimizer", "schedulers") and not holds_functions(kept)
        }
        groups = self.optimizer.param_groups
        written = [{name: group[name] for name in self.writes if name in group} for group in groups]
        return state | {"groups": written}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken, with a scheduler made in the same way.

        The state of PyTorch's scheduler of the same name does as well.

        Raises:
            ValueError: no such state, or another number of groups. Nothing is changed then.
        """
        groups = self.optimizer.param_groups
        if "_last_lr" not in saved:
            raise ValueError(f"{self._name}: a saved state has last_epoch and more, not {[*saved]}")
        written = saved.get("groups") or [{"lr": rate} for rate in saved["_last_lr"]]
        if len(written) != len(groups):
            raise ValueError(
                f"{self._name}: saved for {len(written)} groups, here are {len(groups)}"
            )
        for name in vars(self).keys() & saved.keys():
            setattr(self, name, copy.deepcopy(saved[name]))
        for group, kept in zip(groups, written, strict=True):
            group.update({k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()})


def holds_functions(kept: Any) -> bool:
    return callable(kept) or (isinstance(kept, list | tuple) and any(map(callable, kept)))


def per_group(scheduler: LRScheduler, name: str, setting: Any) -> list[Any]:
    """A setting for each group, where one for all may have been given."""
    count = len(scheduler.optimizer.param_groups)
    each = list(setting) if np.ndim(setting) else [setting] * count
    if len(each) != count:
        raise ValueError(
            f"{scheduler._name}: {name} is one for all groups or one for each: here are {count} "
            f"groups, not {len(each)}"
        )
    return each


def check(scheduler: LRScheduler, **settings: float) -> None:
    """Refuse what makes no sense as a factor or as a number of steps."""
    for name, setting in settings.items():
        least = 1 if name in ("T_0", "T_max", "T_mult", "step_size") else 0
        if not setting >= least:  # NaN too
            said = "at least 1" if least else "not below 0"
            raise ValueError(f"{scheduler._name}: {name} is {said}, not {setting}")


def rates(scheduler: LRScheduler, steps: int) -> list[float]:
    """The first group's rate now and at the steps after it, for examples."""
    seen = []
    for _ in range(steps):
        seen.append(round(scheduler.get_last_lr()[0], 6))
        scheduler.step()
    return seen
