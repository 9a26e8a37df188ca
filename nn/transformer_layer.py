"""The two layers of a Transformer: attention, then a small network applied at each position.

Each part adds its result to a stream x. The norm stands after the sum, as in the paper, or before
the part (`norm_first`):

    x = norm(x + part(x))        Vaswani et al., 2017, section 3.1
    x = x + part(norm(x))        Xiong et al., 2020

In the second the stream itself is never normalised: gradients pass along it unchanged, and deep
stacks train without a warm-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import functional as F
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .multihead import MultiheadAttention
from .normalization import LayerNorm

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": F.relu, "gelu": F.gelu}


class TransformerLayer(Module):
    """What both layers share: their parts, and how a part is added.

    Args:
        d_model: E, the width.
        nhead: the number of heads; it divides d_model.
        dim_feedforward: the hidden width of the feed-forward network, W₂ act(W₁ x + b₁) + b₂.
        dropout: the probability, for the attention weights, inside the feed-forward network, and
            for what each part adds to the stream.
        activation: "relu", "gelu", or a function.
        layer_norm_eps: the eps of the norms.
        batch_first: inputs and outputs are (B, T, E) instead of (T, B, E). A single sequence is
            (T, E), either way.
        norm_first: whether a norm stands before its part.
        bias: whether products and norms have one.

    Raises:
        ValueError: heads that do not divide the width; an unknown activation.
    """

    own = "src"  # the name of the stream in forward, for errors about its masks
    reads_memory = False  # whether there is a second attention, to the encoder's output

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        if isinstance(activation, str) and activation not in ACTIVATIONS:
            raise ValueError(
                f"{type(self).__name__}: activation is 'relu', 'gelu' or a function, not "
                f"{activation!r}"
            )

        def attention(to: str) -> MultiheadAttention:
            made = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
            made.mask_names = (f"{to}_mask", f"{to}_key_padding_mask")
            return made

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias)

        # In PyTorch's order, which that of `parameters()` and `repr` follows.
        self.self_attn = attention(self.own)
        if self.reads_memory:
            self.multihead_attn = attention("memory")
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm_first = norm_first
        self.norm1, self.norm2 = norm(), norm()
        if self.reads_memory:
            self.norm3 = norm()
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        if self.reads_memory:
            self.dropout3 = Dropout(dropout)
        self.activation = ACTIVATIONS[activation] if isinstance(activation, str) else activation

    def _add(self, x: Any, part: Callable[[Any], Any], norm: LayerNorm, dropout: Dropout) -> Any:
        """x and what a part makes of it, normalised before the part or after the sum."""
        if self.norm_first:
            return x + dropout(part(norm(x)))
        return norm(x + dropout(part(x)))

    def _feed_forward(self, x: Any) -> Any:
        hidden = self.activation(self.linear1(x))  # (…, dim_feedforward)
        return self.linear2(self.dropout(hidden))  # (…, E)


class TransformerEncoderLayer(TransformerLayer):
    """Each position gathers from the whole sequence, then works on what it has.

    Arguments: see `TransformerLayer`.

    >>> import numpy as np
    >>> layer = TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(np.ones((3, 5, 8)), is_causal=True).shape
    (3, 5, 8)
    """

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Any:
        """(T, B, E), or (B, T, E) with batch_first, to the same shape; for the masks see
        `MultiheadAttention.forward`."""

        def attend(x: Any) -> Any:
            masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask}
            return self.self_attn(x, x, x, **masks, is_causal=is_causal, need_weights=False)[0]

        x = self._add(src, attend, self.norm1, self.dropout1)
        return self._add(x, self._feed_forward, self.norm2, self.dropout2)


class TransformerDecoderLayer(TransformerLayer):
    """Each position gathers from its own sequence, then from another, then works on both.

    Arguments: see `TransformerLayer`.

    >>> import numpy as np
    >>> layer = TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(np.ones((3, 5, 8)), memory=np.ones((3, 7, 8)), tgt_is_causal=True).shape
    (3, 5, 8)
    """

    own, reads_memory = "tgt", True

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The next tgt, of the same shape.

        Args:
            tgt: (T, B, E), or (B, T, E) with batch_first.
            memory: (S, B, E), or (B, S, E): the encoder's output.
            tgt_mask, tgt_key_padding_mask, tgt_is_causal: where tgt may not look at itself; see
                `MultiheadAttention.forward`.
            memory_mask, memory_key_padding_mask, memory_is_causal: where it may not look at memory.
        """

        def attend(x: Any) -> Any:
            masks = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask}
            return self.self_attn(x, x, x, **masks, is_causal=tgt_is_causal, need_weights=False)[0]

        def attend_memory(x: Any) -> Any:
            return self.multihead_attn(
                x,
                memory,
                memory,
                attn_mask=memory_mask,
                key_padding_mask=memory_key_padding_mask,
                is_causal=memory_is_causal,
                need_weights=False,
            )[0]

        x = self._add(tgt, attend, self.norm1, self.dropout1)
        x = self._add(x, attend_memory, self.norm2, self.dropout2)
        return self._add(x, self._feed_forward, self.norm3, self.dropout3)
