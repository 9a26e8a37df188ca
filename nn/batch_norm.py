"""Batch norm: each channel brought to mean 0 and variance 1, over all that is seen at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.ops.constants import as_constants
from . import init
from .functional.given import as_array
from .module import Module


class BatchNorm(Module):
    """What `BatchNorm1d` and `BatchNorm2d` share (Ioffe and Szegedy, 2015, algorithms 1 and 2).

        (x − mean) / √(var + eps) · weight + bias

    mean and var, of n numbers and divided by n, are the batch's own, channel by channel. While
    training, running averages of both are kept; evaluation uses these instead, so that a result
    does not depend on what else is in the batch.

    Args:
        num_features: C, how many channels there are, on axis 1.
        eps: keeps a constant channel finite.
        momentum: the share of the newest batch in the running averages, or None for the plain
            average of all batches.
        affine: whether weight and bias are learned, (C,) each; they start as 1 and 0.
        track_running_stats: False uses the batch's own in evaluation too.

    Buffers: running_mean and running_var, (C,) each, the latter of variances divided by n − 1;
    num_batches_tracked.

    Raises:
        ValueError: in a call, an input of another shape; a batch with a single number for each
            channel, which has no variance.
    """

    dims: tuple[int, ...]  # how many axes an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = init.filled(num_features, 1.0) if affine else None
        self.bias = init.filled(num_features, 0.0) if affine else None
        tracked = track_running_stats
        zeros, ones = np.zeros(num_features, np.float32), np.ones(num_features, np.float32)
        self.register_buffer("running_mean", zeros if tracked else None)
        self.register_buffer("running_var", ones if tracked else None)
        self.register_buffer("num_batches_tracked", 0 if tracked else None)

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        shape = np.shape(x)
        if len(shape) not in self.dims or shape[1] != self.num_features:
            raise ValueError(
                f"{type(self).__name__}: an input of {' or '.join(map(str, self.dims))} axes, the "
                f"second of length {self.num_features}, not of shape {shape}"
            )
        axes = (0, *range(2, len(shape)))
        column = (-1, *(1,) * (len(shape) - 2))  # (C, 1, …), so that channels meet channels
        if self.training or not self.track_running_stats:
            count = math.prod(shape) // max(shape[1], 1)
            if count < 2:
                raise ValueError(
                    f"{type(self).__name__}: shape {shape} has {count} numbers for each channel, "
                    "of which there is no variance; train on larger batches, or call eval()"
                )
            mean = np.mean(x, axis=axes, keepdims=True)
            centred = x - mean
            var = np.mean(centred * centred, axis=axes, keepdims=True)
            if self.track_running_stats:
                self._track(as_constants(mean), as_constants(var) * (count / (count - 1)))
        else:
            centred, var = x - self.running_mean.reshape(column), self.running_var.reshape(column)
        out = centred * (1 / np.sqrt(var + self.eps))
        out = out if self.weight is None else out * self.weight.reshape(column)
        return out if self.bias is None else out + self.bias.reshape(column)

    def _track(self, mean: np.ndarray, var: np.ndarray) -> None:
        """Move the running means towards those of a batch."""
        self.num_batches_tracked = self.num_batches_tracked + 1
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        for name, new in (("running_mean", mean), ("running_var", var)):
            old = getattr(self, name)
            moved = (1 - share) * old + share * new.reshape(-1)
            setattr(self, name, moved.astype(old.dtype))

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(BatchNorm):
    """Over (B, C) or (B, C, T). Arguments: see `nn.batch_norm.BatchNorm`.

    >>> BatchNorm1d(1)(np.array([[1.0], [3.0]])).data.round(3).tolist()
    [[-1.0], [1.0]]
    """

    dims = (2, 3)


class BatchNorm2d(BatchNorm):
    """Over images (B, C, H, W). Arguments: see `nn.batch_norm.BatchNorm`.

    >>> BatchNorm2d(1)(np.array([[[[1.0, 3.0]]]])).data.round(3).tolist()
    [[[[-1.0, 1.0]]]]
    """

    dims = (4,)
