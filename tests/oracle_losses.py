"""How losses are tried against PyTorch's; see `oracle.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from groundup.engine.ops.loss import REDUCTIONS
from groundup.engine.samples import POSITIVE, REAL, Domain, Draw
from oracle import Trial, parity, torch

SHARE = Domain(0.1, 0.9)


def pair(draw: Draw, target: Domain = REAL) -> tuple[np.ndarray, np.ndarray]:
    """Input and target of one shape; no difference is 0."""
    shape = draw.shape(min_side=1)
    return draw.array(shape), np.asarray(draw.array(shape, target) + 1 / 32)


@parity("MSELoss")
@parity("L1Loss")
def distance(draw: Draw) -> Trial:
    return Trial({"reduction": draw.choice(REDUCTIONS)}, pair(draw))


@parity("HuberLoss")
def huber(draw: Draw) -> Trial:
    options = {"reduction": draw.choice(REDUCTIONS), "delta": draw.choice((1.0, 0.5, 2.0))}
    return Trial(options, pair(draw))


@parity("SmoothL1Loss")
def smooth_l1(draw: Draw) -> Trial:
    options = {"reduction": draw.choice(REDUCTIONS), "beta": draw.choice((1.0, 0.5, 0.0))}
    return Trial(options, pair(draw))


@parity("BCEWithLogitsLoss")
def bce(draw: Draw) -> Trial:
    input, target = pair(draw, SHARE)
    last = input.shape[-1:]
    options = {
        "weight": draw.choice((None, draw.array(last, POSITIVE))),
        "pos_weight": draw.choice((None, draw.array(last, POSITIVE))),
        "reduction": draw.choice(REDUCTIONS),
    }
    return Trial(options, (input, target))


@parity("KLDivLoss")
def kl_div(draw: Draw) -> Trial:
    log_target, shape = draw.boolean(), draw.shape(min_dims=1, min_side=1)
    target = draw.array(shape) if log_target else draw.array(shape, SHARE)
    options = {"reduction": draw.choice((*REDUCTIONS, "batchmean")), "log_target": log_target}
    return Trial(options, (draw.array(shape), target))


def scores(draw: Draw, most_dims: int) -> np.ndarray:
    """(C,), (N, C), (N, C, d1) or (N, C, d1, d2)."""
    shape = draw.sides(draw.integer(1, most_dims), 1, 3)
    return draw.array(shape)


def classes_of(input: np.ndarray) -> int:
    return input.shape[min(1, input.ndim - 1)]


def labels_for(draw: Draw, input: np.ndarray, ignored: int | None) -> np.ndarray:
    """A class for each, some of them ignored, but not all: of none PyTorch's mean is NaN."""
    shape = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    labels = draw.index(classes_of(input), shape)
    if ignored is not None and labels.size > 1:
        skipped = draw.index(2, shape) == 1
        skipped.flat[draw.integer(0, labels.size - 1)] = False
        labels = np.where(skipped, ignored, labels)
    return labels


def class_weight(draw: Draw, input: np.ndarray) -> Any:
    return draw.choice((None, draw.array((classes_of(input),), POSITIVE)))


@parity("NLLLoss")
def nll(draw: Draw) -> Trial:
    input, ignored = scores(draw, 4), draw.choice((-100, -1))
    options = {
        "weight": class_weight(draw, input),
        "ignore_index": ignored,
        "reduction": draw.choice(REDUCTIONS),
    }
    return Trial(options, (input, labels_for(draw, input, ignored)))


@parity("CrossEntropyLoss", note="Targets are class numbers or probabilities")
def cross_entropy(draw: Draw) -> Trial:
    input, ignored = scores(draw, 4), draw.choice((-100, -1))
    options = {
        "weight": class_weight(draw, input),
        "ignore_index": ignored,
        "reduction": draw.choice(REDUCTIONS),
        "label_smoothing": draw.choice((0.0, 0.1, 1.0)),
    }
    if draw.boolean():
        return Trial(options, (input, labels_for(draw, input, ignored)))
    return Trial(options, (input, draw.array(input.shape, SHARE)))


@parity("MultiMarginLoss")
def multi_margin(draw: Draw) -> Trial:
    input = scores(draw, 2)
    options = {
        "p": draw.choice((1, 2)),
        "margin": draw.choice((1.0, 0.3)),
        "weight": class_weight(draw, input),
        "reduction": draw.choice(REDUCTIONS),
    }
    return Trial(options, (input, labels_for(draw, input, None)))


def torch_hinge(margin: float, reduction: str) -> Any:
    """The equation, in PyTorch."""

    class Hinge(torch.nn.Module):
        def forward(self, input: Any, target: Any) -> Any:
            losses = torch.clamp(margin - target * input, min=0)
            return losses if reduction == "none" else getattr(losses, reduction)()

    return Hinge()


@parity("HingeLoss", theirs=torch_hinge, note="PyTorch has none: against the equation in it")
def hinge(draw: Draw) -> Trial:
    options = {"margin": draw.choice((1.0, 0.3)), "reduction": draw.choice(REDUCTIONS)}
    input, target = pair(draw)
    return Trial(options, (input, np.sign(target)))
