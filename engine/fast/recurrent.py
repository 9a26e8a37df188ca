"""Loops over time, of recurrent networks: a whole sequence in one call, without Python's lock.

What they compute, and what they keep for the way back, is what the cells in `ops/gates.py` do.

A step's product is small, and OpenBLAS begins at once with small ones alone, of a million
multiplications and fewer; else it first copies the weight, which takes as long as the product. So
the weight is cut up, once for all steps. numba takes its products from SciPy's BLAS.

What is in one row is taken in several short loops, each on so few arrays that the compiler can see
that they do not overlap, and works on whole vectors.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from ..ops.through_time import GRU, LSTM, TANH
from .loop import STRICT, loop
from .powers import sigmoid, tanh

HAS_BLAS = importlib.util.find_spec("scipy") is not None
SMALL = 10**6  # multiplications of a product that OpenBLAS begins at once


def cut_up(weight: Any, B: int) -> Any:
    """A weight (N, K) for `linear` with (B, K): (cuts, panels, K', P), transposed, 0 at the ends.

    A panel of 64 columns is four vectors of 16. A weight of which even a narrow cut would be too
    much stays whole.
    """
    N, K = weight.shape
    P = N if N <= 64 else 64 if -N % 64 * 8 <= N else 32
    deepest = SMALL // (max(B, 1) * P)
    if deepest < 64:
        P, deepest = N, K
    cuts, panels = -(-K // deepest), -(-N // P)
    depth = -(-K // cuts)
    if (panels * P, cuts * depth) != (N, K):
        weight = np.pad(weight, ((0, panels * P - N), (0, cuts * depth - K)))
    return np.array(weight.reshape(panels, P, cuts, depth).transpose(2, 0, 3, 1), order="C")


@loop(STRICT)
def linear(h: Any, weight: Any, bias: Any, part: Any, pieces: Any, out: Any) -> None:
    """out (B, N) = h (B, K) times a weight that was cut up, + bias (N,).

    To work with: part (B, K'), pieces (panels, B, P).
    """
    cuts, panels, depth, P = weight.shape
    for cut in range(cuts):
        left = h
        if depth < h.shape[1]:
            left, rest = part, h[:, cut * depth : (cut + 1) * depth]
            part[:, : rest.shape[1]] = rest
            part[:, rest.shape[1] :] = 0
        for panel in range(panels):
            np.dot(left, weight[cut, panel], pieces[panel])
        for b in range(len(out)):
            for panel in range(panels):
                columns = slice(panel * P, (panel + 1) * P)
                row, more, shift = out[b, columns], pieces[panel, b], bias[columns]
                if cut:
                    for j in range(row.size):
                        row[j] += more[j]
                else:
                    for j in range(row.size):
                        row[j] = more[j] + shift[j]


@loop(STRICT)
def add(a: Any, b: Any) -> None:
    """a += b, of two dimensions."""
    for i in range(len(a)):
        row, more = a[i], b[i]
        for j in range(row.size):
            row[j] += more[j]


# Each cell's step, and back. `a` is what is kept, (n, B, H); from_h and x are (B, gates · H).


@loop(STRICT)
def rnn_step(bent: bool, from_h: Any, x: Any, a: Any, h: Any) -> None:
    zero = x.dtype.type(0)
    for b in range(len(x)):
        row, more, kept, new = from_h[b], x[b], a[0, b], h[b]
        for j in range(row.size):
            kept[j] = row[j] + more[j]
        if bent:
            for j in range(row.size):
                new[j] = tanh(kept[j])
        else:
            for j in range(row.size):
                new[j] = zero if kept[j] <= zero else kept[j]


@loop(STRICT)
def rnn_step_back(bent: bool, a: Any, h: Any, share: Any, of_from_h: Any) -> None:
    zero, one = h.dtype.type(0), h.dtype.type(1)
    for b in range(len(h)):
        kept, new, down, flow = a[0, b], h[b], share[0, b], of_from_h[b]
        if bent:
            for j in range(new.size):
                flow[j] = (one - new[j] * new[j]) * down[j]
        else:
            for j in range(new.size):
                flow[j] = zero if kept[j] <= zero else down[j]
        down[:] = zero


@loop(STRICT)
def lstm_step(from_h: Any, x: Any, a: Any, c: Any, h: Any, new_c: Any) -> None:
    H = h.shape[1]
    for b in range(len(x)):
        row, more, i, f, g, o = from_h[b], x[b], a[0, b], a[1, b], a[2, b], a[3, b]
        for j in range(H):
            i[j] = sigmoid(row[j] + more[j])
        for j in range(H):
            f[j] = sigmoid(row[H + j] + more[H + j])
        for j in range(H):
            g[j] = tanh(row[2 * H + j] + more[2 * H + j])
        for j in range(H):
            o[j] = sigmoid(row[3 * H + j] + more[3 * H + j])
        was, now, new = c[b], new_c[b], h[b]
        for j in range(H):
            now[j] = f[j] * was[j] + i[j] * g[j]
        for j in range(H):
            new[j] = o[j] * tanh(now[j])


@loop(STRICT)
def lstm_step_back(a: Any, c: Any, new_c: Any, share: Any, of_from_h: Any) -> None:
    zero, one, H = c.dtype.type(0), c.dtype.type(1), c.shape[1]
    for b in range(len(c)):
        i, f, g, o, was, now = a[0, b], a[1, b], a[2, b], a[3, b], c[b], new_c[b]
        down, cell = share[0, b], share[1, b]
        of_i, of_f = of_from_h[b, :H], of_from_h[b, H : 2 * H]
        of_g, of_o = of_from_h[b, 2 * H : 3 * H], of_from_h[b, 3 * H :]
        for j in range(H):
            bent = tanh(now[j])
            of_o[j] = down[j] * bent * (o[j] - o[j] * o[j])
            cell[j] += down[j] * o[j] * (one - bent * bent)
        for j in range(H):
            of_i[j] = cell[j] * g[j] * (i[j] - i[j] * i[j])
        for j in range(H):
            of_g[j] = cell[j] * i[j] * (one - g[j] * g[j])
        for j in range(H):
            of_f[j] = cell[j] * was[j] * (f[j] - f[j] * f[j])
        for j in range(H):
            cell[j] *= f[j]
        down[:] = zero


@loop(STRICT)
def gru_step(from_h: Any, x: Any, a: Any, h: Any, new_h: Any) -> None:
    H = h.shape[1]
    for b in range(len(x)):
        row, more, old, new = from_h[b], x[b], h[b], new_h[b]
        r, z, h_n, n = a[0, b], a[1, b], a[2, b], a[3, b]
        h_n[:] = row[2 * H :]
        for j in range(H):
            r[j] = sigmoid(row[j] + more[j])
        for j in range(H):
            z[j] = sigmoid(row[H + j] + more[H + j])
        for j in range(H):
            n[j] = tanh(more[2 * H + j] + r[j] * h_n[j])
        for j in range(H):
            new[j] = n[j] + z[j] * (old[j] - n[j])


@loop(STRICT)
def gru_step_back(a: Any, h: Any, share: Any, of_from_h: Any, of_from_x: Any) -> None:
    one, H = h.dtype.type(1), h.shape[1]
    for b in range(len(h)):
        r, z, h_n, n, old, down = a[0, b], a[1, b], a[2, b], a[3, b], h[b], share[0, b]
        of_r, of_z, of_n = of_from_x[b, :H], of_from_x[b, H : 2 * H], of_from_x[b, 2 * H :]
        for j in range(H):
            of_z[j] = down[j] * (old[j] - n[j]) * (z[j] - z[j] * z[j])
        for j in range(H):
            of_n[j] = (one - z[j]) * down[j] * (one - n[j] * n[j])
        for j in range(H):
            of_r[j] = of_n[j] * h_n[j] * (r[j] - r[j] * r[j])
        of_from_h[b, : 2 * H] = of_from_x[b, : 2 * H]
        of_h_n = of_from_h[b, 2 * H :]
        for j in range(H):
            of_h_n[j] = of_n[j] * r[j]
        for j in range(H):
            down[j] *= z[j]


# The loops over time, of all of them. `live` is (T, B), or empty where all sequences are as long.


@loop(STRICT)
def through_time(
    x: Any, bias: Any, cell: int, first: Any, weight: Any, live: Any, reverse: bool, inside: Any,
    cells: Any, out: Any,
) -> None:  # fmt: skip
    T, B = x.shape[:2]
    _, panels, depth, P = weight.shape
    h, from_h = first, np.empty_like(x[0])
    part, pieces = np.empty((B, depth), x.dtype), np.empty((panels, B, P), x.dtype)
    for i in range(T):
        t = T - 1 - i if reverse else i
        a, new = inside[i], out[t]
        linear(h, weight, bias, part, pieces, from_h)
        if cell == LSTM:
            lstm_step(from_h, x[t], a, cells[i, 0], new, cells[i + 1, 0])
        elif cell == GRU:
            gru_step(from_h, x[t], a, h, new)
        else:
            rnn_step(cell == TANH, from_h, x[t], a, new)
        if live.size:
            for b in range(B):
                if not live[t, b]:
                    new[b] = h[b]
                    cells[i + 1, :, b] = cells[i, :, b]
        h = new


@loop(STRICT)
def back_through_time(
    g: Any, share: Any, of_from_h: Any, of_from_x: Any, cell: int, first: Any, weight: Any,
    live: Any, reverse: bool, inside: Any, cells: Any, out: Any,
) -> None:  # fmt: skip
    T, B = of_from_h.shape[:2]
    _, panels, depth, P = weight.shape
    pulled, nothing = np.empty_like(first), np.zeros_like(first[0])
    part, pieces = np.empty((B, depth), g.dtype), np.empty((panels, B, P), g.dtype)
    for i in range(T - 1, -1, -1):
        t, before = (T - 1 - i, T - i) if reverse else (i, i - 1)
        a, h = inside[i], out[before] if i else first
        add(share[0], g[t])
        if live.size:
            kept = share.copy()
        if cell == LSTM:
            lstm_step_back(a, cells[i, 0], cells[i + 1, 0], share, of_from_h[t])
        elif cell == GRU:
            gru_step_back(a, h, share, of_from_h[t], of_from_x[t])
        else:
            rnn_step_back(cell == TANH, a, out[t], share, of_from_h[t])
        if live.size:
            for b in range(B):
                if not live[t, b]:
                    share[:, b] = kept[:, b]
                    of_from_h[t, b] = 0
                    of_from_x[t, b] = 0
        linear(of_from_h[t], weight, nothing, part, pieces, pulled)
        add(share[0], pulled)
