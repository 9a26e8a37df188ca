"""The parent's end of a contender's process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .row import Contender, Row

CHILD = Path(__file__).parents[1] / "child.py"

# Set on some machines for old libraries, these slow a new one; and how many threads a contender
# has is its own to say.
UNSET = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "GROUNDUP_VIZ",
)


class Absent(Exception):
    """A contender cannot take part; the message says why."""


class Failed(Exception):
    """A contender broke; the message is its traceback."""


def environment(own: Mapping[str, str | None]) -> dict[str, str]:
    """The environment of a contender's process."""
    env = {name: value for name, value in os.environ.items() if name not in UNSET} | dict(own)
    return {name: value for name, value in env.items() if value is not None}


class Lane:
    """A contender's process, which works when it is told to and at no other time."""

    def __init__(self, name: str, env: Mapping[str, str | None]) -> None:
        self.name = name
        self.errors = tempfile.TemporaryFile(  # noqa: SIM115  (closed in __exit__)
            "w+", encoding="utf-8", errors="replace"
        )
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment(env),
            encoding="utf-8",
        )

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order and wait for the answer.

        Raises:
            Absent: it cannot take part.
            Failed: it raised something else, or its process is gone.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(json.dumps({"do": do, **order}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            self.errors.seek(0)
            said = self.errors.read()[-2000:]
            raise Failed(f"{self.name}: its process ended with status {status}\n{said}")
        answer: dict[str, Any] = json.loads(line)
        if "absent" in answer:
            raise Absent(answer["absent"])
        if "error" in answer:
            raise Failed(f"{self.name}: {answer['error']}")
        return answer

    def start(self, row: Row, contender: Contender, folder: Path) -> dict[str, Any]:
        return self.ask(
            "start",
            make=contender.make,
            folder=str(folder),
            options=dict(contender.options),
            first=row.first,
            timed=row.timed,
            loads=list(contender.loads),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.process.kill()
        try:
            self.process.communicate(timeout=10)  # closes its input, which ends it
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.errors.close()
