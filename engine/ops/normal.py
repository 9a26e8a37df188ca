"""The normal distribution function in float32, of plain arithmetic and one exp.

Φ(−|x|) = exp(−x²/2) · q(t) / 2 with t = 1 / (1 + 0.3 |x| / √2), where q(t) = exp(z²) · erfc(z) at
z = |x| / √2 is a polynomial in t without a constant term, fitted to a relative 2e-8.
"""

from __future__ import annotations

import math

import numpy as np

FALL = 0.3 / math.sqrt(2)
TAIL = (
    0.169188005, 0.170715227, 0.148339176, 0.21492601, -0.0946505583, 0.547719717, -0.512277763,
    0.48556303, -0.129522863,
)  # fmt: skip
FAR = 1e4  # the square of 100: so far out Φ is 0 or 1, and gelu 0 or its argument


def write_cdf32(out: np.ndarray, x: np.ndarray) -> None:
    """Φ(x) written into out."""
    t = np.abs(x)
    t *= FALL
    t += 1
    np.reciprocal(t, out=t)
    np.multiply(t, TAIL[-1], out=out)
    for q in TAIL[-2::-1]:
        out += q
        out *= t
    np.multiply(x, x, out=t)
    t *= -0.5
    np.exp(t, out=t)
    t *= 0.5
    out *= t
    np.copysign(out, x, out=out)
    np.subtract(~np.signbit(x), out, out=out)  # 1 − tail on the right, tail on the left
