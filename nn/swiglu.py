"""`SwiGLU`: a feed-forward layer whose hidden numbers are let through by gates."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .linear import Linear
from .module import Module


class SwiGLU(Module):
    """(silu(x W₁ᵀ) ⊙ (x W₃ᵀ)) W₂ᵀ, from (…, in_features) to (…, out_features).

    Shazeer, "GLU Variants Improve Transformer" (2020), FFN_SwiGLU of equation 6: his W, V and W₂
    are w1, w3 and w2 here, as in LLaMA's checkpoints. To have as many numbers as a layer with one
    hidden matrix, take 2/3 of its hidden_features.

    Args:
        in_features, hidden_features: widths.
        out_features: None for in_features.
        bias: whether each of the three has one.

    >>> import numpy as np
    >>> SwiGLU(4, 8)(np.ones((2, 4))).shape
    (2, 4)
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        out_features: int | None = None,
        bias: bool = False,
    ) -> None:
        self.w1 = Linear(in_features, hidden_features, bias)
        self.w2 = Linear(
            hidden_features, in_features if out_features is None else out_features, bias
        )
        self.w3 = Linear(in_features, hidden_features, bias)

    def forward(self, x: Any) -> Any:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))  # (…, hidden_features) inside
