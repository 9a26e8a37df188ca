"""`Parameter`: a Tensor that a module learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine import Tensor


class Parameter(Tensor):
    """Marks a Tensor as a module's own: to be trained, saved and loaded.

    Args:
        data: numbers, an array, or a Tensor, whose numbers are copied.
        requires_grad: False freezes it; it is still saved and loaded.
        name: what pictures and errors call it. A module that is called names its own.

    >>> Parameter([1.0, 2.0])
    Parameter([1., 2.], requires_grad=True)
    """

    __slots__ = ("start",)

    start: Callable[..., Any] | None  # how its first numbers were drawn; see `init.start_`

    def __init__(self, data: Any, requires_grad: bool = True, name: str | None = None) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad, name)
        self.start = None

    def __reduce__(self) -> Any:
        return (*super().__reduce__(), (None, {"start": self.start}))

    def to_(self, dtype: Any) -> Parameter:
        """Change the float width in place: whoever holds this parameter keeps the right one."""
        self._data = self._data.astype(dtype)  # past the setter, which would keep the old width
        self.data = self._data  # through it, so that graphs of the old numbers refuse to run
        if self._grad is not None:
            self._grad = self._grad.astype(dtype)
        return self
