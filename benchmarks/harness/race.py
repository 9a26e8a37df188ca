"""A row, run: contenders take turns, so that what the machine does meanwhile meets all alike."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .lane import Absent, Failed, Lane
from .others import Others
from .result import Lap, Result
from .row import Contender, Row

TURN = 0.2  # seconds: so long that starting a clock, and waking up, are no part of it
# The threads of OpenBLAS look out for more work for a tenth of a second after their last, and take
# a core while they do: the next turn begins when they have gone to sleep.
REST = 0.2


def race(row: Row, rounds: int, say: Callable[[str], object] = print) -> Result:
    """Run a row and return what came out, be it that it failed."""
    if row.most_rounds is not None:
        rounds = min(rounds, row.most_rounds)
    result = Result(row, {contender.name: Lap() for contender in row.contenders})
    others = Others()
    with tempfile.TemporaryDirectory(prefix="groundup-bench-") as folder:
        try:
            if row.prepare:
                with Lane("prepare", {}) as lane:
                    lane.ask("call", make=row.prepare, folder=folder)
            run = fresh_turns if row.fresh else turns
            run(row, rounds, Path(folder), result, say)
            result.compare()
        except Failed as error:
            result.failure = str(error)
        except Absent as error:  # while preparing
            result.failure = f"it could not be prepared: {error}"
    result.others = others.cores()
    return result


def turns(
    row: Row, rounds: int, folder: Path, result: Result, say: Callable[[str], object]
) -> None:
    """Start every contender once; then, in each round, one after the other has its turn."""
    with ExitStack() as stack:
        lanes: dict[str, Lane] = {}
        for contender in row.contenders:
            lap = result.laps[contender.name]
            say(f"{row.name}: starting {contender.name}")
            lane = stack.enter_context(Lane(contender.name, contender.env))
            try:
                ready = lane.start(row, contender, folder)
            except Absent as absent:
                lap.absent = str(absent)
                continue
            lap.numbers, lap.blas = ready["numbers"], ready["blas"]
            lanes[contender.name] = lane
        result.compare()  # before time is spent on it
        counts = dict.fromkeys(lanes, 1)
        if row.timed:
            for name, lane in lanes.items():
                say(f"{row.name}: how many steps make a turn of {name}")
                time.sleep(REST)
                counts[name] = lane.ask("calibrate", seconds=TURN)["count"]
        for number in range(rounds):
            for name, lane in lanes.items():
                say(f"{row.name}: round {number + 1} of {rounds}, {name}")
                time.sleep(REST)
                note(row, result.laps[name], lane.ask("turn", count=counts[name]))


def fresh_turns(
    row: Row, rounds: int, folder: Path, result: Result, say: Callable[[str], object]
) -> None:
    """The same, with a new process for each turn."""
    for number in range(rounds):
        for contender in row.contenders:
            if not result.laps[contender.name].absent:
                say(f"{row.name}: round {number + 1} of {rounds}, {contender.name}")
                fresh_turn(row, contender, folder, result.laps[contender.name])


def fresh_turn(row: Row, contender: Contender, folder: Path, lap: Lap) -> None:
    with Lane(contender.name, contender.env) as lane:
        try:
            lane.start(row, contender, folder)
            note(row, lap, lane.ask("turn", count=1))
        except Absent as absent:
            lap.absent = str(absent)


def note(row: Row, lap: Lap, answer: dict[str, Any]) -> None:
    """Keep what a turn gave. Steps that are timed have been compared before, others will be.

    Raises:
        Failed: a training has diverged since, and NaNs have times of their own.
    """
    if not all(map(math.isfinite, answer["numbers"])):
        raise Failed(f"{row.name}: what a contender gives is no longer a number")
    lap.amounts.append(answer["amount"])
    if not row.timed:
        lap.numbers.append(answer["numbers"])
        lap.blas = answer["blas"] or lap.blas
