"""Initial weights, drawn in place from nn's generator.

The draws are float32, cast to the parameter's width: one seed gives one model at any width.
"""

from __future__ import annotations

import numpy as np

from .parameter import Parameter
from .random import source


def normal_(parameter: Parameter, mean: float = 0.0, std: float = 1.0) -> None:
    """Numbers from the normal distribution of that mean and standard deviation."""
    draw = source.generator.standard_normal(parameter.shape, dtype=np.float32)
    parameter.data = mean + std * draw


def uniform_(parameter: Parameter, low: float = 0.0, high: float = 1.0) -> None:
    """Numbers from low to high, all equally likely."""
    draw = source.generator.random(parameter.shape, dtype=np.float32)
    parameter.data = low + (high - low) * draw


def zeros_(parameter: Parameter) -> None:
    """0 everywhere."""
    parameter.data = np.zeros_like(parameter.data)
