"""How recurrent layers are tried against PyTorch's; see `oracle.py`.

PyTorch packs batches of unequal length: `packing` gives its layers our `lengths`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from groundup.engine.samples import Draw
from oracle import Trial, parity, torch


def cell(states: int, draw: Draw, **more: Any) -> Trial:
    inputs, hidden = draw.sides(2, 1, 3)
    front = draw.choice(((), (draw.integer(0, 3),)))
    state = tuple(draw.array((*front, hidden)) for _ in range(states))
    given = draw.choice((None, state if states > 1 else state[0]))
    options = {"input_size": inputs, "hidden_size": hidden, "bias": draw.boolean(), **more}
    return Trial(options, (draw.array((*front, inputs)), given))


@parity("RNNCell")
def rnn_cell(draw: Draw) -> Trial:
    return cell(1, draw, nonlinearity=draw.choice(("tanh", "relu")))


@parity("LSTMCell")
def lstm_cell(draw: Draw) -> Trial:
    return cell(2, draw)


@parity("GRUCell")
def gru_cell(draw: Draw) -> Trial:
    return cell(1, draw)


def packing(name: str) -> Any:
    """PyTorch's layer, called as ours is."""

    def build(**options: Any) -> Any:
        class Packing(getattr(torch.nn, name)):  # type: ignore[misc]
            def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
                if lengths is None:
                    return super().forward(x, state)
                T = x.shape[1 if self.batch_first else 0]
                rnn = torch.nn.utils.rnn
                first = {"batch_first": self.batch_first}
                packed = rnn.pack_padded_sequence(x, lengths, enforce_sorted=False, **first)
                out, state = super().forward(packed, state)
                return rnn.pad_packed_sequence(out, total_length=T, **first)[0], state

        return Packing(**options)

    return build


def sequence(states: int, draw: Draw, **more: Any) -> Trial:
    inputs, hidden, T, B = draw.sides(4, 1, 3)
    layers = draw.integer(1, 2)
    options = {
        "input_size": inputs,
        "hidden_size": hidden,
        "num_layers": layers,
        "bias": draw.boolean(),
        "batch_first": draw.boolean(),
        "dropout": draw.choice((0.0, 0.5)) if layers > 1 else 0.0,
        "bidirectional": draw.boolean(),
        **more,
    }
    training = draw.boolean() and not options["dropout"]  # the two draw other numbers
    front = (B, T) if options["batch_first"] else (T, B)
    single = draw.integer(1, 4) == 1
    sizes = (options.get("proj_size") or hidden, hidden)[:states]
    passes = layers * (1 + options["bidirectional"])
    state = tuple(draw.array((passes, *(() if single else (B,)), size)) for size in sizes)
    given = draw.choice((None, state if states > 1 else state[0]))
    x = draw.array((*((T,) if single else front), inputs))
    lengths = draw.choice((None, 1 + draw.index(T, (B,))))
    keywords = {} if single or lengths is None else {"lengths": lengths}
    return Trial(options, (x, given), training, keywords)


NOTE = (
    "With and without initial state, batch and lengths (packed sequences in PyTorch); dropout in "
    "evaluation, since the two draw other numbers"
)


@parity("RNN", theirs=packing("RNN"), note=NOTE)
def rnn(draw: Draw) -> Trial:
    return sequence(1, draw, nonlinearity=draw.choice(("tanh", "relu")))


@parity("LSTM", theirs=packing("LSTM"), note=NOTE)
def lstm(draw: Draw) -> Trial:
    trial = sequence(2, draw)
    hidden = trial.options["hidden_size"]
    return trial if hidden == 1 else projected(draw, trial, draw.integer(0, hidden - 1))


def projected(draw: Draw, trial: Trial, size: int) -> Trial:
    """The same with states h of that size; 0 for no projection."""
    x, state = trial.inputs
    if size and state is not None:
        state = (draw.array((*np.shape(state[0])[:-1], size)), state[1])
    return trial._replace(options={**trial.options, "proj_size": size}, inputs=(x, state))


@parity("GRU", theirs=packing("GRU"), note=NOTE)
def gru(draw: Draw) -> Trial:
    return sequence(1, draw)
