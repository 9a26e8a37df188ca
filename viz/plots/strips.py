"""The picture of a record: a row for each part, a strip of its activations and one of its
gradients, from pass to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..escape import visible
from ..theme import SMALL, Theme
from .canvas import canvas

if TYPE_CHECKING:
    from .figure import Plot
    from .recorder import Recorder

ROWS = 24  # at the most
CELLS = 64  # of a strip, from bottom to top
SAID = 5  # findings that stand above


def strips(log: Recorder, inside: str | None, theme: str | Theme) -> Plot:
    """See `Recorder.plot`."""
    names = shown(log, inside)
    rows = [names[i] for i in np.linspace(0, len(names) - 1, min(len(names), ROWS)).astype(int)]
    wrong = log.findings()
    height = 0.75 if len(rows) <= 12 else 0.55
    head = 0.9 + 0.2 * len(wrong[:SAID])
    plot = canvas("the plot of a record", theme, 9, height * len(rows) + head)
    with plot.style():
        grid = plot.subplots(len(rows), 2, squeeze=False, sharex=True)
        grads = edges(log, rows, "grad")
        for name, (left, right) in zip(rows, grid, strict=True):
            kind = next(one.parts[name].kind for one in log.passes if name in one.parts)
            blue, orange = plot.theme.cards["parameter"].line, plot.theme.gradient
            strip(left, log, name, "data", edges(log, [name], "data"), blue, plot.theme)
            strip(right, log, name, "grad", grads, orange, plot.theme)
            title = visible(name, 28) + (f"\n{visible(kind, 28)}" if kind != name else "")
            left.set_ylabel(title, rotation=0, ha="right", va="center", color=plot.theme.ink)
            right.yaxis.set_major_formatter(lambda y, _: f"1e{y:.0f}".replace("-", "−"))
        grid[0, 0].set_title("activations")
        grid[0, 1].set_title("sizes of gradients", color=plot.theme.gradient)
        for axes in grid[-1]:
            axes.set_xlabel("backward pass")
            axes.xaxis.get_major_locator().set_params(integer=True, nbins=8)
        left_out = f" · {len(rows)} of {len(names)} parts" if len(rows) < len(names) else ""
        grid[-1, 0].set_xlabel(f"backward pass{left_out}")
        if wrong:
            more = [f"… and {len(wrong) - SAID} more"] if len(wrong) > SAID else []
            said = "\n".join([visible(one, 110) for one in wrong[:SAID]] + more)
            plot.suptitle(said, color=plot.theme.alarm, size=SMALL, x=0.01, ha="left")
    return plot


def shown(log: Recorder, inside: str | None) -> list[str]:
    """The calls inside one, in forward order."""
    if not log.passes:
        raise ValueError(f"record: nothing to plot. {log.findings()[0]}")
    found: dict[str | None, dict[str, None]] = {}
    for one in log.passes:
        for name, part in one.parts.items():
            found.setdefault(part.around, {})[name] = None
    if inside is not None:
        if inside not in found:
            modules = ", ".join(str(name) for name in found if name is not None)
            raise ValueError(f"record: no module {inside!r} with parts; there are {modules}")
        return list(found[inside])
    names = list(found[None])
    while len(names) == 1 and names[0] in found:  # a module around all
        names = list(found[names[0]])
    return names


def edges(log: Recorder, names: list[str], which: str) -> np.ndarray:
    """The cells of a strip, from where the lowest of its numbers lie to the highest, all but a
    hundredth on each side."""
    parts = [one.parts[name] for one in log.passes for name in names if name in one.parts]
    kept = [one for one in (getattr(part, which) for part in parts) if one and one.counts.any()]
    if not kept:
        return np.linspace(-1, 1, CELLS + 1)
    low, high = min(one.quantile(0.01) for one in kept), max(one.quantile(0.99) for one in kept)
    room = max((high - low) * 0.04, abs(high) * 1e-6) or 1.0  # which a number so large still has
    return np.linspace(low - room, high + room, CELLS + 1)


def strip(
    axes: Any, log: Recorder, name: str, which: str, cells: np.ndarray, colour: str, theme: Theme
) -> None:
    """A column for each pass; the darker, the more numbers lie there. Red: some are no numbers."""
    from .figure import ramp

    columns = []
    for one in log.passes:
        kept = getattr(one.parts[name], which) if name in one.parts else None
        columns.append(np.zeros(CELLS) if kept is None else kept.within(cells))
        if kept is not None and not np.isfinite(kept.norm):
            axes.axvspan(one.number - log.every / 2, one.number + log.every / 2, color=theme.alarm)
    share = np.stack(columns, axis=1)  # (CELLS, passes)
    first, last = log.passes[0].number, log.passes[-1].number
    half = log.every / 2
    axes.imshow(
        np.ma.masked_equal(share, 0), cmap=ramp(theme.background, colour, theme.ink),
        vmin=0, vmax=share.max() or 1, origin="lower", aspect="auto", interpolation="nearest",
        extent=(first - half, last + half, cells[0], cells[-1]),
    )  # fmt: skip
    axes.yaxis.get_major_locator().set_params(nbins=3)
    axes.tick_params(length=2)
