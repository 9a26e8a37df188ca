"""Recurrent networks over a whole sequence: a step, and the loop over time that is made of it.

A step's formula takes what comes from the input and what comes from the state, each of them already
a product with a weight. That with the input is the caller's: it is one product for all steps. Each
op here is a definition in other ops; its kernel, in `through_time.py` and `gates.py`, is a faster
first derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Kernel, op
from ..samples import Call, Draw, call
from .activation import relu, sigmoid
from .gates import gru_forward, lstm_forward, rnn_forward
from .linalg import linear
from .through_time import backward, check, steps

NONLINEARITIES: dict[str, Callable[[Any], Any]] = {"tanh": np.tanh, "relu": relu}


def rnn_step(from_x: Any, from_h: Any, nonlinearity: str = "tanh") -> Any:
    """One step of a simple recurrent network (Elman, 1990):

        h′ = tanh(W_ih x + b_ih + W_hh h + b_hh)

    Args:
        from_x: (…, H), the product W_ih x + b_ih.
        from_h: (…, H), the product W_hh h + b_hh.
        nonlinearity: "tanh" or "relu".
    """
    return NONLINEARITIES[nonlinearity](from_x + from_h)


def lstm_step(from_x: Any, from_h: Any, c: Any) -> tuple[Any, Any]:
    """One step of an LSTM (Hochreiter and Schmidhuber, 1997; the forget gate f by Gers et al.,
    2000), where a = W_ih x + b_ih + W_hh h + b_hh in four parts:

        i = σ(a_i)   f = σ(a_f)   o = σ(a_o)     gates: what is let in, kept, let out
        g = tanh(a_g)                            what is new
        c′ = f · c + i · g                       added to, so that its gradient need not shrink
        h′ = o · tanh(c′)

    Args:
        from_x: (…, 4H), the product W_ih x + b_ih: i, f, g and o side by side.
        from_h: (…, 4H), the product W_hh h + b_hh.
        c: (…, H).
    """
    i, f, g, o = np.split(from_x + from_h, 4, axis=-1)  # each (…, H)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(from_x: Any, from_h: Any, h: Any) -> Any:
    """One step of a gated recurrent unit (Cho et al., 2014), where x_r, x_z, x_n are the three
    parts of W_ih x + b_ih, and h_r, h_z, h_n those of W_hh h + b_hh:

        r = σ(x_r + h_r)             reset: how much of the state the new one looks at
        z = σ(x_z + h_z)             update: how much of it stays
        n = tanh(x_n + r · h_n)      the new one
        h′ = (1 − z) · n + z · h

    The paper's last version resets h before it is multiplied by W; here, as in its first version,
    in cuDNN and in PyTorch, r multiplies the product, so that W_hh h is one product for all three.

    Args:
        from_x: (…, 3H), the product W_ih x + b_ih: r, z and n side by side.
        from_h: (…, 3H), the product W_hh h + b_hh.
        h: (…, H).
    """
    x_r, x_z, x_n = np.split(from_x, 3, axis=-1)  # each (…, H)
    h_r, h_z, h_n = np.split(from_h, 3, axis=-1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


def unrolled(
    step: Callable[..., tuple[Any, ...]], x: Any, state: tuple[Any, ...], live: Any, reverse: bool
) -> list[tuple[Any, ...]]:
    """The state after each step, in the sequence's own order: the loop over time.

    Args:
        step: step(x[t], *state) is the next state.
        x: (T, B, …).
        state: what there is before the first step, each (B, H).
        live: (T, B), False where a sequence has ended: such a step leaves its state as it is.
        reverse: from the last step to the first.
    """
    after: list[Any] = [None] * len(x)
    for t in steps(len(x), reverse):
        new = step(x[t], *state)
        if live is not None:
            alive = live[t][:, None]  # (B, 1)
            new = tuple(np.where(alive, n, old) for n, old in zip(new, state, strict=True))
        after[t] = state = new
    return after


def _samples(gates: int, states: int, **options: Any) -> Any:
    def samples(draw: Draw) -> Call:
        T, B, H = (draw.integer(1, 3) for _ in "TBH")
        shapes = "tbk" + ",bh" * states + ",kh,k"
        *arrays, bias = draw.arrays(shapes, t=T, b=B, h=H, k=gates * H)
        given = bias if draw.boolean() else None
        live = draw.choice((None, np.arange(T)[:, None] < 1 + draw.index(T, (B,))))
        chosen = {name: draw.choice(values) for name, values in options.items()}
        return call(*arrays, given, live, draw.boolean(), **chosen)

    return samples


@op(
    kernel=Kernel(rnn_forward, backward),
    samples=_samples(1, 1, nonlinearity=("tanh", "relu")),
)
def rnn(
    x: Any, h: Any, weight: Any, bias: Any = None, live: Any = None, reverse: bool = False,
    nonlinearity: str = "tanh",
) -> Any:  # fmt: skip
    """The states h = tanh(x[t] + h weightᵀ + bias), one after the other: (T, B, H).

    Args:
        x: (T, B, H), what each step has from its input.
        h: (B, H), the state before the first step.
        weight, bias: (H, H) and (H,), or None.
        live: (T, B) booleans, False where a sequence has ended: its state stays as it is; or None.
        reverse: from the last step to the first.
        nonlinearity: "tanh" or "relu".

    Raises:
        ValueError: shapes that do not fit, or no step at all.

    >>> rnn(np.ones((2, 1, 1)), np.zeros((1, 1)), np.array([[-1.0]]), nonlinearity="relu").ravel()
    array([1., 0.])
    """
    check("rnn", 1, x, (h,), weight, bias, live)
    step = lambda x, h: (rnn_step(x, linear(h, weight, bias), nonlinearity),)  # noqa: E731
    return np.stack([h for (h,) in unrolled(step, x, (h,), live, reverse)])


@op(kernel=Kernel(lstm_forward, backward), samples=_samples(4, 2))
def lstm(
    x: Any, h: Any, c: Any, weight: Any, bias: Any = None, live: Any = None, reverse: bool = False
) -> Any:
    """The states of an LSTM: h after each step, and, last of all, c after the last: (T + 1, B, H).

    Args:
        x: (T, B, 4H), what each step has from its input for the gates i, f, g and o.
        h, c: (B, H), the state before the first step.
        weight, bias: (4H, H) and (4H,), or None.
        live: (T, B) booleans, False where a sequence has ended: its state stays as it is; or None.
        reverse: from the last step to the first; then c is that after step 0.

    Raises:
        ValueError: shapes that do not fit, or no step at all.

    >>> h = c = np.zeros((1, 1))
    >>> lstm(np.ones((2, 1, 4)), h, c, np.zeros((4, 1))).ravel().round(4)
    array([0.3696, 0.5453, 0.9638])
    """
    check("lstm", 4, x, (h, c), weight, bias, live)
    step = lambda x, h, c: lstm_step(x, linear(h, weight, bias), c)  # noqa: E731
    after = unrolled(step, x, (h, c), live, reverse)
    _, last = after[0 if reverse else -1]
    return np.stack([*(h for h, _ in after), last])


@op(kernel=Kernel(gru_forward, backward), samples=_samples(3, 1))
def gru(
    x: Any, h: Any, weight: Any, bias: Any = None, live: Any = None, reverse: bool = False
) -> Any:
    """The states h of a gated recurrent unit, after each step: (T, B, H).

    Args:
        x: (T, B, 3H), what each step has from its input for reset, z and n.
        h: (B, H), the state before the first step.
        weight, bias: (3H, H) and (3H,), or None; of h weightᵀ + bias the reset gate takes a part.
        live: (T, B) booleans, False where a sequence has ended: its state stays as it is; or None.
        reverse: from the last step to the first.

    Raises:
        ValueError: shapes that do not fit, or no step at all.

    >>> gru(np.ones((2, 1, 3)), np.zeros((1, 1)), np.zeros((3, 1))).ravel().round(4)
    array([0.2048, 0.3546])
    """
    check("gru", 3, x, (h,), weight, bias, live)
    step = lambda x, h: (gru_step(x, linear(h, weight, bias), h),)  # noqa: E731
    return np.stack([h for (h,) in unrolled(step, x, (h,), live, reverse)])
