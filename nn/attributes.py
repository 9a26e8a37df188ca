"""What may lie in which attribute of a module: parameters, modules and buffers by their names."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Tensor
from .parameter import Parameter
from .tree import Tree


class Attributes(Tree):
    """The part of `Module` that looks at what is assigned to it."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute. A Parameter in another's place takes its name, if it has none.

        Raises:
            TypeError: something else instead of a Parameter, which would no longer be trained, or
                instead of a buffer, which would no longer be saved.
        """
        before = vars(self).get(name)
        if isinstance(before, Parameter) and value is not None:
            if not isinstance(value, Parameter):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a Parameter: assign nn.Parameter(…), None, "
                    f"or new numbers to {name}.data, not a {type(value).__name__}"
                )
            if value.name is None:
                value.name, value.path = before.name, before.path
        if name in self._buffers and value is not None:
            if not isinstance(value, np.ndarray | np.generic):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a buffer: assign a plain array or None, not "
                    f"a {type(value).__name__}"
                )
            value = np.asarray(value)  # numpy's sum of two arrays without axes is a number
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._buffers = {key: saved for key, saved in self._buffers.items() if key != name}

    # By name, where an assignment cannot be written: `self.name = …` says as much

    def register_buffer(self, name: str, array: Any, persistent: bool = True) -> None:
        """Keep an array that is not learned, but belongs to the module: it is saved with it, and
        moved by `to`. It is the attribute of that name, a plain array; assign to it to change it.

        Args:
            name: of the attribute.
            array: anything that makes an array of numbers, or None to leave it empty.
            persistent: False leaves it out of `state_dict`, for what can be computed again.

        Raises:
            ValueError: the name has a dot, or is that of another attribute.

        >>> from groundup import nn
        >>> module = nn.Module()
        >>> module.register_buffer("steps", 0)
        >>> module.state_dict()
        {'steps': array(0)}
        """
        self._check_name("buffer", name, name in self._buffers)
        if isinstance(array, Tensor) and not array.requires_grad:
            array = array.data
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, array if array is None else np.array(array))

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Assign a Parameter, or None, to the attribute of that name.

        Raises:
            ValueError: the name has a dot, or is that of another attribute.
            TypeError: something else.
        """
        self._register("parameter", name, param, Parameter)

    def add_module(self, name: str, module: Tree | None) -> None:
        """Assign a Module, or None, to the attribute of that name; errors as there.

        >>> from groundup import nn
        >>> net = nn.Module()
        >>> for i, width in enumerate((4, 1)):
        ...     net.add_module(f"fc{i}", nn.Linear(3, width))
        >>> net.fc1
        Linear(in_features=3, out_features=1, bias=True)
        """
        self._register("module", name, module, Tree)

    def _register(self, what: str, name: str, part: Any, kind: type) -> None:
        if not isinstance(part, kind | None):
            raise TypeError(
                f"{type(self).__name__}: {name!r} is to be a {what}, not a {type(part).__name__}"
            )
        self._check_name(what, name, isinstance(vars(self).get(name, 0), kind | None))
        setattr(self, name, part)

    def _check_name(self, what: str, name: str, again: bool) -> None:
        """Refuse a name that leads elsewhere; `again` says that it is already one of its kind."""
        if "." in name or (hasattr(self, name) and not again):
            raise ValueError(f"{type(self).__name__}: a {what} cannot be called {name!r}")
