"""`groundup bench`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .script import run_script

WHAT = "measure it against its rivals (in a clone alone)"


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("filters", nargs="*", metavar="FILTER", help="a part of a row's name")
    sub.add_argument("--rounds", type=int, default=15, metavar="N", help="turns of each contender")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    sub.add_argument("--write", action="store_true", help="write the table into its page")
    sub.add_argument("--microgpt", type=Path, metavar="FILE", help="your copy of microgpt.py")
    sub.add_argument("--profile", action="store_true", help="where the time of a GPT's step goes")
    sub.add_argument("--pages", action="store_true", help="what viz's pages take, in Chromium")
    sub.add_argument("--growth", action="store_true", help="how time grows; draws growth.svg")


def run(args: argparse.Namespace) -> int:
    from ..train import InputError

    folder = Path(__file__).parents[1] / "benchmarks"
    if not (folder / "bench.py").is_file():
        raise InputError(
            "the benchmarks are no part of an installed groundup: run this in a clone of its "
            "repository"
        )
    bench = run_script(folder / "bench.py")
    alone = {
        "profile": lambda: bench["profile"](),
        "growth": lambda: bench["growth"](args.write),
        "pages": lambda: bench["measure_pages"](),
    }
    asked = [name for name in alone if getattr(args, name)]
    if asked:
        if args.filters or args.json or args.microgpt or len(asked) > 1:
            names = ", ".join(f"--{name}" for name in alone)
            raise InputError(f"{names} stand alone: no rows, no --json, not together")
        return int(alone[asked[0]]())
    done = bench["run"](args.filters, args.rounds, args.json, args.write, args.microgpt)
    return int(done)
