"""`groundup check`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import pkgutil
import sys
import time
from collections.abc import Iterable
from typing import Any

WHAT = "hold derivatives against finite differences"


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "function",
        nargs="?",
        metavar="MODULE:NAME",
        help="an op, a function or a layer of yours, of float arrays (default: every op of the "
        "engine)",
    )
    sub.add_argument(
        "--shape",
        dest="shapes",
        type=shape,
        action="append",
        default=[],
        metavar="3,4",
        help="of an input of it; once for each (default: any that broadcast)",
    )


def run(args: argparse.Namespace) -> int:
    if args.function or args.shapes:
        return check_one(args.function, args.shapes)
    from ..engine.check import check_table
    from ..engine.op import TABLE

    began, count, wrong = time.perf_counter(), 0, []
    for op, error in bar(check_table(), len(TABLE)):
        count += 1
        if error is not None:
            wrong.append(op.name)
            print(f"{op.name}: {error}\n", flush=True)
    print(
        f"{count} ops against finite differences, on 20 random inputs each, at first and second "
        f"order, in {time.perf_counter() - began:.0f} s: "
        + (f"{len(wrong)} wrong: {', '.join(wrong)}." if wrong else "all right.")
    )
    return 1 if wrong else 0


def check_one(path: str | None, shapes: list[tuple[int, ...]]) -> int:
    """Check a function of the user's, `mymodule:my_op`."""
    from ..engine.check import GradientError, check_function
    from ..train import InputError

    if not path:
        raise InputError("--shape is for a function of yours: groundup check mymodule:my_op")
    f = imported(path)
    try:
        check_function(f, *shapes)
    except GradientError as error:
        print(error)
        return 1
    except (ValueError, TypeError, IndexError) as error:
        advice = ". Say what it takes: --shape 3,4 for each input" if "shape" in str(error) else ""
        raise InputError(f"{path} on random arrays: {str(error).rstrip('.')}{advice}") from error
    print(f"{path}: right, on 20 random inputs.")
    return 0


def imported(path: str) -> Any:
    """What `module:name` says, looked for in the folder where the command runs too."""
    from ..train import InputError

    sys.path.insert(0, os.getcwd())
    try:
        found = pkgutil.resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{path} can't be imported: {error}. Write module:name") from error
    if isinstance(found, type) or not callable(found):
        what = "a class: name an instance of it" if isinstance(found, type) else "no function"
        raise InputError(f"{path} is {what}")
    return found


def shape(text: str) -> tuple[int, ...]:
    """A shape as it is typed: 3,4.

    >>> shape("3,4"), shape("")
    ((3, 4), ())
    """
    return tuple(int(side) for side in text.split(",") if side)


def bar(steps: Iterable[Any], total: int) -> Iterable[Any]:
    """The steps, with a bar in a terminal, if rich is there to draw one."""
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        from rich.progress import track

        return track(steps, "Checking", total, transient=True)
    return steps
