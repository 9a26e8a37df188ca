"""The tour's report: one page with its pictures inside, and in frames the pages beside it that can
be stepped and zoomed. Nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from .. import viz
from ..train.files import replace
from ..viz.page import palette


@dataclass
class Figure:
    """A picture as SVG text; one for dark pages too, where it does not see to that itself."""

    name: str
    caption: str
    light: str
    dark: str = ""
    plot: bool = False  # curves can be read when they shrink, cards cannot

    @staticmethod
    def uri(svg: str) -> str:
        """The picture as an address that holds it: inlined, two would share their ids."""
        return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@dataclass
class Page:
    """A page beside the report, shown in it: a stepper or a zoom."""

    name: str  # its file in the report's folder
    caption: str
    height: int = 640  # in pixels


@dataclass
class Section:
    """A part of the report. Everything in it is text and is escaped by the template."""

    title: str
    prose: str  # paragraphs, with an empty line between them
    figures: list[Figure] = field(default_factory=list)
    table: tuple[tuple[str, ...], list[tuple[str, ...]]] | None = None
    samples: list[tuple[str, str]] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    def paragraphs(self) -> list[str]:
        return [" ".join(part.split()) for part in self.prose.strip().split("\n\n")]


class Report:
    """Sections, and the folder that they are written to."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.sections: list[Section] = []
        self.stopped = False

    def add(self, section: Section) -> None:
        """Add a section, and write its pictures as files too."""
        for figure in section.figures:
            replace(self.folder / f"{figure.name}.svg", figure.light.encode())
        self.sections.append(section)

    def write(self) -> Path:
        """Write the page and return its path."""
        pages = Environment(loader=PackageLoader(__package__, "."), autoescape=True)
        colours = Markup(palette())
        page = pages.get_template("report.html").render(report=self, palette=colours)
        path = self.folder / "index.html"
        replace(path, page.encode())
        return path.resolve()


def picture(node: Any, name: str, caption: str) -> Figure:
    """A graph with its gradients, as a figure."""
    return Figure(name, caption, viz.draw(node, theme="auto").pipe("svg", encoding="utf-8"))


def curves(history: Any, name: str, caption: str, **options: Any) -> Figure:
    """Losses by step, as a figure; options as of `viz.curves`."""
    light, dark = (
        viz.curves(history, theme=theme, **options).svg(transparent=True)
        for theme in ("light", "dark")
    )
    return Figure(name, caption, light, dark, plot=True)
