"""`Parameter`: a Tensor that a module learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ..engine import Tensor


def _refused(sign: str) -> Callable[[Any, Any], NoReturn]:
    """The in-place operator of that sign: Python would make it the sum, under the same name, and
    the parameter would stay as it was, without a word."""

    def operator(self: Parameter, other: Any) -> NoReturn:
        raise TypeError(
            f"a Parameter is not changed in place: write p.data {sign} … for new numbers, or "
            f"x = p {sign[:-1]} … for a result"
        )

    return operator


class Parameter(Tensor):
    """Marks a Tensor as a module's own: to be trained, saved and loaded.

    Args:
        data: numbers, an array, or a Tensor, whose numbers are copied.
        requires_grad: False freezes it; it is still saved and loaded.
        name: what pictures and errors call it. A module that is called names its own.

    Raises:
        TypeError: in p -= …, and the like, which would change no parameter: write p.data -= ….

    >>> Parameter([1.0, 2.0])
    Parameter([1., 2.], requires_grad=True)
    """

    __slots__ = ("path", "start")

    start: Callable[..., Any] | None  # how its first numbers were drawn; see `init.start_`
    path: str | None  # the name that a module gave it; it may have another one by hand

    def __init__(self, data: Any, requires_grad: bool = True, name: str | None = None) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else data, requires_grad, name)
        self.start = self.path = None

    def __reduce__(self) -> Any:
        return (*super().__reduce__(), (None, {"start": self.start, "path": self.path}))

    def to_(self, dtype: Any) -> Parameter:
        """Change the float width in place: whoever holds this parameter keeps the right one."""
        self._data = self._data.astype(dtype)  # past the setter, which would keep the old width
        self.data = self._data  # through it, so that graphs of the old numbers refuse to run
        if self._grad is not None:
            self._grad = self._grad.astype(dtype)
        return self

    __iadd__, __isub__, __imul__ = map(_refused, ("+=", "-=", "*="))
    __itruediv__, __ipow__, __imatmul__ = map(_refused, ("/=", "**=", "@="))
