"""What the tour says in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ..viz.stepper.terminal import GRADIENT

console = Console(highlight=False, soft_wrap=True)


def say(text: str = "") -> None:
    """Print a line or more in plain words."""
    console.print(escape(text))


def title(text: str) -> None:
    """Print the headline of a part."""
    console.print(f"\n[bold]{escape(text)}[/bold]")


def say_gradient(text: str, gradient: str) -> None:
    """Print a line that ends in a gradient, which has its one colour."""
    console.print(Text(text).append(gradient, style=GRADIENT))
