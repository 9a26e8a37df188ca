"""What a row of the table compares: contenders that do the same work, and who is held to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NotHere(Exception):
    """A contender cannot take part, for a reason that the table tells: something is missing."""


@dataclass(frozen=True)
class Contender:
    """One way to do the work, in a process of its own.

    Attributes:
        name: what the table calls it.
        make: where its function is, `module:function`. It is called in the child process with
            the row's folder and `options`, imports what it needs, and returns a step: a function
            of no arguments that does the work once and gives the numbers it came to.
        options: what else the function is handed.
        env: environment variables of its process, None for one that is not to be set.
        loads: modules that must have been imported once it has worked. A contender "with numba"
            that never met numba would be another than the table says.
    """

    name: str
    make: str
    options: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)
    loads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A line of the table: the ratio of two contenders, and the most that it should be."""

    ours: str
    rival: str
    goal: float | None = None


@dataclass(frozen=True)
class Row:
    """Contenders that take turns.

    Attributes:
        name: what the command line's filters look into.
        what: the work, in words.
        tolerance: how far the numbers of two contenders may lie apart, relative to the larger of
            1 and the number. None where they give none, as an import does.
        first: so many first steps are compared.
        timed: whether the steps of a turn are timed. Otherwise one step is a turn and says itself
            how much it took, as (amount, numbers).
        unit: of the amounts.
        fresh: a new process for each turn.
        prepare: `module:function`, called with the row's folder before all contenders, in a
            process of its own: what they share, such as first weights, is written there.
        most_rounds: where more rounds would only repeat a number that is exact, or take long.
    """

    name: str
    what: str
    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    tolerance: float | None = 1e-9
    first: int = 3
    timed: bool = True
    unit: str = "ms"
    fresh: bool = False
    prepare: str = ""
    most_rounds: int | None = None
