"""Loops of an LSTM's step. Powers are numpy's: its tanh is as fast as any here.

What is in one row is taken in several short loops, each on so few arrays that the compiler can see
that they do not overlap, and works on whole vectors.
"""

from __future__ import annotations

from typing import Any

from .loop import STRICT, loop


@loop(STRICT)
def lstm_open(a: Any, x: Any, bias: Any) -> None:
    """a (4, B, H) + x (B, 4H) + bias (4H,), halved for i, f and o: their sigmoid comes of tanh."""
    half, one, H = a.dtype.type(0.5), a.dtype.type(1), a.shape[2]
    for k in range(4):
        scale = one if k == 2 else half
        shift = bias[k * H : (k + 1) * H]
        for b in range(a.shape[1]):
            row, more = a[k, b], x[b, k * H : (k + 1) * H]
            for j in range(H):
                row[j] = (row[j] + more[j] + shift[j]) * scale


@loop(STRICT)
def lstm_cell(a: Any, old: Any, new: Any) -> None:
    """The gates i, f and o of what tanh gave, in place, and then the cells."""
    half = a.dtype.type(0.5)
    for b in range(a.shape[1]):
        i, f, g, o, was, now = a[0, b], a[1, b], a[2, b], a[3, b], old[b], new[b]
        for j in range(a.shape[2]):
            i[j] = i[j] * half + half
            f[j] = f[j] * half + half
            o[j] = o[j] * half + half
            now[j] = f[j] * was[j] + i[j] * g[j]


@loop(STRICT)
def lstm_backward(a: Any, old: Any, bent: Any, of_h: Any, of_c: Any, share: Any) -> None:
    """What came into the gates, (B, 4H); of_c becomes the old cells', of_h is used up.

    bent is tanh of the new cells.
    """
    zero, one, H = a.dtype.type(0), a.dtype.type(1), a.shape[2]
    for b in range(a.shape[1]):
        i, f, g, o, was, now = a[0, b], a[1, b], a[2, b], a[3, b], old[b], bent[b]
        down, cell = of_h[b], of_c[b]
        of_i, of_f = share[b, :H], share[b, H : 2 * H]
        of_g, of_o = share[b, 2 * H : 3 * H], share[b, 3 * H :]
        for j in range(H):
            of_o[j] = down[j] * now[j] * (o[j] - o[j] * o[j])
        for j in range(H):
            cell[j] += down[j] * o[j] * (one - now[j] * now[j])
        for j in range(H):
            of_i[j] = cell[j] * g[j] * (i[j] - i[j] * i[j])
        for j in range(H):
            of_g[j] = cell[j] * i[j] * (one - g[j] * g[j])
        for j in range(H):
            of_f[j] = cell[j] * was[j] * (f[j] - f[j] * f[j])
        for j in range(H):
            cell[j] *= f[j]
        down[:] = zero
