"""`MultiheadAttention`: several queries at each position, each with keys and values of its own."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from .. import engine
from ..engine.ops.attention import attention_weights
from . import functional as F
from . import init, masks
from .functional.given import width_of
from .linear import Linear
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """Concat(head₁, …, head_H) W_O + b_O, with headᵢ = softmax(qᵢ kᵢᵀ / √D) vᵢ, where qᵢ, kᵢ and vᵢ
    are the i-th D = embed_dim / H columns of Q W_Q + b_Q, K W_K + b_K and V W_V + b_V (Vaswani et
    al., 2017, section 3.2.2).

    Args:
        embed_dim: E, the width of queries and outputs.
        num_heads: H, which divides it.
        dropout: the probability with which, while training, an attention weight is set to 0.
        bias: whether the four products have one.
        add_bias_kv: whether there is one more key and value, learned, which all may look at.
        add_zero_attn: whether there is, after it, another of zeros: somewhere to look for a query
            that wants nothing.
        kdim, vdim: the widths of keys and values, E if None.
        batch_first: inputs and outputs are (B, T, E) instead of (T, B, E). Of one sequence alone
            they are (T, E), either way.

    Parameters: in_proj_weight (3E, E), W_Q, W_K and W_V below each other, or with other widths
    q_proj_weight (E, E), k_proj_weight (E, kdim) and v_proj_weight (E, vdim); they start as
    `init.xavier_uniform_` has it. in_proj_bias (3E,) and out_proj.bias start as 0. bias_k and
    bias_v (1, 1, E).

    Raises:
        ValueError: heads that do not divide the width; in a call, inputs and masks that do not fit.
        TypeError: sizes that are no integers; a mask of integers.

    >>> layer, x = MultiheadAttention(8, num_heads=2, batch_first=True), np.ones((3, 5, 8))
    >>> out, weights = layer(x, x, x, is_causal=True)
    >>> out.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    # In errors. A layer that hands on masks of its own puts the names here that its caller knows.
    mask_names = ("attn_mask", "key_padding_mask")

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        for name, number in (("embed_dim", embed_dim), ("num_heads", num_heads)):
            if not isinstance(number, Integral):
                raise TypeError(f"MultiheadAttention: {name} is an integer, not {number!r}")
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise ValueError(
                f"MultiheadAttention: embed_dim ({embed_dim}) must be a multiple of num_heads "
                f"({num_heads}), since each head takes an equal part of the width"
            )
        if not 0 <= dropout <= 1:
            raise ValueError(f"MultiheadAttention: dropout is a probability, not {dropout}")
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.add_zero_attn, self.batch_first = add_zero_attn, batch_first

        one_width = self.kdim == self.vdim == embed_dim
        self.in_proj_weight = projection(3 * embed_dim, embed_dim) if one_width else None
        self.q_proj_weight = None if one_width else projection(embed_dim, embed_dim)
        self.k_proj_weight = None if one_width else projection(embed_dim, self.kdim)
        self.v_proj_weight = None if one_width else projection(embed_dim, self.vdim)
        self.in_proj_bias = init.filled(3 * embed_dim, 0.0) if bias else None
        one_more = (1, 1, embed_dim)
        self.bias_k = init.xavier_normal_(init.new(one_more)) if add_bias_kv else None
        self.bias_v = init.xavier_normal_(init.new(one_more)) if add_bias_kv else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """What each query reads.

        Both masks are True where a query may *not* look, or numbers that are added to the scores.
        A query that may look nowhere reads zeros with weights of zero; PyTorch gives NaN if weights
        are asked for.

        Args:
            query: (T, B, E), or (B, T, E) with batch_first, or (T, E).
            key, value: (S, B, kdim) and (S, B, vdim), or likewise.
            key_padding_mask: (B, S), or (S,): keys that are no part of their sequence.
            need_weights: whether the weights are wanted, which takes longer.
            attn_mask: (T, S), the same for all, or (B · H, T, S).
            average_attn_weights: over heads.
            is_causal: query t may look at keys 0 to t alone; in PyTorch a mere hint that attn_mask
                says so, here as good as the mask.

        Returns:
            (T, B, E) or as query is, and the weights (B, T, S), or without average (B, H, T, S),
            after dropout, each without B if query has none; or None. An extra key is one more in S.
        """
        B, T, S = self._sizes(query, key, value)
        batched = np.ndim(query) == 3
        hidden = self._masks(attn_mask, key_padding_mask, batched, B, T, S)
        q, k, v = map(self._batch_first, self._projected(query, key, value))  # (B, T or S, E) each
        k, v = self._lengthened(k, self.bias_k), self._lengthened(v, self.bias_v)
        extra = k.shape[1] - S  # keys that all may look at, whatever the masks say of the others
        if extra:
            if is_causal:
                hidden.append(masks.causal(T, S))
            hidden, is_causal = [masks.widened(mask, extra) for mask in hidden], False
        q, k, v = (self._heads(x) for x in (q, k, v))  # (B, H, T or S, D) each

        mask = masks.allowed(*hidden)  # broadcasts to (B, H, T, S)
        noise = None
        if self.training and self.dropout:
            shape = (B, self.num_heads, T, S + extra)
            noise = F.dropout_mask(shape, self.dropout, width_of(q, k, v))
        heads = engine.scaled_dot_product_attention(q, k, v, mask, noise, is_causal)
        side_by_side = heads.swapaxes(1, 2).reshape(B, T, self.embed_dim)  # from (B, H, T, D)
        out = self._as_given(self.out_proj(side_by_side), query)
        if not need_weights:
            return out, None

        # Once more, in the open: the op above keeps its weights to itself.
        weights = attention_weights(q, k, mask, is_causal)  # (B, H, T, S)
        weights = weights if noise is None else weights * noise
        weights = weights.mean(axis=1) if average_attn_weights else weights
        return out, weights if batched else weights[0]

    # What comes in, and in which order its axes are

    def _sizes(self, query: Any, key: Any, value: Any) -> tuple[int, int, int]:
        """B, T and S, once all inputs agree on them; B is 1 for one sequence alone."""
        shapes = {"query": np.shape(query), "key": np.shape(key), "value": np.shape(value)}
        widths = {"query": self.embed_dim, "key": self.kdim, "value": self.vdim}
        axes = "(T, E)" if len(shapes["query"]) == 2 else self._axes
        for name, shape in shapes.items():
            if len(shape) not in (2, 3) or len(shape) != len(shapes["query"]):
                raise ValueError(
                    f"MultiheadAttention: {name} of shape {shape}; query, key and value are all "
                    f"{self._axes}, or all (T, E)"
                )
            if shape[-1] != widths[name]:
                raise ValueError(
                    f"MultiheadAttention: {name} of shape {shape} does not end in {widths[name]}, "
                    "the width that the layer was made for (embed_dim, kdim, vdim)"
                )
        (B, T), (B_key, S), of_value = (self._batch_and_time(shape) for shape in shapes.values())
        if B_key != B or of_value != (B, S):
            raise ValueError(
                f"MultiheadAttention: query {shapes['query']}, key {shapes['key']} and value "
                f"{shapes['value']} are {axes}: all have one B, and as many values as keys"
            )
        return B, T, S

    @property
    def _axes(self) -> str:
        return "(B, T, E)" if self.batch_first else "(T, B, E)"

    def _batch_and_time(self, shape: tuple[int, ...]) -> tuple[int, int]:
        front, last = (1, *shape[:-1])[-2:]
        return (front, last) if self.batch_first or len(shape) == 2 else (last, front)

    def _batch_first(self, x: Any) -> Any:
        if x.ndim == 2:
            return x[None]
        return x if self.batch_first else x.swapaxes(0, 1)

    def _as_given(self, x: Any, query: Any) -> Any:
        """The other way round."""
        if np.ndim(query) == 2:
            return x[0]
        return x if self.batch_first else x.swapaxes(0, 1)

    def _masks(
        self, attn_mask: Any, key_padding_mask: Any, batched: bool, B: int, T: int, S: int
    ) -> list[Any]:
        """Those that were given, each so that it broadcasts to (B, H, T, S)."""
        kind, found = type(self).__name__, []
        attn_name, padding_name = self.mask_names
        if attn_mask is not None:
            H = self.num_heads
            shapes = {"(T, S)": (T, S), "(B · H, T, S)": (B * H, T, S)}
            mask = masks.as_mask(kind, attn_name, attn_mask, shapes)
            found.append(mask if mask.ndim == 2 else mask.reshape(B, H, T, S))
        if key_padding_mask is not None:
            shapes = {"(B, S)": (B, S)} if batched else {"(S,)": (S,)}
            mask = masks.as_mask(kind, padding_name, key_padding_mask, shapes)
            found.append(mask.reshape(B, 1, 1, S))
        return found

    # Parts

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        """Q W_Q + b_Q, K W_K + b_K and V W_V + b_V, the axes as they come."""
        if self.in_proj_weight is not None and query is key is value:  # all in one product
            return np.split(F.linear(query, self.in_proj_weight, self.in_proj_bias), 3, axis=-1)
        weights: list[Any] = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        if self.in_proj_weight is not None:
            weights = np.split(self.in_proj_weight, 3)
        biases = [None] * 3 if self.in_proj_bias is None else np.split(self.in_proj_bias, 3)
        return [
            F.linear(x, weight, bias)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        ]

    def _heads(self, x: Any) -> Any:
        """(B, T, E) cut into H parts (B, H, T, D)."""
        B, T, E = x.shape
        return x.reshape(B, T, self.num_heads, E // self.num_heads).swapaxes(1, 2)

    def _lengthened(self, x: Any, learned: Any) -> Any:
        """Keys or values (B, S, E) with the extra ones behind."""
        B, _, E = x.shape
        more = [] if learned is None else [np.broadcast_to(learned, (B, 1, E))]
        if self.add_zero_attn:
            more.append(np.zeros((B, 1, E)))
        return np.concatenate([x, *more], axis=1) if more else x

    def extra_repr(self) -> str:
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}"


def projection(outputs: int, inputs: int) -> Parameter:
    return init.xavier_uniform_(init.new((outputs, inputs)))
