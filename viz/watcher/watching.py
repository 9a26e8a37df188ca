"""`watch`: every backward pass drawn, as it runs, and all of them in one page."""

from __future__ import annotations

import atexit
import itertools
import os
import re
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ...engine.errors import InputError
from ...engine.graph import Node, Steps
from ...engine.modes import Modes, observing
from ..dot import write
from ..renderer import INSTALL, renderer
from ..theme import Theme, theme_of
from .journal import Journal
from .seen import Seen


class Watcher:
    """An observer of backward passes, which draws them with their own gradients.

    What goes wrong here, such as a full disk, becomes a warning, once, and stops no training.

    Attributes:
        folder: where.
        paths: the pictures drawn so far, those that `keep` removed left out.
        passes: how many backward passes there were.
    """

    def __init__(
        self, folder: str | os.PathLike[str], every: int = 1, keep: int | None = None,
        theme: str | Theme = "auto", collapse: bool | None = None,
    ) -> None:  # fmt: skip
        if every < 1 or (keep is not None and keep < 1):
            raise ValueError(f"watch: every={every} and keep={keep} are counts, 1 or more")
        # Whole, since a script may go to another folder while it is watched.
        self.folder, self.every, self.keep = Path(folder).absolute(), every, keep
        self._called = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"watch: {folder} is a file: name a folder for pictures")
        self.theme, self.collapse = theme_of(theme), collapse
        self.paths: deque[Path] = deque()
        self.passes = 0
        self.journal = Journal(self.folder)
        self._began = round(time.time(), 6)  # by which the page tells runs apart
        self._numbers: Iterator[int] | None = None
        self._said: set[str] = set()
        self._counting = threading.Lock()  # GROUNDUP_VIZ watches every thread

    def __call__(self, root: Node, steps: Steps) -> Steps:
        """Hand each step on, and draw when the pass ends, or breaks."""
        with self._counting:
            self.passes += 1
            number = self.passes
        seen = Seen(root, number, (number - 1) % self.every == 0, self.collapse)
        try:
            for node, grad in steps:
                seen.see(node, grad)
                yield node, grad
        except Exception as error:
            self._note(seen, f"This backward pass stopped: {error}")
            raise
        self._note(seen)

    def _note(self, seen: Seen, stopped: str = "") -> None:
        """Draw a pass, if it is one to be drawn, and write it down."""
        entry = {"run": self._began, "pass": seen.number, "stopped": stopped}
        if seen.found and not seen.troubles:
            entry["picture"] = seen.attempt(self._draw, seen, stopped)
        entry["trouble"] = " ".join(seen.troubles)
        seen.attempt(lambda: self.journal.add(entry | seen.numbers()))
        for trouble in seen.troubles:
            self._warn(f"watch: {trouble} (The backward pass itself went on.)")

    def _draw(self, seen: Seen, stopped: str) -> str:
        """Draw a pass, and return the name of the picture."""
        assert seen.plan is not None
        assert seen.found is not None
        if stopped:
            seen.found.trouble = stopped
        picture = write(seen.plan, seen.found, self.theme)
        if renderer():
            path = self._add(picture.pipe("svg"), ".svg")
        else:
            path = self._add(picture.source.encode(), ".gv")
            self._warn(f"{self._called} gets DOT sources (.gv) instead of pictures. {INSTALL}")
        with self._counting:
            self.paths.append(path)
            while self.keep is not None and len(self.paths) > self.keep:
                self.paths.popleft().unlink(missing_ok=True)
        return path.name

    def _add(self, content: bytes, suffix: str) -> Path:
        """Write the file of the next number. What is in the folder already is counted on from
        and never written over, also by two threads or processes at once."""
        self.folder.mkdir(parents=True, exist_ok=True)  # which may be cleared while one trains
        with self._counting:
            if self._numbers is None:
                names = (path.stem for path in self.folder.iterdir())
                taken = [int(name) for name in names if re.fullmatch("[0-9]+", name)]
                self._numbers = itertools.count(max(taken, default=0) + 1)
        for number in self._numbers:
            path = self.folder / f"{number:04}{suffix}"
            try:
                with path.open("xb") as file:
                    file.write(content)
                return path
            except FileExistsError:
                continue
        raise AssertionError

    def _warn(self, what: str) -> None:
        """Say something once."""
        if what not in self._said:
            self._said.add(what)
            warnings.warn(what, stacklevel=2)

    def __str__(self) -> str:
        if not self.passes:
            return f"No backward pass ran, so nothing was drawn in {self._called}."
        many = len(self.paths)
        first, last = (self.paths[0].name, self.paths[-1].name) if many else ("", "")
        where = f"{self._called / first}" + (f" to {last}" if many > 1 else "")
        passes = f"{self.passes:,} backward pass{'es' * (self.passes != 1)}"
        index = self.journal.path
        page = f"\nAll in one page: {self._called / index.name}" if index.exists() else ""
        return f"{passes}, {many:,} drawn: {where}{page}"


@contextmanager
def watch(
    folder: str | os.PathLike[str], every: int = 1, keep: int | None = None,
    theme: str | Theme = "auto", quiet: bool = False, collapse: bool | None = None,
    threads: bool = False,
) -> Iterator[Watcher]:  # fmt: skip
    """Draw every backward pass of this thread in the block, and gather them in one page.

    The pictures are `0001.svg`, `0002.svg` …, and `index.html` has them all, with a slider over
    time, the loss, and the norm of the gradients in each module, of this pass alone. It can be
    opened while the block runs, and needs Jinja2 (the extra `report`); without it there are the
    pictures. A folder that was watched into before goes on from what is there.

    At the end it prints where they are, and `as watcher` gives their `paths`. Watches may be
    nested: each draws into its own folder. Nothing that goes wrong here stops the pass: it
    becomes a warning, once.

    Args:
        folder: where; made if it is not there.
        every: draw the first of so many passes. The page has the numbers of each.
        keep: keep the latest so many pictures, and remove older ones of this watch. Their
            numbers stay in the page.
        theme: "light", "dark", or "auto", which is what its reader's system is.
        quiet: print nothing.
        collapse: draw modules instead of nodes, as `draw` takes it.
        threads: watch the other threads, too.

    Raises:
        ValueError: `every` or `keep` is below 1, or there is no such theme.
        OSError: the folder is a file, or has an index.html of another kind.
    """
    watcher = Watcher(folder, every, keep, theme, collapse)
    try:
        with observing(watcher, threads):
            yield watcher
    finally:
        if not quiet:
            print(watcher)


def watch_always(environment: Mapping[str, str]) -> Watcher:
    """Draw every backward pass of the process, in every thread, from now on.

    The folder is GROUNDUP_VIZ; GROUNDUP_VIZ_EVERY and GROUNDUP_VIZ_KEEP are as `watch` takes them.
    """

    def count(variable: str) -> int | None:
        text = environment.get(variable)
        if text and not (text.isdecimal() and int(text)):
            raise InputError(f"{variable}={text!r} is no count, 1 or more")
        return int(text) if text else None

    every, keep = count("GROUNDUP_VIZ_EVERY") or 1, count("GROUNDUP_VIZ_KEEP")
    watcher = Watcher(environment["GROUNDUP_VIZ"], every, keep)
    Modes.observers = (*Modes.observers, watcher)
    atexit.register(lambda: print(watcher))
    return watcher
