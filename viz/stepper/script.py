"""The backward passes that a script makes, for `groundup step`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...engine.anomaly import Lines
from ...engine.graph import Node, Steps
from ...engine.modes import observing
from ..page import environment
from .step_page import StepPage
from .stepping import LIMIT
from .steps import size, steps_of
from .terminal import say_steps


class Passes:
    """An observer of backward passes, which makes a page of them, or says them as they come.

    Attributes:
        count: how many passes there were.
        shown: how many of them are shown; the others are too large, or come after the page is full.
    """

    def __init__(self, limit: int = LIMIT, page: str = "", text: bool = False) -> None:
        """
        Args:
            limit: the most steps that are shown in all.
            page: the title of a page to make, if any.
            text: say each pass in the terminal when it ends.

        Raises:
            ValueError: the limit is no count.
            MissingExtra: there is to be a page, and Jinja2 is not installed.
        """
        if limit < 1:
            raise ValueError(f"limit={limit} is a count of steps, 1 or more")
        if page:
            environment()
        self.limit, self.text = limit, text
        self.count = self.shown = self.steps = 0
        self._page = StepPage(page) if page else None
        self._large: list[int] = []  # how many steps each pass has that is too large alone
        self._late: list[int] = []  # and each that came when the page was full

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take every backward pass of the process; ops of this thread remember their lines."""
        with observing(self, threads=True, witness=Lines()):
            yield

    def __call__(self, root: Node, steps: Steps) -> Steps:
        """Hand each step on, and take the whole when the pass ends, or breaks."""
        self.count += 1
        many = size(root)
        if many > self.limit or self._late or self.steps + many > self.limit:
            (self._large if many > self.limit else self._late).append(many)
            yield from steps
            return
        self.shown += 1
        number, seen = self.count, []
        try:
            for step in steps:
                seen.append(step)
                yield step
        except Exception as error:
            self._take(number, root, [], f"No backward steps, since this pass stopped: {error}")
            raise
        self._take(number, root, seen)

    def _take(
        self, number: int, root: Node, passed: list[tuple[Node, Any]], trouble: str = ""
    ) -> None:
        steps = steps_of(root, passed)
        self.steps += len(steps)
        if self._page:
            self._page.add(root, steps, trouble)
        if self.text:
            say_steps(f"Backward pass {number}. {trouble}".strip(), steps)

    @property
    def notes(self) -> list[str]:
        """Sentences on what is not shown."""
        notes = []
        if self._large:
            several = len(self._large) > 1
            notes.append(
                f"{len(self._large):,} backward pass{'es' * several} of more than {self.limit:,} "
                f"steps ({'the largest has' if several else 'it has'} {max(self._large):,}) "
                f"{'are' if several else 'is'} left out. Take a smaller input, or raise --limit, "
                "or open it with viz.zoom, which takes a graph of any size."
            )
        if self._late:
            several = len(self._late) > 1
            notes.append(
                f"The script made {len(self._late):,} more backward pass{'es' * several}, of "
                f"{sum(self._late):,} steps, not shown here: --limit is {self.limit:,} steps."
            )
        return notes

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, and return its path."""
        assert self._page is not None
        self._page.notes = self.notes
        return self._page.write(path)

    def __str__(self) -> str:
        passes = f"{self.shown:,} backward pass{'es' * (self.shown != 1)}"
        return " ".join([f"{passes}, {self.steps:,} steps.", *self.notes])
