"""Log-probabilities of the usual distributions, under the names that PyTorch's have for their
parameters. Each broadcasts, and each is a definition: its derivative, in x as in every parameter,
is the definition's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import op
from ..samples import POSITIVE, REAL, Call, Domain, Draw, call, elementwise, with_array
from .activation import softplus
from .softmax import log_softmax
from .special import lgamma

UNIT = Domain(0.1, 0.9)


@op(samples=elementwise(REAL, REAL, POSITIVE))
def normal_log_prob(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """−((x − loc) / scale)² / 2 − log(scale · √(2π)); `scale` is the standard deviation.

    >>> float(normal_log_prob(0.0).round(4))
    -0.9189
    """
    z = (x - loc) / scale
    return -0.5 * z * z - np.log(scale) - 0.5 * math.log(2 * math.pi)


@op(samples=elementwise(REAL, REAL, POSITIVE))
def gumbel_log_prob(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """−z − exp(−z) − log(scale), z = (x − loc) / scale.

    >>> float(gumbel_log_prob(0.0))
    -1.0
    """
    z = (x - loc) / scale
    return -z - np.exp(-z) - np.log(scale)


@op(samples=elementwise(POSITIVE, POSITIVE))
def exponential_log_prob(x: Any, rate: Any = 1.0) -> Any:
    """log(rate) − rate · x, for x ≥ 0.

    >>> float(exponential_log_prob(2.0))
    -2.0
    """
    return np.log(rate) - rate * x


@op(samples=with_array(lambda draw, logits: call(draw.index(2, logits.shape), logits)))
def bernoulli_log_prob(x: Any, logits: Any) -> Any:
    """x · logits − log(1 + exp(logits)): x is 0 or 1, and 1 has probability sigmoid(logits).

    >>> float(bernoulli_log_prob(1, 0.0).round(4))  # log 1/2
    -0.6931
    """
    return x * logits - softplus(logits)


def _categorical_samples(draw: Draw) -> Call:
    shape = (*draw.shape(max_dims=2, min_side=1), draw.integer(2, 4))
    return call(draw.index(shape[-1], shape[:-1]), draw.array(shape))


@op(samples=_categorical_samples)
def categorical_log_prob(x: Any, logits: Any) -> Any:
    """log softmax(logits)[x] over the last axis.

    Args:
        x: integers, of shape (…).
        logits: (…, C).

    >>> float(categorical_log_prob(1, np.zeros(4)).round(4))  # log 1/4
    -1.3863
    """
    log_probs = log_softmax(logits)
    return np.take_along_axis(log_probs, np.expand_dims(x, -1), axis=-1)[..., 0]


@op(samples=elementwise(POSITIVE, POSITIVE, POSITIVE))
def gamma_log_prob(x: Any, concentration: Any, rate: Any = 1.0) -> Any:
    """a log(r) + (a − 1) log(x) − r x − log Γ(a), a the concentration, r the rate; x > 0.

    >>> float(gamma_log_prob(2.0, 1.0).round(4))
    -2.0
    """
    a = concentration
    return a * np.log(rate) + (a - 1) * np.log(x) - rate * x - lgamma(a)


@op(samples=elementwise(UNIT, POSITIVE, POSITIVE))
def beta_log_prob(x: Any, concentration1: Any, concentration0: Any) -> Any:
    """(a − 1) log(x) + (b − 1) log(1 − x) + log Γ(a + b) − log Γ(a) − log Γ(b); 0 < x < 1.

    >>> abs(float(beta_log_prob(0.3, 1.0, 1.0).round(4)))
    0.0
    """
    a, b = concentration1, concentration0
    return (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)


def _dirichlet_samples(draw: Draw) -> Call:
    shape = (*draw.shape(max_dims=2), draw.integer(2, 3))
    return call(draw.array(shape, UNIT), draw.array(shape, POSITIVE))


@op(samples=_dirichlet_samples)
def dirichlet_log_prob(x: Any, concentration: Any) -> Any:
    """Σ (aᵢ − 1) log(xᵢ) + log Γ(Σ aᵢ) − Σ log Γ(aᵢ) over the last axis, where x sums to 1.

    >>> float(dirichlet_log_prob(np.array([0.2, 0.8]), np.ones(2)).round(4))
    0.0
    """
    a = concentration
    spread = np.sum((a - 1) * np.log(x), axis=-1)
    return spread + lgamma(np.sum(a, axis=-1)) - np.sum(lgamma(a), axis=-1)
