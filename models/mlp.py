"""The multi-layer perceptron: linear layers with a bend between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import nn

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": nn.functional.relu, "tanh": np.tanh}


class MLP(nn.Module):
    """Linear layers of the given sizes, an activation after each but the last (Rosenblatt, 1958;
    trained by backpropagation, Rumelhart et al., 1986).

    Args:
        sizes: how many numbers go in, are in each hidden layer, and come out.
        activation: "relu" or "tanh".

    Raises:
        ValueError: fewer than two sizes, or another activation.

    >>> model = MLP([2, 16, 1])
    >>> model(np.ones((5, 2))).shape
    (5, 1)
    >>> [name for name, _ in model.named_parameters()]
    ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias']
    """

    def __init__(self, sizes: Sequence[int], activation: str = "relu") -> None:
        if len(sizes) < 2:
            raise ValueError(f"MLP: at least an input and an output size, not {list(sizes)}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"MLP: activation is 'relu' or 'tanh', not {activation!r}")
        self.activation = activation
        self.layers = [nn.Linear(n, m) for n, m in pairwise(sizes)]
        nn.init.reseed(self)

    def forward(self, x: Any) -> Any:
        """(…, sizes[0]) to (…, sizes[-1])."""
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x)

    def extra_repr(self) -> str:
        return f"activation={self.activation!r}"
