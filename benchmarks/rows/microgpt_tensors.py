"""microgpt's model and training on our Tensors: all positions of a name at once.

From the same first numbers, over the same names in the same order, and so to the same losses.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .microgpt import users_copy

WIDTH, HEADS, CONTEXT, STEPS = 16, 4, 16, 1000


def tensors(folder: Path) -> Callable[[], float]:
    """Steps of the training; they go on where the script's would end, with the last rate, 0."""
    users_copy()  # without the script there is nothing to compare with
    import numpy as np

    from groundup import nn
    from groundup.engine import Tensor, cross_entropy, linear, relu, rms_norm
    from groundup.engine import scaled_dot_product_attention as attention

    random.seed(42)  # the script's
    names = (folder / "input.txt").read_text(encoding="utf-8").split()
    random.shuffle(names)
    alphabet = sorted(set("".join(names)))
    edge = len(alphabet)  # the token before and after a name

    def matrix(rows: int, columns: int) -> Tensor:
        numbers = [[random.gauss(0, 0.08) for _ in range(columns)] for _ in range(rows)]
        return Tensor(numbers, requires_grad=True)

    token, place, head = (matrix(n, WIDTH) for n in (edge + 1, CONTEXT, edge + 1))
    query, key, value, out = (matrix(WIDTH, WIDTH) for _ in range(4))
    up, down = matrix(4 * WIDTH, WIDTH), matrix(WIDTH, 4 * WIDTH)
    weights = [token, place, head, query, key, value, out, up, down]
    optimizer = nn.AdamW(weights, lr=0.01, betas=(0.85, 0.99), eps=1e-8, weight_decay=0)

    def heads(x: Any) -> Any:
        return x.reshape(-1, HEADS, WIDTH // HEADS).swapaxes(0, 1)  # (H, T, D)

    def logits(ids: Any) -> Any:
        x = rms_norm(token[ids] + place[: len(ids)], eps=1e-5)  # (T, C)
        normal = rms_norm(x, eps=1e-5)
        q, k, v = (heads(linear(normal, w)) for w in (query, key, value))
        seen = attention(q, k, v, is_causal=True).swapaxes(0, 1).reshape(-1, WIDTH)
        x = x + linear(seen, out)
        x = x + linear(relu(linear(rms_norm(x, eps=1e-5), up)), down)
        return linear(x, head)  # (T, vocabulary)

    made = 0

    def step() -> float:
        nonlocal made
        name = names[made % len(names)]
        ids = np.array([edge, *map(alphabet.index, name), edge])[: CONTEXT + 1]
        loss = cross_entropy(logits(ids[:-1]), ids[1:])
        loss.backward()
        optimizer.param_groups[0]["lr"] = 0.01 * max(1 - made / STEPS, 0)
        optimizer.step()
        optimizer.zero_grad()
        made += 1
        return float(loss.item())

    return step
