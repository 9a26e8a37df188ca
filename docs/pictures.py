"""Draw the pictures of the README anew: `.venv/bin/python docs/pictures.py`."""

from __future__ import annotations

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


def gpt() -> Any:
    nn.manual_seed(0)
    config = models.GPTConfig(vocab_size=65, block_size=64, n_layer=1, n_head=4, n_embd=128)
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


if __name__ == "__main__":
    for path, svg in pictures():
        path.write_text(svg, encoding="utf-8", newline="\n")
        print(path)
