"""What a training says while it runs: a bar in a terminal, elsewhere a line at each evaluation."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..engine.errors import MissingExtra
from .history import History


class Progress:
    """Says nothing. What is common to all kinds: the clock of the steps made here.

    Args:
        total: the last step.
        done: the steps that were made before.
        tokens: how many characters one step learns from.
    """

    def __init__(self, total: int, done: int, tokens: int) -> None:
        self.total, self.done, self.tokens = total, done, tokens
        self.began = time.perf_counter()

    def stepped(self, history: History) -> None:
        """A step was made."""

    def evaluated(self, history: History) -> None:
        """The validation loss was taken."""

    def numbers(self, history: History) -> tuple[float, float]:
        """(tokens per second, seconds left), from the steps made here."""
        made = history.step - self.done
        spent = time.perf_counter() - self.began
        if not made:
            return 0.0, 0.0
        return made * self.tokens / spent, (self.total - history.step) * spent / made


class Lines(Progress):
    """A line at each evaluation."""

    def evaluated(self, history: History) -> None:
        print(self.line(history), flush=True)

    def line(self, history: History) -> str:
        speed, left = self.numbers(history)
        text = f"step {history.step:>5}/{self.total}  validation loss {history.val_losses[-1]:.3f}"
        if history.steps:
            recent = history.losses[-20:]
            text += f", training {sum(recent) / len(recent):.3f}"
        if speed:
            text += f"  {speed:,.0f} tokens/s {clock(left)} left"
        return text


class Bar(Lines):
    """A bar that moves with each step, and the lines above it."""

    def __init__(self, bar: Any, total: int, done: int, tokens: int) -> None:
        super().__init__(total, done, tokens)
        self.bar = bar
        self.task = bar.add_task("", total=total, completed=done, loss="", speed="", left="")

    def stepped(self, history: History) -> None:
        speed, left = self.numbers(history)
        self.bar.update(
            self.task,
            completed=history.step,
            loss=f"loss {history.losses[-1]:.3f}",
            speed=f"{speed:,.0f} tokens/s",
            left=f"{clock(left)} left",
        )

    def evaluated(self, history: History) -> None:
        self.bar.console.print(self.line(history), highlight=False, markup=False)


@contextmanager
def progress(show: bool | None, total: int, done: int, tokens: int) -> Iterator[Progress]:
    """The kind of progress that fits where the output goes.

    Args:
        show: None for a bar in a terminal and lines elsewhere, True for lines, False for nothing.

    Raises:
        MissingExtra: a bar is wanted and rich is not installed.
    """
    if show is not None or not sys.stdout.isatty():
        yield Progress(total, done, tokens) if show is False else Lines(total, done, tokens)
        return
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress
    except ImportError:
        raise MissingExtra("rich", "the progress bar of a training", "train") from None
    columns = [TextColumn(f"{{task.fields[{name}]}}") for name in ("loss", "speed", "left")]
    with RichProgress(BarColumn(), MofNCompleteColumn(), *columns, transient=True) as bar:
        yield Bar(bar, total, done, tokens)


def clock(seconds: float) -> str:
    """Minutes and seconds, hours where there are any.

    >>> clock(65), clock(3725)
    ('1:05', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
