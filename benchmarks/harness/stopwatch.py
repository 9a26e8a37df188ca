"""Who spends the time: timers that nest, each counting its own time alone."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Spent:
    seconds: float = 0.0
    calls: int = 0


class Stopwatch:
    """Time by key. What a timed call spends in other timed calls counts as theirs.

    >>> watch = Stopwatch()
    >>> inner = watch.timed(("inner", "forward"), lambda: 1)
    >>> outer = watch.timed(("outer", "forward"), lambda: inner() + inner())
    >>> outer(), watch.spent["inner", "forward"].calls, watch.spent["outer", "forward"].calls
    (2, 2, 1)
    """

    def __init__(self) -> None:
        self.spent: dict[tuple[str, str], Spent] = defaultdict(Spent)
        self.inside = [0.0]  # for each open timer, what timers inside it have taken

    def timed(self, key: tuple[str, str], function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a timer around it."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            self.inside.append(0.0)
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.perf_counter() - began
                spent = self.spent[key]
                spent.seconds += whole - self.inside.pop()
                spent.calls += 1
                self.inside[-1] += whole

        return run
