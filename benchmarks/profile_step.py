"""Where the time of a training step goes: step A, one graph, by op.

Each op's definition, rules and kernel in the table get a timer, in this process alone. A timer's
time is its own: what it calls that has a timer of its own is taken off. The rest is the graph:
recording, the walk, the modules' calls.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

from harness.stopwatch import Stopwatch
from harness.table import wide_console

STEPS = 20
# Work of the graph that is done on arrays: (module, attribute, what the table calls it).
ARRAY_WORK = (
    ("groundup.engine.tensor", "fit", "(undoing broadcasting)"),
    ("groundup.engine.graph", "has_nan", "(looking for NaN)"),
    ("groundup.engine.tensor:Tensor", "summed", "(into .grad)"),
)


def measure(folder: Path) -> dict[str, Any]:
    """Seconds of a step as it is, of one with timers, and by whom they were spent."""
    from groundup import nn
    from rows.gpt_ours import ours

    step = ours(folder, "A", threads=1)
    for _ in range(3):
        step()
    plain = statistics.median(seconds_of(step) for _ in range(STEPS))
    watch = Stopwatch()
    watch_ops(watch)
    watch_array_work(watch)
    for owner, name, what in (
        (nn, "clip_grad_norm_", "(clipping)"),
        (nn.AdamW, "step", "(AdamW)"),
    ):
        setattr(owner, name, watch.timed((what, "update"), getattr(owner, name)))
    step()
    watch.spent.clear()
    timed = [seconds_of(step) for _ in range(STEPS)]
    return {
        "plain": plain,
        "timed": statistics.fmean(timed),
        "numba": "numba" in sys.modules,
        "spent": [
            (*key, spent.seconds / STEPS, spent.calls / STEPS) for key, spent in watch.spent.items()
        ],
    }


def seconds_of(step: Any) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def watch_ops(watch: Stopwatch) -> None:
    """Put timers into the table of ops."""
    from groundup.engine.op import TABLE, Kernel

    for op in TABLE.values():
        # Read off the functions as they are; it stays when they are exchanged.
        _ = op.signature, op.numpys, op.is_elementwise
        forward, backward = (op.name, "forward"), (op.name, "backward")
        op.definition = watch.timed(forward, op.definition)
        op.vjps = op.vjps and tuple(rule and watch.timed(backward, rule) for rule in op.vjps)
        if op.kernel is not None:
            op.kernel = Kernel(
                watch.timed(forward, op.kernel.forward), watch.timed(backward, op.kernel.backward)
            )


def watch_array_work(watch: Stopwatch) -> None:
    """Put timers around what the graph itself does on arrays, where it is still called that."""
    import pkgutil

    for place, name, what in ARRAY_WORK:
        owner = pkgutil.resolve_name(place)
        if hasattr(owner, name):
            setattr(owner, name, watch.timed((what, "backward"), getattr(owner, name)))


def show(told: dict[str, Any]) -> None:
    """Print the table, by time."""
    from rich.table import Table

    whole, ways = told["timed"], ("forward", "backward", "update")
    by_name: dict[str, dict[str, tuple[float, float]]] = {}
    for name, way, seconds, calls in told["spent"]:
        by_name.setdefault(name, {})[way] = seconds, calls
    known = sum(seconds for *_, seconds, _ in told["spent"])
    by_name["(the graph: recording, walk, modules)"] = {"": (whole - known, 0)}

    table = Table(box=None, header_style="bold", padding=(0, 1))
    table.add_column("where")
    for title in ("forward ms", "backward ms", "other ms", "all ms", "share", "calls"):
        table.add_column(title, justify="right")
    rows = [(sum(s for s, _ in spent.values()), name, spent) for name, spent in by_name.items()]
    for total, name, spent in sorted(rows, key=lambda row: -row[0]):
        columns = [spent.get(way, (0.0, 0))[0] for way in ways[:2]]
        other = total - sum(columns)
        calls = sum(count for _, count in spent.values())
        cells = [f"{1000 * s:.2f}" if s > 5e-6 else "" for s in (*columns, other, total)]
        table.add_row(name, *cells, f"{total / whole:.1%}", f"{calls:.0f}" if calls else "")
    wide_console().print(table)
    print(
        f"Together {1000 * whole:.1f} ms: a step with these timers (mean of {STEPS}). Without them "
        f"it takes {1000 * told['plain']:.1f} ms (median).\n"
        f"GPT training step A, one graph, {'with numba' if told['numba'] else 'numpy alone'}."
    )
