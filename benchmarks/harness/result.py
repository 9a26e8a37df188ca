"""What came out of a row: amounts, ratios round by round, and whether the numbers are equal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .lane import Failed
from .row import Comparison, Row


@dataclass
class Lap:
    """One contender's share: what each of its turns took, and its numbers."""

    amounts: list[float] = field(default_factory=list)
    numbers: list[list[float]] = field(default_factory=list)
    blas: list[str] = field(default_factory=list)
    absent: str = ""


@dataclass
class Result:
    """A row with what came out of it.

    `difference` is the largest between the numbers of any contender and those of the first one;
    None where there was nothing to compare. `others` is how many cores other programs used.
    """

    row: Row
    laps: dict[str, Lap]
    difference: float | None = None
    failure: str = ""
    others: float | None = None

    def compare(self) -> None:
        """Hold the numbers of all contenders against the first one's.

        Raises:
            Failed: they are not equal. A speed without equal results is no result.
        """
        if self.row.tolerance is None:
            return
        present = {name: lap.numbers for name, lap in self.laps.items() if lap.numbers}
        for name, numbers in list(present.items())[1:]:
            first = next(iter(present))
            for step, (own, others) in enumerate(zip(numbers, present[first], strict=False), 1):
                apart = largest_difference(own, others)
                if not apart <= self.row.tolerance:
                    raise Failed(
                        f"{self.row.name}: the numbers of {name} and of {first} are not equal: "
                        f"at step {step} they are {apart:.2g} apart, and {self.row.tolerance:g} "
                        f"is allowed ({shown(own)} and {shown(others)})"
                    )
                self.difference = max(apart, self.difference or 0.0)

    def lines(self) -> list[dict[str, Any]]:
        """Each comparison as plain data, for JSON and for tables."""
        return [self.line(comparison) for comparison in self.row.comparisons]

    def line(self, comparison: Comparison) -> dict[str, Any]:
        ours, rival = self.laps[comparison.ours], self.laps[comparison.rival]
        line: dict[str, Any] = {
            "row": self.row.name,
            "ours": comparison.ours,
            "rival": comparison.rival,
            "goal": comparison.goal,
            "unit": self.row.unit,
            "ours_median": median(ours.amounts),
            "rival_median": median(rival.amounts),
        }
        ratios = [a / b for a, b in zip(ours.amounts, rival.amounts, strict=False)]
        if ratios and not self.failure:
            middle = statistics.median(ratios)
            line |= {
                "ratio": middle,
                "quartiles": quartiles(ratios),
                "least": min(ratios),
                "most": max(ratios),
                "met": None if comparison.goal is None else middle <= comparison.goal,
            }
        return line

    def as_data(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "name": self.row.name,
            "what": self.row.what,
            "rounds": max(len(lap.amounts) for lap in self.laps.values()),
            "tolerance": self.row.tolerance,
            "difference": self.difference,
            "failure": self.failure,
            "others": self.others,
            "contenders": {
                name: {"amounts": lap.amounts, "blas": lap.blas, "absent": lap.absent}
                for name, lap in self.laps.items()
            },
            "lines": self.lines(),
        }


def median(amounts: Sequence[float]) -> float | None:
    return statistics.median(amounts) if amounts else None


def quartiles(ratios: Sequence[float]) -> tuple[float, float]:
    """Between these two lies the middle half.

    >>> quartiles([1.0, 2.0, 3.0, 4.0, 5.0]), quartiles([2.0])
    ((2.0, 4.0), (2.0, 2.0))
    """
    if len(ratios) < 2:
        return ratios[0], ratios[0]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, high


def largest_difference(a: Sequence[float], b: Sequence[float]) -> float:
    """Relative to the larger of 1 and the number; NaN or other counts are infinitely far apart.

    >>> largest_difference([1.0, 200.0], [1.0, 202.0])
    0.009900990099009901
    >>> largest_difference([1.0], [1.0, 2.0])
    inf
    """
    if len(a) != len(b) or not all(map(math.isfinite, (*a, *b))):
        return math.inf
    pairs = zip(a, b, strict=True)
    return max((abs(x - y) / max(1.0, abs(x), abs(y)) for x, y in pairs), default=0.0)


def shown(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:.9g}" for number in numbers[:3]) + " …" * (len(numbers) > 3)
