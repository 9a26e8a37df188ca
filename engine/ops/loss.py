"""Losses: how far an answer is from what was wanted, as one number.

Each is a definition in other ops. `reduction` makes one number of many: "mean", "sum", or "none"
to leave them as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..fast import compiled
from ..op import Kernel, constant, op
from ..samples import REAL, SMALL, Call, Domain, Draw, call
from .activation import relu, softplus
from .softmax import log_softmax, row_log_softmax

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


# Of classes


def labels_of(
    name: str, scores: Any, targets: Any, ignore_index: int, weight: Any, smoothing: float = 0.0
) -> tuple[Any, Any]:
    """Targets as a flat row of class numbers, and which of them count.

    Raises:
        ValueError, TypeError, IndexError: targets of another shape, not integers, no class;
            weights that are not one for each class; a smoothing that is no share.
    """
    classes = np.shape(scores)[-1]
    if weight is not None and np.shape(weight) != (classes,):
        raise ValueError(
            f"{name}: weight has one number for each of the {classes} classes, not shape "
            f"{np.shape(weight)}"
        )
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing is a share, from 0 to 1, not {smoothing}")
    targets = np.asarray(targets)
    if targets.shape != np.shape(scores)[:-1]:
        raise ValueError(
            f"{name}: logits {np.shape(scores)} need targets {np.shape(scores)[:-1]}, one "
            f"class for each row of {classes} logits, not {targets.shape}"
        )
    if targets.dtype.kind not in "iu":
        raise TypeError(f"{name}: targets are class numbers (integers), not {targets.dtype}")
    labels = targets.reshape(-1)
    counted = labels != ignore_index
    wrong = labels[counted & ((labels < 0) | (labels >= classes))]
    if wrong.size:
        raise IndexError(
            f"{name}: target {wrong[0]} is no class: there are {classes} logits, so "
            f"classes 0 to {classes - 1} (and {ignore_index}, which is ignored)"
        )
    return np.where(counted, labels, 0), counted


def rows_of(scores: Any, counted: Any) -> Any:
    """Scores as rows, (N, C); 0 where the target is ignored, so that a NaN there is nothing."""
    flat = np.reshape(scores, (-1, np.shape(scores)[-1]))
    return flat if np.all(counted) else np.where(counted[:, None], flat, 0)


@constant
def as_constants(weight: Any) -> np.ndarray:
    """Class weights as a plain array, of a Tensor too: they have no gradient."""
    return np.asarray(weight)


def row_weights(labels: Any, counted: Any, weight: Any) -> Any:
    """How much each row counts, (N,)."""
    return counted * 1.0 if weight is None else np.where(counted, as_constants(weight)[labels], 0)


def class_losses(
    log_probs: Any, labels: Any, counted: Any, weight: Any, smoothing: float, reduction: str,
    shape: Any,
) -> Any:  # fmt: skip
    """−log_probs[label], weighted; with smoothing, partly that of all classes alike."""
    weights = row_weights(labels, counted, weight)  # (N,)
    losses = -log_probs[np.arange(len(labels)), labels] * weights
    if smoothing:
        each = log_probs if weight is None else log_probs * as_constants(weight)
        alike = -np.mean(each, axis=-1) * counted
        losses = (1 - smoothing) * losses + smoothing * alike
    losses = np.reshape(losses, shape) if reduction == "none" else losses
    return reduced(losses, reduction, np.sum(weights) or 1)  # of none at all, 0


def class_samples(draw: Draw) -> Call:
    shape = (*draw.shape(max_dims=2, min_side=1), draw.integer(2, 4))
    ignored = draw.array(shape[:-1]) > 2
    targets = np.where(ignored, -100, draw.index(shape[-1], shape[:-1]))
    weight = draw.choice((None, [0.5, 1.0, 2.0, 0.0][: shape[-1]]))
    return call(draw.array(shape), targets, weight=weight, reduction=draw.choice(REDUCTIONS))


def smoothed_samples(draw: Draw) -> Call:
    args, options = class_samples(draw)
    return call(*args, **options, label_smoothing=draw.choice((0.0, 0.2)))


@op(samples=class_samples)
def nll_loss(
    log_probs: Any, targets: Any, ignore_index: int = -100, weight: Any = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """−log_probs[target]: cross-entropy where the logarithm is taken already. Arguments as there.

    >>> float(nll_loss(np.log([[0.25, 0.75]]), np.array([0])).round(4))  # log 4
    1.3863
    """
    labels, counted = labels_of("nll_loss", log_probs, targets, ignore_index, weight)
    rows = rows_of(log_probs, counted)
    return class_losses(rows, labels, counted, weight, 0.0, reduction, np.shape(targets))


def cross_entropy_forward(
    logits: Any, targets: Any, ignore_index: int = -100, weight: Any = None,
    label_smoothing: float = 0.0, reduction: str = "mean",
) -> tuple[Any, Any]:  # fmt: skip
    """The loss, and what its backward pass needs."""
    options = (weight, label_smoothing, reduction)
    labels, counted = labels_of("cross_entropy", logits, targets, ignore_index, *options[:2])
    rows = rows_of(logits, counted)
    log_probs = row_log_softmax(rows) if type(rows) is np.ndarray else log_softmax(rows)
    loss = class_losses(log_probs, labels, counted, *options, np.shape(targets))
    return loss, (log_probs, labels, counted, *options, np.shape(logits))


def cross_entropy_backward(g: np.ndarray, saved: Any) -> tuple[Any, ...]:
    """Of −Σ q log p, q being what is wanted of each class: p · Σ q − q."""
    log_probs, labels, counted, weight, smoothing, reduction, shape = saved
    weights = row_weights(labels, counted, weight)
    g = np.reshape(g, -1) / ((weights.sum() or 1) if reduction == "mean" else 1)  # (N,) or (1,)
    hard, soft = (1 - smoothing) * weights * g, smoothing / shape[-1] * counted * g
    each = np.ones(shape[-1]) if weight is None else np.asarray(weight)
    numbers = (hard + soft * each.sum(), hard, soft, each)
    both, hard, soft, each = (n.astype(log_probs.dtype, copy=False) for n in numbers)
    if run := compiled(log_probs):
        share = np.empty_like(log_probs)
        places = labels.astype(np.intp, copy=False)
        run.cross_entropy_backward(log_probs, places, both, hard, soft, each, share)
        return share.reshape(shape), None
    share = np.exp(log_probs)
    share *= both[:, None]
    share[np.arange(len(labels)), labels] -= hard
    if smoothing:
        share -= soft[:, None] * each
    return share.reshape(shape), None


@op(kernel=Kernel(cross_entropy_forward, cross_entropy_backward), samples=smoothed_samples)
def cross_entropy(
    logits: Any, targets: Any, ignore_index: int = -100, weight: Any = None,
    label_smoothing: float = 0.0, reduction: str = "mean",
) -> Any:  # fmt: skip
    """−log softmax(logits)[target], the mean over all targets that are not ignored, in nats.

    Args:
        logits: (…, C), any real numbers.
        targets: (…), integers from 0 to C − 1, or `ignore_index`. All ignored gives 0.
        weight: (C,), constants: how much each class counts; a mean divides by what counted.
        label_smoothing: this share of what is wanted is spread over all classes (Szegedy et al.,
            2016).
        reduction: "mean", "sum", or "none" for a loss for each target.

    Raises:
        ValueError, TypeError, IndexError: targets of another shape, not integers, no class.

    >>> round(float(cross_entropy(np.zeros((2, 4)), np.array([0, 3]))), 4)  # log 4
    1.3863
    """
    given = (logits, targets, ignore_index, weight, label_smoothing, reduction)
    return cross_entropy_forward(*given)[0]
