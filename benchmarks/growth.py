"""How our time grows with a size, when that size alone is doubled.

Each size is a step of its own; they take turns, and the median of a size's turns is its time. The
figure per doubling is the slope of a straight line through the logarithms.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from growth_plot import draw, per_doubling

PICTURE = Path(__file__).with_name("growth.svg")
ROUNDS, TURN = 7, 0.05

Step = Callable[[], Any]


def measure(folder: Path) -> dict[str, Any]:
    """For each way to grow: the sizes, and the milliseconds of a step at each."""
    return {
        "width": timed({n: gpt_step(n_embd=n) for n in (32, 64, 128, 256, 512)}),
        "depth": timed({n: gpt_step(n_layer=n) for n in (1, 2, 4, 8, 16)}),
        "context": timed({n: gpt_step(block_size=n) for n in (32, 64, 128, 256, 512)}),
        "ops on Tensors": timed({n: tensor_chain(n) for n in (100, 1000, 10_000, 100_000)}),
        "ops on Values": timed({n: value_chain(n) for n in (100, 1000, 10_000, 100_000)}),
    }


def timed(steps: dict[int, Step]) -> list[tuple[int, float]]:
    """(size, milliseconds)."""
    turns: dict[int, list[float]] = {size: [] for size in steps}
    for step in steps.values():
        step()
    for _ in range(ROUNDS):
        for size, step in steps.items():
            count, began = 0, time.perf_counter()
            while not count or time.perf_counter() - began < TURN:
                step()
                count += 1
            turns[size].append((time.perf_counter() - began) / count * 1000)
    return [(size, statistics.median(each)) for size, each in turns.items()]


def gpt_step(**grown: int) -> Step:
    """Forward and backward of a GPT 2 layers deep, 64 wide, over 64 tokens, but for one size."""
    import numpy as np

    from groundup import train
    from rows.gpt_ours import new_model
    from rows.gpt_sizes import Size

    train.keep_freed_memory()
    size = replace(Size(n_layer=2, n_head=2, n_embd=64, block_size=64, batch=4), **grown)
    model = new_model(size)
    ids = np.random.default_rng(0).integers(size.vocab_size, size=(size.batch, size.block_size))

    def step() -> None:
        train.accumulate(model, ids, ids)
        model.zero_grad()

    return step


def tensor_chain(length: int) -> Step:
    import numpy as np

    from groundup.engine import Tensor

    x = Tensor(np.full((4, 4), 0.5), requires_grad=True)
    return lambda: chain(x, length).sum().backward()


def value_chain(length: int) -> Step:
    from groundup.engine import Value

    x = Value(0.5)
    return lambda: chain(x, length).backward()


def chain(x: Any, length: int) -> Any:
    y = x
    for _ in range(length // 2):
        y = y * 0.5 + x
    return y


def show(told: dict[str, Any], picture: Path) -> None:
    """Print a figure per doubling, over all sizes and between the last two, and draw the times."""
    for name, points in told.items():
        times = "  ".join(f"{size:,}: {ms:.2f} ms" for size, ms in points)
        print(
            f"{name}: × {per_doubling(points):.2f} per doubling, × {per_doubling(points[-2:]):.2f} "
            f"at the end.  {times}"
        )
    print(f"Drawn in {draw(told, picture)}")
