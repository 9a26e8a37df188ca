"""What the pages of `viz` cost: to write, to load in Chromium, to open a box, to take a step.

A time is the median of several, with the largest beside it. A click or a key is timed until what it
changed is on the screen: handler, layout, and the next frame, of which there are 60 a second.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from groundup.train import InputError
from harness.chromium import HOW, chromium, chromium_path

ROUNDS = 5


class Figure(NamedTuple):
    """One line of the table; `goal` is what the pages were made for, where they were."""

    what: str
    median: float
    largest: float
    unit: str
    goal: float | None = None


def measure(folder: Path) -> dict[str, list[Figure]]:
    """The figures of each page."""
    path = chromium_path()
    if path is None:
        raise InputError(f"the pages need a browser: {HOW}")
    with chromium(path) as browser:
        return {
            name: [*use(browser, make(), folder / "page.html")]
            for name, (make, use) in PAGES.items()
        }


def show(pages: dict[str, list[Figure]]) -> None:
    """Print the table, in Markdown."""
    print("| page | what | median | largest | goal |\n|---|---|---:|---:|---:|")
    for name, figures in pages.items():
        for place, (what, median, largest, unit, goal) in enumerate(figures):
            most = "" if unit == "MB" else f"{largest:.3g}"
            bound = "" if goal is None else f"{goal:g} {unit}"
            print(f"| {'' if place else name} | {what} | {median:.3g} {unit} | {most} | {bound} |")


# The graphs


def values(ops: int) -> Any:
    """So many ops on Values, in no module; each uses one or two of the results just before it."""
    from groundup.engine import Value

    a, b = Value(0.5, name="a"), Value(-0.25, name="b")
    made = [a, b]
    for i in range(ops):
        kinds = made[-1] * made[-2], made[-1] + b, made[-1] - a
        made.append(made[-1].tanh() if i % 4 == 3 else kinds[i % 4])
    return made[-1]


def stepping(steps: int) -> Any:
    """A graph of Values with so many steps, or a few less."""
    from groundup import viz

    ops = steps // 2
    while sum(1 for _ in viz.steps(values(ops))) > steps:
        ops -= 8
    return values(ops)


def gpt(batch: int, length: int, scalars: bool = False, **sizes: int) -> Any:
    """The loss of an untrained GPT."""
    import numpy as np

    from groundup import models, nn

    nn.manual_seed(0)
    model = models.GPT(models.GPTConfig(block_size=length, **sizes))
    ids = np.arange(batch * length).reshape(batch, length) % model.config.vocab_size
    return (model.to_scalars() if scalars else model)(ids, ids)[1]


# What is done with them


def zoomed(browser: Any, loss: Any, path: Path) -> Iterator[Figure]:
    from groundup import viz
    from groundup.engine.graph import ancestry

    nodes = len(ancestry(loss))
    yield Figure(f"written ({nodes:,} nodes)", *timed(lambda: viz.zoom(loss, path)), "s")
    yield size(path)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    yield Figure("loaded", *timed(lambda: page.goto(path.as_uri())), "s")

    def both() -> None:
        viz.zoom(loss, path)
        page.goto(path.as_uri())

    yield Figure("written and loaded", *timed(both), "s", 2.0)
    opened = page.evaluate(f"{PAINTED}{OPEN_BOXES}")
    yield Figure(f"a box opened (of {len(opened)})", *middle(opened), "ms", 500.0)
    page.close()


def stepped(browser: Any, loss: Any, path: Path) -> Iterator[Figure]:
    from groundup import viz

    count = sum(1 for _ in viz.steps(loss))
    yield Figure(f"written ({count:,} steps)", *timed(lambda: viz.step(loss, path)), "s")
    yield size(path, goal=5.0)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    yield Figure("loaded", *timed(lambda: page.goto(path.as_uri())), "s")
    yield Figure("a step", *middle(page.evaluate(f"{PAINTED}{TAKE_STEPS}")), "ms", 50.0)
    page.close()


PAINTED = """
const painted = async (action) => {
  const began = performance.now();
  action();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
};
const press = (key) =>
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
"""

TAKE_STEPS = """(async () => {
  const taken = [], slider = document.querySelector('input[type=range]');
  for (let i = Number(slider.min); i < Number(slider.max); i++) {
    taken.push(await painted(() => press('ArrowRight')));
  }
  return taken;
})()"""

# Each box of the first view, and what stands first in each view inside.
OPEN_BOXES = """(async () => {
  const bubbles = true, taken = [];
  const boxes = () => [...document.querySelectorAll('.graph [role=button]')];
  for (let i = 0; i < boxes().length; i++) {
    let depth = 0;
    for (let next = boxes()[i]; next && depth < 6; depth++) {
      taken.push(await painted(() => next.dispatchEvent(new MouseEvent('click', { bubbles }))));
      next = boxes()[0];
    }
    while (depth--) press('Escape');
    await painted(() => {});
  }
  return taken;
})()"""

PAGES: dict[str, tuple[Callable[[], Any], Any]] = {
    "stepper: Values": (lambda: stepping(2000), stepped),
    "zoom: Values in no module": (lambda: values(10_000), zoomed),
    "zoom: a GPT on Values": (
        lambda: gpt(1, 4, scalars=True, vocab_size=8, n_layer=2, n_head=2, n_embd=4),
        zoomed,
    ),
    "zoom: a GPT, 4 layers, 128 wide": (
        lambda: gpt(2, 32, vocab_size=65, n_layer=4, n_head=4, n_embd=128),
        zoomed,
    ),
    "zoom: a GPT of 48 layers, 32 wide": (
        lambda: gpt(2, 32, vocab_size=65, n_layer=48, n_head=4, n_embd=32),
        zoomed,
    ),
}


def size(path: Path, goal: float | None = None) -> Figure:
    bytes_ = path.stat().st_size / 1e6
    return Figure("size", bytes_, bytes_, "MB", goal)


def timed(action: Callable[[], Any]) -> tuple[float, float]:
    """The median and the largest of some rounds, in seconds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return middle(taken)


def middle(taken: list[float]) -> tuple[float, float]:
    return statistics.median(taken), max(taken)
