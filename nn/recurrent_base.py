"""What recurrent layers share: several of them, both directions, sequences of unequal length."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import functional as F
from . import init
from .functional.given import as_array
from .module import Module
from .recurrent_cell import pair


class RNNBase(Module):
    """RNN, LSTM and GRU but for what happens at a step.

    Args:
        input_size, hidden_size: how many numbers a step's input and its state h have.
        num_layers: how many layers, each on the states h of the one below.
        bias: False for none.
        batch_first: inputs and outputs are (B, T, …) instead of (T, B, …); states are not.
        dropout: the probability of `Dropout` between two layers, while training.
        bidirectional: a second pass, with weights of its own, reads each sequence from its end; the
            two states of a step lie side by side.
        proj_size: of an LSTM alone: the size of h, if it is not hidden_size.

    Called as layer(x, state=None, lengths=None):

        x: (T, B, input_size), or (T, input_size) for a single sequence.
        state: h before the first step, (layers · directions, B, hidden_size), without B for a
            single sequence; zeros if left out. For an LSTM a pair (h, c).
        lengths: how long each sequence is, B integers from 1 to T in any order, if not all are as
            long as x. Steps behind a sequence's end are never looked at. (PyTorch has a
            `PackedSequence` instead.)

    Returns:
        The last layer's h at each step, (T, B, directions · hidden_size), 0 behind a sequence's
        end; and the state of each layer and direction where each sequence ends, shaped as `state`.

    Parameters are called weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, those of the second
    direction weight_ih_l0_reverse …, and start uniform in ±1/√hidden_size.

    Raises:
        ValueError: sizes or shapes that do not fit, no step at all, a length below 1 or above T.
        TypeError: lengths that are no integers.
    """

    gates = 1  # blocks of hidden_size rows in each weight
    states = 1  # arrays of the state

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
        name = type(self).__name__
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        for what, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name}: {what} is 1 or more, not {size}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout is a probability, from 0 to 1, not {dropout}")
        if dropout and num_layers == 1:
            warnings.warn(f"{name}: dropout acts between layers, and there is one", stacklevel=3)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self.out_size = proj_size or hidden_size
        self.directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            width = self.directions * self.out_size if layer else input_size
            for name in self._passes(layer):
                for what, shape in self._shapes(width).items():
                    setattr(self, f"{what}_{name}", init.fan_in_uniform(shape, hidden_size))

    def _passes(self, layer: int) -> list[str]:
        """What the parameters of a layer's passes end in: "l0", and "l0_reverse" if there are two
        directions."""
        return [f"l{layer}", f"l{layer}_reverse"][: self.directions]

    def _shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Of the parameters of a pass over inputs of that width."""
        rows = self.gates * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, width),
            "weight_hh": (rows, self.out_size),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        return shapes

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        x = as_array(x)
        self._check_input(np.shape(x))
        single = np.ndim(x) == 2
        if single:
            x = x[:, None]  # (T, 1, input_size)
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)  # (T, B, input_size)
        T, B = np.shape(x)[:2]
        begin = self._begun(state, B, single)  # h, and an LSTM's c: (layers · directions, B, ·)
        live = None if lengths is None else self._live(F.integers(lengths), T, B)  # (T, B)
        x = up_to_end(x, live)  # so that not even a NaN behind it gets through

        ends: list[list[Any]] = []  # the state after each pass
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            outs = []
            for name, reverse in zip(self._passes(layer), (False, True), strict=False):
                first = [part[len(ends)] for part in begin]  # (B, ·) each
                out, *last = self._run(name, x, first, live, reverse)
                outs.append(out)  # (T, B, out_size)
                ends.append(last)
            x = np.concatenate(outs, axis=-1) if self.bidirectional else outs[0]
        x = up_to_end(x, live)  # (T, B, directions · out_size)

        states = [np.stack(parts) for parts in zip(*ends, strict=True)]  # as `begin`
        if single:
            x, states = x[:, 0], [part[:, 0] for part in states]
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)  # (B, T, directions · out_size)
        return x, tuple(states) if self.states == 2 else states[0]

    def _run(self, called: str, x: Any, state: list[Any], live: Any, reverse: bool) -> Any:
        """One pass: h at each step (T, B, out_size), and then the last state's arrays."""
        raise NotImplementedError

    def _weights(self, called: str) -> list[Any]:
        """weight_ih, weight_hh, bias_ih and bias_hh of a pass; None for a bias that it lacks."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self, f"{name}_{called}", None) for name in names]

    # What is given is looked at before anything is computed

    def _check_input(self, shape: tuple[int, ...]) -> None:
        name, batch = type(self).__name__, "(B, T" if self.batch_first else "(T, B"
        if len(shape) not in (2, 3) or shape[-1] != self.input_size:
            raise ValueError(
                f"{name}: an input of shape {shape}, not {batch}, {self.input_size}) or "
                f"(T, {self.input_size})"
            )
        if not shape[1 if self.batch_first and len(shape) == 3 else 0]:
            raise ValueError(f"{name}: an input of shape {shape} has no step at all")

    def _begun(self, state: Any, B: int, single: bool) -> list[Any]:
        """The state before the first step, zeros if there is none: (passes, B, size) each."""
        given = pair(self, state) if self.states == 2 else (state,)
        passes, begun = self.num_layers * self.directions, []
        for part, size in zip(given, (self.out_size, self.hidden_size), strict=False):
            wanted = (passes, size) if single else (passes, B, size)
            if part is not None and np.shape(part) != wanted:
                raise ValueError(
                    f"{type(self).__name__}: a state of shape {np.shape(part)}, not {wanted}"
                )
            part = np.zeros(wanted) if part is None else as_array(part)
            begun.append(part[:, None] if single else part)
        return begun

    def _live(self, lengths: Any, T: int, B: int) -> Any:
        """(T, B), True up to each sequence's end; None where all are as long as the batch."""
        name, lengths = type(self).__name__, np.asarray(lengths)
        if lengths.dtype.kind not in "iu":
            raise TypeError(f"{name}: lengths are integers, not {lengths.dtype}")
        if lengths.shape != (B,):
            raise ValueError(
                f"{name}: lengths of shape {lengths.shape} for {B} sequences, not ({B},)"
            )
        wrong = np.flatnonzero((lengths < 1) | (lengths > T))
        if wrong.size:
            raise ValueError(
                f"{name}: sequence {wrong[0]} has length {lengths[wrong[0]]}, not one from 1 to "
                f"the batch's {T}"
            )
        return None if (lengths == T).all() else np.arange(T)[:, None] < lengths

    def extra_repr(self) -> str:
        usual = {
            "proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0,
            "bidirectional": False,
        }  # fmt: skip
        chosen = {name: getattr(self, name) for name in usual}
        options = [f"{name}={chosen[name]}" for name in usual if chosen[name] != usual[name]]
        return ", ".join([str(self.input_size), str(self.hidden_size), *options])


def up_to_end(x: Any, live: Any) -> Any:
    """x (T, B, …), 0 behind the end of each sequence; live is (T, B), None where none ends."""
    return x if live is None else np.where(live[..., None], x, 0.0)
