"""Layer norm and RMS norm: each vector brought to one size.

Definitions in other ops, so derivatives of every order follow from them. Their kernels, in
`norm_kernels.py`, are a faster first derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Kernel, op
from ..samples import Call, Draw, call
from .norm_kernels import (
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)


def _layer_norm_samples(draw: Draw) -> Call:
    n = draw.integer(2, 4)
    x = draw.array((*draw.shape(max_dims=2), n), distinct=True)
    return call(x, *draw.arrays("n,n", n=n)[: draw.integer(0, 2)])


@op(
    kernel=Kernel(layer_norm_forward, layer_norm_backward),
    samples=_layer_norm_samples,
    fits="weight and bias must have one number for each on the last axis",
)
def layer_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ba et al., 2016).

    Args:
        x: (…, C).
        weight, bias: (C,), or None for 1 and 0.
        eps: keeps a constant row finite.

    >>> layer_norm(np.array([1.0, 3.0])).round(3)
    array([-1.,  1.])
    """
    centred = x - np.mean(x, axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + eps)
    normal = centred * rstd
    scaled = normal if weight is None else normal * weight
    return scaled if bias is None else scaled + bias


def _rms_norm_samples(draw: Draw) -> Call:
    (x, *affine), _ = _layer_norm_samples(draw)
    return call(x, *affine[:1])


@op(
    kernel=Kernel(rms_norm_forward, rms_norm_backward),
    samples=_rms_norm_samples,
    fits="weight must have one number for each on the last axis",
)
def rms_norm(x: Any, weight: Any = None, eps: float = 1e-6) -> Any:
    """x / √(mean x² + eps) · weight over the last axis (Zhang and Sennrich, 2019).

    Args:
        x: (…, C).
        weight: (C,), or None for 1.
        eps: keeps a row of zeros finite.

    >>> rms_norm(np.array([3.0, 4.0])).round(3)
    array([0.849, 1.131])
    """
    normal = x * (1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps))
    return normal if weight is None else normal * weight
