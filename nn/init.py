"""Initial weights: each function gives a parameter new numbers, in place, and returns it.

They come from nn's generator. A parameter remembers how it was started, so that `reseed` can draw
it again: nothing else need be said of a layer that starts its parameters with these functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..engine import Tensor
from ..engine.graph import describe
from . import draws
from .gains import calculate_gain as calculate_gain
from .gains import fans, kaiming_std, xavier_std
from .parameter import Parameter
from .random import source


def start_(tensor: Any, draw: Callable[..., Any]) -> Any:
    """Numbers from `draw(generator, shape)`, now and whenever the model is reseeded.

    All others here are made of it. Use it where parts of a parameter start differently.

    Raises:
        TypeError: an array, such as a parameter's .data, or a scalar model's weight.
        ValueError: a part of a parameter, or something else that was computed: what it came of
            would stay as it is.

    >>> def first_row_zero(rng, shape):
    ...     table = rng.standard_normal(shape)
    ...     table[0] = 0
    ...     return table
    >>> start_(Parameter(np.ones((2, 1))), first_row_zero).data[0].tolist()
    [0.0]
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"init: a Parameter or a Tensor, not a {type(tensor).__name__}; pass the parameter "
            "itself, not its .data, and a model before to_scalars"
        )
    if tensor.op is not None or hasattr(tensor, "why"):
        raise ValueError(
            f"init: new numbers for a {describe(tensor)} would not reach what it is a part or a "
            "result of. Pass the whole parameter; where parts of it start differently, "
            "init.start_(p, draw), or a write into p.data[3:6] before it is used"
        )
    tensor.data = draw(source.generator, tensor.shape)
    if isinstance(tensor, Parameter):
        tensor.start = draw
    return tensor


def new(shape: int | tuple[int, ...]) -> Parameter:
    """A new parameter of that shape, in float32, for a function of this file to initialise.

    >>> uniform_(new((3, 2)), -0.5, 0.5).shape
    (3, 2)
    """
    return Parameter(np.zeros(shape, np.float32))


def reseed(model: Any, seed: int | None = None) -> None:
    """Draw each parameter again, from the seed and its dotted name alone.

    So a layer that is added, left out or made wider moves no other one's start. Models call it last
    in their `__init__`. A tied parameter is drawn once, by the first of its names. One that no
    function of this file has started keeps its numbers, and so do every Value and every buffer.

    Args:
        model: a `Module`.
        seed: from 0; None for the next of those that follow from `nn.manual_seed`, whatever was
            drawn before.

    Raises:
        TypeError: a model of Values alone, which know no distribution.

    >>> from groundup import nn
    >>> small = nn.Sequential(nn.Linear(2, 2))
    >>> large = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    >>> for model in (large, small):
    ...     reseed(model, seed=0)
    >>> bool((small[0].weight.data == large[0].weight.data).all())
    True
    """
    seed = int(source.seeds.integers(2**63)) if seed is None else seed
    named = dict(model.named_parameters())
    arrays = {name: p for name, p in named.items() if isinstance(p, Parameter)}
    if named and not arrays:
        raise TypeError("reseed: a scalar model has numbers alone: reseed it before to_scalars")
    for name, parameter in arrays.items():
        if parameter.start is not None:
            stream = np.random.SeedSequence(seed, spawn_key=tuple(name.encode()))
            parameter.data = parameter.start(np.random.default_rng(stream), parameter.shape)


# The same everywhere, or nearly


def constant_(tensor: Any, val: float) -> Any:
    """`val` everywhere."""
    return start_(tensor, partial(draws.constant, value=val))


def zeros_(tensor: Any) -> Any:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Any:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def filled(shape: int | tuple[int, ...], val: float) -> Parameter:
    """A new parameter, `val` everywhere."""
    return constant_(new(shape), val)


