"""An LSTM over a batch of sequences, forward and backward, float32, against PyTorch's.

The gradients are those of the input and of all weights, as of a layer amid others.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, Row

from .gpt import ALONE, FAST
from .passes import both_passes

# T, B, and how many numbers input and state have. B is what the word model of PyTorch's examples
# runs with when nobody says otherwise.
SIZES = {"A": (64, 16, 128), "B": (35, 20, 200), "C": (64, 64, 256)}


def threads(number: int) -> dict[str, str]:
    return {"OPENBLAS_NUM_THREADS": str(number), "OMP_NUM_THREADS": str(number)}


def row(size: str) -> Row:
    contenders, comparisons = [], []
    for number in (1, 2):
        env, options = threads(number), {"size": size}
        rival = f"PyTorch, {number} thread" + "s" * (number > 1)
        contenders.append(Contender(rival, "rows.lstm:torchs", options, env))
        for name, fast, needs in (("numpy", ALONE, ()), ("numba", FAST, ("numba", "scipy"))):
            one = f"{name}, {number} in BLAS"
            contenders.append(Contender(one, "rows.lstm:ours", options, fast | env, needs))
            comparisons.append(Comparison(one, rival, 1.0))
            # Not numpy's: its steps are many calls, each in Python's lock.
            if number > 1 and name == "numba":
                several, parts = f"{name}, {number} threads", {"parts": number}
                given = (several, "rows.lstm:ours", options | parts, fast | threads(1), needs)
                contenders.append(Contender(*given))
                comparisons.append(Comparison(several, rival, 1.0))
    T, B, H = SIZES[size]
    return Row(
        name=f"lstm-{size.lower()}",
        what=f"LSTM {H} to {H} wide, T {T}, B {B}, float32, forward and backward",
        contenders=tuple(contenders),
        comparisons=tuple(comparisons),
        tolerance=1e-3,
        prepare=f"rows.lstm:prepare_{size.lower()}",
    )


ROWS = [row(size) for size in SIZES]


def prepare_a(folder: Path) -> None:
    prepare(folder, "A")


def prepare_b(folder: Path) -> None:
    prepare(folder, "B")


def prepare_c(folder: Path) -> None:
    prepare(folder, "C")


def prepare(folder: Path, size: str) -> None:
    """Write the weights, the input and the gradient of the output that all contenders share."""
    import numpy as np

    from groundup import nn

    T, B, H = SIZES[size]
    nn.manual_seed(0)
    x, seed = np.random.default_rng(0).standard_normal((2, T, B, H)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, seed=seed)
    np.savez(folder / "weights.npz", **nn.LSTM(H, H).state_dict())


def ours(folder: Path, size: str, parts: int = 1) -> Callable[[], Any]:
    """A step; in several parts, each has its thread and its part of the batch, as those of
    `train.accumulate` have."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from groundup import nn, train
    from groundup.engine import Tensor
    from groundup.engine.graph import add_up, collected

    train.keep_freed_memory()  # as the trainer does
    model = nn.LSTM(SIZES[size][2], SIZES[size][2])
    with np.load(folder / "weights.npz") as weights, np.load(folder / "data.npz") as data:
        model.load_state_dict(dict(weights))
        inputs, seeds = (np.array_split(data[name], parts, axis=1) for name in ("x", "seed"))
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    if parts == 1:
        given = [*leaves, *model.parameters()]
        return both_passes(lambda x, *weights: model(x)[0], given, seeds[0])

    def part(x: Any, seed: Any) -> tuple[Any, dict[Any, Any]]:
        x.grad = None
        out, _ = model(x)
        return out.data, collected(out, seed)

    def step() -> Any:
        model.zero_grad()
        with ThreadPoolExecutor(parts - 1) as pool:
            others = [
                pool.submit(part, *given) for given in zip(leaves[1:], seeds[1:], strict=True)
            ]
            done = [part(leaves[0], seeds[0]), *(other.result() for other in others)]
        add_up(*(gradients for _, gradients in done))
        whole = [[out for out, _ in done], [x.grad for x in leaves]]
        joined = [np.concatenate(pieces, axis=1) for pieces in whole]
        return *joined, *(weight.grad for weight in model.parameters())

    return step


def torchs(folder: Path, size: str) -> Callable[[], Any]:
    import numpy as np
    import torch

    model = torch.nn.LSTM(SIZES[size][2], SIZES[size][2])
    with np.load(folder / "weights.npz") as weights, np.load(folder / "data.npz") as data:
        model.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
        x, seed = torch.tensor(data["x"], requires_grad=True), torch.from_numpy(data["seed"])
    return both_passes(lambda x, *weights: model(x)[0], [x, *model.parameters()], seed)
