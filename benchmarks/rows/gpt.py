"""A GPT's training step: forward, backward, clipping, AdamW, in float32, against PyTorch."""

from __future__ import annotations

from pathlib import Path

from harness.row import Comparison, Contender, Row

from .gpt_sizes import SIZES

ALONE, FAST = {"GROUNDUP_FAST": "0"}, {"GROUNDUP_FAST": None}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # in BLAS: Python has two


def contenders(size: str) -> tuple[Contender, ...]:
    make, two = "rows.gpt_ours:ours", {"size": size, "threads": 2}
    one = {"size": size, "threads": 1}
    numba = ("numba",)
    return (
        Contender("PyTorch", "rows.gpt_torch:torchs", {"size": size}),
        Contender("numpy, 2 threads", make, two, ALONE | ONE_THREAD),
        Contender("numba, 2 threads", make, two, FAST | ONE_THREAD, numba),
        Contender("numpy, one graph", make, one, ALONE),
        Contender("numba, one graph", make, one, FAST, numba),
    )


def row(size: str, numpy_goal: float, numba_goal: float) -> Row:
    s = SIZES[size]
    return Row(
        name=f"gpt-{size.lower()}",
        what=f"GPT training step {size}: {s.n_layer} layers, {s.n_head} heads, {s.n_embd} wide, "
        f"T {s.block_size}, B {s.batch}, float32",
        contenders=contenders(size),
        comparisons=(
            Comparison("numpy, 2 threads", "PyTorch", numpy_goal),
            Comparison("numba, 2 threads", "PyTorch", numba_goal),
            Comparison("numpy, one graph", "PyTorch"),
            Comparison("numba, one graph", "PyTorch"),
        ),
        # Single precision: AdamW's first steps divide small gradients by themselves.
        tolerance=1e-3,
        # A loss near 4 is told in steps of 5e-7: a few may be equal by chance.
        first=8,
        prepare=f"rows.gpt:prepare_{size.lower()}",
    )


ROWS = [row("A", 1.25, 0.85), row("B", 1.25, 1.0)]


def prepare_a(folder: Path) -> None:
    prepare(folder, "A")


def prepare_b(folder: Path) -> None:
    prepare(folder, "B")


def prepare(folder: Path, size: str) -> None:
    """Write the first weights and the batches that all contenders share."""
    import numpy as np

    from groundup import nn

    from .gpt_ours import new_model

    s = SIZES[size]
    nn.manual_seed(0)
    rng = np.random.default_rng(0)
    tokens = rng.integers(s.vocab_size, size=(4, s.batch, s.block_size + 1))
    np.savez(folder / "batches.npz", ids=tokens[:, :, :-1], targets=tokens[:, :, 1:])
    np.savez(folder / "weights.npz", **new_model(s).state_dict())
