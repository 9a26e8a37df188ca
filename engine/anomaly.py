"""The debugging mode: where a NaN was born, and which raw write spoiled a gradient."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .graph import Node, describe
from .modes import mode

OURS = (__name__.split(".")[0], "numpy")  # frames of these are not the user's


class Seen(NamedTuple):
    """What the mode remembers of a node: the user's line, and fingerprints of what it used."""

    line: str
    fingerprints: tuple[int, ...]


class Lines:
    """Notes the user's line that made each node, and nothing more."""

    def computed(self, op: Any, args: tuple, data: Any) -> None:
        pass

    def made(self, node: Node) -> None:
        node.seen = Seen(users_line(), ())

    def handed(self, node: Node, grad: Any, shares: Iterable[Any]) -> Iterable[Any]:
        return shares


class Witness(Lines):
    """Looks at every op as it runs, forward and backward."""

    def computed(self, op: Any, args: tuple, data: Any) -> None:
        """Look at what an op gave, recorded or not.

        Raises:
            FloatingPointError: the first NaN or infinity: no argument had one.
        """
        if not finite(data) and finite(*args):
            raise FloatingPointError(
                f"{worst(data)} was born in {op}, {users_line()}, from "
                + " and ".join(map(brief, numbers(args)))
            )

    def made(self, node: Node) -> None:
        """Note where a node came from, and what it was made of."""
        node.seen = Seen(users_line(), fingerprints(node))

    def handed(self, node: Node, grad: Any, shares: Iterable[Any]) -> Iterator[Any]:
        """Hand on the shares of one step back.

        Raises:
            RuntimeError: an array that the op used has other numbers now.
            FloatingPointError: the first NaN or infinity among the gradients.
        """
        at = node.seen.line if node.seen else "made outside the mode"
        if node.seen and node.seen.fingerprints != fingerprints(node):
            both = zip(node.seen.fingerprints, fingerprints(node), strict=True)
            place = next(i for i, (then, now) in enumerate(both) if then != now)
            which = f"argument {place - 1} of {node.op}" if place else f"the result of {node.op}"
            raise RuntimeError(
                f"the array of {which} was written into after {node.op} used it ({at}), so its "
                "gradient would be wrong. Change it before the forward pass, or change a copy."
            )
        sound = finite(grad, node, *node.args)
        for arg, share in shares:
            if sound and not finite(share):
                raise FloatingPointError(
                    f"{worst(share)} was born in the backward pass of {node.op}, {at}: the "
                    f"gradient for {describe(arg)}, from "
                    + " and ".join(map(brief, numbers(node.args)))
                )
            yield arg, share


def detect_anomaly() -> Any:
    """Inside `with detect_anomaly():` every op is watched, at several times the cost.

    The op where the first NaN or infinity is born raises, forward or backward, and says which
    line of yours called it. A backward pass refuses arrays that were written into since
    (`x.data[0] = 9`, through any view), which nothing else can see.

    >>> from groundup.engine import Tensor
    >>> x = Tensor([1.0, 0.0], requires_grad=True)
    >>> with detect_anomaly(), np.errstate(divide="ignore"):
    ...     np.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FloatingPointError: -inf was born in log, ..., from (2,) min 0, max 1
    """
    return mode(witness=Witness())


def users_line() -> str:
    """file:line of the nearest caller that is not ours; "" where our own command is the caller."""
    frame: Any = sys._getframe(2)
    while (name := module_of(frame)).split(".")[0] in OURS:
        frame = frame.f_back
        if frame is None or name == f"{OURS[0]}.__main__":
            return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def module_of(frame: Any) -> str:
    """The name of a frame's module; under `python -m`, the one that is run."""
    spec = frame.f_globals.get("__spec__")
    return str(spec.name if spec else frame.f_globals.get("__name__", ""))


def fingerprints(node: Node) -> tuple[int, ...]:
    """A checksum of each array that a step back through this node may need."""
    used = (node.data, *numbers(node.args))
    return tuple(zlib.crc32(np.ascontiguousarray(data).tobytes()) for data in used)


def numbers(args: Iterable[Any]) -> list[Any]:
    """The numbers and arrays among arguments, plain ones and those of nodes and in lists."""
    found: list[Any] = []
    for arg in args:
        if isinstance(arg, Node):
            found.append(arg.data)
        elif isinstance(arg, list | tuple):
            found += numbers(arg)
        elif isinstance(arg, float | np.ndarray):
            found.append(arg)
    return found


def finite(*args: Any) -> bool:
    return all(np.isfinite(data).all() for data in numbers(args))


def worst(data: Any) -> str:
    """The NaN or infinity in data, in a word."""
    data = np.asarray(getattr(data, "data", data))
    return str(data[~np.isfinite(data)].flat[0])


def brief(data: Any) -> str:
    """Numbers in a few words."""
    if np.ndim(data) == 0:
        return f"{float(data):.4g}"
    extent = f" min {np.min(data):.4g}, max {np.max(data):.4g}" if np.size(data) else ""
    return f"{np.shape(data)}{extent}"
