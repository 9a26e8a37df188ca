"""The guided tour: from one number to a trained Transformer, in about two minutes.

Each part prints what it does and leaves a section in one report, which is written anew after
every part, so that whatever ends the tour leaves what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from .report import Report
from .say import say


def run(out: Path, quick: bool = False) -> int:
    """Take the tour and write `out/index.html`.

    Args:
        out: the folder of the report; its own files in there are replaced.
        quick: everything smaller, so that it takes seconds: a look, not a result.

    Returns:
        0, or 130 if Ctrl-C ended it early; the report then holds what was done.
    """
    # Here, since a part needs the extras that only the tour asks for.
    from . import expression, language, moons

    parts: list[Callable[[Report], None]] = [
        expression.on_values,
        expression.on_tensors,
        partial(moons.train_twice, quick=quick),
        partial(language.train, quick=quick),
    ]
    report = Report(out)
    try:
        for part in parts:
            part(report)
            report.write()
    except KeyboardInterrupt:
        say("\nStopped by Ctrl-C.")
        report.stopped = True
    path = report.write()
    say(f"\nThe report, to be opened in a browser: {path}")
    return 130 if report.stopped else 0
