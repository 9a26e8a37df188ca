"""`Muon`: a step that is as long in every direction of a matrix."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import Optimizer, Settings, State, called

ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(Optimizer):
    """Momentum, made orthogonal (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/).

        b += (1 − momentum) · (g − b)
        O = orthogonalised(b), or with nesterov of g + momentum · (b − g)
        p = (1 − lr · weight_decay) · p − lr · adjusted · O

    The gradient of a matrix is mostly a few large directions. The nearest orthogonal matrix, U Vᵀ
    of the singular value decomposition U S Vᵀ, makes all directions equally large.

    Args:
        params: matrices alone: the weights of hidden layers. Embeddings, the last layer, biases
            and norms are left to another optimiser, such as AdamW.
        lr, weight_decay, momentum, nesterov: as above.
        ns_coefficients, ns_steps: of the iteration that makes b orthogonal.
        eps: the least length that b is divided by.
        adjust_lr_fn: "original" (or None) for an `adjusted` of √max(1, rows / columns), so that
            a step changes outputs alike in matrices of any shape; "match_rms_adamw" for
            0.2 · √max(rows, columns), which makes steps as large as AdamW's (Liu et al., 2025).

    The arithmetic is that of PyTorch's, which rounds b to bfloat16 while it is made orthogonal;
    here it keeps the parameter's width.

    Raises:
        ValueError: besides what `Optimizer` says, a parameter that is no matrix.

    >>> from groundup import nn
    >>> w = nn.Parameter(np.zeros((2, 2)))
    >>> w.grad = np.array([[3.0, 0.0], [0.0, -0.03]])
    >>> Muon([w], lr=1.0).step()
    >>> w.data.round(1)  # the small number has moved as far as the large one
    array([[-0.7,  0. ],
           [ 0. ,  0.7]])
    """

    keeps: ClassVar = {"momentum_buffer": None}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(
            params, lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov,
            ns_coefficients=ns_coefficients, eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn,
        )  # fmt: skip

    def check(self, settings: Settings, params: list[Any]) -> None:
        rest = dict(settings)
        three, adjust = rest.pop("ns_coefficients"), rest.pop("adjust_lr_fn")
        super().check(rest, params)
        if np.shape(three) != (3,) or not all(map(math.isfinite, three)):
            raise ValueError(f"{self._name}: ns_coefficients are three numbers, not {three}")
        if adjust not in ADJUSTMENTS:
            raise ValueError(f"{self._name}: adjust_lr_fn is one of {ADJUSTMENTS}, not {adjust!r}")
        for place, p in enumerate(params):
            if len(p.shape) != 2:
                raise ValueError(
                    f"{self._name}: {called(place, p)} is no matrix: leave it to another "
                    "optimiser, such as nn.AdamW"
                )

    def apply(self, data: Any, grad: Any, state: State, group: Settings) -> Any:
        return self.rule(data, grad, state, group)  # a matrix is one whole

    def rule(self, p: Any, g: Any, state: State, group: Settings) -> Any:
        lr, momentum = group["lr"], group["momentum"]
        state["momentum_buffer"] += (1 - momentum) * (g - state["momentum_buffer"])
        b = state["momentum_buffer"]
        b = g + momentum * (b - g) if group["nesterov"] else b
        move = orthogonalised(b, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p *= 1 - lr * group["weight_decay"]
        p -= lr * adjusted(group["adjust_lr_fn"], *p.shape) * move
        return p


def orthogonalised(
    matrix: np.ndarray, coefficients: tuple[float, float, float], steps: int, eps: float
) -> np.ndarray:
    """A matrix (n, m) with the same singular vectors and singular values near 1.

    Each step of the iteration (Newton and Schulz's, of fifth order) takes a singular value s to
    a·s + b·s³ + c·s⁵. With Muon's a, b and c small ones grow the fastest, and after five steps all
    lie around 1: that is enough, and cheaper than to come close.
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # (k, l), k ≤ l, so that the squares are small
    x = x / max(float(np.linalg.norm(x)), eps)  # no singular value is above 1
    for _ in range(steps):
        square = x @ x.T  # (k, k)
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.T if tall else x


def adjusted(how: str | None, rows: int, columns: int) -> float:
    """What lr is multiplied by for a matrix of that shape."""
    if how == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
