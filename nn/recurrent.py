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

    Arguments, shapes and errors: see `nn.recurrent_base.RNNBase`; nonlinearity, "tanh" or "relu",
    is the fourth.

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
        bias = b_ih + b_hh if self.bias else None  # PyTorch has two, for cuDNN
        from_x = F.linear(x, w_ih)  # (T, B, H)
        out = engine.rnn(from_x, state[0], w_hh, bias, live, reverse, self.nonlinearity)
        return out, out[0 if reverse else -1]

    def extra_repr(self) -> str:
        other = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + other


class LSTM(RNNBase):
    """Step after step (Hochreiter and Schmidhuber, 1997; the forget gate f by Gers et al., 2000):

        i, f, o = σ(…) and g = tanh(…), of W_ih x + b_ih + W_hh h + b_hh in four parts, i, f, g, o
        c = f · c + i · g
        h = o · tanh(c), or with a proj_size W_hr (o · tanh(c)), of that size (Sak et al., 2014)

    Arguments, shapes and errors: see `nn.recurrent_base.RNNBase`; the state is a pair (h, c).

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
        if not self.proj_size:
            out = engine.lstm(from_x, h, c, w_hh, bias, live, reverse)  # (T + 1, B, H)
            return out[:-1], out[0 if reverse else -2], out[-1]

        # The op knows no projection. What it carries along is m = o · tanh(c), of which h = W_hr m,
        # so its weight is W_hh W_hr. The h before the first step comes of no m: m begins as 0, and
        # W_hh h is added to what comes from the input where each sequence begins.
        w_hr = getattr(self, f"weight_hr_{called}")  # (proj_size, H)
        begin: Any = 0
        if reverse:
            begin = len(x) - 1 if live is None else live.sum(axis=0) - 1
        from_x = index_add(from_x, (begin, np.arange(len(h))), F.linear(h, w_hh))
        m = engine.lstm(from_x, np.zeros(np.shape(c)), c, w_hh @ w_hr, bias, live, reverse)
        h = F.linear(m[:-1], w_hr)  # (T, B, proj_size)
        return h, h[0 if reverse else -1], m[-1]


class GRU(RNNBase):
    """Step after step (Cho et al., 2014), where x_r, x_z, x_n are W_ih x + b_ih in three parts and
    h_r, h_z, h_n are those of W_hh h + b_hh:

        r = σ(x_r + h_r),  z = σ(x_z + h_z),  n = tanh(x_n + r · h_n)
        h = (1 − z) · n + z · h

    Arguments, shapes and errors: see `nn.recurrent_base.RNNBase`.

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
