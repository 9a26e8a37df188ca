"""The picture of how time grows: four small plots, both axes in doublings."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

PLOTS = {
    "Width of a GPT": ("width",),
    "Its depth, in layers": ("depth",),
    "Its context, in tokens": ("context",),
    "Length of a chain of ops": ("ops on Tensors", "ops on Values"),
}
INK, QUIET = "#1f2933", "#8893a0"
COLOURS = ("#2563a8", "#b4531a")
# Of what a line says of itself: above a line that rises, and below it.
PLACES = ((0.04, 0.9, "left"), (0.98, 0.05, "right"))


def per_doubling(points: list[tuple[int, float]]) -> float:
    """By what the time is multiplied when the size is doubled.

    >>> round(per_doubling([(1, 3.0), (2, 6.0), (4, 12.0)]), 3)
    2.0
    """
    sizes, times = zip(*points, strict=True)
    slope, _ = statistics.linear_regression([*map(math.log2, sizes)], [*map(math.log2, times)])
    return float(2**slope)


def draw(told: dict[str, Any], picture: Path) -> Path:
    """Write the picture; each line says itself how it grows."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "groundup", "font.size": 9, "text.color": INK}
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(12, 3))
    for axis, (title, names) in zip(axes, PLOTS.items(), strict=True):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=10)
        for name, colour, (*place, side) in zip(names, COLOURS, PLACES, strict=False):
            sizes, times = zip(*told[name], strict=True)
            axis.plot(sizes, times, color=colour, marker="o", markersize=3.5, linewidth=1.4)
            upper = name == names[0]  # of two lines, whose numbers stand outside of both
            starts, ends = (-4, 16 if upper and names[1:] else -14), (6, 6 if upper else -24)
            for end, away, side_of_it in ((0, starts, "left"), (-1, ends, "right")):
                axis.annotate(
                    f"{times[end]:.3g} ms",
                    (sizes[end], times[end]),
                    color=colour,
                    xytext=away,
                    textcoords="offset points",
                    ha=side_of_it,
                    fontsize=8,
                )
            what = name.removeprefix("ops on ") + ": " if len(names) > 1 else ""
            axis.text(
                *place,
                f"{what}×{per_doubling(told[name]):.2f} per doubling",
                color=colour,
                transform=axis.transAxes,
                ha=side,
            )
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xticks([size for size, _ in told[names[0]]])
        axis.set_xticklabels([f"{size:,}" for size, _ in told[names[0]]])
        axis.set_yticks([])  # the ends of each line say what they are
        axis.minorticks_off()
        axis.margins(x=0.08, y=0.2)
        axis.tick_params(colors=QUIET)
        axis.spines[["top", "right"]].set_visible(False)
        axis.spines[["left", "bottom"]].set_color(QUIET)
    axes[0].set_ylabel("ms for forward and backward", color=QUIET)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None})
    plt.close(figure)
    return picture
