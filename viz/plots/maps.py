"""`attention`: which token looks at which, for each layer and head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.graph import Node
from ..escape import visible
from ..theme import SMALL, Theme
from .canvas import canvas
from .weights import Attention, attentions

if TYPE_CHECKING:
    from .figure import Plot

READABLE = 6.0  # points; where tokens would be smaller, their places stand instead
ROOM = 0.85  # of the height of a cell, for its token
Tokens = Sequence[object]


def attention(
    node: Node,
    tokens: Tokens | None = None,
    *,
    keys: Tokens | None = None,
    layer: int | str | None = None,
    head: int | None = None,
    item: int = 0,
    theme: str | Theme = "light",
) -> Plot:
    """Attention weights over the tokens that a model was given: a row for each call of attention
    behind `node`, a column for each head.

    Each row of a map sums to 1: what the token at its left reads of those below. The scale is that
    of the root of a weight, so that small ones are seen. Hatched is where it may not look.

    Args:
        node: a result of the model, its loss or its logits, computed outside `no_grad`.
        tokens: what stands at each position, T of them: strings (spaces and line ends are made
            visible) or anything else; None for the positions.
        keys: the S tokens that are read, where they are others.
        layer: only this call, by number or by the path of its module, `"blocks.0.attn"`.
        head: only this head.
        item: which of the batch.
        theme: "light" or "dark".

    Returns:
        a matplotlib Figure, which shows itself in a notebook; `.savefig("attention.svg")`.

    Raises:
        MissingExtra: matplotlib is not installed.
        ValueError: no attention behind the node, or not as many tokens as positions.
        IndexError: no such layer, head or item.
    """
    chosen = only(attentions(node), layer)
    T, S = next(iter(chosen.values())).weights.shape[-2:]
    rows = {path: one_item(one, item, head) for path, one in chosen.items()}
    columns = max(len(one.weights) for one in rows.values())
    named = words(tokens, T, "tokens"), words(tokens if keys is None else keys, S, "keys")
    side = side_of(max(T, S), columns, alone=len(rows) * columns == 1)
    plot = canvas("viz.attention", theme, columns * side + 1.4, len(rows) * (side + 0.1) + 0.9)
    with plot.style():
        grid = plot.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
        for (path, one), panels in zip(rows.items(), grid, strict=True):
            for number, axes in enumerate(panels):
                if number >= len(one.weights):
                    axes.set_axis_off()
                    continue
                image = draw(axes, one.weights[number], one.hidden[number], plot.theme)
                if axes in grid[0]:
                    axes.set_title(f"head {number if head is None else head}")
            panels[0].set_ylabel(visible(path, 40), color=plot.theme.ink)
        for axes in grid[-1]:
            label(axes.xaxis, named[1], S, side)
        for axes in grid[:, 0]:
            label(axes.yaxis, named[0], T, side)
        plot.supxlabel("what is read", size=SMALL, color=plot.theme.quiet)
        plot.supylabel("who reads", size=SMALL, color=plot.theme.quiet)
        bar = plot.colorbar(image, ax=grid, shrink=min(1.0, 2 / len(rows)), aspect=30, pad=0.02)
        bar.set_ticks([0, 0.05, 0.2, 0.5, 1], labels=["0", "0.05", "0.2", "0.5", "1"])
        bar.outline.set_visible(False)
        bar.set_label("weight")
    return plot


def side_of(positions: int, columns: int, alone: bool) -> float:
    """How wide a map is, in inches: so that its tokens can be read, while all maps fit a page."""
    readable = positions * READABLE / 72 / ROOM
    if alone:
        return min(max(1.6 * readable, 2.5), 7.0)
    return min(max(readable, 2.0), max(14 / columns, 1.2))


def only(found: dict[str, Attention], layer: int | str | None) -> dict[str, Attention]:
    """The calls that were asked for, all with as many positions."""
    paths = list(found)
    if layer is not None:
        if isinstance(layer, str) and layer not in found:
            raise IndexError(f"attention: no layer {layer!r}; there are {', '.join(paths)}")
        if isinstance(layer, int) and not -len(paths) <= layer < len(paths):
            raise IndexError(f"attention: no layer {layer} of {len(paths)}")
        paths = [layer if isinstance(layer, str) else paths[layer]]
    shapes = {found[path].weights.shape[-2:] for path in paths}
    if len(shapes) > 1:
        raise ValueError(
            f"attention: layers over different positions, {sorted(shapes)}; choose one by layer= "
            f"({', '.join(paths)})"
        )
    return {path: found[path] for path in paths}


def one_item(one: Attention, item: int, head: int | None) -> Attention:
    """The maps (H, T, S) of one item of the batch."""
    items, heads = one.weights.shape[:2]
    for what, number, count in (("item", item, items), ("head", head, heads)):
        if number is not None and not -count <= number < count:
            raise IndexError(f"attention: no {what} {number} of {count}")
    pick = slice(None) if head is None else [head]
    return Attention(one.weights[item, pick], one.hidden[item, pick])


def words(tokens: Tokens | None, count: int, what: str) -> list[str] | None:
    if tokens is None:
        return None
    if len(tokens) != count:
        raise ValueError(f"attention: {len(tokens)} {what} for {count} positions")
    return [seen(str(token)) for token in tokens]


def seen(token: str) -> str:
    """A token, in as far as it can be seen.

    >>> seen(" the"), seen("\\n"), seen("")
    ('␣the', '↵', '∅')
    """
    return visible(token.replace("\t", "⇥").replace(" ", "␣"), longest=14) or "∅"


def draw(axes: Any, weights: np.ndarray, hidden: np.ndarray, theme: Theme) -> Any:
    from matplotlib.colors import PowerNorm
    from matplotlib.patches import Rectangle

    from .figure import ramp

    whole = Rectangle(
        (0, 0), 1, 1, transform=axes.transAxes, fill=False, hatch="/////", lw=0, zorder=-1
    )
    axes.add_patch(whole)
    colours = ramp(theme.cards["op"].fill, theme.cards["parameter"].line, theme.ink)
    shown = np.ma.array(weights, mask=hidden)
    image = axes.imshow(shown, cmap=colours, norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=3)
    return image


def label(axis: Any, named: list[str] | None, count: int, side: float) -> None:
    """Tokens beside a map of so many inches, or places, where tokens would be too small to read."""
    size = min(SMALL, side * 72 / count * ROOM)
    if named is None or size < READABLE - 1e-9:
        axis.get_major_locator().set_params(integer=True, nbins=6)
        return
    turned = axis.axis_name == "x" and max(map(len, named)) > 2
    axis.set_ticks(range(count), labels=named, fontsize=size, rotation=90 if turned else 0)
