"""One step's gradients by several threads, each with a part of the batch.

numpy lets go of Python's lock while it computes, so two threads keep two cores busy with the same
model. Every part is a graph of its own, and what they give is added up once, in their order: the
result is that of one thread but for rounding, and is the same at every run.
"""

from __future__ import annotations

import contextvars
import functools
import operator
import os
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from ..engine.graph import add_up, collected
from ..engine.modes import modes
from ..nn.random import own_generator, source

IGNORED = -100  # the target that does not count


class Piece(NamedTuple):
    """What one thread works on."""

    ids: np.ndarray
    targets: np.ndarray
    weight: float  # its part of all targets that count
    seed: int  # of the noise that it draws


def accumulate(model: Any, ids: np.ndarray, targets: np.ndarray, threads: int = 1) -> float:
    """Run forward and backward, add the gradients to `.grad`, and return the loss.

    BLAS is held to one thread meanwhile (`one_blas_thread`): several for each of ours would wait
    for each other, and a step could take thirty times as long. While a pass is watched or debugged
    there is one graph, in the caller's thread. A batch norm sees each thread's part by itself, and
    its running means depend on who comes first.

    Args:
        model: `model(ids, targets)` gives (logits, loss), the loss being a mean over all targets
            that are not −100.
        ids, targets: (B, …) integers; each thread takes about B / threads of them.
        threads: how many; more than B are not used.

    Raises:
        ValueError: threads is below 1.

    >>> from groundup import models
    >>> model = models.Bigram(3)
    >>> ids, targets = np.array([[0, 1], [1, 2]]), np.array([[1, 2], [2, 0]])
    >>> one, two = (accumulate(model, ids, targets, threads=n) for n in (1, 2))
    >>> abs(one - two) < 1e-6
    True
    """
    if operator.index(threads) < 1:
        raise ValueError(f"accumulate: threads is at least 1, not {threads}")
    parts = 1 if modes.observers or modes.witness else max(1, min(threads, len(ids)))
    if parts == 1:
        _, loss = model(ids, targets)
        loss.backward()
        return float(loss.item())

    def run(piece: Piece) -> tuple[float, dict[Any, Any]]:
        with own_generator(piece.seed):
            _, loss = model(piece.ids, piece.targets)
        return float(loss.item()) * piece.weight, collected(loss, loss.seed() * piece.weight)

    first, *others = pieces(ids, targets, parts)
    with one_blas_thread(), ThreadPoolExecutor(len(others)) as pool:
        # Each with the caller's context, in which numpy keeps what it says of overflows.
        waiting = [pool.submit(contextvars.copy_context().run, run, piece) for piece in others]
        done = [run(first), *(future.result() for future in waiting)]
    add_up(*(gradients for _, gradients in done))
    return sum(loss for loss, _ in done)


def pieces(ids: np.ndarray, targets: np.ndarray, parts: int) -> list[Piece]:
    """The batch cut along its first axis."""
    counts = [int(np.count_nonzero(part != IGNORED)) for part in np.array_split(targets, parts)]
    weights = [count / max(sum(counts), 1) for count in counts]
    seeds = source.generator.integers(2**63, size=parts).tolist()
    cut = np.array_split(ids, parts), np.array_split(targets, parts)
    return [Piece(*piece) for piece in zip(*cut, weights, seeds, strict=True)]


@contextmanager
def one_blas_thread(wanted: bool = True) -> Iterator[None]:
    """A block in which matrix products stay in the thread that asks for them.

    It holds for the whole process, and takes threadpoolctl, of the extra `train`. Without that the
    block changes nothing but to say so, once; `OPENBLAS_NUM_THREADS=1` in the environment, before
    numpy is imported, does the same.
    """
    libraries = blas_libraries("scipy.linalg.cython_blas" in sys.modules) if wanted else None
    with libraries.limit(limits=1, user_api="blas") if libraries else nullcontext():
        yield


@functools.cache
def blas_libraries(scipy: bool) -> Any:
    """Those that are loaded, by numpy and perhaps by SciPy; None, with a warning, where there is no
    way to reach them."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        if not any(
            f"{library}_NUM_THREADS" in os.environ for library in ("OPENBLAS", "OMP", "MKL")
        ):
            warnings.warn(
                "several threads, and no say over those of BLAS, which slows both: install "
                "threadpoolctl, or set OPENBLAS_NUM_THREADS=1 before Python starts",
                RuntimeWarning,
                stacklevel=4,
            )
        return None
    return ThreadpoolController()


def usable_cores(most: int = 4) -> int:
    """How many threads are worth starting: one for each core of this process, up to `most`."""
    if hasattr(os, "sched_getaffinity"):  # where a process may be held to some of them
        return min(len(os.sched_getaffinity(0)), most)
    return min(os.cpu_count() or 1, most)
