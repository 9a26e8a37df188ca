"""GPT: the decoder-only Transformer (Radford et al., 2018), as GPT-2 has it (2019).

In the comments B is the batch, T the time (how many tokens), C the width, H the heads, D = C / H.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import nn
from ..engine import cross_entropy, gelu
from ..nn.functional import integers, scaled_dot_product_attention


@dataclass
class GPTConfig:
    """The sizes of a GPT.

    Attributes:
        vocab_size: how many different tokens there are.
        block_size: how many tokens it can look back on, itself included.
        n_layer, n_head, n_embd: blocks, heads in each, and width.
        dropout: probability, while training.
        bias: whether linear layers and layer norms have one, as GPT-2's do.

    Raises:
        ValueError: a size that is no whole number from 1 up, or a width that the heads cannot share
            evenly.
    """

    vocab_size: int
    block_size: int = 1024
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "block_size", "n_layer", "n_head", "n_embd"):
            size = getattr(self, name)
            if not isinstance(size, int | np.integer) or size < 1:
                raise ValueError(f"GPTConfig: {name} is a whole number from 1 up, not {size!r}")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"GPTConfig: n_embd ({self.n_embd}) must be a multiple of n_head "
                f"({self.n_head}), since each head takes an equal part of the width"
            )


class CausalSelfAttention(nn.Module):
    """Every position gathers from itself and those before it what it asks for."""

    def __init__(self, config: GPTConfig) -> None:
        width = config.n_embd
        self.n_head, self.dropout = config.n_head, config.dropout
        self.c_attn = nn.Linear(width, 3 * width, bias=config.bias)  # q, k and v in one product
        self.c_proj = nn.Linear(width, width, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.dropout)

    def forward(self, x: Any) -> Any:
        B, T, C = x.shape
        qkv = self.c_attn(x).reshape(B, T, 3, self.n_head, C // self.n_head)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)  # each (B, H, T, D)
        noise = self.dropout if self.training else 0.0
        y = scaled_dot_product_attention(q, k, v, dropout_p=noise, is_causal=True)  # the same
        y = y.swapaxes(1, 2).reshape(B, T, C)  # the heads side by side
        return self.resid_dropout(self.c_proj(y))


class MLP(nn.Module):
    """Every position by itself thinks about what it has gathered."""

    def __init__(self, config: GPTConfig) -> None:
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Any) -> Any:
        x = gelu(self.c_fc(x), approximate="tanh")  # (B, T, 4C)
        return self.dropout(self.c_proj(x))  # (B, T, C)


class Block(nn.Module):
    """Attention, then an MLP; each adds to the stream x what it makes of its norm."""

    def __init__(self, config: GPTConfig) -> None:
        self.ln_1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Any) -> Any:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """Guesses the next token at every position at once.

    >>> model = GPT(GPTConfig(vocab_size=10, block_size=8, n_layer=1, n_head=2, n_embd=4))
    >>> logits, loss = model(np.array([[1, 2, 3]]), np.array([[2, 3, 4]]))
    >>> logits.shape, loss.shape
    ((1, 3, 10), ())
    """

    def __init__(self, config: GPTConfig) -> None:
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)  # what a token means
        self.wpe = nn.Embedding(config.block_size, config.n_embd)  # what its place means
        self.drop = nn.Dropout(config.dropout)
        self.blocks = [Block(config) for _ in range(config.n_layer)]
        self.ln_f = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.lm_head.weight = self.wte.weight  # tied: one table reads and writes tokens

        # GPT-2's start: small weights; those that write to the stream smaller still, so that
        # its variance does not grow with the number of blocks.
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.scaled_normal_(parameter, config.n_layer)
            elif parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        nn.init.reseed(self)

    def forward(self, ids: Any, targets: Any = None) -> tuple[Any, Any]:
        """Logits for every position, and the loss.

        Args:
            ids: integers (B, T), T at most block_size.
            targets: the token that follows at each position, (B, T), or −100 where the loss is
                not to count; or None.

        Returns:
            logits (B, T, vocab_size), and the mean cross-entropy in nats, or None.

        Raises:
            ValueError: ids of another shape, or too long.
            IndexError: an id that is not in the vocabulary.
        """
        ids, targets = np.asarray(integers(ids)), integers(targets)
        if ids.ndim != 2 or not 1 <= ids.shape[1] <= self.config.block_size:
            raise ValueError(
                f"GPT: ids are (batch, time), with time from 1 to block_size "
                f"({self.config.block_size}), not of shape {ids.shape}"
            )
        x = self.wte(ids) + self.wpe(np.arange(ids.shape[1]))  # (B, T, C)
        x = self.drop(x)
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))  # (B, T, vocab_size)
        return logits, None if targets is None else cross_entropy(logits, targets)
