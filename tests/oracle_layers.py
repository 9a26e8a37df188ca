"""How layers are tried against PyTorch's; see `oracle.py`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from groundup import nn
from groundup.engine.samples import Draw
from oracle import Trial, parity, torch

# Linear, and what goes with it


@parity("Linear")
def linear(draw: Draw) -> Trial:
    inputs, outputs = draw.sides(2, 1, 4)
    options = {"in_features": inputs, "out_features": outputs, "bias": draw.boolean()}
    return Trial(options, (draw.array((*draw.shape(max_dims=3), inputs)),))


@parity("Embedding")
def embedding(draw: Draw) -> Trial:
    rows = draw.integer(1, 4)
    padding = draw.choice((None, draw.integer(-rows, rows - 1)))
    options = {"num_embeddings": rows, "embedding_dim": draw.integer(1, 3), "padding_idx": padding}
    return Trial(options, (draw.index(rows, draw.shape(max_dims=3)),))


@parity("Identity")
def identity(draw: Draw) -> Trial:
    return Trial({}, (draw.array(draw.shape()),))


@parity("Flatten")
def flatten(draw: Draw) -> Trial:
    shape = draw.shape(min_dims=2)
    start = draw.integer(0, len(shape) - 1)
    options = {
        "start_dim": start,
        "end_dim": draw.choice((-1, draw.integer(start, len(shape) - 1))),
    }
    return Trial(options, (draw.array(shape),))


def dropped(draw: Draw) -> tuple[float, bool]:
    """A probability and a mode in which nothing is left to chance."""
    return draw.choice(((0.0, True), (1.0, True), (0.3, False), (1.0, False)))


@parity("Dropout", note="In training only p = 0 and 1, since the two draw other numbers")
def dropout(draw: Draw) -> Trial:
    p, training = dropped(draw)
    return Trial({"p": p}, (draw.array(draw.shape()),), training)


def build(nn: Any, widths: tuple[int, ...]) -> Any:
    pairs = [(nn.Linear(n, m), nn.Tanh()) for n, m in pairwise(widths)]
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


@parity("Sequential", lambda widths: build(nn, widths), lambda widths: build(torch.nn, widths))
def sequential(draw: Draw) -> Trial:
    widths = draw.sides(draw.integer(2, 4), 1, 3)
    return Trial({"widths": widths}, (draw.array((2, widths[0])),))


# Activations


@parity("ReLU")
@parity("SELU")
@parity("SiLU")
@parity("Sigmoid")
@parity("Tanh")
def activation(draw: Draw) -> Trial:
    return Trial({}, (draw.array(draw.shape()),))


@parity("GELU")
def gelu(draw: Draw) -> Trial:
    return Trial({"approximate": draw.choice(("none", "tanh"))}, (draw.array(draw.shape()),))


@parity("LeakyReLU")
def leaky_relu(draw: Draw) -> Trial:
    return Trial({"negative_slope": draw.choice((0.01, 0.5, 0.0))}, (draw.array(draw.shape()),))


@parity("ELU")
def elu(draw: Draw) -> Trial:
    return Trial({"alpha": draw.choice((1.0, 0.5, 2.0))}, (draw.array(draw.shape()),))


@parity("Softplus")
def softplus(draw: Draw) -> Trial:
    options = {"beta": draw.choice((1.0, 0.5, 3.0)), "threshold": draw.choice((20.0, 1.25))}
    return Trial(options, (draw.array(draw.shape()),))


@parity("Softmax")
@parity("LogSoftmax")
def softmax(draw: Draw) -> Trial:
    shape = draw.shape(min_dims=1)
    return Trial({"dim": draw.axis(len(shape))}, (draw.array(shape),))


class TorchSwiGLU:
    """The equation, in PyTorch."""

    def __new__(cls, in_features: int, hidden_features: int, out_features: Any, bias: bool) -> Any:
        class SwiGLU(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.w1 = torch.nn.Linear(in_features, hidden_features, bias)
                self.w2 = torch.nn.Linear(hidden_features, out_features or in_features, bias)
                self.w3 = torch.nn.Linear(in_features, hidden_features, bias)

            def forward(self, x: Any) -> Any:
                gate = self.w1(x)
                return self.w2(gate * torch.sigmoid(gate) * self.w3(x))

        return SwiGLU()


@parity("SwiGLU", theirs=TorchSwiGLU, note="PyTorch has none: against Shazeer's equation in it")
def swiglu(draw: Draw) -> Trial:
    inputs, hidden, outputs = draw.sides(3, 1, 3)
    options = {
        "in_features": inputs,
        "hidden_features": hidden,
        "out_features": draw.choice((None, outputs)),
        "bias": draw.boolean(),
    }
    return Trial(options, (draw.array((*draw.shape(max_dims=2), inputs)),))


# Norms


@parity("LayerNorm")
def layer_norm(draw: Draw) -> Trial:
    shape = draw.sides(draw.integer(1, 2), 2, 3)
    options = {
        "normalized_shape": shape if len(shape) > 1 or draw.boolean() else shape[0],
        "eps": draw.choice((1e-5, 0.1)),
        "elementwise_affine": draw.boolean(),
        "bias": draw.boolean(),
    }
    return Trial(options, (draw.array((*draw.shape(max_dims=2), *shape), distinct=True),))


@parity("RMSNorm")
def rms_norm(draw: Draw) -> Trial:
    shape = draw.sides(draw.integer(1, 2), 1, 3)
    options = {
        "normalized_shape": shape if len(shape) > 1 or draw.boolean() else shape[0],
        "eps": draw.choice((None, 1e-5, 0.1)),
        "elementwise_affine": draw.boolean(),
    }
    return Trial(options, (draw.array((*draw.shape(max_dims=2), *shape)),))


def batch_norm(draw: Draw, *sides: int) -> Trial:
    batch, channels = draw.integer(2, 3), draw.integer(1, 3)
    options = {
        "num_features": channels,
        "eps": draw.choice((1e-5, 0.1)),
        "momentum": draw.choice((0.1, 0.7, None)),
        "affine": draw.boolean(),
        "track_running_stats": draw.boolean(),
    }
    x = draw.array((batch, channels, *sides), distinct=True)
    return Trial(options, (x,), draw.boolean())


@parity("BatchNorm1d")
def batch_norm1d(draw: Draw) -> Trial:
    return batch_norm(draw, *draw.sides(draw.integer(0, 1), 1, 3))


@parity("BatchNorm2d")
def batch_norm2d(draw: Draw) -> Trial:
    return batch_norm(draw, *draw.sides(2, 1, 2))


# Convolution and pooling


def numbers(draw: Draw, dims: int, low: int, high: int) -> Any:
    """One number for all axes, or one for each."""
    return draw.integer(low, high) if draw.boolean() else draw.sides(dims, low, high)


def picture(draw: Draw, channels: int, dims: int, side: int) -> Any:
    """A batch of pictures, which may be empty, or one alone."""
    batch = draw.choice(((), (1,), (2,), (0,)))
    return draw.array((*batch, channels, *draw.sides(dims, side, side + 2)), distinct=True)


def convolution(draw: Draw, dims: int) -> Trial:
    groups, inputs, outputs = draw.sides(3, 1, 2)
    stride, padding = numbers(draw, dims, 1, 2), numbers(draw, dims, 0, 2)
    words = ("valid", "same", "same") if stride in (1, (1,) * dims) else ("valid",)
    options = {
        "in_channels": groups * inputs,
        "out_channels": groups * outputs,
        "kernel_size": numbers(draw, dims, 1, 3),
        "stride": stride,
        "padding": draw.choice((padding, *words)),
        "dilation": numbers(draw, dims, 1, 2),
        "groups": groups,
        "bias": draw.boolean(),
    }
    return Trial(options, (picture(draw, groups * inputs, dims, side=5),))


@parity("Conv1d")
def conv1d(draw: Draw) -> Trial:
    return convolution(draw, 1)


@parity("Conv2d")
def conv2d(draw: Draw) -> Trial:
    return convolution(draw, 2)


def pooling(draw: Draw, dims: int, **more: Any) -> Trial:
    size, half = draw.choice(((1, 0), (2, 1), (3, 1)))
    options = {
        "kernel_size": draw.choice((size, (size,) * dims)),
        "stride": draw.choice((None, numbers(draw, dims, 1, 3))),
        "padding": numbers(draw, dims, 0, half),
        "ceil_mode": draw.boolean(),
        **more,
    }
    return Trial(options, (picture(draw, 2, dims, side=5),))


@parity("MaxPool1d")
def max_pool1d(draw: Draw) -> Trial:
    return pooling(draw, 1, dilation=numbers(draw, 1, 1, 2))


@parity("MaxPool2d")
def max_pool2d(draw: Draw) -> Trial:
    return pooling(draw, 2, dilation=numbers(draw, 2, 1, 2))


@parity("AvgPool1d")
def avg_pool1d(draw: Draw) -> Trial:
    return pooling(draw, 1, count_include_pad=draw.boolean())


@parity("AvgPool2d")
def avg_pool2d(draw: Draw) -> Trial:
    divisor = draw.choice((None, 3))
    return pooling(draw, 2, count_include_pad=draw.boolean(), divisor_override=divisor)
