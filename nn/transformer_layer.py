"""The two layers of a Transformer: attention, then a network for each position by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import functional as F
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .multihead import MultiheadAttention
from .normalization import LayerNorm

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": F.relu, "gelu": F.gelu}


class TransformerLayer(Module):
    """What both layers share (Vaswani et al., 2017, section 3).

    Each part adds to a stream x what it makes of it. After the sum comes a norm, as in the paper:
    norm(x + part(x)); or, with norm_first, before the part: x + part(norm(x)), which lets gradients
    pass unchanged along the stream, so that deep stacks learn from the first step (Xiong et al.,
    2020).

    Args:
        d_model: E, the width.
        nhead: heads, which divide it.
        dim_feedforward: the width inside the feed-forward network, W₂ act(W₁ x + b₁) + b₂.
        dropout: the probability, of all that is added to the stream, of weights of attention, and
            inside the feed-forward network.
        activation: "relu", "gelu", or a function.
        layer_norm_eps: of the norms.
        batch_first: inputs and outputs are (B, T, E) instead of (T, B, E). Of one sequence alone
            they are (T, E), either way.
        norm_first: see above.
        bias: whether products and norms have one.

    Raises:
        ValueError: heads that do not divide the width; another activation.
    """

    attentions: Mapping[str, str]  # in their order, and to what each looks: `src` has a src_mask
    self_attn: MultiheadAttention

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
        for name, seen in self.attentions.items():
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
            attention.mask_names = (f"{seen}_mask", f"{seen}_key_padding_mask")
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm_first = norm_first
        parts = range(1, len(self.attentions) + 2)
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = ACTIVATIONS[activation] if isinstance(activation, str) else activation

    def _add(self, x: Any, number: int, part: Callable[[Any], Any]) -> Any:
        """x, and what a part makes of it."""
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        if self.norm_first:
            return x + dropout(part(norm(x)))
        return norm(x + dropout(part(x)))

    def _feed_forward(self, x: Any) -> Any:
        hidden = self.activation(self.linear1(x))  # (…, dim_feedforward)
        return self.linear2(self.dropout(hidden))  # (…, E)


class TransformerEncoderLayer(TransformerLayer):
    """Every position gathers from all of the sequence, then thinks about it.

    Arguments as of `TransformerLayer`.

    >>> import numpy as np
    >>> layer = TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(np.ones((3, 5, 8)), is_causal=True).shape
    (3, 5, 8)
    """

    attentions: Mapping[str, str] = {"self_attn": "src"}

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Any:
        """(T, B, E), or as batch_first has it, from the same; masks as of `MultiheadAttention`."""
        masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask}

        def gather(x: Any) -> Any:
            return self.self_attn(x, x, x, **masks, is_causal=is_causal, need_weights=False)[0]

        x = self._add(src, 1, gather)
        return self._add(x, 2, self._feed_forward)


class TransformerDecoderLayer(TransformerLayer):
    """Every position gathers from its sequence, then from another one, then thinks about both.

    Arguments as of `TransformerLayer`.

    >>> import numpy as np
    >>> layer = TransformerDecoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> layer(np.ones((3, 5, 8)), memory=np.ones((3, 7, 8)), tgt_is_causal=True).shape
    (3, 5, 8)
    """

    attentions: Mapping[str, str] = {"self_attn": "tgt", "multihead_attn": "memory"}
    multihead_attn: MultiheadAttention

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
            tgt: (T, B, E), or as batch_first has it.
            memory: (S, B, E), what the encoder made of its sequence.
            tgt_mask, tgt_key_padding_mask, tgt_is_causal: where tgt may not look at itself; as of
                `MultiheadAttention`.
            memory_mask, memory_key_padding_mask, memory_is_causal: where it may not look at memory.
        """
        own = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask}
        other = {"attn_mask": memory_mask, "key_padding_mask": memory_key_padding_mask}

        def gather(x: Any) -> Any:
            return self.self_attn(x, x, x, **own, is_causal=tgt_is_causal, need_weights=False)[0]

        def gather_from_memory(x: Any) -> Any:
            options = {**other, "is_causal": memory_is_causal, "need_weights": False}
            return self.multihead_attn(x, memory, memory, **options)[0]

        x = self._add(tgt, 1, gather)
        x = self._add(x, 2, gather_from_memory)
        return self._add(x, 3, self._feed_forward)
