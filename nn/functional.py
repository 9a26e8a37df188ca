"""Functions that networks use, with PyTorch's names, argument order and `dim`.

The ops themselves are declared in `groundup.engine`, with numpy's `axis`. All of them take
Tensors, plain arrays, and object arrays of Values.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import engine
from ..engine import (
    Tensor,
    binary_cross_entropy_with_logits,
    elu,
    gelu,
    kl_div,
    l1_loss,
    leaky_relu,
    linear,
    mse_loss,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
)
from .random import source

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "gelu",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def tanh(input: Any) -> Any:
    """np.tanh."""
    return np.tanh(input)


def softmax(input: Any, dim: int) -> Any:
    """exp(x) / Σ exp(x) along `dim`.

    >>> softmax(np.zeros((1, 2)), dim=1)
    array([[0.5, 0.5]])
    """
    return engine.softmax(input, axis=dim)


def log_softmax(input: Any, dim: int) -> Any:
    """log(softmax(x)) along `dim`, computed so that nothing overflows."""
    return engine.log_softmax(input, axis=dim)


def embedding(input: Any, weight: Any) -> Any:
    """Row `input` of a table: integers (…) and (n, C) give (…, C).

    Raises:
        IndexError: an id below 0 or not below n.
    """
    return engine.embedding(weight, integers(input))


def layer_norm(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """(x − mean) / √(var + eps) · weight + bias, over the trailing axes (Ba et al., 2016).

    Args:
        input: (…, *normalized_shape).
        normalized_shape: the sizes of the trailing axes that are normalised together.
        weight, bias: of that shape, or None for 1 and 0.
        eps: keeps a constant input finite.

    Raises:
        ValueError: the input does not end in `normalized_shape`.

    >>> layer_norm(np.array([1.0, 3.0]), (2,)).round(3)
    array([-1.,  1.])
    """
    shape, ends = np.shape(input), tuple(np.atleast_1d(normalized_shape).tolist())
    if not ends or shape[-len(ends) :] != ends:
        raise ValueError(f"layer_norm: an input of shape {shape} does not end in {ends}")
    if len(ends) == 1:
        return engine.layer_norm(input, weight, bias, eps)
    flat = np.reshape(input, (*shape[: -len(ends)], math.prod(ends)))
    weight, bias = (None if p is None else np.reshape(p, (-1,)) for p in (weight, bias))
    return np.reshape(engine.layer_norm(flat, weight, bias, eps), shape)


def rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None
) -> Any:
    """x / √(mean x² + eps) · weight over the last axis (Zhang and Sennrich, 2019).

    Args:
        input: (…, C).
        normalized_shape: C, or (C,).
        weight: (C,), or None for 1.
        eps: None for the smallest step of the input's width, as in PyTorch.

    Raises:
        ValueError: the input does not end in `normalized_shape`.
    """
    ends = tuple(np.atleast_1d(normalized_shape).tolist())
    if np.shape(input)[-1:] != ends:
        raise ValueError(f"rms_norm: an input of shape {np.shape(input)} does not end in {ends}")
    if eps is None:
        floats = np.result_type(input)
        eps = float(np.finfo(floats if floats.kind == "f" else np.float64).eps)
    return engine.rms_norm(input, weight, eps)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """x² / 2 while |x| ≤ delta, and from there on straight, x being input − target."""
    return engine.huber_loss(input, target, delta, reduction)


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Each element zero with probability p, else 1 / (1 − p) times itself (Srivastava, 2014).

    The mean stays what it was, so that nothing need change in evaluation.

    >>> dropout(np.ones(3), p=0.5, training=False)
    array([1., 1., 1.])
    """
    return input * dropout_mask(np.shape(input), p) if training and p else input


def dropout_mask(shape: tuple[int, ...], p: float) -> np.ndarray:
    """Noise from nn's generator: 0 with probability p, else 1 / (1 − p).

    Raises:
        ValueError: p is no probability.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, from 0 to 1, not {p}")
    kept = source.generator.random(shape, dtype=np.float32) >= p
    return kept * np.float32(1 / (1 - p) if p < 1 else 0)


def classes_last(input: Any) -> Any:
    """(N, C, d1, …) as (N, d1, …, C), as the engine has them."""
    return np.moveaxis(input, 1, -1) if np.ndim(input) > 2 else input


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """−log softmax(logits)[target], the mean over all targets that are not ignored, in nats.

    Args:
        input: logits (C,), (N, C) or (N, C, d1, …): the classes lie on axis 1, or on the only
            one. (`engine.cross_entropy` has them last.)
        target: integers (), (N,) or (N, d1, …), from 0 to C − 1 or `ignore_index`. Where all
            are ignored the loss is 0, and so is its gradient (PyTorch gives NaN).
        weight: (C,), how much each class counts.
        reduction: "mean", "sum", or "none" for a loss for each target.
        label_smoothing: the share of what is wanted that is spread over all classes.

    Raises:
        ValueError, TypeError, IndexError: targets of another shape, not integers, no class.

    >>> float(cross_entropy(np.zeros((2, 4)), np.array([0, 3])).round(4))  # log 4
    1.3863
    """
    return engine.cross_entropy(
        classes_last(input), integers(target), ignore_index, weight, label_smoothing, reduction
    )


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """−input[target], input being log-probabilities; arguments as of `cross_entropy`."""
    return engine.nll_loss(classes_last(input), integers(target), ignore_index, weight, reduction)


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    """softmax(q kᵀ / √d) v: each query reads the values whose keys fit it (Vaswani et al., 2017).

    Args:
        query: (…, T, d).
        key, value: (…, S, d).
        attn_mask: broadcasts to (…, T, S): True where a query may look, or numbers that are
            added to the scores. A row that may look nowhere gives zeros.
        dropout_p: as in PyTorch it acts whenever it is not 0: pass 0 in evaluation.
        is_causal: query t may look at keys 0 to t alone.
        scale: instead of 1 / √d.
    """
    noise = None
    if dropout_p:
        q, k = np.shape(query), np.shape(key)
        noise = dropout_mask((*np.broadcast_shapes(q[:-2], k[:-2]), q[-2], k[-2]), dropout_p)
    return engine.scaled_dot_product_attention(
        query, key, value, attn_mask, noise, is_causal, scale
    )


def integers(ids: Any) -> Any:
    """Ids and class numbers as a plain array: they have no gradient that could be lost."""
    return ids.data if isinstance(ids, Tensor) else ids
