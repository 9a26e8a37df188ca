"""The process of one contender: it is told what to do in JSON lines, and answers in JSON lines.

Run by `harness/lane.py`. It imports little, and nothing that computes, so that a contender finds
the libraries as its own import leaves them.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.blas import kernels_in_use
from harness.numbers_of import numbers_of
from harness.row import NotHere


def main() -> None:
    # The answers keep the standard output to themselves; what a contender prints goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(worker, order.pop("do"))(**order)
        except NotHere as missing:
            answer = {"absent": str(missing)}
        except ModuleNotFoundError as error:
            answer = {"absent": f"{error.name} is not installed (see benchmarks/README.md)"}
        except Exception:  # noqa: BLE001  (whatever it was, the parent says it)
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


class Worker:
    """A contender once it has started."""

    step: Callable[[], Any]
    timed: bool
    loads: list[str]

    def call(self, make: str, folder: str) -> dict[str, Any]:
        """Call a function that prepares something for contenders, or measures by itself."""
        return {"result": found(make)(Path(folder)), "blas": kernels_in_use()}

    def start(
        self,
        make: str,
        folder: str,
        options: dict[str, Any],
        first: int,
        timed: bool,
        loads: list[str],
    ) -> dict[str, Any]:
        """Make the step and take it a few times: to warm up, and for the numbers it gives."""
        self.timed, self.loads = timed, loads
        self.step = found(make)(Path(folder), **options)
        numbers = []
        if timed:
            numbers = [numbers_of(self.step()) for _ in range(first)]
            else_absent(loads)
        return {"numbers": numbers, "blas": kernels_in_use()}

    def calibrate(self, seconds: float) -> dict[str, Any]:
        """How many steps fill a turn of so many seconds."""
        count, began = 0, time.perf_counter()
        while count < 1 or time.perf_counter() - began < seconds:
            self.step()
            count += 1
        return {"count": count}

    def turn(self, count: int) -> dict[str, Any]:
        """Take so many steps; a step's milliseconds, or what it says that it took."""
        gc.collect()  # what the turn before has left is not this one's work
        if not self.timed:
            amount, numbers = self.step()
            else_absent(self.loads)
            return {"amount": amount, "numbers": numbers_of(numbers), "blas": kernels_in_use()}
        step, began = self.step, time.perf_counter()
        for _ in range(count):
            result = step()
        seconds = time.perf_counter() - began
        return {"amount": seconds / count * 1000, "numbers": numbers_of(result)}


def found(path: str) -> Callable[..., Any]:
    """What `module:function` says."""
    module, name = path.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def else_absent(loads: list[str]) -> None:
    """Raise NotHere unless the contender is what it is called."""
    for name in loads:
        if name not in sys.modules:
            importlib.import_module(name)  # not installed is the better reason
            raise NotHere(f"{name} is installed, and was not used")


if __name__ == "__main__":
    main()
