"""A matplotlib Figure in the palette and type of the pictures. Import it through `canvas`."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import style
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..renderer import asked
from ..theme import FONT, SMALL, Theme


class Plot(Figure):
    """A Figure that keeps its look however it is drawn, and shows itself in a notebook.

    matplotlib reads its settings when artists are made and again when they are drawn, so both are
    done inside `style`; the settings of whoever imports matplotlib are neither used nor changed.
    """

    def __init__(self, theme: Theme, width: float, height: float) -> None:
        self.theme = theme
        with self.style():
            super().__init__(figsize=(width, height), layout="constrained")

    @contextmanager
    def style(self) -> Iterator[None]:
        with style.context(["default", settings(self.theme)]), warnings.catch_warnings():
            # A user's text may need a font that is not here: its place is shown all the same.
            warnings.filterwarnings("ignore", message="Glyph|Matplotlib currently does not support")
            yield

    def draw(self, renderer: Any) -> None:
        with self.style():
            super().draw(renderer)
        self.set_layout_engine("none")  # another layout would begin with this one, and differ

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """As matplotlib's, and with the same bytes each time."""
        if str(kwargs.get("format") or fname).lower().endswith("svg"):
            kwargs.setdefault("metadata", {"Date": None})
        with self.style():
            super().savefig(fname, **kwargs)

    def svg(self, **kwargs: Any) -> str:
        """The figure as SVG text; its words stay text, in the reader's own font."""
        out = io.StringIO()
        self.savefig(out, format="svg", **kwargs)
        return out.getvalue()

    _repr_html_ = None  # type: ignore[assignment]  # matplotlib's, for windows in a page

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        """One rich representation, SVG."""
        bundle = {"image/svg+xml": self.svg(), "text/plain": repr(self)}
        return asked(bundle, include, exclude)


def settings(theme: Theme) -> dict[str, Any]:
    """matplotlib's settings in the look of the pictures."""
    return {
        "font.family": ["sans-serif", "DejaVu Sans"],  # which has what the first may lack
        "font.sans-serif": [FONT, "Arial", "Liberation Sans", "DejaVu Sans"],
        "font.size": SMALL,
        "axes.titlesize": SMALL,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": SMALL,
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "axes.facecolor": "none",
        "text.color": theme.ink,
        "axes.labelcolor": theme.quiet,
        "axes.titlecolor": theme.ink,
        "axes.edgecolor": theme.frame,
        "xtick.color": theme.frame,
        "ytick.color": theme.frame,
        "xtick.labelcolor": theme.quiet,
        "ytick.labelcolor": theme.quiet,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": theme.frame,
        "grid.linewidth": 0.6,
        "grid.alpha": 0.6,
        "hatch.color": theme.frame,
        "hatch.linewidth": 0.6,
        "text.parse_math": False,  # a user's name may hold dollar signs
        "svg.fonttype": "none",
        "svg.hashsalt": "groundup",
        "savefig.dpi": 160,
    }


def ramp(*colours: str) -> LinearSegmentedColormap:
    """Colours from one to the next; none for what is no number."""
    return LinearSegmentedColormap.from_list("groundup", colours)


def plain_numbers() -> FuncFormatter:
    """Ticks of a logarithmic axis without mathtext: 0.001, 1000, 1e−7."""
    return FuncFormatter(lambda x, _: f"{x:g}".replace("-", "−").replace("e−0", "e−"))
