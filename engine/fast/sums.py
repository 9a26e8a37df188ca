"""Loops of sums and roots: norms, rows added to a table, and an optimiser's step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .loop import STRICT, SUMS, loop


@loop(SUMS)
def layer_norm(x: Any, weight: Any, bias: Any, eps: float, mean: Any, rstd: Any, out: Any) -> None:
    zero, one, n = x.dtype.type(0), x.dtype.type(1), x.dtype.type(x.shape[1])
    for i in range(x.shape[0]):
        row = x[i]
        total = zero
        for j in range(row.size):
            total += row[j]
        centre = total / n
        squares = zero
        for j in range(row.size):
            apart = row[j] - centre
            squares += apart * apart
        scale = one / np.sqrt(squares / n + x.dtype.type(eps))
        for j in range(row.size):
            out[i, j] = (row[j] - centre) * scale * weight[j] + bias[j]
        mean[i], rstd[i] = centre, scale


@loop(SUMS)
def layer_norm_backward(
    g: Any, x: Any, mean: Any, rstd: Any, weight: Any, share: Any, weight_share: Any,
    bias_share: Any,
) -> None:  # fmt: skip
    """The share of x; those of weight and bias are added to what is there."""
    zero, n = x.dtype.type(0), x.dtype.type(x.shape[1])
    for i in range(x.shape[0]):
        centre, scale = mean[i], rstd[i]
        total, along = zero, zero
        for j in range(x.shape[1]):
            normed = (x[i, j] - centre) * scale
            bias_share[j] += g[i, j]
            weight_share[j] += g[i, j] * normed
            total += g[i, j] * weight[j]
            along += g[i, j] * weight[j] * normed
        total, along = total / n, along / n
        for j in range(x.shape[1]):
            normed = (x[i, j] - centre) * scale
            share[i, j] = (g[i, j] * weight[j] - total - normed * along) * scale


@loop(SUMS)
def rms_norm(x: Any, weight: Any, eps: float, rrms: Any, out: Any) -> None:
    zero, one, n = x.dtype.type(0), x.dtype.type(1), x.dtype.type(x.shape[1])
    for i in range(x.shape[0]):
        squares = zero
        for j in range(x.shape[1]):
            squares += x[i, j] * x[i, j]
        rrms[i] = scale = one / np.sqrt(squares / n + x.dtype.type(eps))
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] * scale * weight[j]


@loop(SUMS)
def rms_norm_backward(
    g: Any, x: Any, rrms: Any, weight: Any, share: Any, weight_share: Any
) -> None:
    """The share of x; that of weight is added to what is there."""
    zero, n = x.dtype.type(0), x.dtype.type(x.shape[1])
    for i in range(x.shape[0]):
        scale, along = rrms[i], zero
        for j in range(x.shape[1]):
            normed = x[i, j] * scale
            weight_share[j] += g[i, j] * normed
            along += g[i, j] * weight[j] * normed
        along = along / n
        for j in range(x.shape[1]):
            share[i, j] = (g[i, j] * weight[j] - x[i, j] * scale * along) * scale


@loop(STRICT)
def add_rows(rows: Any, places: Any, out: Any) -> None:
    """Each row added to that row of out; places are from 0 to len(out) − 1."""
    for i in range(rows.shape[0]):
        k = places[i]
        for j in range(rows.shape[1]):
            out[k, j] += rows[i, j]


# The optimiser


@loop(SUMS)
def square_norm(g: Any) -> float:
    """Σ g², in float64."""
    total = 0.0
    for i in range(g.size):
        wide = np.float64(g[i])
        total += wide * wide
    return total


@loop(STRICT)
def adam(
    p: Any, g: Any, m: Any, v: Any, lr: float, beta1: float, beta2: float, eps: float,
    pull: float, kept: float, step: int,
) -> None:  # fmt: skip
    """nn.Adam's and nn.AdamW's step number `step` of flat arrays, p, m and v in place."""
    old, new, tiny = p.dtype.type(beta2), p.dtype.type(1 - beta2), p.dtype.type(eps)
    rate, decay, rest = p.dtype.type(1 - beta1), p.dtype.type(pull), p.dtype.type(kept)
    corrected = p.dtype.type((1 - beta2**step) ** -0.5)
    far = p.dtype.type(lr / (1 - beta1**step))
    for i in range(p.size):
        slope = g[i] + decay * p[i]
        m[i] += rate * (slope - m[i])
        v[i] = old * v[i] + new * (slope * slope)
        p[i] = rest * p[i] - far * (m[i] / (np.sqrt(v[i]) * corrected + tiny))
