"""What the commands that train have in common: threads, and watching their backward passes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path


def use_one_thread() -> None:
    """Keep numpy's matrix products in one thread, unless the user's environment says otherwise.

    The products of a small GPT are done before a second thread has woken up, and on a busy
    machine each waits for a thread that has no core: a step of the default model took 79 ms
    with one thread and 264 ms with two, on two shared cores.
    """
    if "numpy" not in sys.modules and "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def watchable(sub: argparse.ArgumentParser) -> None:
    """The options of a command whose backward passes can be watched."""
    sub.add_argument(
        "--viz",
        type=Path,
        metavar="FOLDER",
        help="watch the backward passes: a picture of every Nth, and index.html with the loss and "
        "the gradient norms of all, to be opened while it runs. A step is then one graph in one "
        "thread",
    )
    sub.add_argument(
        "--viz-every",
        type=int,
        default=20,
        metavar="N",
        help="(default: 20: a picture takes about as long as two steps of the default model)",
    )


@contextmanager
def watched(args: argparse.Namespace) -> Iterator[None]:
    """A block whose backward passes go where --viz says, or GROUNDUP_VIZ, or nowhere."""
    if args.viz_every < 1:
        from ..engine.errors import InputError

        raise InputError(f"--viz-every is at least 1, not {args.viz_every}")
    if args.viz is None and not os.environ.get("GROUNDUP_VIZ"):
        yield
        return
    from .. import viz  # which looks for GROUNDUP_VIZ itself

    with viz.watch(args.viz, every=args.viz_every) if args.viz else nullcontext():
        yield
