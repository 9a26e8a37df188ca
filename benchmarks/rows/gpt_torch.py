"""The same GPT in PyTorch, eager, written as its users write it to be fast."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .gpt_sizes import CLIP, RATE, SIZES, Size


class Attention(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.n_head = size.n_head
        self.c_attn = nn.Linear(size.n_embd, 3 * size.n_embd)
        self.c_proj = nn.Linear(size.n_embd, size.n_embd)

    def forward(self, x: Any) -> Any:
        B, T, C = x.shape
        q, k, v = (
            part.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            for part in self.c_attn(x).split(C, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(B, T, C))


class MLP(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.c_fc = nn.Linear(size.n_embd, 4 * size.n_embd)
        self.c_proj = nn.Linear(4 * size.n_embd, size.n_embd)

    def forward(self, x: Any) -> Any:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(size.n_embd), nn.LayerNorm(size.n_embd)
        self.attn, self.mlp = Attention(size), MLP(size)

    def forward(self, x: Any) -> Any:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """With our names and shapes, so that the weights go over unrenamed."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.wte = nn.Embedding(size.vocab_size, size.n_embd)
        self.wpe = nn.Embedding(size.block_size, size.n_embd)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.n_layer))
        self.ln_f = nn.LayerNorm(size.n_embd)
        self.lm_head = nn.Linear(size.n_embd, size.vocab_size, bias=False)
        self.lm_head.weight = self.wte.weight
        self.register_buffer("places", torch.arange(size.block_size), persistent=False)

    def forward(self, ids: Any, targets: Any) -> Any:
        x = self.wte(ids) + self.wpe(self.places)
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def torchs(folder: Path, size: str) -> Callable[[], float]:
    model = GPT(SIZES[size])
    with np.load(folder / "weights.npz") as weights:
        model.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
    with np.load(folder / "batches.npz") as data:
        both = (torch.from_numpy(np.ascontiguousarray(data[k])) for k in ("ids", "targets"))
        batches = cycle(list(zip(*both, strict=True)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)

    def step() -> float:
        loss = model(*next(batches))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.item())

    return step
