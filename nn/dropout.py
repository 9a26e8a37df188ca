"""`Dropout`: noise that keeps a network from relying on any one number."""

from __future__ import annotations

from typing import Any

from . import functional as F
from .module import Module


class Dropout(Module):
    """While training, each element is 0 with probability p, else 1 / (1 − p) times itself.

    In evaluation (`eval()`) the input as it is (Srivastava et al., 2014).

    Raises:
        ValueError: p is no probability.

    >>> Dropout(0.5).eval()(3.0)
    3.0
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability, from 0 to 1, not {p}")
        self.p = p

    def forward(self, x: Any) -> Any:
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
