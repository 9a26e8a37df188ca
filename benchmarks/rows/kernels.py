"""The parts of a network, each alone, forward and backward, against PyTorch's. No goals: they show
where a step's time goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, Row

from .gpt import ALONE, FAST
from .passes import both_passes

# What goes in: shapes of the arrays that get a gradient.
SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "matmul": ((1024, 1024), (1024, 1024)),
    "softmax": ((2048, 512),),
    "layer_norm": ((2048, 384), (384,), (384,)),
    "cross_entropy": ((2048, 512),),
    "gelu": ((2048, 1536),),
    "attention": ((8, 6, 256, 64),) * 3,
}


def row(name: str) -> Row:
    options = {"name": name}
    numba = Contender("numba", "rows.kernels:ours", options, FAST, ("numba",))
    both = name != "matmul"  # which is BLAS's, with numba as without
    shape = "×".join(map(str, SHAPES[name][0]))
    return Row(
        name=f"kernels/{name}",
        what=f"{name} of {shape}, float32, forward and backward",
        contenders=(
            Contender("PyTorch", "rows.kernels:torchs", options),
            Contender("numpy", "rows.kernels:ours", options, ALONE),
            *([numba] if both else []),
        ),
        comparisons=(
            Comparison("numpy", "PyTorch"),
            *([Comparison("numba", "PyTorch")] if both else []),
        ),
        tolerance=1e-3,
    )


ROWS = [row(name) for name in SHAPES]


def inputs(name: str) -> tuple[list[Any], Any, Any]:
    """The arrays, the classes that a cross-entropy is told, and a seed for the others."""
    import numpy as np

    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES[name]]
    if name == "matmul":  # so that its results are near 1
        arrays[0] /= 32
    shape = arrays[0].shape
    return arrays, rng.integers(shape[-1], size=shape[0]), rng.normal(size=shape).astype(np.float32)


def ours(folder: Path, name: str) -> Callable[[], Any]:
    from groundup import engine
    from groundup.engine import Tensor

    arrays, classes, seed = inputs(name)
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    run: dict[str, Callable[..., Any]] = {
        "matmul": lambda a, b: a @ b,
        "softmax": lambda x: engine.softmax(x, axis=-1),
        "layer_norm": engine.layer_norm,
        "cross_entropy": lambda x: engine.cross_entropy(x, classes),
        "gelu": lambda x: engine.gelu(x, approximate="tanh"),
        "attention": lambda q, k, v: engine.scaled_dot_product_attention(q, k, v, is_causal=True),
    }
    return both_passes(run[name], leaves, None if name == "cross_entropy" else seed)


def torchs(folder: Path, name: str) -> Callable[[], Any]:
    import torch
    import torch.nn.functional as F

    arrays, labels, g = inputs(name)
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    classes, seed = torch.from_numpy(labels), torch.from_numpy(g)
    run: dict[str, Callable[..., Any]] = {
        "matmul": lambda a, b: a @ b,
        "softmax": lambda x: F.softmax(x, dim=-1),
        "layer_norm": lambda x, w, b: F.layer_norm(x, w.shape, w, b),
        "cross_entropy": lambda x: F.cross_entropy(x, classes),
        "gelu": lambda x: F.gelu(x, approximate="tanh"),
        "attention": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    }
    return both_passes(run[name], leaves, None if name == "cross_entropy" else seed)
