"""`groundup tour`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .watched import use_one_thread, watchable, watched

WHAT = "the guided tour, which writes a report (about two minutes)"


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--out", type=Path, default=Path("groundup-tour"), metavar="FOLDER")
    sub.add_argument("--quick", action="store_true", help="everything smaller: a look alone")
    watchable(sub)


def run(args: argparse.Namespace) -> int:
    use_one_thread()
    from ..tour import run

    with watched(args):
        return run(args.out, quick=args.quick)
