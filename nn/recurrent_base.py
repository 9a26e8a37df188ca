"""What recurrent layers share: several of them, both directions, sequences of unequal length."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import functional as F
from .linear import drawn
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

    Called as layer(x, state=None, lengths=None):

        x: (T, B, input_size), or (T, input_size) for a single sequence.
        state: h before the first step, (layers · directions, B, hidden_size), without B for a
            single sequence; zeros if left out. Of an LSTM a pair (h, c).
        lengths: how long each sequence is, B integers from 1 to T in any order, if not all are as
            long as x. What stands behind a sequence's end is never looked at.

    It gives the last layer's h at each step, (T, B, directions · hidden_size), 0 behind the end of
    a sequence; and the last state of each layer and direction, at the end of each sequence, shaped
    as `state`. (PyTorch has a `PackedSequence` instead of lengths.)

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
        directions = ("", "_reverse") if bidirectional else ("",)
        self.passes = [f"l{layer}{which}" for layer in range(num_layers) for which in directions]
        for place, called in enumerate(self.passes):
            width = input_size if place < len(directions) else self.out_size * len(directions)
            for what, shape in self._shapes(width).items():
                setattr(self, f"{what}_{called}", drawn(shape, hidden_size))

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
        self._check_input(np.shape(x))
        single = np.ndim(x) == 2
        if single:
            x = x[:, None]  # (T, 1, input_size)
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        states = self._begun(state, np.shape(x)[1], single)
        live = None if lengths is None else self._live(F.integers(lengths), *np.shape(x)[:2])
        if live is not None:
            x = np.where(live[..., None], x, 0.0)  # so that not even a NaN gets through

        last: list[tuple[Any, ...]] = []  # the state after each pass
        directions = 1 + self.bidirectional
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            both = []
            for reverse in range(directions):
                place = len(last)
                before = [part[place] for part in states]
                out, *after = self._run(self.passes[place], x, before, live, bool(reverse))
                both.append(out)
                last.append(tuple(after))
            x = np.concatenate(both, axis=-1) if self.bidirectional else both[0]

        if live is not None:
            x = np.where(live[..., None], x, 0.0)
        ends = tuple(np.stack(parts) for parts in zip(*last, strict=True))
        if single:
            x, ends = x[:, 0], tuple(part[:, 0] for part in ends)
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        return x, ends if self.states == 2 else ends[0]

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
        begun = []
        for part, size in zip(given, (self.out_size, self.hidden_size), strict=False):
            wanted = (len(self.passes), size) if single else (len(self.passes), B, size)
            if part is not None and np.shape(part) != wanted:
                raise ValueError(
                    f"{type(self).__name__}: a state of shape {np.shape(part)}, not {wanted}"
                )
            part = np.zeros(wanted) if part is None else part
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
