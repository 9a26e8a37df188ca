"""Activations: the bends between linear layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..blocks import in_blocks
from ..fast import compiled
from ..op import Kernel, op
from ..samples import REAL, call, elementwise, with_array
from .normal import FAR, write_cdf32


@op(lambda g, out, a: np.where(a <= 0, 0, g), samples=elementwise(REAL))
def relu(a: Any) -> Any:
    """max(a, 0), with slope 0 at 0 (Nair and Hinton, 2010).

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.where(a <= 0, 0, a)  # a NaN stays one


@op(lambda g, out, a: g * (2 / math.sqrt(math.pi)) * np.exp(-a * a), samples=elementwise(REAL))
def erf(a: Any) -> Any:
    """The error function, 2/√π · ∫₀ᵃ exp(−t²) dt.

    numpy has none, so each element goes through the C library's.

    >>> round(float(erf(1.0)), 4)
    0.8427
    """
    a = np.asarray(a)
    numbers = np.fromiter(map(math.erf, a.ravel().astype(float).data), np.float64, a.size)
    return numbers.astype(a.dtype if a.dtype.kind == "f" else float).reshape(a.shape)[()]


_ROOT = math.sqrt(2 / math.pi)


def _normal_cdf(a: Any, approximate: str) -> Any:
    if approximate == "none":
        return 0.5 * (1 + erf(a / math.sqrt(2)))
    if approximate == "tanh":
        return 0.5 * (1 + np.tanh(_ROOT * (a + 0.044715 * a * a * a)))
    raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")


def _gelu_forward(a: np.ndarray, approximate: str = "none") -> tuple[np.ndarray, Any]:
    """The result, and what its backward pass needs: to compute Φ again is no slower than to write
    its slope down, and takes no memory meanwhile."""
    if approximate in ("none", "tanh") and (run := compiled(a)):
        out = np.empty_like(a)
        run.gelu(a.reshape(-1), approximate == "tanh", out.reshape(-1))
        return out, (a, approximate)

    def chain(out: np.ndarray, a: np.ndarray) -> None:
        _write_cdf(out, a, approximate)
        out *= a

    return in_blocks(chain, a), (a, approximate)


def _gelu_backward(g: np.ndarray, saved: Any) -> tuple[np.ndarray]:
    """g · (Φ(a) + a · Φ'(a))."""
    a, approximate = saved
    if run := compiled(g, a):
        share = np.empty_like(a)
        run.gelu_backward(g.reshape(-1), a.reshape(-1), approximate == "tanh", share.reshape(-1))
        return (share,)

    def chain(out: np.ndarray, g: np.ndarray, a: np.ndarray) -> None:
        cdf = np.empty_like(out)
        _write_cdf(cdf, a, approximate)
        np.multiply(a, a, out=out)
        if approximate == "tanh":  # 2Φ · (1 − Φ) · (the slope of what tanh is taken of)
            np.minimum(out, FAR, out=out)  # where 1 − Φ has long been 0, which times ∞ is none
            out *= 3 * 0.044715 * 2 * _ROOT
            out += 2 * _ROOT
            out *= cdf
            out *= 1 - cdf
        else:
            out *= -0.5
            np.exp(out, out=out)
            out *= 1 / math.sqrt(2 * math.pi)
        out *= a
        out += cdf
        out *= g

    return (in_blocks(chain, g, a),)


def _write_cdf(out: np.ndarray, a: np.ndarray, approximate: str) -> None:
    """_normal_cdf, with no array beside `out`."""
    if approximate != "tanh":
        if a.dtype == np.float32:
            write_cdf32(out, a)
        else:
            out[...] = _normal_cdf(a, approximate)
        return
    np.multiply(a, a, out=out)
    out *= 0.044715 * _ROOT
    out += _ROOT
    out *= a
    np.tanh(out, out=out)
    out += 1
    out *= 0.5


@op(
    kernel=Kernel(_gelu_forward, _gelu_backward),
    samples=with_array(lambda draw, a: call(a, approximate=draw.choice(("tanh", "none")))),
)
def gelu(a: Any, approximate: str = "none") -> Any:
    """a · Φ(a), Φ being the normal distribution function (Hendrycks and Gimpel, 2016).

    Args:
        a: any shape.
        approximate: "none" computes Φ by erf; "tanh" as GPT-2 does,
            0.5 · a · (1 + tanh(√(2/π) · (a + 0.044715 · a³))).

    >>> round(float(gelu(1.0)), 4), round(float(gelu(1.0, approximate="tanh")), 4)
    (0.8413, 0.8412)
    """
    return a * _normal_cdf(a, approximate)


# What 1 − out rounds away is less than the last digit of out; σ(−a) would keep it, in six times the
# time.
@op(lambda g, out, a: g * out * (1 - out), samples=elementwise(REAL))
def sigmoid(a: Any) -> Any:
    """1 / (1 + exp(−a)), between 0 and 1; exp of no positive number, so that nothing overflows
    and no digit of a small one is lost.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    power = np.exp(-np.abs(a))
    return np.where(np.less(a, 0), power, 1) / (1 + power)


@op(lambda g, out, a: g * sigmoid(a), samples=elementwise(REAL))
def softplus(a: Any) -> Any:
    """log(1 + exp(a)), a smooth relu (Dugas et al., 2001).

    >>> softplus(np.array([0.0, 1000.0])).round(4)
    array([6.931e-01, 1.000e+03])
    """
    return np.logaddexp(a, 0.0)


@op(samples=elementwise(REAL))
def silu(a: Any) -> Any:
    """a · sigmoid(a) (Elfwing et al., 2018; Ramachandran et al., 2017, as swish).

    >>> silu(0.0)
    np.float64(0.0)
    """
    return a * sigmoid(a)


_with_slope = with_array(lambda draw, a: call(a, draw.choice((0.01, 0.5))))


@op(lambda g, out, a, slope=0.01: np.where(a > 0, g, g * slope), samples=_with_slope)
def leaky_relu(a: Any, slope: float = 0.01) -> Any:
    """a where it is positive, else slope · a (Maas et al., 2013).

    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return np.where(a > 0, a, slope * a)


@op(samples=_with_slope)
def elu(a: Any, alpha: float = 1.0) -> Any:
    """a where it is positive, else alpha · (exp(a) − 1) (Clevert et al., 2016).

    >>> elu(np.array([-1.0, 2.0])).round(4)
    array([-0.6321,  2.    ])
    """
    return np.where(a <= 0, alpha * np.expm1(np.minimum(a, 0.0)), a)


@op(samples=elementwise(REAL))
def selu(a: Any) -> Any:
    """1.0507 · elu(a, 1.6733), under which deep layers keep mean 0 and variance 1 (Klambauer et
    al., 2017).

    >>> selu(np.array([-1.0, 1.0])).round(4)
    array([-1.1113,  1.0507])
    """
    return 1.0507009873554805 * elu(a, 1.6732632423543772)
