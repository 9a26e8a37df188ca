"""Text from a model, one character after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.errors import InputError
from .data import row_of_ids
from .evaluate import inference


def generate(
    model: Any,
    ids: Any,
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int | None = None,
    vocab_size: int | None = None,
) -> Iterator[int]:
    """Continue a row of ids by n more, and yield each as it is drawn.

    The model sees the last `block_size` ids, those that it drew included.

    Args:
        model: `model(ids)` gives (logits, None); `model.config.block_size`, if there is a config,
            is how far it sees.
        ids: (T,), at least one: what to continue.
        temperature: logits are divided by it. Below 1 the likely becomes likelier; 0 always
            takes the likeliest.
        top_k: draw among the k likeliest only. Of equals the first are taken.
        seed: the same seed draws the same ids; None draws anew each time.
        vocab_size: only ids below it are drawn: `tokenizer.vocab_size`, where the model has more
            tokens than the tokenizer has characters.

    Raises:
        InputError: no row of ids to continue, a negative n, temperature, top_k or vocab_size
            that make no sense. It comes at the call, before the first id is asked for.
        FloatingPointError: the model gives no finite logit.
    """
    context = row_of_ids(ids).tolist()
    if not context:
        raise InputError("generation needs at least one id to continue")
    if n < 0:
        raise InputError(f"cannot generate {n} ids")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise InputError(f"temperature is a number from 0 up, not {temperature}")
    if top_k is not None and top_k < 1:
        raise InputError(f"top_k is at least 1, not {top_k}")
    if vocab_size is not None and vocab_size < 1:
        raise InputError(f"vocab_size is at least 1, not {vocab_size}")
    if seed is not None and seed < 0:
        raise InputError(f"seed is 0 or above, not {seed}")
    rng = np.random.default_rng(seed)
    return _generate(model, context, n, temperature, top_k, rng, vocab_size)


def _generate(
    model: Any,
    context: list[int],
    n: int,
    temperature: float,
    top_k: int | None,
    rng: np.random.Generator,
    vocab_size: int | None,
) -> Iterator[int]:
    limit = model.config.block_size if hasattr(model, "config") else len(context) + n
    for _ in range(n):
        seen = np.array([context[-limit:]])
        # Inside the loop, and closed before the yield: else the caller's own code would run
        # without gradients until the generator is used up.
        with inference(model):
            logits, _ = model(seen)
        context.append(draw(logits.data[0, -1, :vocab_size], temperature, top_k, rng))
        yield context[-1]


def draw(
    logits: np.ndarray, temperature: float, top_k: int | None, rng: np.random.Generator
) -> int:
    """One id from logits (V,).

    >>> rng = np.random.default_rng(0)
    >>> draw(np.array([0.0, 2.0, 1.0]), 0, None, rng)
    1
    >>> sorted({draw(np.array([0.0, 2.0, 1.0]), 1.0, 2, rng) for _ in range(50)})
    [1, 2]
    """
    if not math.isfinite(logits.max()):
        raise FloatingPointError(
            f"the highest of the model's logits is {logits.max()}, so none is the likeliest id. "
            "Its weights are no numbers, as after a training that diverged"
        )
    if temperature == 0:
        return int(logits.argmax())
    likeliest = np.argsort(-logits, kind="stable")[:top_k]
    scores = logits[likeliest].astype(np.float64)
    # Less the highest, so that a tiny temperature gives 0 and not infinity − infinity.
    weights = np.exp((scores - scores[0]) / temperature)
    return int(rng.choice(likeliest, p=weights / weights.sum()))
