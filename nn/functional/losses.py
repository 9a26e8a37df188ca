"""Losses with PyTorch's arguments, in its order, and with the classes on axis 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import engine
from ...engine.ops.constants import as_constants
from .given import as_array, integers


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """x² / (2 · beta) while |x| ≤ beta, and |x| − beta / 2 from there on, x being input − target
    (Girshick, 2015). A beta of 0 gives `l1_loss`."""
    if beta == 0:
        return engine.l1_loss(input, target, reduction)
    return engine.huber_loss(input, target, beta, reduction) / beta


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """x² / 2 while |x| ≤ delta, and from there on straight, x being input − target."""
    return engine.huber_loss(input, target, delta, reduction)


def hinge_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """max(0, margin − target · input), targets being 1 and −1, as a support vector machine has it.

    PyTorch has none: its `hinge_embedding_loss` is another, for distances.

    Raises:
        ValueError: other targets.
    """
    sides = as_constants(target)
    other = sides[np.abs(sides) != 1]
    if other.size:
        raise ValueError(
            f"hinge_loss: targets are 1 and −1, not {other[0]}; of 0 and 1 make 2 * target - 1"
        )
    return engine.hinge_loss(input, target, margin, reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), x being the input, t the target, σ the sigmoid.

    Args:
        input, target: of one shape; targets are from 0 to 1.
        weight: multiplies each loss; broadcasts to the input.
        pos_weight: multiplies the first term; broadcasts to the input.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: shapes that do not fit.
    """
    return engine.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    """p · (log p − log q), input being log q, and target p, or log p where `log_target`.

    reduction="batchmean" is the sum divided by the length of the first axis, which is the
    divergence; "mean" divides by how many numbers there are, as in PyTorch.
    """
    return engine.kl_div(input, target, reduction, log_target)


def classes_last(input: Any) -> Any:
    """(N, C, d1, …) as (N, d1, …, C), as the engine has them."""
    return np.moveaxis(input, 1, -1) if np.ndim(input) > 2 else input


def one_each(name: str, input: Any, target: Any) -> Any:
    """The target as class numbers, one for each vector of input (N, C, d1, …).

    Raises:
        ValueError: it has another shape. The engine would name that of the input with its classes
            last, which nobody has seen.
    """
    shape, given = np.shape(input), np.shape(target)
    wanted = (*shape[:1], *shape[2:])
    if len(shape) > 2 and given != wanted:
        flat = f"input.reshape(-1, {shape[-1]}) and target.reshape(-1)"
        hint = f"; if they are on the last axis, take {flat}" if given == shape[:-1] else ""
        raise ValueError(
            f"{name}: input {shape} has its {shape[1]} classes on axis 1 and needs targets "
            f"{wanted}, not {given}{hint}"
        )
    return integers(target)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """−log softmax(logits)[target], the mean over all targets that are not ignored, in nats.

    Args:
        input: logits (C,), (N, C) or (N, C, d1, …): the classes lie on axis 1, or on the only
            one. (`engine.cross_entropy` has them last.)
        target: integers (), (N,) or (N, d1, …), from 0 to C − 1 or `ignore_index`. Where all
            are ignored the loss is 0, and so is its gradient (PyTorch gives NaN). Or floats of
            the input's shape: the probability that is wanted of each class.
        weight: (C,), how much each class counts.
        reduction: "mean", "sum", or "none" for a loss for each target.
        label_smoothing: the share of what is wanted that is spread over all classes.

    Raises:
        ValueError, TypeError, IndexError: targets of another shape, not integers, no class; an
            `ignore_index` beside probabilities.

    >>> float(cross_entropy(np.zeros((2, 4)), np.array([0, 3])).round(4))  # log 4
    1.3863
    """
    options, target = (weight, label_smoothing, reduction), as_array(target)
    if np.result_type(target).kind not in "iu" and np.shape(target) == np.shape(input):
        if ignore_index >= 0:
            raise ValueError(
                f"cross_entropy: ignore_index {ignore_index} is a class number, and these targets "
                "are probabilities: leave out the rows that are not to count"
            )
        return engine.soft_cross_entropy(classes_last(input), classes_last(target), *options)
    target = one_each("cross_entropy", input, target)
    return engine.cross_entropy(classes_last(input), target, ignore_index, *options)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """−input[target], input being log-probabilities; arguments: see `cross_entropy`."""
    target = one_each("nll_loss", input, target)
    return engine.nll_loss(classes_last(input), target, ignore_index, weight, reduction)


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    *,
    reduction: str = "mean",
) -> Any:
    """Σ max(0, margin − input[target] + input[j])ᵖ / C over all other classes j: the hinge loss of
    several classes (Weston and Watkins, 1999)."""
    return engine.multi_margin_loss(input, integers(target), p, margin, weight, reduction)
