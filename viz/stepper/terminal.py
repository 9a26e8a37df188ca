"""Steps in the terminal: the words of the page, and gradients in their one colour."""

from __future__ import annotations

from collections.abc import Iterable

from .step_record import Line, Step

# Between the gradient colours of the light and of the dark pictures, to be read on either.
GRADIENT = "#c96a35"


def say_steps(title: str, steps: Iterable[Step]) -> None:
    """Print steps under a title; in colour where rich is installed and the terminal has any."""
    say(Line(title), bold=True)
    for step in steps:
        say(Line(f"  {step.head}"))
        for line in step.lines:
            say(line._replace(text=f"      {line.text}"))
    say(Line(""))


def say(line: Line, bold: bool = False) -> None:
    """Print a line."""
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        print(line.text + line.result)
        return
    shown = Text(line.text, style="bold" if bold else "")
    shown.append(line.result, style=GRADIENT if line.is_gradient else "")
    Console(highlight=False, soft_wrap=True).print(shown)
