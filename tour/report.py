"""The tour's report: one page, everything inside, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from .. import viz


@dataclass
class Figure:
    """A picture for a light page and one for a dark page, as SVG text."""

    name: str
    caption: str
    light: str
    dark: str
    plot: bool = False  # curves can be read when they shrink, cards cannot

    @staticmethod
    def uri(svg: str) -> str:
        """The picture as an address that holds it: inlined, two would share their ids."""
        return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@dataclass
class Section:
    """A part of the report. Everything in it is text and is escaped by the template."""

    title: str
    prose: str  # paragraphs, with an empty line between them
    figures: list[Figure] = field(default_factory=list)
    steps: list[tuple[str, str]] = field(default_factory=list)  # what happens, the gradient
    table: tuple[tuple[str, ...], list[tuple[str, ...]]] | None = None
    samples: list[tuple[str, str]] = field(default_factory=list)

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
        self.sections.append(section)

    def write(self) -> Path:
        """Write the pictures and the page, each whole or not at all; return the page's path."""
        for section in self.sections:
            for figure in section.figures:
                write_whole(self.folder / f"{figure.name}.svg", figure.light)
        pages = Environment(loader=PackageLoader(__package__, "."), autoescape=True)
        page = pages.get_template("report.html").render(report=self)
        path = self.folder / "index.html"
        write_whole(path, page)
        return path.resolve()


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once, so that an interruption leaves the old one or the new one."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
    ) as part:
        part.write(text)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)


def picture(node: Any, name: str, caption: str) -> Figure:
    """A graph with its gradients, as a figure."""
    light, dark = (
        viz.draw(node, theme=theme).pipe(format="svg", encoding="utf-8")
        for theme in ("light", "dark")
    )
    return Figure(name, caption, light, dark)
