"""The steps of recurrent networks in numpy calls, for their kernels.

Each cell's two functions do what `Cell` in `through_time.py` says; what is computed is said by the
formulas in `recurrent.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .through_time import GRU, LSTM, RELU, TANH, Cell, forward, gated


def sigmoid_(a: np.ndarray) -> None:
    """In place, by tanh, which overflows nowhere: σ(a) = (1 + tanh(a / 2)) / 2."""
    a *= 0.5
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5


# Elman's network


def _rnn_tanh(a: Any, x: Any, bias: Any, old: Any, new: Any) -> None:
    a[0] += x
    a[0] += bias
    np.tanh(a[0], out=new[0])


def _rnn_tanh_back(a: Any, old: Any, new: Any, share: Any, of_from_h: Any, of_from_x: Any) -> None:
    slope = new[0] * new[0]
    np.subtract(1, slope, out=slope)
    np.multiply(slope, share[0], out=of_from_h)
    share[0] = 0


def _rnn_relu(a: Any, x: Any, bias: Any, old: Any, new: Any) -> None:
    a[0] += x
    a[0] += bias
    new[0][...] = np.where(a[0] <= 0, 0, a[0])


def _rnn_relu_back(a: Any, old: Any, new: Any, share: Any, of_from_h: Any, of_from_x: Any) -> None:
    of_from_h[...] = np.where(a[0] <= 0, 0, share[0])
    share[0] = 0


# LSTM


def _lstm(a: Any, x: Any, bias: Any, old: Any, new: Any) -> None:
    i, f, g, o = a
    h, c = new
    a += gated(x, h.shape[1])
    a += bias.reshape(4, 1, -1)
    sigmoid_(a[:2])
    np.tanh(g, out=g)
    sigmoid_(o)
    np.multiply(f, old[1], out=c)
    np.multiply(i, g, out=h)  # on the way
    c += h  # c′ = f · c + i · g
    np.tanh(c, out=h)
    h *= o  # h′ = o · tanh(c′)


def _lstm_back(a: Any, old: Any, new: Any, share: Any, of_from_h: Any, of_from_x: Any) -> None:
    i, f, g, o = a
    of_h, of_c = share
    from_i, from_f, from_g, from_o = gated(of_from_h, i.shape[1])
    flow = a * a  # and then the slopes: a − a² of a sigmoid, 1 − a² of tanh
    np.subtract(a[:2], flow[:2], out=flow[:2])
    np.subtract(1, flow[2], out=flow[2])
    np.subtract(o, flow[3], out=flow[3])
    bent = np.tanh(new[1])
    flow[3] *= of_h
    np.multiply(flow[3], bent, out=from_o)  # ∂h · tanh(c′) · o(1 − o)
    bent *= bent
    np.subtract(1, bent, out=bent)
    bent *= of_h
    bent *= o
    of_c += bent  # ∂h · o · (1 − tanh²(c′))
    flow[:3] *= of_c
    np.multiply(flow[0], g, out=from_i)
    np.multiply(flow[1], old[1], out=from_f)
    np.multiply(flow[2], i, out=from_g)
    of_c *= f
    of_h[...] = 0


# GRU: what comes from h for n, h_n, is kept as it is before the gate r takes its part. n itself is
# in a fourth block.


def _gru(a: Any, x: Any, bias: Any, old: Any, new: Any) -> None:
    r, z, h_n, n = a
    h = new[0]
    x = gated(x, h.shape[1])
    a[:3] += bias.reshape(3, 1, -1)
    a[:2] += x[:2]
    sigmoid_(a[:2])
    np.multiply(r, h_n, out=n)
    n += x[2]
    np.tanh(n, out=n)
    np.subtract(old[0], n, out=h)  # (1 − z) · n + z · h = n + z · (h − n)
    h *= z
    h += n


def _gru_back(a: Any, old: Any, new: Any, share: Any, of_from_h: Any, of_from_x: Any) -> None:
    r, z, h_n, n = a
    of_h = share[0]
    of_from_h, of_from_x = gated(of_from_h, z.shape[1]), gated(of_from_x, z.shape[1])
    slopes = a[:2] - a[:2] * a[:2]
    np.multiply(of_h * (old[0] - n), slopes[1], out=of_from_x[1])
    np.multiply((1 - z) * of_h, 1 - n * n, out=of_from_x[2])
    np.multiply(of_from_x[2] * h_n, slopes[0], out=of_from_x[0])
    of_from_h[:2] = of_from_x[:2]
    np.multiply(of_from_x[2], r, out=of_from_h[2])
    of_h *= z


RNN = {
    "tanh": Cell(_rnn_tanh, _rnn_tanh_back, TANH, "rnn", gates=1, kept=1),
    "relu": Cell(_rnn_relu, _rnn_relu_back, RELU, "rnn", gates=1, kept=1),
}
LSTM_CELL = Cell(_lstm, _lstm_back, LSTM, "lstm", gates=4, kept=4)
GRU_CELL = Cell(_gru, _gru_back, GRU, "gru", gates=3, kept=4, apart=True)


# As the ops take their arguments


def rnn_forward(
    x: Any, h: Any, weight: Any, bias: Any = None, live: Any = None, reverse: bool = False,
    nonlinearity: str = "tanh",
) -> Any:  # fmt: skip
    return forward(RNN[nonlinearity], x, (h,), weight, bias, live, reverse)


def lstm_forward(
    x: Any, h: Any, c: Any, weight: Any, bias: Any = None, live: Any = None, reverse: bool = False
) -> Any:
    return forward(LSTM_CELL, x, (h, c), weight, bias, live, reverse)


def gru_forward(
    x: Any, h: Any, weight: Any, bias: Any = None, live: Any = None, reverse: bool = False
) -> Any:
    return forward(GRU_CELL, x, (h,), weight, bias, live, reverse)
