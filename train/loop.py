"""The training loop, every part of it in sight."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import nn
from ..engine.errors import InputError
from .data import batches, check_length
from .evaluate import validation_loss
from .history import History
from .interrupt import held_interrupts
from .memory import keep_freed_memory
from .parallel import accumulate, one_blas_thread
from .progress import progress


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        steps: how many steps in all, those before a resumption included.
        batch_size: windows in a step.
        lr: the learning rate at its highest, of the optimiser that `fit` makes.
        warmup: steps in which it rises from 0; after them it falls along a cosine.
        floor: the fraction of it that is left at the last step.
        weight_decay: of that optimiser, AdamW.
        clip: the norm to which longer gradients are shortened.
        eval_every: steps between evaluations; the last step is followed by one anyway.
        eval_windows: an evaluation takes so many windows of the validation text, None all.
        seed: which batches are drawn, and dropout's noise.
        block_size: the length of a window, None for `model.config.block_size`.
        threads: how many share a step, each with a part of its batch; see `accumulate`. Another
            number gives the same training but for rounding, and for the noise of dropout.

    Raises:
        InputError: a number that makes no sense.

    >>> TrainConfig(steps=0)
    Traceback (most recent call last):
    groundup.engine.errors.InputError: steps is a whole number from 1 up, not 0
    """

    steps: int = 1000
    batch_size: int = 12
    lr: float = 1e-3
    warmup: int = 100
    floor: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    eval_every: int = 100
    eval_windows: int | None = None
    seed: int = 0
    block_size: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "eval_every", "eval_windows", "block_size", "threads"):
            count = getattr(self, name)
            if count is None and name in ("eval_windows", "block_size"):
                continue
            if not isinstance(count, int | np.integer) or count < 1:
                raise InputError(f"{name} is a whole number from 1 up, not {count!r}")
        for name in ("lr", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is above 0, not {getattr(self, name)}")
        for name in ("warmup", "floor", "weight_decay", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is 0 or above, not {getattr(self, name)}")


def new_optimizer(model: Any, config: TrainConfig) -> nn.AdamW:
    """The optimiser that `fit` uses unless it is given one."""
    return nn.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)


def train_step(
    model: Any,
    optimizer: nn.Optimizer,
    batch: tuple[np.ndarray, np.ndarray],
    config: TrainConfig,
    step: int,
) -> float:
    """Make one step, the one after `step` others, and return the loss before it.

    Raises:
        FloatingPointError: as `fit` says.
    """
    ids, targets = batch
    for group in optimizer.param_groups:
        highest = group.setdefault("initial_lr", group["lr"])
        group["lr"] = learning_rate(config, step, highest)
    lr = optimizer.param_groups[0]["lr"]
    # Dropout's noise, as the batch, follows from (seed, step): a resumed training repeats it.
    nn.manual_seed((config.seed + 1 << 32) + step)
    model.zero_grad()  # parameters that the optimiser leaves alone count in the norm too
    loss = accumulate(model, ids, targets, config.threads)
    check_finite(loss, "loss", step, lr)
    norm = nn.clip_grad_norm_(model.parameters(), config.clip)
    check_finite(norm, "length of the gradient", step, lr)
    optimizer.step()
    return loss


def learning_rate(config: TrainConfig, step: int, highest: float) -> float:
    """The rate of the step that follows `step` others."""
    low = highest * config.floor
    return nn.warmup_cosine(step, config.warmup, config.steps, highest, low)


def check_optimizer(model: Any, optimizer: nn.Optimizer) -> None:
    """Refuse an optimiser that would leave the model as it is."""
    own = set(model.parameters())
    if not all(own.issuperset(group["params"]) for group in optimizer.param_groups):
        raise InputError(
            "the optimiser has parameters that are not the model's: make it of model.parameters()"
        )


def block_size_of(model: Any) -> int:
    """How far a model sees."""
    if not hasattr(model, "config"):
        raise InputError(
            f"a {type(model).__name__} does not say how long a window is: TrainConfig(block_size=…)"
        )
    return int(model.config.block_size)


def check_finite(number: float, what: str, step: int, lr: float) -> None:
    """Stop before a step that would leave no number in the weights."""
    if not math.isfinite(number):
        raise FloatingPointError(
            f"the {what} became {number} at step {step + 1}, with a learning rate of {lr:.3g}: "
            "training has diverged. Try a lower learning rate or a longer warm-up"
        )


def fit(
    model: Any,
    train_ids: Any,
    val_ids: Any,
    config: TrainConfig | None = None,
    *,
    optimizer: nn.Optimizer | None = None,
    history: History | None = None,
    callback: Callable[[History], object] | None = None,
    stop_when: Callable[[History], bool] | None = None,
    show: bool | None = None,
) -> History:
    """Train a model, in place, to predict each id from those before it.

    Ctrl-C ends it after the step that is being made, and what was done is returned, with
    `interrupted` set. A second Ctrl-C raises KeyboardInterrupt at once. Each step calls
    `nn.manual_seed`.

    Args:
        model: `model(ids, targets)` gives (logits, loss).
        train_ids, val_ids: (N,) and (M,) integers.
        config: by default `TrainConfig()`.
        optimizer: by default AdamW at the config's rate. One that is given has rates of its own,
            perhaps one for each group: each is the highest that its group comes to ("initial_lr",
            once a training or a scheduler has noted it). `fit` sets the rate of every step, so a
            scheduler of yours has no effect.
        optimizer, history: those of an earlier run, to go on where it ended; with the same
            config the result is the same as without the break. The history is added to.
        callback: called with the history after each evaluation.
        stop_when: likewise; training ends when it says True.
        show: None for a progress bar in a terminal and lines elsewhere, True for lines, False
            for nothing.

    Returns:
        the history, which is the one that was given, if one was.

    Raises:
        InputError: a part is no row of ids, or too short for one block, whose size neither the
            config nor the model says; or the optimiser is another model's.
        FloatingPointError: the loss or the gradient is no longer a number. The weights are
            those before that step.
    """
    config = config or TrainConfig()
    optimizer = optimizer or new_optimizer(model, config)
    check_optimizer(model, optimizer)
    history = history if history is not None else History()
    history.interrupted = False
    block_size = config.block_size or block_size_of(model)
    check_length(val_ids, block_size, "validation")
    source = batches(train_ids, block_size, config.batch_size, config.seed, start=history.step)
    began = time.perf_counter() - history.seconds
    groups = optimizer.param_groups
    if history.step and optimizer.state and not any("initial_lr" in group for group in groups):
        for group in groups:  # of a checkpoint from before groups had rates of their own
            group["initial_lr"] = config.lr

    def evaluate() -> bool:
        """Take the validation loss, and say whether this is enough."""
        loss = validation_loss(model, val_ids, block_size, config.eval_windows)
        history.val_steps.append(history.step)
        history.val_losses.append(loss)
        bar.evaluated(history)
        if callback:
            callback(history)
        return bool(stop_when and stop_when(history))

    tokens = config.batch_size * block_size
    keep_freed_memory()
    with (
        one_blas_thread(config.threads > 1),
        progress(show, config.steps, history.step, tokens) as bar,
        held_interrupts() as interrupted,
    ):
        try:
            model.train()
            enough = not history.val_steps and evaluate()
            while history.step < config.steps and not enough and not interrupted():
                loss = train_step(model, optimizer, next(source), config, history.step)
                history.losses.append(loss)
                history.lrs.append(optimizer.param_groups[0]["lr"])
                history.times.append(time.perf_counter() - began)
                history.steps.append(history.step + 1)
                bar.stepped(history)
                if history.step % config.eval_every == 0 or history.step == config.steps:
                    enough = evaluate()
            history.interrupted = interrupted()
        except KeyboardInterrupt:
            if interrupted():
                raise  # the second
            history.interrupted = True  # from the callback
    return history
