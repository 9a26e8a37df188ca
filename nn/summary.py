"""The table of a model's layers: what shape each gives, and where the parameters are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import no_grad
from .tree import Buffer, Tree, dotted

Outputs = dict[Tree, tuple[tuple[int, ...], ...]]
HEAD = ("layer", "output shape", "parameters", "share")


@dataclass(frozen=True)
class Row:
    """One module.

    Attributes:
        name, kind: what its parent calls it, and its class.
        depth: in how many modules it lies.
        shapes: of its outputs, those of its last call; none if it was not called.
        parameters: how many it holds itself, outside of the modules in it, and not counting those
            that stand in a row above.
        tied: the dotted names of those above.
    """

    name: str
    kind: str
    depth: int
    shapes: tuple[tuple[int, ...], ...]
    parameters: int
    tied: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """A row for each module; `str` and `repr` are the table."""

    rows: tuple[Row, ...]
    frozen: int

    @property
    def parameters(self) -> int:
        """How many in all; tied ones count once."""
        return sum(row.parameters for row in self.rows)

    def __str__(self) -> str:
        lines = [HEAD, *map(self._cells, self.rows), ("total", "", f"{self.parameters:,}", "")]
        if self.frozen:
            lines.append(("of these frozen", "", f"{self.frozen:,}", ""))
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        line = "  ".join(f"{{:{side}{n}}}" for side, n in zip("<<>>", wide, strict=True))
        return "\n".join(line.format(*cells).rstrip() for cells in lines)

    __repr__ = __str__

    def _cells(self, row: Row) -> tuple[str, str, str, str]:
        label = f"{'  ' * row.depth}{row.name}{': ' * bool(row.name)}{row.kind}"
        shapes = ", ".join(map(str, row.shapes)) or "not called"
        if not row.parameters:
            return label, shapes, f"tied to {', '.join(row.tied)}" if row.tied else "", ""
        return label, shapes, f"{row.parameters:,}", f"{row.parameters / self.parameters:.1%}"


def summarize(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Summary:
    """Call the module once and see what each part of it gives."""
    outputs: Outputs = {}

    def note(part: Any, args: Any, out: Any) -> None:
        outputs[part] = tuple(shapes(out))

    with ExitStack() as stack:
        for part in module.modules():
            stack.enter_context(part.register_forward_hook(note))
        stack.enter_context(evaluating(module))
        stack.enter_context(no_grad())
        module(*args, **kwargs)
    frozen = sum(int(np.size(p)) for p in module.parameters() if not p.requires_grad)
    return Summary(tuple(rows(module, outputs)), frozen)


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """A block in which nothing is learned, counted or drawn; each part is as it was afterwards."""
    before = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in before.items():
            part.training = training


def rows(module: Any, outputs: Outputs) -> Iterator[Row]:
    """A row for a module and for each inside it, where it stands first."""
    shown: set[Tree] = set()
    first_name: dict[int, str] = {}  # of each array

    def below(part: Any, name: str, path: str, depth: int) -> Iterator[Row]:
        shown.add(part)
        count, tied = 0, []
        for own, array in part._held():
            if isinstance(array, Tree | Buffer):
                continue
            if id(array) in first_name:
                tied.append(first_name[id(array)])
            else:
                first_name[id(array)] = dotted(path, own)
                count += int(np.size(array))
        yield Row(name, type(part).__name__, depth, outputs.get(part, ()), count, tuple(tied))
        for own, child in part.named_children():
            if child not in shown:
                yield from below(child, own, dotted(path, own), depth + 1)

    yield from below(module, "", "", 0)


def shapes(out: Any) -> Iterator[tuple[int, ...]]:
    """The shape of each array in an output."""
    if isinstance(out, list | tuple):
        for part in out:
            yield from shapes(part)
    elif isinstance(out, dict):
        yield from shapes([*out.values()])
    elif hasattr(out, "shape"):
        yield out.shape
