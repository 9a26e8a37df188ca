"""Where a plot is drawn: matplotlib, imported when the first one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.errors import MissingExtra
from ..theme import Theme, theme_of

if TYPE_CHECKING:
    from .figure import Plot


def canvas(wanted_for: str, theme: str | Theme, width: float, height: float) -> Plot:
    """An empty figure, so many inches wide and high.

    Raises:
        MissingExtra: matplotlib is not installed.
        ValueError: there is no such theme.
    """
    chosen = theme_of(theme)
    try:
        from .figure import Plot
    except ImportError:
        raise MissingExtra("matplotlib", wanted_for, "report") from None
    return Plot(chosen, width, height)
