"""Stacks of Transformer layers, and the encoder and decoder that translate."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from . import functional as F
from . import init, masks
from .container import ModuleList
from .module import Module
from .normalization import LayerNorm
from .transformer_layer import TransformerDecoderLayer, TransformerEncoderLayer


class Stack(Module):
    """What encoder and decoder share: a layer several times, and a norm at the end.

    Args:
        layer: a layer, of which each of the stack is a copy: they all start with the same numbers,
            as in PyTorch, until `init.reseed(model)` or another start parts them.
        num_layers: how many.
        norm: a module for what comes out, or None. With norm_first there should be one, since the
            stream itself is never normalised.

    Raises:
        ValueError: no layers.
    """

    def __init__(self, layer: Any, num_layers: int, norm: Any = None) -> None:
        if num_layers < 1:
            raise ValueError(f"{type(self).__name__}: num_layers is at least 1, not {num_layers}")
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(num_layers))
        self.num_layers, self.norm = num_layers, norm


class TransformerEncoder(Stack):
    """Encoder layers, each on the output of the one before.

    PyTorch's enable_nested_tensor and mask_check choose among its ways to compute the same, and
    change nothing here.

    >>> layer = TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)
    >>> TransformerEncoder(layer, num_layers=2)(np.ones((5, 3, 8))).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Any,
        num_layers: int,
        norm: Any = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Any,
        mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool | None = None,
    ) -> Any:
        """(T, B, E), or (B, T, E) with batch_first, to the same shape; for the masks see
        `MultiheadAttention.forward`."""
        x = src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Stack):
    """Decoder layers, each on the output of the one before; all read the same memory.

    >>> layer = TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> TransformerDecoder(layer, num_layers=2)(np.ones((5, 3, 8)), np.ones((7, 3, 8))).shape
    (5, 3, 8)
    """

    def __init__(self, decoder_layer: Any, num_layers: int, norm: Any = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The output of the last layer. Arguments: see `TransformerDecoderLayer.forward`."""
        x = tgt
        for layer in self.layers:
            x = layer(
                x, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
                bool(tgt_is_causal), memory_is_causal,
            )  # fmt: skip
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """An encoder reads a sequence, a decoder writes another, looking back at what was read (Vaswani
    et al., 2017, figure 1). Embeddings and positions before it, and logits after it, are yours.

    Args:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias: see `TransformerEncoderLayer`.
        num_encoder_layers, num_decoder_layers: how many of each.
        custom_encoder, custom_decoder: modules instead of those made here, called as they are.

    Weights, but not biases and norms, start as `init.xavier_uniform_` has it.

    >>> model = Transformer(8, nhead=2, dim_feedforward=16, batch_first=True)
    >>> model(np.ones((3, 7, 8)), np.ones((3, 5, 8)), tgt_is_causal=True).shape
    (3, 5, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        options: Any = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias,
        )  # fmt: skip
        self.encoder, self.decoder = custom_encoder, custom_decoder
        if custom_encoder is None:
            self.encoder = TransformerEncoder(
                TransformerEncoderLayer(*options),
                num_encoder_layers,
                LayerNorm(d_model, layer_norm_eps, bias=bias),
            )
        if custom_decoder is None:
            self.decoder = TransformerDecoder(
                TransformerDecoderLayer(*options),
                num_decoder_layers,
                LayerNorm(d_model, layer_norm_eps, bias=bias),
            )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """(T, B, E), for each position of tgt.

        Args:
            src: (S, B, E), or (B, S, E) with batch_first, or (S, E): what is read.
            tgt: (T, B, E), or likewise: what has been written. Pass tgt_is_causal=True, or a mask,
                wherever a position must not see what comes after it.
            src_mask, src_key_padding_mask, src_is_causal: where src may not look at itself; see
                `MultiheadAttention`. Likewise for tgt, and for memory, which is what the encoder
                made of src: its padding is src's, but must be said again.
        """
        memory = self.encoder(
            src,
            mask=src_mask,
            src_key_padding_mask=src_key_padding_mask,
            is_causal=src_is_causal,
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int) -> np.ndarray:
        """(sz, sz), to be added to scores: 0 where query t may look, at keys 0 to t, −∞ elsewhere.

        >>> Transformer.generate_square_subsequent_mask(2)
        array([[  0., -inf],
               [  0.,   0.]])
        """
        return np.where(masks.causal(sz, sz), -np.inf, 0.0)
