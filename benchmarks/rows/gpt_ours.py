"""The step of a GPT in groundup."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from groundup import models, nn, train

from .gpt_sizes import CLIP, RATE, SIZES, Size


def new_model(size: Size) -> Any:
    sizes = {"n_layer": size.n_layer, "n_head": size.n_head, "n_embd": size.n_embd}
    sizes |= {"block_size": size.block_size, "vocab_size": size.vocab_size}
    return models.GPT(models.GPTConfig(**sizes))


def ours(folder: Path, size: str, threads: int) -> Callable[[], float]:
    train.keep_freed_memory()  # as the trainer does
    model = new_model(SIZES[size])
    with np.load(folder / "weights.npz") as weights:
        model.load_state_dict(dict(weights))
    with np.load(folder / "batches.npz") as data:
        batches = cycle(list(zip(data["ids"], data["targets"], strict=True)))
    parameters = list(model.parameters())
    optimizer = nn.AdamW(parameters, lr=RATE)

    def step() -> float:
        loss = train.accumulate(model, *next(batches), threads)
        nn.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step
