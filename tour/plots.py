"""Curves, drawn by matplotlib in the colours of the pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from .report import Figure

LINES = {"light": ("#8B8F98", "#3B6FD4", "#B42318"), "dark": ("#7D8591", "#6F9BF0", "#FF8A80")}
INK = {"light": "#111827", "dark": "#F1F3F6"}


def curves(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    name: str,
    caption: str,
    y: str,
    level: tuple[str, float] | None = None,
) -> Figure:
    """Lines over steps, each labelled at its end, and a level to compare them with."""
    drawn = {theme: _curves(lines, y, level, theme) for theme in ("light", "dark")}
    return Figure(name, caption, drawn["light"], drawn["dark"], plot=True)


def _curves(lines: Any, y: str, level: Any, theme: str) -> str:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    ink, colours = INK[theme], LINES[theme]
    # Text stays text, in the reader's own font, and the file is the same each time.
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": " ".join(lines)}
    settings |= {"font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "font.size": 11}
    with plt.rc_context(settings):
        figure, axes = plt.subplots(figsize=(7, 3.4))
        figure.patch.set_alpha(0)
        axes.patch.set_alpha(0)
        for i, (label, (steps, values)) in enumerate(lines.items()):
            style = {"lw": 2} if i else {"lw": 5 if len(values) < 100 else 1, "alpha": 0.6}
            axes.plot(steps, values, color=colours[i], label=label, **style)
        if level:
            axes.axhline(level[1], color=colours[2], lw=1.2, ls=(0, (5, 3)), label=level[0])
        axes.set_xlabel("step", color=ink)
        axes.set_ylabel(y, color=ink)
        axes.tick_params(colors=ink)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(colours[0])
        axes.grid(axis="y", color=colours[0], alpha=0.25, lw=0.6)
        axes.legend(frameon=False, labelcolor=ink)
        figure.tight_layout()
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        plt.close(figure)
    return out.getvalue()
