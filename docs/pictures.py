"""Make the pictures of the README anew: `.venv/bin/python docs/pictures.py`.

Graphs are drawn; pages are opened in Chromium, driven by Playwright, and photographed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Value

FOLDER = Path(__file__).parent


def expression() -> Value:
    a, b = Value(0.5, name="a"), Value(-3.0, name="b")
    return (a * b + a).tanh()


def gpt(n_layer: int = 1) -> Any:
    nn.manual_seed(0)
    config = models.GPTConfig(vocab_size=65, block_size=64, n_layer=n_layer, n_head=4, n_embd=128)
    ids = np.random.default_rng(0).integers(0, 65, size=(12, 65))
    _, loss = models.GPT(config)(ids[:, :-1], ids[:, 1:])
    loss.name = "loss"
    return loss


def pictures() -> Iterator[tuple[Path, str]]:
    """Each picture's file, and the SVG that it should hold."""
    for name, node, collapse in [("expression", expression(), False), ("gpt", gpt(), True)]:
        for theme, suffix in [("light", ""), ("dark", "-dark")]:
            picture = viz.draw(node, theme=theme, collapse=collapse)
            yield FOLDER / f"{name}{suffix}.svg", picture.pipe("svg", encoding="utf-8")


PAGES = {
    "steps": (lambda folder: viz.step(expression, folder / "page.html"), "#step-10", 600),
    "zoom": (lambda folder: viz.zoom(gpt(n_layer=12), folder / "page.html"), "", 930),
}


def photographs() -> Iterator[tuple[Path, bytes]]:
    """Each page's file, and the PNG of how it looks."""
    sys.path.append(str(FOLDER.parent / "benchmarks"))
    from harness.chromium import HOW, chromium, chromium_path

    path = chromium_path()
    if path is None:
        raise SystemExit(f"photographs need a browser: {HOW}")
    with tempfile.TemporaryDirectory() as folder, chromium(path) as browser:
        for name, (make, place, height) in PAGES.items():
            address = make(Path(folder)).as_uri() + place
            for theme, suffix in [("light", ""), ("dark", "-dark")]:
                page = browser.new_page(
                    viewport={"width": 1280, "height": height},
                    color_scheme=theme,
                    reduced_motion="reduce",  # or the photograph is of a box on its way
                )
                page.goto(address)
                yield FOLDER / f"{name}{suffix}.png", page.screenshot()
                page.close()


if __name__ == "__main__":
    for path, png in photographs():
        path.write_bytes(png)
        print(path)
    for path, svg in pictures():
        path.write_text(svg, encoding="utf-8", newline="\n")
        print(path)
