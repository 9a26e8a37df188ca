"""Losses as modules: how far an answer is from what was wanted, as one number.

Each takes (input, target). `reduction` makes one number of many: "mean", "sum", or "none" to leave
them as they are. Weights are buffers, as in PyTorch: constants that are saved.
"""

from __future__ import annotations

from typing import Any

from ..engine.ops.loss import REDUCTIONS
from . import functional as F
from .module import Module


class Loss(Module):
    """What losses share: how many numbers become one.

    Raises:
        ValueError: reduction is none of "mean", "sum", "none" (and "batchmean" of `KLDivLoss`).
    """

    reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in self.reductions:
            *others, last = map(repr, self.reductions)
            raise ValueError(
                f"{type(self).__name__}: reduction is {', '.join(others)} or {last}, not "
                f"{reduction!r}"
            )
        self.reduction = reduction


# Of numbers


class MSELoss(Loss):
    """(input − target)², the squared error.

    >>> import numpy as np
    >>> float(MSELoss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """|input − target|, the absolute error; its slope is 0 where they are equal.

    >>> import numpy as np
    >>> float(L1Loss()(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """

    def forward(self, input: Any, target: Any) -> Any:
        return F.l1_loss(input, target, self.reduction)


class HuberLoss(Loss):
    """x² / 2 while |x| ≤ delta, then delta · (|x| − delta / 2), x being input − target: an outlier
    pulls no harder the further out it lies (Huber, 1964).

    Raises:
        ValueError: in a call, a delta that is not above 0.

    >>> import numpy as np
    >>> float(HuberLoss()(np.array([3.0]), np.array([0.0])))
    2.5
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        return F.huber_loss(input, target, self.reduction, self.delta)


class SmoothL1Loss(Loss):
    """x² / (2 · beta) while |x| ≤ beta, then |x| − beta / 2: Huber's, divided by beta (Girshick,
    2015). A beta of 0 gives `L1Loss`.

    >>> import numpy as np
    >>> float(SmoothL1Loss(beta=2.0)(np.array([3.0]), np.array([0.0])))
    2.0
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Any:
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


# Of probabilities


class BCEWithLogitsLoss(Loss):
    """−t log σ(x) − (1 − t) log(1 − σ(x)), σ the sigmoid, without σ: nothing overflows.

    Args:
        weight: multiplies each loss; broadcasts.
        pos_weight: multiplies the first term; broadcasts: above 1 where positives are rare.
        reduction: of all losses.

    Inputs are logits x, any real numbers; targets t, of the same shape, from 0 to 1.

    >>> import numpy as np
    >>> float(BCEWithLogitsLoss()(np.zeros(2), np.array([0.0, 1.0])).round(4))  # log 2
    0.6931
    """

    weight: Any
    pos_weight: Any

    def __init__(
        self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(Loss):
    """p · (log p − log q): what is lost by taking q for p (Kullback and Leibler, 1951).

    Args:
        reduction: "batchmean" as well, the sum divided by the length of the first axis, which is
            the divergence; "mean" divides by how many numbers there are.
        log_target: whether targets are log p.

    Inputs are log q; targets p, of the same shape, or log p.

    >>> import numpy as np
    >>> loss = KLDivLoss(reduction="batchmean")
    >>> float(loss(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(4))  # log 2
    0.6931
    """

    reductions = (*REDUCTIONS, "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Any:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


# Of classes


class CrossEntropyLoss(Loss):
    """−log softmax(logits)[target], the mean over all targets that are not ignored, in nats.

        p = softmax(logits)
        lossₙ = −w[y] · log p[y], for target y; with label smoothing ε, of C classes,
                −(1 − ε) · w[y] · log p[y] − ε / C · Σ_c w[c] · log p[c]
        mean = Σ lossₙ / Σ w[y]

    Args:
        weight: w, (C,), how much each class counts; 1 each if None.
        ignore_index: the target that does not count. Where no other is left, the loss is 0.
        reduction: of the losses of all targets; "none" for a loss for each.
        label_smoothing: this share of what is wanted is spread over all classes (Szegedy et al.,
            2016).

    Inputs are logits (C,), (N, C) or (N, C, d1, …); targets class numbers (), (N,) or (N, d1, …),
    or probabilities of each class, of the inputs' shape.

    >>> import numpy as np
    >>> float(CrossEntropyLoss()(np.zeros((2, 4)), np.array([0, 3])).round(4))  # log 4
    1.3863
    """

    weight: Any

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(Loss):
    """−input[target]: `CrossEntropyLoss` where the logarithm is taken already. Arguments as there.

    >>> import numpy as np
    >>> float(NLLLoss()(np.log([[0.25, 0.75]]), np.array([0])).round(4))  # log 4
    1.3863
    """

    weight: Any

    def __init__(
        self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        return F.nll_loss(
            input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )


# Of margins


class HingeLoss(Loss):
    """max(0, margin − target · input), targets being 1 and −1: nothing more is to be gained by an
    input that is on the right side by the margin (Cortes and Vapnik, 1995).

    PyTorch has none: its HingeEmbeddingLoss is another, for distances.

    >>> import numpy as np
    >>> float(HingeLoss()(np.array([0.5, 3.0]), np.array([1.0, 1.0])))
    0.25
    """

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Any, target: Any) -> Any:
        return F.hinge_loss(input, target, self.margin, self.reduction)


class MultiMarginLoss(Loss):
    """Σ max(0, margin − input[target] + input[j])ᵖ / C over all other classes j: the hinge loss of
    several classes (Weston and Watkins, 1999).

    Args:
        p: 1 or 2.
        margin: by how much the right class is to win.
        weight: (C,), how much each class counts as a target.
        reduction: of the losses of all targets.

    Inputs are scores (N, C) or (C,); targets class numbers (N,) or ().

    Raises:
        ValueError: in a call, a p other than 1 and 2.

    >>> import numpy as np
    >>> float(MultiMarginLoss()(np.array([1.0, 0.5, -2.0]), np.array(0)).round(4))
    0.1667
    """

    weight: Any

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Any:
        return F.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, reduction=self.reduction
        )
