"""Losses: how far numbers and probabilities are from what was wanted, as one number.

Each is a definition in other ops. `reduction` makes one number of many: "mean", "sum", or "none"
to leave them as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import op
from ..samples import REAL, SMALL, Call, Domain, Draw, call
from .activation import relu, softplus
from .shape import broadcasts

REDUCTIONS = ("mean", "sum", "none")


def reduced(losses: Any, reduction: str, count: Any = None) -> Any:
    """The losses as one number; `count` is what a mean divides by, if not how many there are."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is 'mean', 'sum' or 'none', not {reduction!r}")
    if reduction == "none":
        return losses
    total = np.sum(losses)
    return total if reduction == "sum" else total / (np.size(losses) if count is None else count)


def same_shapes(name: str, input: Any, target: Any) -> None:
    """Refuse what would broadcast: (N, 1) beside (N,) is N² differences, and a usual mistake."""
    if np.shape(input) != np.shape(target):
        raise ValueError(
            f"{name}: input {np.shape(input)} and target {np.shape(target)} must be of one shape; "
            "reshape one of them"
        )


def pairs(target: Domain = REAL, **options: Any) -> Any:
    """Samples of an input and a target of one shape, and of options, each one of several."""

    def samples(draw: Draw) -> Call:
        shape = draw.shape(min_side=1)
        arrays = draw.array(shape), draw.array(shape, target) + 1 / 32  # no difference is 0
        chosen = {name: draw.choice(several) for name, several in options.items()}
        return call(*arrays, **chosen, reduction=draw.choice(REDUCTIONS))

    return samples


# Of numbers


@op(samples=pairs())
def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """(input − target)², the mean of it.

    >>> float(mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    same_shapes("mse_loss", input, target)
    apart = input - target
    return reduced(apart * apart, reduction)


@op(samples=pairs())
def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """|input − target|, the mean of it; its slope is 0 where they are equal.

    >>> float(l1_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """
    same_shapes("l1_loss", input, target)
    return reduced(abs(input - target), reduction)


@op(samples=pairs(delta=(1.0, 0.5)))
def huber_loss(input: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """x² / 2 while |x| ≤ delta, and from there on straight: delta · (|x| − delta / 2), where x is
    input − target (Huber, 1964).

    >>> float(huber_loss(np.array([3.0]), np.array([0.0])))
    2.5
    """
    same_shapes("huber_loss", input, target)
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is above 0, not {delta}")
    apart = input - target
    held = np.clip(apart, -delta, delta)
    return reduced(held * (apart - held / 2), reduction)


@op(samples=pairs(SMALL, margin=(1.0, 0.5)))
def hinge_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """max(0, margin − target · input), the mean of it; targets are 1 and −1 (Cortes and Vapnik,
    1995).

    >>> float(hinge_loss(np.array([0.5, 3.0]), np.array([1.0, 1.0])))
    0.25
    """
    same_shapes("hinge_loss", input, target)
    return reduced(relu(margin - target * input), reduction)


# Of probabilities


@op(samples=pairs(Domain(0.1, 0.9), pos_weight=(None, 2.0)))
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Any:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), σ the sigmoid, without σ: nothing overflows.

    Args:
        input: logits x, any real numbers.
        target: probabilities t from 0 to 1, of the same shape.
        weight: multiplies each loss; broadcasts.
        pos_weight: multiplies the first term; broadcasts.

    >>> float(binary_cross_entropy_with_logits(np.zeros(2), np.array([0.0, 1.0])).round(4))
    0.6931
    """
    same_shapes("binary_cross_entropy_with_logits", input, target)
    for name, factor in (("weight", weight), ("pos_weight", pos_weight)):
        if factor is not None and not broadcasts(np.shape(factor), np.shape(input)):
            raise ValueError(
                f"binary_cross_entropy_with_logits: {name} of shape {np.shape(factor)} does not "
                f"broadcast to the input's {np.shape(input)}"
            )
    if pos_weight is None:
        losses = softplus(input) - target * input
    else:
        losses = pos_weight * target * softplus(-input) + (1 - target) * softplus(input)
    return reduced(losses if weight is None else losses * weight, reduction)


@op(samples=pairs(Domain(0.1, 0.9), log_target=(False, True)))
def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """p · (log p − log q): what is lost by taking q for p (Kullback and Leibler, 1951).

    Args:
        input: log q.
        target: p, or log p where `log_target`; a p of 0 loses nothing.
        reduction: "batchmean" as well: the sum, divided by the length of the first axis.

    >>> float(kl_div(np.log([0.5, 0.5]), np.array([1.0, 0.0]), reduction="sum").round(4))  # log 2
    0.6931
    """
    same_shapes("kl_div", input, target)
    if log_target:
        losses = np.exp(target) * (target - input)
    else:
        losses = target * (np.log(target + (target == 0)) - input)
    if reduction == "batchmean":
        return np.sum(losses) / np.shape(losses)[0]
    return reduced(losses, reduction)
