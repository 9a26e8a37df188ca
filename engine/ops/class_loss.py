"""Losses of classes: how far scores are from the class that was wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..fast import compiled
from ..op import Kernel, op
from ..samples import Call, Domain, Draw, call
from .activation import relu
from .constants import as_constants
from .loss import REDUCTIONS, reduced, same_shapes
from .softmax import log_softmax, row_log_softmax


def check_options(name: str, scores: Any, weight: Any, smoothing: float) -> None:
    """Refuse weights that are not one for each class, and a smoothing that is no share."""
    classes = np.shape(scores)[-1]
    if weight is not None and np.shape(weight) != (classes,):
        raise ValueError(
            f"{name}: weight has one number for each of the {classes} classes, not shape "
            f"{np.shape(weight)}"
        )
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing is a share, from 0 to 1, not {smoothing}")


def labels_of(
    name: str, scores: Any, targets: Any, ignore_index: int | None, weight: Any,
    smoothing: float = 0.0,
) -> tuple[Any, Any]:  # fmt: skip
    """Targets as a flat row of class numbers, and which of them count.

    Raises:
        ValueError, TypeError, IndexError: targets of another shape, not integers, no class;
            weights that are not one for each class; a smoothing that is no share.
    """
    check_options(name, scores, weight, smoothing)
    classes = np.shape(scores)[-1]
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
        ignored = "" if ignore_index is None else f" (and {ignore_index}, which is ignored)"
        raise IndexError(
            f"{name}: target {wrong[0]} is no class: there are {classes} logits, so "
            f"classes 0 to {classes - 1}{ignored}"
        )
    return np.where(counted, labels, 0), counted


def rows_of(scores: Any, counted: Any) -> Any:
    """Scores as rows, (N, C); 0 where the target is ignored, so that a NaN there is nothing."""
    flat = np.reshape(scores, (-1, np.shape(scores)[-1]))
    return flat if np.all(counted) else np.where(counted[:, None], flat, 0)


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
    log_probs = row_log_softmax(rows)
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
    options = (weight, label_smoothing, reduction)
    labels, counted = labels_of("cross_entropy", logits, targets, ignore_index, *options[:2])
    log_probs = log_softmax(rows_of(logits, counted))  # (N, C)
    return class_losses(log_probs, labels, counted, *options, np.shape(targets))


def margin_samples(draw: Draw) -> Call:
    shape = (*draw.shape(max_dims=1, min_side=1), draw.integer(2, 4))
    targets = draw.index(shape[-1], shape[:-1])
    weight = draw.choice((None, [0.5, 1.0, 2.0, 0.25][: shape[-1]]))
    margin = draw.choice((1 + 1 / 16, 0.3))  # two scores are never apart by it
    options = {"p": draw.choice((1, 2)), "margin": margin, "weight": weight}
    return call(draw.array(shape), targets, **options, reduction=draw.choice(REDUCTIONS))


@op(samples=margin_samples)
def multi_margin_loss(
    scores: Any, targets: Any, p: int = 1, margin: float = 1.0, weight: Any = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """Σ max(0, margin − score[target] + score[j])ᵖ / C over all other classes j: the right one is
    to win by the margin (Weston and Watkins, 1999).

    Args:
        scores: (…, C).
        targets: (…), integers from 0 to C − 1.
        p: 1 or 2.
        margin: by how much.
        weight: (C,), constants: how much each class counts as a target.
        reduction: of the losses of all targets.

    >>> float(multi_margin_loss(np.array([1.0, 0.5, -2.0]), np.array(0)).round(4))
    0.1667
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, not {p}")
    labels, _ = labels_of("multi_margin_loss", scores, targets, None, weight)
    classes = np.shape(scores)[-1]
    rows, places = np.reshape(scores, (-1, classes)), np.arange(len(labels))
    short = relu(margin - rows[places, labels][:, None] + rows)  # (N, C)
    others = np.arange(classes) != labels[:, None]
    losses = np.sum((short if p == 1 else short * short) * others, axis=-1) / classes
    losses = losses if weight is None else losses * as_constants(weight)[labels]
    return reduced(np.reshape(losses, np.shape(targets)), reduction)


def soft_samples(draw: Draw) -> Call:
    shape = (*draw.shape(max_dims=2, min_side=1), draw.integer(2, 4))
    options = {
        "weight": draw.choice((None, [0.5, 1.0, 2.0, 0.0][: shape[-1]])),
        "label_smoothing": draw.choice((0.0, 0.2)),
        "reduction": draw.choice(REDUCTIONS),
    }
    return call(draw.array(shape), draw.array(shape, Domain(0.1, 0.9)), **options)


@op(samples=soft_samples)
def soft_cross_entropy(
    logits: Any, probabilities: Any, weight: Any = None, label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """−Σ q log softmax(logits), q being what is wanted of each class; the mean over all rows.

    Args:
        logits, probabilities: (…, C).
        weight: (C,), constants: how much each class counts; not in what a mean divides by.
        label_smoothing, reduction: see `cross_entropy`.

    >>> round(float(soft_cross_entropy(np.zeros(2), np.array([0.3, 0.7]))), 4)  # log 2
    0.6931
    """
    same_shapes("soft_cross_entropy", logits, probabilities)
    check_options("soft_cross_entropy", logits, weight, label_smoothing)
    classes = np.shape(logits)[-1]
    wanted = (1 - label_smoothing) * probabilities + label_smoothing / classes
    wanted = wanted if weight is None else wanted * as_constants(weight)
    return reduced(-np.sum(wanted * log_softmax(logits), axis=-1), reduction)
