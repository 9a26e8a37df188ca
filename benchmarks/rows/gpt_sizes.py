"""The GPTs that are measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    batch: int
    vocab_size: int = 65


SIZES = {"A": Size(4, 4, 128, 64, 12), "B": Size(6, 6, 384, 256, 8)}
RATE, CLIP = 1e-3, 1.0
