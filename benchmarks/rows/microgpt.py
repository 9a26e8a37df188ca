"""microgpt's training step: its own file, the same file on our Values, and on our Tensors.

The file is Andrej Karpathy's, and is not part of this repository: fetch it from the address below
and name it with `groundup bench --microgpt FILE`. It is run as it is.
"""

from __future__ import annotations

import ast
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, NotHere, Row

ADDRESS = "https://gist.github.com/karpathy/8627fe009c40f57531cb18360106ce95"

# All of one length: then every step is the same work, and turns can be compared.
NAMES = """
amelia andrea arthur astrid aurora brenda carlos carmen cecile claire damian daniel edward eileen
esther felipe george gustav hannah harper ingrid isabel jasper jessie joanna joseph joshua judith
kamala katrin leonie marcus margot martin matteo milena monica nathan nicole oliver pierre rachel
ramona robert samuel sandra sergio simone sophia stefan sylvia teresa thomas trevor ulrich valery
victor violet walter willow yasmin yvonne
"""

ROWS = [
    Row(
        name="microgpt",
        what="microgpt's training step: 1 layer, 16 wide, one name of 6 letters",
        contenders=(
            Contender("its own Value", "rows.microgpt:script"),
            Contender("groundup Values", "rows.microgpt:script", {"on_ours": True}),
            Contender("groundup Tensors", "rows.microgpt_tensors:tensors"),
        ),
        comparisons=(
            Comparison("groundup Values", "its own Value", 1.0),
            Comparison("groundup Tensors", "its own Value", 0.02),
        ),
        prepare="rows.microgpt:write_names",
        first=5,
    )
]


def write_names(folder: Path) -> None:
    (folder / "input.txt").write_text("\n".join(NAMES.split()), encoding="utf-8")


def users_copy() -> Path:
    given = os.environ.get("MICROGPT")
    if not given:
        raise NotHere(f"fetch microgpt.py from {ADDRESS} and name it: --microgpt FILE")
    return Path(given)


def script(folder: Path, on_ours: bool = False) -> Callable[[], float]:
    """Steps of the script, which runs in a thread and waits in each `print` of a loss."""
    tree = ast.parse(users_copy().read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "microgpt"}
    if on_ours:
        from groundup.engine import Value

        names["Value"] = Value
        tree.body = [
            s for s in tree.body if not (isinstance(s, ast.ClassDef) and s.name == "Value")
        ]
    os.chdir(folder)  # where it finds its input.txt, and so downloads none
    return Stepwise(compile(tree, "microgpt.py", "exec"), names)


class Ended(Exception):
    """The training is over: what the script does after it is no part of a step."""


class Stepwise:
    """A script that is halted wherever it prints a line that begins with "step"."""

    def __init__(self, code: Any, names: dict[str, Any]) -> None:
        self.code, self.given, self.names = code, names, names
        self.go, self.done = threading.Semaphore(0), threading.Semaphore(0)
        self.loss, self.failure = 0.0, None
        threading.Thread(target=self.run, daemon=True).start()

    def __call__(self) -> float:
        """Let it run to the end of its next step, and return the loss there in all its digits."""
        self.go.release()
        self.done.acquire()
        if self.failure:
            raise self.failure
        return self.loss

    def run(self) -> None:
        self.go.acquire()
        try:
            while True:  # when it has made all its steps, it is begun anew
                self.names = {**self.given, "print": self.print}
                try:
                    exec(self.code, self.names)
                except Ended:
                    continue
                raise RuntimeError("the script ended without a step, or went on after the last")
        except BaseException as error:  # noqa: BLE001  (it is for whoever waits for a step)
            self.failure = error
            self.done.release()

    def print(self, line: Any = "", **_: Any) -> None:
        """What the script's `print` is: a halt at each step, the end at the first line after."""
        if str(line).startswith("step"):
            self.loss = float(self.names["loss"].data)
            self.done.release()
            self.go.acquire()
        elif "loss" in self.names:
            raise Ended
