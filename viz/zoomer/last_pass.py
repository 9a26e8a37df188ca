"""The last backward pass that a script made, so that it can be looked at when the script has ended.

By then an optimizer has changed the parameters. So their numbers are kept at each pass, and put
back for the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...engine.graph import Node, Steps, ancestry, forget_change
from ...engine.modes import observing


class LastPass:
    """An observer of backward passes, which remembers the last one.

    Attributes:
        root: where it began; None before the first.
        seed: the gradient that it began with.
    """

    def __init__(self) -> None:
        self.root: Node | None = None
        self.seed: Any = None
        self._leaves: list[tuple[Node, Any, Any]] = []

    def __call__(self, root: Node, steps: Steps) -> Steps:
        """Hand each step on, and keep the numbers of the leaves behind them."""
        self.root, self.seed = root, None
        leaves = (node for node in ancestry(root) if node.op is None)
        self._leaves = [(leaf, leaf._data, np.copy(leaf._data)) for leaf in leaves]
        for node, grad in steps:
            if node is root:
                self.seed = grad
            yield node, grad

    def restored(self) -> Node | None:
        """The root, after the leaves behind it were given the numbers that they had."""
        for leaf, data, numbers in self._leaves:
            # Written over in place, perhaps; what is saved is this array.
            if isinstance(data, np.ndarray) and data.flags.writeable:
                data[...] = numbers
            leaf._data = data
            forget_change(leaf)
        return self.root


@contextmanager
def last_pass(threads: bool = False) -> Iterator[LastPass]:
    """Remember the last backward pass in the block, of this thread, or of all `threads`."""
    last = LastPass()
    with observing(last, threads):
        yield last
