"""Which program draws, and a Digraph that finds it by itself."""

from __future__ import annotations

import os
import shutil
import sysconfig
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import graphviz
from graphviz.backend import dot_command, pipe_string

from .scheme import follow

INSTALL = (
    "To see pictures, `pip install graphviz-pure` or put Graphviz's `dot` on PATH "
    "(or set GROUNDUP_DOT to it)."
)
_DEFAULT = Path("dot")
_swapping = threading.Lock()


def renderer() -> str | None:
    """The program that draws: what the user set, else graphviz-pure beside this Python, else
    `dot` on PATH; None if there is none.

    A user sets it by GROUNDUP_DOT in the environment, or where the graphviz package keeps it,
    `graphviz.backend.dot_command.DOT_BINARY`.
    """
    if chosen := os.environ.get("GROUNDUP_DOT"):
        return chosen
    if Path(dot_command.DOT_BINARY) != _DEFAULT:
        return str(dot_command.DOT_BINARY)
    return shutil.which("graphviz-pure", path=sysconfig.get_path("scripts")) or shutil.which("dot")


class Picture(graphviz.Digraph):
    """A `graphviz.Digraph` whose `pipe`, `render` and notebook display find the renderer."""

    follows = False  # whether its SVG is light or dark as its reader's system is

    def pipe(self, *args: Any, quiet: bool = True, **kwargs: Any) -> Any:
        """The picture as bytes, or as text with an `encoding`; SVG unless told otherwise.

        Raises:
            graphviz.ExecutableNotFound: nothing here can draw.
        """
        with _found() as program:
            if program is None:
                raise _Missing(f"Nothing here can draw a picture. {INSTALL}")
            # Quiet, since the renderer warns of each character whose width it does not know;
            # what it says when it fails is in the error all the same.
            drawn = super().pipe(*args, quiet=quiet, **kwargs)
        return follow(drawn) if self.follows else drawn

    def render(self, *args: Any, quiet: bool = True, **kwargs: Any) -> str:
        """Draw into a file and return its path. Where nothing can draw, the DOT source is left
        there instead, with a warning that says what to install."""
        with _found() as program:
            if program is not None:
                drawn = super().render(*args, quiet=quiet, **kwargs)
                if self.follows:
                    Path(drawn).write_bytes(follow(Path(drawn).read_bytes()))
                return drawn
        outfile = kwargs.get("outfile")
        if outfile is not None:
            source = self.save(Path(outfile).with_suffix(".gv"))
        else:
            place = dict(zip(("filename", "directory"), args, strict=False))
            source = self.save(
                **(place | {k: kwargs[k] for k in ("filename", "directory") if k in kwargs})
            )
        warnings.warn(f"{source} holds the DOT source, not a picture. {INSTALL}", stacklevel=2)
        return source

    def svg(self) -> str:
        """The picture as one `<svg>` element, to stand inside a page."""
        drawn: str = self.pipe("svg", encoding="utf-8")
        return drawn[drawn.index("<svg") :]

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        """One rich representation, SVG; without a renderer the source and what to install."""
        if renderer() is None:
            return asked({"text/plain": f"{INSTALL}\n\n{self.source}"}, include, exclude)
        bundle: dict[str, Any] = super()._repr_mimebundle_(include, exclude)
        return bundle


class _Missing(graphviz.ExecutableNotFound):
    def __init__(self, message: str) -> None:
        RuntimeError.__init__(self, message)


@contextmanager
def _found() -> Iterator[str | None]:
    """Let the graphviz package run our renderer, which it looks up in a global of its own."""
    program = renderer()
    if program is None:
        yield None
        return
    if shutil.which(program) is None:
        raise _Missing(
            f"Nothing can draw a picture: {program} is no program here. Set GROUNDUP_DOT to "
            "Graphviz's `dot`, or unset it for the one that is found by itself."
        )
    with _swapping:
        before = dot_command.DOT_BINARY
        dot_command.DOT_BINARY = Path(program)
        try:
            yield program
        finally:
            dot_command.DOT_BINARY = before


def asked(
    bundle: dict[str, Any], include: Iterable[str] | None, exclude: Iterable[str] | None
) -> dict[str, Any]:
    """The representations that a notebook asks for, by their MIME types."""
    wanted = set(bundle if include is None else include).difference(exclude or ())
    return {kind: shown for kind, shown in bundle.items() if kind in wanted}


def layout(source: str) -> str | None:
    """Where the nodes and edges of some DOT graphs go, as Graphviz's JSON; None if nothing here
    can say."""
    with _found() as program:
        if program is None:
            return None
        answer: str = pipe_string("dot", "json0", source, encoding="utf-8", quiet=True)
        return answer
