"""Attention weights, read off a graph: who looked where, in every call of attention behind it."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from ...engine import Tensor, enable_grad, scaled_dot_product_attention, softmax
from ...engine.arguments import each
from ...engine.graph import Node, ancestry
from ...engine.op import TABLE
from .recorder import numbered


class Attention(NamedTuple):
    """One call of attention.

    Attributes:
        weights: (B, H, T, S), each row summing to 1, or to 0 where it may look nowhere; before
            dropout.
        hidden: (B, H, T, S), where a query may not look.
    """

    weights: np.ndarray
    hidden: np.ndarray


def attention_weights(node: Node) -> dict[str, np.ndarray]:
    """The attention weights (B, H, T, S) of each call behind a node, by the module's path.

    A module that was called twice comes as `attn` and `attn (2)`. Attention over arrays of fewer
    axes has B or H 1.

    Args:
        node: a result of a model that was computed outside `no_grad`, its loss or its logits.

    Raises:
        ValueError: there is no attention behind it.

    >>> from groundup.engine import Tensor
    >>> x = Tensor(np.eye(2), requires_grad=True)
    >>> attention_weights(scaled_dot_product_attention(x, x, x, is_causal=True))
    {'attention': array([[[[1.        , 0.        ],
             [0.33023845, 0.66976155]]]])}
    """
    return {path: one.weights for path, one in attentions(node).items()}


def attentions(node: Node) -> dict[str, Attention]:
    """Each call of attention behind a node, by its module's path, in their order."""
    if not isinstance(node, Node):
        raise TypeError(f"attention: a loss or logits, not {type(node).__name__}")
    found: dict[str, Attention] = {}
    times = Counter[str]()
    for one in ancestry(node):
        if one.op is TABLE[scaled_dot_product_attention]:
            path = (one.scope.path if one.scope else "") or "attention"
            found[numbered(path, times)] = look_again(one)
    if not found:
        raise ValueError(
            "attention: no scaled_dot_product_attention of Tensors behind this node. Compute it "
            "outside no_grad(), and not with a scalar model"
        )
    return found


def look_again(node: Node) -> Attention:
    """Run the definition of attention again, and read the weights where it computes them."""
    with enable_grad():
        out = node.op.definition(*(each(leaf, arg) for arg in node.args), **node.kwargs)
    made = next(inner for inner in ancestry(out) if inner.op is TABLE[softmax])
    (scores, *_) = made.args
    return Attention(four_axes(made._data), four_axes(np.isneginf(scores._data)))


def leaf(x: Tensor) -> Any:
    """The same numbers with nothing behind them, and asking for a gradient, so that what is made
    of them is recorded."""
    return Tensor(x._data, requires_grad=True) if x.dtype.kind == "f" else x._data


def four_axes(x: np.ndarray) -> np.ndarray:
    """(B, H, T, S), whatever stood before T and S."""
    if x.ndim == 2:
        x = x[None]  # (1, T, S)
    if x.ndim == 3:
        x = x[:, None]  # (B, 1, T, S)
    return x.reshape(-1, *x.shape[-3:])
