"""`curves`: losses over the steps of a training, and the learning rate beneath."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..escape import NO_BREAK, visible
from ..notation import digits
from ..theme import SMALL, Theme
from .canvas import canvas
from .smoothing import smoothed

if TYPE_CHECKING:
    from .figure import Plot

Line = tuple[np.ndarray, np.ndarray]  # steps and values, (N,) each
NOISY = 100  # points; of more, a line is thin
LABEL = 1.5  # the height of a line's name, with what is between two, by the size of its letters
LONGEST = 28  # letters of a name


def curves(
    history: Any,
    *,
    lr: Any = False,
    smooth: float = 0.0,
    log: bool = False,
    ylabel: str = "loss",
    xlabel: str = "step",
    under: str = "training",
    level: tuple[str, float] | None = None,
    marks: tuple[str, Sequence[float]] | None = None,
    theme: str | Theme = "light",
) -> Plot:
    """Training and validation loss by step.

    Args:
        history: what `train.fit` returns, or losses, or lines by name: `{"adam": losses}`, or
            `{"adam": (steps, losses)}`. Values alone are those of steps 1, 2, …
        lr: True to draw the history's learning rate beneath; beside lines by name, its values or
            (steps, values).
        smooth: over how many steps to smooth: each point moves to the straight line through those
            around it, one t steps away weighing exp(−t / smooth) (local regression, Cleveland,
            1979). The line itself stays behind, faint. One whose points are further apart is left
            as it is.
        log: a logarithmic scale for the losses.
        ylabel: what the values are.
        xlabel: what the steps are.
        under: the name of the line that lies under the others, grey, wide or (of many points) thin,
            so that they can be compared with it. Lines are drawn alike where none has that name.
        level: a name and a number to compare with.
        marks: a name and some steps, each a line from bottom to top.
        theme: "light" or "dark".

    Returns:
        a matplotlib Figure, which shows itself in a notebook; `.savefig("loss.svg")`.

    Raises:
        MissingExtra: matplotlib is not installed.
        TypeError: neither a history nor lines.
        ValueError: there is no point to draw, or none that can be drawn; or a line has not one step
            for each value.

    >>> figure = curves({"training": [2.0, 1.5, 1.2], "validation": ([1, 3], [2.1, 1.4])})
    >>> [line.get_label() for line in figure.axes[0].lines if line.get_label()[0] != "_"]
    ['training', 'validation']
    """
    lines = lines_of(history)
    if smooth < 0:
        raise ValueError(f"curves: smooth={smooth} is a number of steps, 0 or more")
    known = np.concatenate([values for _, values in lines.values()])
    if log and np.any(known <= 0) and not np.any(known > 0):
        raise ValueError("curves: log=True is for values above 0, and there is none")
    rate = rate_of(history, lr)
    names = LABEL * SMALL * len(lines) / 72 + 1  # inches that they need, one below the other
    plot = canvas("viz.curves", theme, 7, max(names, 3.4) + (0 if rate is None else 1.2))
    with plot.style():
        if rate is None:
            axes = plot.subplots()
        else:
            axes, beneath = plot.subplots(
                2, sharex=True, gridspec_kw={"height_ratios": [3, 1]}
            )  # fmt: skip
            beneath.plot(*rate, color=plot.theme.quiet, lw=1.4, label="learning rate")
            beneath.set_ylim(bottom=0)
            beneath.set_ylabel("learning rate")
        lowest: Any = plot.axes[-1]
        lowest.set_xlabel(shown(xlabel))
        lowest.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylabel(shown(ylabel))
        axes.grid(axis="y")
        if marks:
            draw_marks(axes, *marks, plot.theme)
        drawn = draw(axes, lines, under, smooth, plot.theme)
        if level:
            name, height = level
            dashed = axes.axhline(height, color=plot.theme.ink, lw=1, ls=(0, (4, 3)))
            dashed.set_label(shown(name))
            drawn.append(dashed)
        if log:
            logarithmic(axes)
        axes.margins(x=0.02)
        label_ends(axes, drawn, plot.theme)
        plot.align_ylabels()
    return plot


def lines_of(history: Any) -> dict[str, Line]:
    """The lines of a history, by name."""
    given: dict[str, Any]
    if isinstance(history, Mapping):
        given = dict(history)
    elif hasattr(history, "losses") and hasattr(history, "val_losses"):
        given = {"training": (history.steps, history.losses)}
        given["validation"] = (history.val_steps, history.val_losses)
    elif isinstance(history, Sequence | np.ndarray) and np.ndim(history) == 1:
        given = {"loss": history}
    else:
        raise TypeError(
            f"curves: a training's History, or lines by name, not {type(history).__name__}"
        )
    lines = {str(name): line_of(name, values) for name, values in given.items()}
    if not any(len(steps) for steps, _ in lines.values()):
        raise ValueError("curves: there is no point to draw yet")
    return {name: line for name, line in lines.items() if len(line[0])}


def line_of(name: Any, given: Any) -> Line:
    """(steps, values) as arrays."""
    paired = isinstance(given, tuple) and len(given) == 2 and np.ndim(given[1]) == 1
    steps, values = given if paired else (range(1, len(given) + 1), given)
    x, y = np.asarray(steps, float), np.asarray(values, float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"curves: {name!r} has steps {x.shape} and values {y.shape}, not one each")
    return x, y


def rate_of(history: Any, lr: Any) -> Line | None:
    if lr is False or lr is None:
        return None
    if lr is not True:
        return line_of("learning rate", lr)
    if not hasattr(history, "lrs"):
        raise TypeError("curves: lr=True is for a training's History; pass the rates themselves")
    return line_of("learning rate", (history.steps, history.lrs))


def draw(
    axes: Any, lines: Mapping[str, Line], under: str, smooth: float, theme: Theme
) -> list[Any]:
    """Draw lines alike; or over one, which is thin where it is noisy, else wide."""
    cards, drawn = theme.cards, []
    colours = itertools.cycle((cards["parameter"].line, cards["input"].line, theme.ink, theme.edge))
    for name in sorted(lines, key=lambda name: name != under):
        steps, values = lines[name]
        lies = name == under
        colour = theme.edge if lies else next(colours)
        thin = len(values) >= NOISY and (lies or under not in lines)
        width = 1.0 if thin else 5.0 if lies and len(lines) > 1 else 2.0
        if smooth and len(steps) > 1 and np.median(np.diff(steps)) < smooth:
            axes.plot(steps, values, color=colour, lw=0.8, alpha=0.35, label=f"_{name}")
            values, width = smoothed(steps, values, smooth), 2.0
        alpha = 0.6 if width == 5 else 1.0
        mark = "o" if len(values) == 1 else ""
        style = {"color": colour, "lw": width, "alpha": alpha, "marker": mark}
        drawn += axes.plot(steps, values, label=shown(name), **style)
    return drawn


def draw_marks(axes: Any, name: str, steps: Sequence[float], theme: Theme) -> None:
    """A line from bottom to top at each of these steps, and the name above the first."""
    places = np.sort(np.asarray(steps, float))
    for place in places:
        axes.axvline(place, color=theme.frame, lw=1.2, label="_mark", zorder=0)
    if len(places):
        above = axes.get_xaxis_transform()
        axes.text(places[0], 1.02, shown(name), color=theme.quiet, ha="center", transform=above)


def shown(name: str) -> str:
    """A name as it can be drawn; of an empty one, matplotlib would make one of its own."""
    return visible(name, LONGEST) or NO_BREAK


def logarithmic(axes: Any) -> None:
    from .figure import plain_numbers

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(plain_numbers())
    low, high = axes.get_ylim()
    axes.yaxis.set_minor_formatter(plain_numbers() if high < 10 * low else "")


def label_ends(axes: Any, lines: list[Any], theme: Theme) -> None:
    """Each line's name and last value at the right, moved apart where they would overlap."""
    axes.set_ylim(axes.get_ylim())  # matplotlib finds the limits when they are asked for
    to_axes = axes.transScale + axes.transLimits
    ends = []
    for line in lines:
        finite = [y for y in line.get_ydata() if math.isfinite(y)]
        if finite:
            ends.append((float(to_axes.transform((0, finite[-1]))[1]), finite[-1], line))
    ends.sort(key=lambda end: end[0])
    height = axes.figure.get_figheight() * axes.get_position().height * 72  # points
    heights = apart([end[0] for end in ends], LABEL * SMALL / height)
    for (at, value, line), y in zip(ends, heights, strict=True):
        place = {"transform": axes.transAxes, "clip_on": False}
        colour = line.get_color()
        axes.plot([1.0, 1.03], [at, y], color=colour, lw=1.2, label="_lead", **place)
        axes.text(1.04, y, line.get_label(), va="center", color=theme.ink, **place)
        beside = {"xycoords": axes.texts[-1], "xytext": (6, 0), "textcoords": "offset points"}
        axes.annotate(digits(value), (1, 0.5), va="center", color=theme.quiet, **beside)


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Rising heights moved as little as needed to lie a gap from each other, and between 0 and 1
    if there is room for all.

    >>> apart([0.5, 0.5, 1.0], 0.25), apart([1.0, 1.0], 0.25)
    ([0.375, 0.625, 1.0], [0.75, 1.0])
    """
    groups: list[list[float]] = []  # [middle, how many] of labels that touch
    for height in heights:
        groups.append([height, 1])
        while len(groups) > 1:
            (low, n), (high, m) = groups[-2:]
            if high - low >= gap * (n + m) / 2:
                break
            groups[-2:] = [[(low * n + high * m) / (n + m), n + m]]
    moved = [middle + gap * (i - (n - 1) / 2) for middle, n in groups for i in range(int(n))]
    rest = reversed(range(len(moved)))  # how many lie above each
    return [
        max(min(y, 1 - gap * n), gap * i) for i, (y, n) in enumerate(zip(moved, rest, strict=True))
    ]
