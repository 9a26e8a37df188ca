"""One step of a recurrent network: what comes in, and what was, give what is now.

The formulas are those of `engine/ops/recurrent.py`, and nothing else; `recurrent.py` has the layers
that take a whole sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.ops.recurrent import NONLINEARITIES, gru_step, lstm_step, rnn_step
from . import functional as F
from . import init
from .functional.given import as_array
from .module import Module


class RNNCellBase(Module):
    """What the cells share: two weights, one for what comes in and one for the state."""

    gates = 1  # blocks of hidden_size rows in each

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = init.fan_in_uniform((rows, input_size), hidden_size)
        self.weight_hh = init.fan_in_uniform((rows, hidden_size), hidden_size)
        self.bias_ih = init.fan_in_uniform((rows,), hidden_size) if bias else None
        self.bias_hh = init.fan_in_uniform((rows,), hidden_size) if bias else None

    def products(self, x: Any, h: Any) -> tuple[Any, Any]:
        """What comes from the input and what from the state, each (…, gates · hidden_size)."""
        return F.linear(x, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh)

    def begun(self, x: Any, *state: Any) -> list[Any]:
        """The state, zeros where there is none yet.

        Raises:
            ValueError: x or a state is not as wide as the cell, or they are not equally many.
        """
        name, shape = type(self).__name__, np.shape(x)
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: an input of shape {shape}, not (batch, {self.input_size}) or "
                f"({self.input_size},)"
            )
        wanted = (*shape[:-1], self.hidden_size)
        for part in state:
            if part is not None and np.shape(part) != wanted:
                raise ValueError(f"{name}: a state of shape {np.shape(part)}, not {wanted}")
        return [np.zeros(wanted) if part is None else as_array(part) for part in state]

    def extra_repr(self) -> str:
        bias = "" if self.bias else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}"


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman, 1990).

    Args:
        input_size, hidden_size: how many numbers x and h have.
        bias: False for none.
        nonlinearity: "tanh" or "relu".

    All parameters start uniform in ±1/√hidden_size. Called with x (B, input_size) or (input_size,)
    and h (B, hidden_size) or (hidden_size,), zeros if left out, it gives the next h.

    Raises:
        ValueError: another nonlinearity; shapes that do not fit.

    >>> RNNCell(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"
    ) -> None:
        if nonlinearity not in NONLINEARITIES:
            raise ValueError(f"RNNCell: nonlinearity is 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = nonlinearity

    def forward(self, x: Any, h: Any = None) -> Any:
        (h,) = self.begun(x, h)
        return rnn_step(*self.products(x, h), self.nonlinearity)

    def extra_repr(self) -> str:
        other = "" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}"
        return super().extra_repr() + other


class LSTMCell(RNNCellBase):
    """One step of `LSTM` (Hochreiter and Schmidhuber, 1997; f by Gers et al., 2000):

        i, f, o = σ(…) and g = tanh(…), of W_ih x + b_ih + W_hh h + b_hh in four parts, i, f, g, o
        c′ = f · c + i · g,  h′ = o · tanh(c′)

    Arguments and errors: see `RNNCell`. The state is a pair (h, c), and so is the result.

    >>> h, c = LSTMCell(3, 2)(np.ones((5, 3)))
    >>> h.shape, c.shape
    ((5, 2), (5, 2))
    """

    gates = 4

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        h, c = self.begun(x, *pair(self, state))
        return lstm_step(*self.products(x, h), c)


class GRUCell(RNNCellBase):
    """One step of `GRU` (Cho et al., 2014), where x_r, x_z, x_n are W_ih x + b_ih in three parts
    and h_r, h_z, h_n are those of W_hh h + b_hh:

        r = σ(x_r + h_r),  z = σ(x_z + h_z),  n = tanh(x_n + r · h_n)
        h′ = (1 − z) · n + z · h

    Arguments and errors: see `RNNCell`.

    >>> GRUCell(3, 2)(np.ones((5, 3))).shape
    (5, 2)
    """

    gates = 3

    def forward(self, x: Any, h: Any = None) -> Any:
        (h,) = self.begun(x, h)
        return gru_step(*self.products(x, h), h)


def pair(module: Module, state: Any) -> tuple[Any, Any]:
    """An LSTM's (h, c), or two times None.

    Raises:
        TypeError: something else.
    """
    if state is None:
        return None, None
    if not isinstance(state, tuple | list) or len(state) != 2:
        raise TypeError(
            f"{type(module).__name__}: its state is a pair (h, c), not a {type(state).__name__}"
        )
    return state[0], state[1]
