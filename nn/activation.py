"""Activations as modules, for `Sequential`: each applies a function to every element.

Those that take `inplace` in PyTorch take it here, and it changes nothing: an op may still need what
it was given, so all of them give a new array. The same holds for `Dropout`.
"""

from __future__ import annotations

from typing import Any

from . import functional as F
from .module import Module


class Plain(Module):
    """What activations without settings share: `inplace`, which changes nothing."""

    def __init__(self, inplace: bool = False) -> None:
        pass


class ReLU(Plain):
    """max(x, 0) (Nair and Hinton, 2010).

    >>> float(ReLU()(-1.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        return F.relu(x)


class LeakyReLU(Module):
    """x where it is positive, else negative_slope · x (Maas et al., 2013).

    >>> float(LeakyReLU()(-1.0))
    -0.01
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where it is positive, else alpha · (exp(x) − 1) (Clevert et al., 2016).

    >>> round(float(ELU()(-1.0)), 4)
    -0.6321
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return F.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class SELU(Plain):
    """1.0507 · ELU(x, 1.6733): in a deep network whose weights start with variance 1 / fan_in, what
    goes through keeps mean 0 and variance 1 (Klambauer et al., 2017).

    >>> round(float(SELU()(1.0)), 4)
    1.0507
    """

    def forward(self, x: Any) -> Any:
        return F.selu(x)


class GELU(Module):
    """x · Φ(x), exactly, or nearly (`approximate="tanh"`) as GPT-2 has it (Hendrycks and
    Gimpel, 2016).

    Raises:
        ValueError: another approximation.

    >>> round(float(GELU()(1.0)), 4)
    0.8413
    """

    def __init__(self, approximate: str = "none") -> None:
        F.gelu(0.0, approximate)  # which refuses any other
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return F.gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Plain):
    """x · sigmoid(x), also called swish (Elfwing et al., 2018; Ramachandran et al., 2017).

    >>> round(float(SiLU()(1.0)), 4)
    0.7311
    """

    def forward(self, x: Any) -> Any:
        return F.silu(x)


class Sigmoid(Module):
    """1 / (1 + exp(−x)).

    >>> float(Sigmoid()(0.0))
    0.5
    """

    def forward(self, x: Any) -> Any:
        return F.sigmoid(x)


class Tanh(Module):
    """tanh(x).

    >>> round(float(Tanh()(1.0)), 4)
    0.7616
    """

    def forward(self, x: Any) -> Any:
        return F.tanh(x)


class Softplus(Module):
    """log(1 + exp(beta · x)) / beta, and x where beta · x > threshold (Dugas et al., 2001).

    >>> round(float(Softplus()(0.0)), 4)
    0.6931
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        return F.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """exp(x) / Σ exp(x) along `dim`.

    >>> Softmax(dim=0)([0.0, 0.0])
    array([0.5, 0.5])
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """log(softmax(x)) along `dim`, computed so that nothing overflows.

    >>> LogSoftmax(dim=0)([1000.0, 1000.0]).round(4)
    array([-0.6931, -0.6931])
    """

    def forward(self, x: Any) -> Any:
        return F.log_softmax(x, self.dim)
