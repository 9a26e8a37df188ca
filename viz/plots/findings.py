"""What is wrong with a training, in words: dead units, saturation, gradients that vanish, explode
or are no numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from ..gather import alarm
from ..summary import EXPLODED

if TYPE_CHECKING:
    from .recorder import Pass, Recorder

RECENT = 10  # passes that are judged, the latest
DEAD = 0.25  # of a relu's units; a few are nothing to worry about
SATURATED = 0.5  # of a tanh's or a sigmoid's results


def findings(log: Recorder) -> list[str]:
    """Sentences on the latest passes of a record, the worst first."""
    if not log.count:
        return ["No backward pass ran, so there is nothing to judge."]
    if not log.passes:
        passes = f"{log.count:,} backward pass{'es' * (log.count != 1)}"
        return [f"Of {passes} none went through a module of Tensors: there is nothing to judge."]
    recent = list(log.passes)[-RECENT:]
    broken = list(no_numbers(log))
    return broken or [*gradients(recent), *dead(log, recent), *saturated(recent)]


def no_numbers(log: Recorder) -> Iterator[str]:
    """Where NaN or infinity is seen first, which is nearest to where it was born: in activations
    the first module, in gradients alone the last."""
    for which, what, place in (("data", "activations are", 0), ("grad", "gradient is", -1)):
        since: Pass | None = None
        for one in log.passes:
            broken = any(not is_finite(part, which) for part in one.parts.values())
            since = (since or one) if broken else None
        if since:
            bad = [name for name, part in since.parts.items() if not is_finite(part, which)]
            name = inner(since, bad)[place]
            word = "NaN" if math.isnan(getattr(since.parts[name], which).norm) else "infinite"
            yield f"{called(name, since)}: its {what} {word} since pass {since.number:,}"
            return


def is_finite(part: Any, which: str) -> bool:
    kept = getattr(part, which)
    return kept is None or math.isfinite(kept.norm)


def inner(one: Pass, names: list[str]) -> list[str]:
    """Those that hold no other of them."""
    around = {one.parts[name].around for name in names}
    return [name for name in names if name not in around]


def gradients(recent: list[Pass]) -> Iterator[str]:
    """Inside each module from the last of its parts to the first; then each by itself."""
    latest = recent[-1]
    rms = {name: recently(recent, name, "rms") for name in latest.parts}
    told: set[str] = set()
    for rows in alike(latest).values():
        ratios = {
            (row[0], row[-1]): math.log10(rms[row[0]] / rms[row[-1]])
            for row in rows
            if len(row) > 1 and rms[row[0]] and rms[row[-1]]
        }
        worst = max(ratios, key=lambda ends: abs(ratios[ends]), default=None)
        if worst and abs(ratios[worst]) > math.log10(EXPLODED):
            verb, word = ("grow", "exploding") if ratios[worst] > 0 else ("shrink", "vanishing")
            first, last = (called(name, latest) for name in worst)
            times = short(10 ** abs(ratios[worst]))
            yield f"gradients {verb} {times}-fold from {last} to {first} ({word})"
            told |= {name for row in rows for name in row}
    for name in inner(latest, list(rms)):
        norm = recently(recent, name, "norm")
        if alarm(norm) and not told & {name, *above(latest, name)}:
            yield (
                f"{called(name, latest)}: its gradient has {alarm(norm)}, to a norm of "
                f"{short(norm)} where the loss has 1"
            )


def alike(one: Pass) -> dict[str | None, list[list[str]]]:
    """Inside each module the calls of one kind, several of them, in forward order."""
    found: dict[Any, list[str]] = {}
    for name, part in one.parts.items():
        found.setdefault((part.around, part.kind), []).append(name)
    rows: dict[str | None, list[list[str]]] = {}
    for (around, _), names in found.items():
        rows.setdefault(around, []).append(names)
    return rows


def called(name: str, one: Pass) -> str:
    """`blocks.0`, but `Linear 0`."""
    return name if any(map(str.isalpha, name)) else f"{one.parts[name].kind} {name}"


def above(one: Pass, name: str) -> set[str]:
    """The calls around one."""
    found, around = set[str](), one.parts[name].around
    while around is not None:
        found.add(around)
        around = one.parts[around].around
    return found


def recently(recent: list[Pass], name: str, what: str) -> float:
    """The median over the latest passes of a gradient's norm or rms; 0 if none reached it."""
    parts = [one.parts[name] for one in recent if name in one.parts]
    return median(getattr(part.grad, what) if part.grad else 0.0 for part in parts)


def dead(log: Recorder, recent: list[Pass]) -> Iterator[str]:
    for name, last in log.alive.items():
        share = float(np.mean(last < recent[0].number))
        if share >= DEAD:
            yield (
                f"{name}: {100 * share:.0f} % of its {last.size:,} units were 0 for every input in "
                f"{lately(recent)} (dead)"
            )


def saturated(recent: list[Pass]) -> Iterator[str]:
    for name in recent[-1].saturated:
        share = median(one.saturated.get(name, 0.0) for one in recent)
        if share >= SATURATED:
            yield (
                f"{name}: {100 * share:.0f} % of its results lie where it is flat, in "
                f"{lately(recent)} (saturated)"
            )


def lately(recent: list[Pass]) -> str:
    return f"the last {len(recent)} recorded passes" if len(recent) > 1 else "the only pass"


def short(x: float) -> str:
    """
    >>> short(123456.0), short(3.2e-9)
    ('1e5', '3e-9')
    """
    mantissa, power = f"{x:.0e}".split("e")
    return f"{mantissa}e{int(power)}"
