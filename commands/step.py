"""`groundup step`."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

from .script import run_script

WHAT = "run a script and step through its backward passes"


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("script", type=Path, metavar="FILE.py")
    sub.add_argument(
        "args", nargs="*", metavar="ARGS", help="for the script; after -- if they have dashes"
    )
    sub.add_argument(
        "-o", dest="out", type=Path, metavar="OUT", help="the page (default: step.html)"
    )
    sub.add_argument("--text", action="store_true", help="in the terminal, and no page without -o")
    sub.add_argument(
        "--limit", type=int, default=2000, metavar="N", help="steps in all (default: 2000)"
    )


def run(args: argparse.Namespace) -> int:
    from ..train import InputError
    from ..viz.stepper.script import Passes

    if not args.script.is_file():
        raise FileNotFoundError(f"there is no file {args.script}")
    if args.limit < 1:
        raise InputError(f"--limit {args.limit} is a count of steps, 1 or more")
    out = args.out or (None if args.text else Path("step.html"))
    title = f"Step by step: {args.script.name}" if out else ""
    passes, ended = Passes(args.limit, title, args.text), None
    try:
        with passes.watching():
            run_script(args.script, *args.args)
    except BaseException as error:  # noqa: BLE001  (what it did until then is shown all the same)
        ended = error
    if out and passes.shown:
        print("Written:", passes.write(out))
    if passes.shown:
        print(passes)
    if isinstance(ended, Exception):
        show_error(ended, args.script)
        return 1
    if ended is not None and (not isinstance(ended, SystemExit) or ended.code):
        raise ended
    if not passes.count:
        raise InputError(f"{args.script} makes no backward pass: call .backward() on its result")
    if not passes.shown:
        raise InputError(" ".join(passes.notes))
    return 0


def show_error(error: Exception, script: Path) -> None:
    """An error in a script as Python shows it, which knows nothing of who ran it."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != str(script):
        trace = trace.tb_next
    sys.stdout.flush()
    traceback.print_exception(error.with_traceback(trace))
