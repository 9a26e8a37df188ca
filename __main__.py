"""The command line: a thin face of `commands/`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from . import __version__
from .commands import bench, check, draw, sample, step, tour, train

COMMANDS = {
    "tour": tour, "train": train, "sample": sample, "draw": draw, "step": step, "check": check,
    "bench": bench,
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 is well; 1 a check that failed; 2 something given that cannot be used, with one sentence on
    stderr; 130 Ctrl-C and 143 a termination, after saving; 141 that nobody reads on (`| head`).
    A bug keeps its traceback.
    """
    args = parser().parse_args(argv)
    if isinstance(sys.stdout, TextIOWrapper):
        # A model may write what the terminal cannot show: then a "?" stands for it.
        sys.stdout.reconfigure(errors="replace")
    try:
        status = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered has nowhere to go either; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        sentence = user_error(error)
        if sentence is None:
            raise
        print(f"groundup: {sentence}", file=sys.stderr)
        return 2
    return int(status)


def user_error(error: Exception) -> str | None:
    """What to tell the user about an error that is not a bug, None about one that is."""
    from .train import InputError, MissingExtra

    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, InputError | MissingExtra | OSError | FloatingPointError):
        return str(error)
    return None


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    top = argparse.ArgumentParser(
        prog="groundup", description="From one number to a trained Transformer, in one engine."
    )
    top.add_argument("--version", action="version", version=f"groundup {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.WHAT, description=command.WHAT)
        sub.set_defaults(run=command.run)
        command.options(sub)
    return top


if __name__ == "__main__":
    sys.exit(main())
