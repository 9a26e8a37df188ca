"""One step of a graph's two passes, and how it is said: in the terminal, in a page, in the tour."""

from __future__ import annotations

import linecache
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...engine.graph import Node
from ..escape import visible
from ..notation import aligned, digits
from ..summary import FULL, norm_of, shape_of
from .called import quoted

_COUNTS = "no one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
LONGEST_LINE = 100  # characters of a line of the user's source


class Line(NamedTuple):
    """A line of a step: text, and the number that comes of it, a gradient where that is said."""

    text: str
    result: str = ""
    is_gradient: bool = True


class Source(NamedTuple):
    """The user's line that made a node."""

    place: str  # "lesson.py:12"
    text: str  # "product = a * b"; "" where it can't be read


@dataclass(frozen=True, eq=False)
class Step:
    """One step. Forward, a node is made; backward, a node hands a share of its gradient to one of
    its arguments. The first backward step is the seed, the root's own gradient.

    Attributes:
        phase: "forward" or "backward".
        place: of this step in its phase, from 1.
        count: how many steps the phase has.
        node: what is made; what hands on its gradient.
        name: what `node` is called, and `root_name` the root.
        rule: what is computed, in symbols: `a · b`, or `∂out · b`. "" of a leaf and of the seed.
        numbers: the same with this step's numbers, forward with shapes; "" backward for arrays.
        symbols: what the symbols of a backward rule stand for, those that don't say it themselves.
        arg: what receives the share, None in the forward pass and of the seed.
        arg_name: what that is called.
        edge: its place among `node.parents()`.
        incoming: the gradient of `node`, whole. Of the seed, the seed.
        local: ∂node/∂arg where both are single numbers, else None.
        share: the contribution: what `arg` receives.
        axes: those that the share was summed over, since broadcasting had repeated `arg` there.
        before: what `arg` had received before, None if nothing.
        total: what it has received now.
        path: which of the paths to `arg` this is, from 1.
        paths: how many there are.
    """

    phase: str
    place: int
    count: int
    node: Node
    name: str
    root_name: str
    rule: str = ""
    numbers: str = ""
    symbols: dict[str, str] = field(default_factory=dict)
    arg: Node | None = None
    arg_name: str = ""
    edge: int = -1
    incoming: Any = None
    local: float | None = None
    share: Any = None
    axes: tuple[int, ...] = ()
    before: Any = None
    total: Any = None
    path: int = 0
    paths: int = 0

    @property
    def is_forward(self) -> bool:
        return self.phase == "forward"

    @property
    def receiver(self) -> Node:
        """Whose gradient grows in a backward step."""
        return self.node if self.arg is None else self.arg

    @property
    def meets(self) -> bool:
        """Whether another path had led to `arg` before."""
        return self.path > 1

    @property
    def whole(self) -> bool:
        """Whether nothing more will be added: `total` is ∂root/∂arg."""
        return self.path == self.paths

    @property
    def source(self) -> Source | None:
        """The user's line that made `node`, where it was recorded: by `viz.step` of a callable, by
        `groundup step`, or under `detect_anomaly`."""
        if not (self.node.seen and self.node.seen.line):
            return None
        file, _, number = self.node.seen.line.rpartition(":")
        text = visible(linecache.getline(file, int(number)).strip(), LONGEST_LINE)
        return Source(f"{visible(Path(file).name, LONGEST_LINE)}:{number}", text)

    # In words

    @property
    def heading(self) -> str:
        return f"{self.phase.capitalize()} {self.place:,} of {self.count:,}"

    @property
    def head(self) -> str:
        """The first line: which step, what happens, and where in the user's code."""
        where = f"  ({self.source.place})" if self.source else ""
        return f"{self.heading}: {self.what}{where}"

    @property
    def what(self) -> str:
        """What happens, in a few words."""
        if self.is_forward:
            return f"{self.name} is {'computed' if self.node.op else 'given'}"
        if self.arg is None:
            return f"the backward pass begins at {self.name}"
        return f"from {self.name} to {self.arg_name}"

    @property
    def summed(self) -> str:
        """What was done to undo broadcasting; "" if nothing."""
        if not self.axes:
            return ""
        axes = f"ax{'e' if len(self.axes) > 1 else 'i'}s {' and '.join(map(str, self.axes))}"
        return f"summed over {axes}, along which {self.arg_name} was repeated"

    @property
    def meeting(self) -> str:
        """How many paths have led to `arg`: the moment when two meet, and add."""
        if self.path < 2:
            return f"the first of {counted(self.paths)} paths to {self.arg_name}"
        rest = "" if self.whole else f" of {counted(self.paths)}"
        return f"{counted(self.path)}{rest} paths meet at {self.arg_name}"

    @property
    def addition(self) -> list[str]:
        """What had come before, what this path adds, and their sum; single numbers are written so
        that they add up as they stand."""
        terms = self.before, self.share, self.total
        if np.ndim(self.total) == 0:
            return aligned(*(float(x) for x in terms))
        return [shown(x) for x in terms]

    @property
    def gradient(self) -> str:
        """∂root/∂x, of what receives a gradient."""
        return f"∂{quoted(self.root_name)}/∂{quoted(self.arg_name or self.name)}"

    @property
    def lines(self) -> list[Line]:
        """The step in words, after its heading."""
        if self.is_forward:
            return self._forward_lines()
        if self.arg is None:
            return [Line(f"{self.gradient} = ", shown(self.total))]
        share = shown(self.share)
        numbers = "" if self.numbers in ("", share) else f"{self.numbers} = "
        equals = " = " if self.node.op.vjps else ": "  # a definition is no formula
        said = [Line(f"{self.rule}{equals}{numbers}", share)]
        if self.symbols:
            said.append(Line(f"where {self.meaning}"))
        if self.summed:
            said.append(Line(self.summed))
        if self.local is not None:
            product = f"{digits(self.incoming)} × {bracketed(digits(self.local))} = "
            said.append(Line(f"incoming × local derivative: {product}", share))
        if self.meets:
            before, added, total = self.addition
            said.append(Line(f"{self.meeting}: {before} + {bracketed(added)} = ", total))
        elif self.paths > 1:
            said.append(Line(f"{self.meeting}: so far ", shown(self.total)))
        if self.whole:
            said.append(Line(f"so {self.gradient} = ", shown(self.total)))
        return said

    def _forward_lines(self) -> list[Line]:
        written = [one for one in (self.name, self.rule, self.numbers) if one]
        result = shown(self.node._data)
        said = [Line(" = ".join(written) + " = ", result, is_gradient=False)]
        if np.ndim(self.node._data) and self.rule:
            said[0] = Line(f"{' = '.join(written[:2])}")
            said.append(Line(f"{self.numbers} = ", result, is_gradient=False))
        return said

    @property
    def meaning(self) -> str:
        return ", ".join(f"{symbol} is {name}" for symbol, name in self.symbols.items())

    def __str__(self) -> str:
        return "\n".join([self.head, *(f"    {line.text}{line.result}" for line in self.lines)])


def shown(x: Any) -> str:
    """A number, all of a small array, or the shape and norm of a larger one.

    >>> shown(-0.5), shown(np.eye(2)), shown(np.ones((9, 9)))
    ('−0.5', '[[1, 0], [0, 1]]', '(9, 9) of norm 9')
    """
    array = np.asarray(x)
    if array.ndim > 2 or max(array.shape, default=1) > FULL:
        return f"{shape_of(array)} of norm {digits(norm_of(array))}"
    if array.ndim == 0:
        return digits(array.item())
    return f"[{', '.join(map(shown, array))}]"


def bracketed(number: str) -> str:
    return f"({number})" if number.startswith("−") else number


def counted(n: int) -> str:
    """A number of paths, in letters up to twelve."""
    return _COUNTS[n] if n < len(_COUNTS) else f"{n:,}"
