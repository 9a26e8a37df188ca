"""What `viz.watch` costs: forward and backward, not watched, watched, and drawn.

A picture of every Nth pass costs what one of each pass costs, divided by N; the numbers of the page
are taken of every pass. So "noted" and "drawn" say it for any N.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, Row

from .gpt import ONE_THREAD

NEVER = 10**9  # passes until another one is drawn


def row(work: str, what: str) -> Row:
    # The first two are compared most closely, and so take turns next to each other.
    ways: tuple[tuple[str, int | None], ...] = (
        ("no viz", None), ("viz imported", 0), ("noted", NEVER), ("drawn", 1),
    )  # fmt: skip
    return Row(
        name=f"watching/{work}",
        what=what,
        contenders=tuple(
            Contender(
                name, "rows.watching:step", {"work": work, "every": every, "name": name}, ONE_THREAD
            )
            for name, every in ways
        ),
        comparisons=tuple(Comparison(name, "no viz") for name, _ in ways[1:]),
    )


ROWS = [
    row("expression", "the 21 ops of micrograd's page, on Values"),
    row("mlp", "an MLP 2-16-16-1 on 60 points, on Tensors"),
    row("gpt", "a GPT: 4 layers, 4 heads, 128 wide, T 64, B 12, float32, one graph"),
]


def step(folder: Path, work: str, every: int | None, name: str) -> Callable[[], Any]:
    """The work, in a process that has not imported viz (None), has and does not watch (0), or draws
    the first of so many passes."""
    done: Callable[[], Any] = {"expression": expression, "mlp": mlp, "gpt": gpt}[work]()
    if every is not None:
        from groundup.viz.watcher.watching import watch_always

        if every:
            watch_always(
                {
                    "GROUNDUP_VIZ": str(folder / name),
                    "GROUNDUP_VIZ_EVERY": str(every),
                    "GROUNDUP_VIZ_KEEP": "10",
                }
            )
    return done


def expression() -> Callable[[], Any]:
    from groundup.engine import Value

    a, b = Value(-4.0, name="a"), Value(2.0, name="b")

    def run() -> Any:
        a.grad = b.grad = 0.0
        c, d = a + b, a * b + b**3
        c = c + c + 1
        c = c + 1 + c - a
        d = d + d * 2 + (b + a).relu()
        d = d + 3 * d + (b - a).relu()
        f = (c - d) ** 2
        g = f / 2 + 10 / f
        g.backward()
        return g.data, a.grad, b.grad

    return run


def mlp() -> Callable[[], Any]:
    import numpy as np

    from groundup import models, nn

    nn.manual_seed(0)
    model = models.MLP([2, 16, 16, 1]).to(np.float64)
    x = np.random.default_rng(0).normal(size=(60, 2))

    def run() -> Any:
        model.zero_grad()
        loss = np.mean(model(x) ** 2)
        loss.backward()
        return loss.data, *(parameter.grad for parameter in model.parameters())

    return run


def gpt() -> Callable[[], Any]:
    import numpy as np

    from groundup import nn, train

    from .gpt_ours import new_model
    from .gpt_sizes import SIZES

    train.keep_freed_memory()
    nn.manual_seed(0)
    size = SIZES["A"]
    model = new_model(size)
    ids = np.random.default_rng(0).integers(size.vocab_size, size=(size.batch, size.block_size))

    def run() -> Any:
        model.zero_grad()
        loss = train.accumulate(model, ids, ids)
        return loss, *(parameter.grad for parameter in model.parameters())

    return run
