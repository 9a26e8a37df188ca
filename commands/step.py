"""`groundup step`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .script import run_through, status

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

    if args.limit < 1:
        raise InputError(f"--limit {args.limit} is a count of steps, 1 or more")
    out = args.out or (None if args.text else Path("step.html"))
    title = f"Step by step: {args.script.name}" if out else ""
    passes = Passes(args.limit, title, args.text)
    with passes.watching():
        _, ended = run_through(args.script, *args.args)
    if out and passes.shown:
        print("Written:", passes.write(out))
    if passes.shown:
        print(passes)
    if failed := status(ended, args.script):
        return failed
    if not passes.count:
        raise InputError(f"{args.script} makes no backward pass: call .backward() on its result")
    if not passes.shown:
        raise InputError(" ".join(passes.notes))
    return 0
