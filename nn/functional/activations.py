"""Activations whose arguments are called otherwise in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import engine
from .given import as_array


def tanh(input: Any) -> Any:
    """np.tanh."""
    return np.tanh(input)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """x where it is positive, else negative_slope · x (Maas et al., 2013)."""
    return engine.leaky_relu(input, negative_slope)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta · x)) / beta, and x itself where beta · x is above the threshold.

    >>> softplus(np.array([0.0, 30.0])).round(4)
    array([ 0.6931, 30.    ])
    """
    input = as_array(input)
    scaled = input * beta
    return np.where(np.greater(scaled, threshold), input, engine.softplus(scaled) / beta)


def softmax(input: Any, dim: int) -> Any:
    """exp(x) / Σ exp(x) along `dim`.

    >>> softmax(np.zeros((1, 2)), dim=1)
    array([[0.5, 0.5]])
    """
    return engine.softmax(input, axis=dim)


def log_softmax(input: Any, dim: int) -> Any:
    """log(softmax(x)) along `dim`, computed so that nothing overflows."""
    return engine.log_softmax(input, axis=dim)
