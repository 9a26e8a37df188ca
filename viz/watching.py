"""`watch`: every backward pass drawn, as it runs."""

from __future__ import annotations

import atexit
import itertools
import os
import re
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.graph import Node, Steps
from ..engine.modes import Modes, mode, modes
from .dot import write
from .drawing import plan_of
from .gather import Gradients
from .plan import Plan
from .renderer import INSTALL, renderer
from .theme import Theme, theme_of


class Watcher:
    """An observer of backward passes, which draws them with their own gradients.

    Attributes:
        folder: where.
        paths: the pictures drawn so far, those that `keep` removed left out.
        passes: how many backward passes there were.
    """

    def __init__(
        self, folder: str | os.PathLike[str], every: int = 1, keep: int | None = None,
        theme: str | Theme = "light",
    ) -> None:  # fmt: skip
        if every < 1 or (keep is not None and keep < 1):
            raise ValueError(f"watch: every={every} and keep={keep} are counts, 1 or more")
        self.folder, self.every, self.keep = Path(folder), every, keep
        self.theme = theme_of(theme)
        self.paths: deque[Path] = deque()
        self.passes = 0

    def __call__(self, root: Node, steps: Steps) -> Steps:
        """Hand each step on, and draw when the pass ends, or breaks."""
        self.passes += 1
        if (self.passes - 1) % self.every:
            yield from steps
            return
        plan = plan_of(root)
        found = Gradients(plan)
        try:
            for node, grad in steps:
                found.see(node, grad)
                yield node, grad
        except Exception as error:
            found.trouble = f"This backward pass stopped: {error}"
            self._draw(plan, found)
            raise
        self._draw(plan, found)

    def _draw(self, plan: Plan, found: Gradients) -> None:
        picture = write(plan, found, self.theme)
        if renderer():
            path = self._add(picture.pipe("svg"), ".svg")
        else:
            path = self._add(picture.source.encode(), ".gv")
            warnings.warn(f"{path} holds the DOT source, not a picture. {INSTALL}", stacklevel=4)
        self.paths.append(path)
        while self.keep is not None and len(self.paths) > self.keep:
            self.paths.popleft().unlink(missing_ok=True)

    def _add(self, content: bytes, suffix: str) -> Path:
        """Write the file of the next number. What is in the folder already is counted on from
        and never written over, also by two threads at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = [int(p.stem) for p in self.folder.iterdir() if re.fullmatch("[0-9]+", p.stem)]
        for number in itertools.count(max(taken, default=0) + 1):
            path = self.folder / f"{number:04}{suffix}"
            try:
                with path.open("xb") as file:
                    file.write(content)
                return path
            except FileExistsError:
                continue
        raise AssertionError

    def __str__(self) -> str:
        if not self.passes:
            return f"No backward pass ran, so nothing was drawn in {self.folder}."
        many = len(self.paths)
        first, last = (self.paths[0], self.paths[-1].name) if many else (self.folder, "")
        where = f"{first}" if many < 2 else f"{first} to {last}"
        return f"{self.passes:,} backward pass{'es' * (self.passes != 1)}, {many:,} drawn: {where}"


@contextmanager
def watch(
    folder: str | os.PathLike[str], every: int = 1, keep: int | None = None,
    theme: str | Theme = "light", quiet: bool = False,
) -> Iterator[Watcher]:  # fmt: skip
    """Draw every backward pass of this thread in the block: `0001.svg`, `0002.svg` …

    At the end it prints where they are, and `as watcher` gives their `paths`. Numbers go on
    from those in the folder. Watches may be nested: each draws into its own folder.

    Args:
        folder: where; made if it is not there.
        every: draw the first of so many passes.
        keep: keep the latest so many pictures, and remove older ones of this watch.
        theme: "light" or "dark".
        quiet: print nothing.
    """
    watcher = Watcher(folder, every, keep, theme)
    try:
        with mode(observers=(*modes.observers, watcher)):
            yield watcher
    finally:
        if not quiet:
            print(watcher)


def watch_always(folder: str) -> Watcher:
    """Draw every backward pass of the process, in every thread, from now on (GROUNDUP_VIZ)."""
    watcher = Watcher(folder)
    Modes.observers = (*Modes.observers, watcher)
    atexit.register(lambda: print(watcher))
    return watcher
