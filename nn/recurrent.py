"""Recurrent layers: a cell's step taken again and again, along a whole sequence.

The loop over time is an op of the engine (`engine/ops/recurrent.py`). A layer hands it what comes
from the input, for all steps in one product, and its weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import engine
from ..engine.ops.index import index_add
from ..engine.ops.recurrent import NONLINEARITIES
from . import functional as F
from .recurrent_base import RNNBase


class RNN(RNNBase):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh), step after step (Elman, 1990).

    Arguments, shapes and errors as of `RNNBase`; nonlinearity, "tanh" or "relu", is the fourth.

    >>> out, h = RNN(3, 2)(np.ones((7, 5, 3)))
    >>> out.shape, h.shape
    ((7, 5, 2), (1, 5, 2))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        if nonlinearity not in NONLINEARITIES:
            raise ValueError(f"RNN: nonlinearity is 'tanh' or 'relu', not {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        )

    def _run(self, called: str, x: Any, state: list[Any], live: Any, reverse: bool) -> Any:
        w_ih, w_hh, b_ih, b_hh = self._weights(called)
        bias = b_ih + b_hh if self.bias else None  # a second one for PyTorch's sake
        from_x = F.linear(x, w_ih)  # (T, B, H)
        out = engine.rnn(from_x, state[0], w_hh, bias, live, reverse, self.nonlinearity)
        return out, out[0 if reverse else -1]

    def extra_repr(self) -> str:
        other = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + other


class LSTM(RNNBase):
    """c = f · c + i · g and h = o · tanh(c), step after step (Hochreiter and Schmidhuber, 1997).

    i, f, g and o are W_ih x + b_ih + W_hh h + b_hh in four parts, through tanh (g) or a sigmoid.
    Arguments, shapes and errors as of `RNNBase`; the state is a pair (h, c). With a proj_size, h is
    W_hr (o · tanh(c)), of that size (Sak et al., 2014).

    >>> out, (h, c) = LSTM(3, 2, bidirectional=True)(np.ones((7, 5, 3)), lengths=[7, 2, 3, 7, 1])
    >>> out.shape, h.shape, c.shape
    ((7, 5, 4), (2, 5, 2), (2, 5, 2))
    """

    gates, states = 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
    ) -> None:
        if proj_size and not 0 < proj_size < hidden_size:
            raise ValueError(
                f"LSTM: proj_size is below hidden_size, {hidden_size}, or 0 for no projection, not "
                f"{proj_size}"
            )
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            proj_size,
        )  # fmt: skip

    def _shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        projection = {"weight_hr": (self.proj_size, self.hidden_size)} if self.proj_size else {}
        return super()._shapes(width) | projection

    def _run(self, called: str, x: Any, state: list[Any], live: Any, reverse: bool) -> Any:
        w_ih, w_hh, b_ih, b_hh = self._weights(called)
        bias = b_ih + b_hh if self.bias else None
        h, c = state
        from_x = F.linear(x, w_ih)  # (T, B, 4H)
        w_hr = getattr(self, f"weight_hr_{called}", None)
        if w_hr is not None:
            # W_hh h is (W_hh W_hr) m, where m = o · tanh(c). The first h alone is of no m: what
            # comes of it is added where each sequence begins.
            first = 0 if not reverse else len(x) - 1 if live is None else live.sum(axis=0) - 1
            from_x = index_add(from_x, (first, np.arange(len(h))), F.linear(h, w_hh))
            h, w_hh = np.zeros(np.shape(c)), w_hh @ w_hr
        out = engine.lstm(from_x, h, c, w_hh, bias, live, reverse)  # (T + 1, B, H)
        h, c = out[:-1], out[-1]
        if w_hr is not None:
            h = F.linear(h, w_hr)  # (T, B, proj_size)
        return h, h[0 if reverse else -1], c


class GRU(RNNBase):
    """h = (1 − z) · n + z · h, with n = tanh(x_n + reset · h_n), at each step (Cho et al., 2014).

    x_reset, x_z, x_n are W_ih x + b_ih in three parts, h_reset, h_z, h_n those of W_hh h + b_hh;
    reset and z are sigmoids of the sums. Arguments, shapes and errors as of `RNNBase`.

    >>> out, h = GRU(3, 2, num_layers=2)(np.ones((7, 5, 3)))
    >>> out.shape, h.shape
    ((7, 5, 2), (2, 5, 2))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        )

    def _run(self, called: str, x: Any, state: list[Any], live: Any, reverse: bool) -> Any:
        w_ih, w_hh, b_ih, b_hh = self._weights(called)
        from_x = F.linear(x, w_ih, b_ih)  # (T, B, 3H)
        out = engine.gru(from_x, state[0], w_hh, b_hh, live, reverse)
        return out, out[0 if reverse else -1]
