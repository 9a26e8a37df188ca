"""`surface`: the loss around a model's weights, as a map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..notation import digits
from ..theme import Theme
from .canvas import canvas
from .landscape import Arrays, Landscape

if TYPE_CHECKING:
    from .figure import Plot

FAR = 50  # how many times the least loss the largest may be, before the scale is logarithmic


def surface(
    f: Callable[[], Any],
    parameters: Iterable[Any],
    *,
    directions: int | str | Sequence[Arrays] = 2,
    path: Sequence[Arrays] | None = None,
    points: int = 25,
    span: float = 1.0,
    seed: int = 0,
    log: bool | None = None,
    theme: str | Theme = "light",
) -> Plot:
    """The loss at weights + α · d₁ + β · d₂, as a map; along one direction alone, as a curve.

    Random directions are normalised filter by filter (Li et al., "Visualizing the loss landscape of
    neural nets", 2018), so that a step of 1 moves each filter by its own length, and maps of
    different networks can be compared. `f` runs points² times, under `no_grad`; call `model.eval()`
    first where there is dropout. The parameters are put back however that ends.

    Args:
        f: computes the loss, without arguments; always on the same batch.
        parameters: what is moved, `model.parameters()`.
        directions: how many random ones, 1 or 2; or one or two of your own, each a list with an
            array for each parameter; or "path", the two in which the path spreads most.
        path: snapshots of the parameters while they learned, each a list of arrays in their order:
            drawn where they lie nearest to the map. (Beside random directions they hardly move, as
            two random directions are nearly at right angles to any path; use "path".)
        points: how many steps along each direction.
        span: how far, in both senses.
        seed: of the random directions.
        log: a logarithmic scale; by default where losses differ much.
        theme: "light" or "dark".

    Returns:
        a matplotlib Figure, which shows itself in a notebook; `.savefig("surface.svg")`.

    Raises:
        MissingExtra: matplotlib is not installed.
        TypeError: parameters that are none.
        ValueError: directions or snapshots of other shapes, or f() is no number anywhere.

    >>> from groundup.engine import Tensor
    >>> w = Tensor([[3.0, 4.0]], requires_grad=True)
    >>> figure = surface(lambda: (w * w).sum(), [w], directions=1, points=3)
    >>> figure.axes[0].lines[0].get_ydata()[1]  # at the weights themselves
    np.float64(25.0)
    """
    if points < 2 or not span > 0:
        raise ValueError(f"surface: points={points} is at least 2, and span={span} above 0")
    land = Landscape(f, parameters)
    names = aim(land, directions, path, seed)
    trail = land.projected(path) if path else np.zeros((0, len(land.directions)))
    spans = [max(span, 1.1 * float(np.max(np.abs(along), initial=0.0))) for along in trail.T]
    steps = [np.linspace(-far, far, points) for far in spans]
    plot = canvas("viz.surface", theme, 6, 5 if len(steps) == 2 else 3.4)
    losses = np.ma.masked_invalid(land.losses(*steps))
    if losses.mask.all():
        raise ValueError("surface: f() is NaN or infinite everywhere on this slice")
    if log and losses.min() <= 0:
        raise ValueError(f"surface: log=True is for losses above 0; the least is {losses.min():g}")
    here = float(land.losses(*np.zeros((len(steps), 1))).item())
    with plot.style():
        axes = plot.subplots()
        (draw_map if len(steps) == 2 else draw_curve)(plot, axes, steps, losses, here, trail, log)
        axes.set_xlabel(names[0])
    if len(steps) == 2:
        axes.set_ylabel(names[1])
    return plot


def aim(land: Landscape, directions: Any, path: Any, seed: int) -> list[str]:
    """Give a landscape its directions, and say what they are."""
    if directions == "path":
        if path is None or not len(path):
            raise ValueError('surface: directions="path" needs the snapshots, path=')
        shares = land.principal(path, 2)
        return [f"{100 * share:.0f} % of the path lies along here" for share in shares]
    if isinstance(directions, int) and directions in (1, 2):
        land.random(directions, seed)
        return [f"random direction {i}, in filter lengths" for i in (1, 2)]
    if isinstance(directions, int | str) or len(directions) not in (1, 2):
        raise ValueError(
            f'surface: directions={directions!r:.40} is 1, 2, "path", or one or two directions'
        )
    land.given(directions)
    return [f"direction {i}" for i in (1, 2)]


def is_far(losses: Any, log: bool | None) -> bool:
    """Whether the scale is logarithmic."""
    low, high = losses.min(), losses.max()
    return bool(low > 0 and high > FAR * low) if log is None else log


def draw_map(
    plot: Plot, axes: Any, steps: Any, losses: Any, here: float, trail: Any, log: bool | None
) -> None:
    from matplotlib.colors import LogNorm, PowerNorm
    from matplotlib.patheffects import withStroke

    from .figure import plain_numbers, ramp

    theme, low, high = plot.theme, losses.min(), losses.max()
    far = is_far(losses, log)
    blue = theme.cards["parameter"]
    shades = ramp(blue.line, blue.fill, theme.background).with_extremes(bad=theme.alarm)
    cells = [(s[1] - s[0]) / 2 for s in steps]
    (x, y), (dx, dy) = steps, cells
    image = axes.imshow(
        losses, cmap=shades, norm=LogNorm(low, high) if far else PowerNorm(0.5, low, high),
        interpolation="bicubic", origin="lower", aspect="auto",
        extent=(x[0] - dx, x[-1] + dx, y[0] - dy, y[-1] + dy),
    )  # fmt: skip
    if high > low:
        # Squares, as the root of the colour scale: most lines where the valley is flat.
        between = low + (high - low) * np.linspace(0, 1, 12) ** 2
        levels = np.geomspace(low, high, 12) if far else between
        lines = axes.contour(
            x, y, losses, levels[1:-1], colors=theme.ink, linewidths=0.6, alpha=0.4
        )  # fmt: skip
        for text in axes.clabel(lines, lines.levels[::2], fmt=digits, fontsize=8, colors=theme.ink):
            text.set(alpha=1.0, path_effects=[withStroke(linewidth=2.5, foreground=blue.fill)])
    if len(trail):
        axes.plot(*trail.T, color=theme.gradient, lw=1.6, marker="o", ms=3, label="path")
    mark(axes, 0, 0, here, theme)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    bar = plot.colorbar(image, ax=axes, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("loss")
    if far:
        bar.ax.yaxis.set_major_formatter(plain_numbers())
        bar.ax.yaxis.set_minor_formatter("")


def draw_curve(
    plot: Plot, axes: Any, steps: Any, losses: Any, here: float, trail: Any, log: bool | None
) -> None:
    from .lines import logarithmic

    theme = plot.theme
    axes.plot(steps[0], losses, color=theme.cards["parameter"].line, lw=2, label="loss")
    if len(trail):  # beneath, where the path came from
        ground = axes.get_xaxis_transform()
        axes.plot(trail, np.zeros(len(trail)), "o", ms=3, color=theme.gradient, transform=ground,
                  label="path", clip_on=False)  # fmt: skip
    axes.set_ylabel("loss")
    axes.grid(axis="y")
    if is_far(losses, log):
        logarithmic(axes)
    mark(axes, 0, here, here, theme)


def mark(axes: Any, x: float, y: float, loss: float, theme: Theme) -> None:
    """The weights themselves."""
    axes.plot([x], [y], marker="o", ms=7, color=theme.gradient, mec=theme.background, label="here")
    axes.annotate(
        f"here: {digits(loss)}", (x, y), xytext=(8, 8), textcoords="offset points",
        color=theme.ink, fontweight="bold",
        bbox={"boxstyle": "round,pad=0.25", "fc": theme.background, "ec": "none", "alpha": 0.85},
    )  # fmt: skip
