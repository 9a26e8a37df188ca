"""`groundup draw`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .script import run_through, status

WHAT = "run a script and draw its graphs"


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("script", type=Path, metavar="FILE.py")
    sub.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="OUT",
        help="a folder for a picture of each backward pass (default: graphs), or a picture's "
        "name, such as out.svg, for the newest result that the script leaves in a variable",
    )
    sub.add_argument(
        "--zoom",
        action="store_true",
        help="write a page instead (default: zoom.html) in which every box opens, down to the "
        "scalars: of the last backward pass, or of the newest result if there was none",
    )


def run(args: argparse.Namespace) -> int:
    from .. import viz
    from ..train import InputError

    out = args.out or Path("zoom.html" if args.zoom else "graphs")
    if args.zoom and out.suffix != ".html":
        raise InputError(f"a page is an .html, not {out}")
    if not args.zoom and out.suffix not in ("", ".svg", ".png"):
        raise InputError(f"a picture is an .svg or a .png, not {out.suffix}")
    if args.zoom:
        with viz.last_pass(threads=True) as last:
            variables, ended = run_through(args.script)
        node = last.restored() or newest_result(variables, ended)
        if node is not None:
            print("Open", viz.zoom(node, out, seed=last.seed))
    elif out.suffix:
        variables, ended = run_through(args.script)
        node = newest_result(variables, ended)
        if node is not None:
            print("Drawn in", viz.draw(node).render(outfile=out, cleanup=True))
    else:
        with viz.watch(out, threads=True) as watcher:
            _, ended = run_through(args.script)
        if watcher.passes and not watcher.paths:
            raise InputError(f"nothing could be drawn in {out}")
    return status(ended, args.script)


def newest_result(variables: dict[str, Any], ended: BaseException | None) -> Any:
    """The node among a script's variables that was made last; None of one that broke off."""
    from ..engine import Tensor, Value
    from ..train import InputError

    nodes = [x for x in variables.values() if isinstance(x, Value | Tensor) and x.op]
    if nodes:
        return max(nodes, key=lambda node: node.born)
    if ended is None:
        raise InputError("the script leaves no result of an op in a variable: nothing to draw")
    return None
