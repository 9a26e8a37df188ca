"""Loops of an LSTM's step. Powers are numpy's: its tanh is as fast as any here."""

from __future__ import annotations

from typing import Any

from .loop import STRICT, loop


@loop(STRICT)
def lstm_open(a: Any, x: Any, bias: Any) -> None:
    """a (4, B, H) + x (B, 4H) + bias (4H,), halved for i, f and o: their sigmoid comes of tanh."""
    half, H = a.dtype.type(0.5), a.shape[2]
    for b in range(a.shape[1]):
        for j in range(H):
            a[0, b, j] = (a[0, b, j] + x[b, j] + bias[j]) * half
            a[1, b, j] = (a[1, b, j] + x[b, H + j] + bias[H + j]) * half
            a[2, b, j] = a[2, b, j] + x[b, 2 * H + j] + bias[2 * H + j]
            a[3, b, j] = (a[3, b, j] + x[b, 3 * H + j] + bias[3 * H + j]) * half


@loop(STRICT)
def lstm_cell(a: Any, old: Any, new: Any) -> None:
    """The gates i, f and o of what tanh gave, in place, and then the cells."""
    half = a.dtype.type(0.5)
    for b in range(a.shape[1]):
        for j in range(a.shape[2]):
            i = a[0, b, j] * half + half
            f = a[1, b, j] * half + half
            a[0, b, j], a[1, b, j] = i, f
            a[3, b, j] = a[3, b, j] * half + half
            new[b, j] = f * old[b, j] + i * a[2, b, j]


@loop(STRICT)
def lstm_backward(a: Any, old: Any, bent: Any, of_h: Any, of_c: Any, share: Any) -> None:
    """What came into the gates, (B, 4H); of_c becomes the old cells', of_h is used up.

    bent is tanh of the new cells.
    """
    zero, one, H = a.dtype.type(0), a.dtype.type(1), a.shape[2]
    for b in range(a.shape[1]):
        for j in range(H):
            i, f, g, o = a[0, b, j], a[1, b, j], a[2, b, j], a[3, b, j]
            down = of_h[b, j]
            cell = of_c[b, j] + down * o * (one - bent[b, j] * bent[b, j])
            share[b, j] = cell * g * (i - i * i)
            share[b, H + j] = cell * old[b, j] * (f - f * f)
            share[b, 2 * H + j] = cell * i * (one - g * g)
            share[b, 3 * H + j] = down * bent[b, j] * (o - o * o)
            of_c[b, j] = cell * f
            of_h[b, j] = zero
