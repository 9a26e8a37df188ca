"""How large the numbers of a weight have to be, so that a signal comes through many layers."""

from __future__ import annotations

import math
from typing import Any


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a standard deviation is multiplied by, for the activation that follows. (With "selu" the
    variance does not stay 1, as its paper has it: for that take "linear".)

    Args:
        nonlinearity: "linear", "conv1d", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu".
        param: leaky ReLU's slope below 0, 0.01 if None.

    >>> round(calculate_gain("relu") ** 2, 6)  # half of the signal is lost
    2.0
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(
            f"calculate_gain: {', '.join([*GAINS, 'leaky_relu'])} are known, not {nonlinearity!r}"
        )
    return GAINS[nonlinearity]


GAINS = dict.fromkeys(["linear", "conv1d", "conv2d", "conv3d", "sigmoid"], 1.0) | {
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def fans(tensor: Any) -> dict[str, int]:
    """How many numbers flow into each output of a weight (out, in, …), and out of each input."""
    shape = tensor.shape
    if len(shape) < 2:
        raise ValueError(
            f"a tensor of shape {shape} has no fan-in and fan-out: that takes (out, in, …), two "
            "axes or more"
        )
    field = math.prod(shape[2:])
    return {"fan_in": max(shape[1] * field, 1), "fan_out": max(shape[0] * field, 1)}


def xavier_std(tensor: Any, gain: float) -> float:
    return gain * math.sqrt(2 / sum(fans(tensor).values()))


def kaiming_std(tensor: Any, a: float, mode: str, nonlinearity: str) -> float:
    fan = fans(tensor)
    if mode not in fan:
        raise ValueError(f"the mode is one of {', '.join(fan)}, not {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fan[mode])