def eye_(tensor: Any) -> Any:
    """1 on the diagonal of a matrix, 0 elsewhere: as many inputs as can be go through unchanged."""
    if len(tensor.shape) != 2:
        raise ValueError(f"eye_: a matrix, not a tensor of shape {tensor.shape}")
    return start_(tensor, draws.identity)


# Of a given spread


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0) -> Any:
    """Numbers from a to b, all equally likely.

    Raises:
        ValueError: a is above b.
    """
    if not a <= b:
        raise ValueError(f"uniform_: a is at most b, unlike a={a}, b={b}")
    return start_(tensor, partial(draws.uniform, low=a, high=b))


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0) -> Any:
    """Numbers from the normal distribution of that mean and standard deviation.

    Raises:
        ValueError: std is below 0.
    """
    if not std >= 0:
        raise ValueError(f"normal_: std is 0 or more, not {std}")
    return start_(tensor, partial(draws.normal, mean=mean, std=std))


def fan_in_uniform(shape: int | tuple[int, ...], fan_in: int) -> Parameter:
    """A new parameter, uniform in ±1/√fan_in, where each output sees fan_in inputs: PyTorch's
    default (Glorot and Bengio, 2010, equation 1, where it is what they improve on)."""
    bound = 1 / math.sqrt(max(fan_in, 1))
    return uniform_(new(shape), -bound, bound)


def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Any:
    """Numbers from the normal distribution of that mean and standard deviation, those from a to b
    alone. (The standard deviation of what is left is smaller than `std`.)

    Raises:
        ValueError: a is not below b, or std is not above 0.
    """
    if not (a < b and std > 0):
        raise ValueError(
            f"trunc_normal_: std is above 0 and a below b, unlike std={std}, a={a}, b={b}"
        )
    return start_(tensor, partial(draws.truncated_normal, mean=mean, std=std, low=a, high=b))


def scaled_normal_(tensor: Any, n_layer: int, std: float = 0.02) -> Any:
    """GPT-2's start of what writes into the residual stream (Radford et al., 2019, section 2.3):
    normal, with a standard deviation of std / √(2 · n_layer).

    Each of n_layer blocks writes twice, so all that they add has the variance of one.
    """
    return normal_(tensor, std=std / math.sqrt(2 * n_layer))


# Of a spread that carries a signal through many layers


def xavier_uniform_(tensor: Any, gain: float = 1.0) -> Any:
    """Uniform in ±√3 · gain · √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010, equation 16): a
    middle way between keeping the signal's variance and keeping the gradient's.

    Raises:
        ValueError: fewer than two axes.
    """
    bound = math.sqrt(3) * xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Any, gain: float = 1.0) -> Any:
    """Normal, with the standard deviation gain · √(2 / (fan_in + fan_out))."""
    return normal_(tensor, std=xavier_std(tensor, gain))


def kaiming_uniform_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Any:
    """Uniform in ±√3 · gain / √fan (He et al., 2015, equation 10): through layers of ReLUs the
    variance stays what it was.

    Args:
        tensor: (out, in, …).
        a: leaky ReLU's slope below 0.
        mode: "fan_in" keeps the signal's variance, "fan_out" the gradient's.
        nonlinearity: see `calculate_gain`.

    Raises:
        ValueError: fewer than two axes, or another mode or nonlinearity.
    """
    bound = math.sqrt(3) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> Any:
    """Normal, with the standard deviation gain / √fan; arguments: see `kaiming_uniform_`."""
    return normal_(tensor, std=kaiming_std(tensor, a, mode, nonlinearity))


def orthogonal_(tensor: Any, gain: float = 1.0) -> Any:
    """gain times a matrix that keeps lengths, all such being equally likely (Saxe et al., 2014).

    Rows are orthonormal, or columns if those are fewer; more than two axes are taken as
    (shape[0], the rest).

    Raises:
        ValueError: fewer than two axes.
    """
    fans(tensor)
    return start_(tensor, partial(draws.orthogonal, gain=gain))
