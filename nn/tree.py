"""`Tree`: modules in modules, parameters and buffers in them, all held as ordinary attributes.

Nothing is registered. Whatever lies in an attribute, or in lists, tuples and dicts there, is
found by walking, and named after the way to it: `blocks.0.attn.c_attn.weight`. Only an array has
to be declared, as a buffer, since a module may keep arrays for all kinds of reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..engine import Value
from .parameter import Parameter

# What a module learns: Parameters, or after `to_scalars` object arrays of Values.
Array = Parameter | np.ndarray


class Tree:
    """The half of `Module` that finds its parts and names them."""

    _buffers: Mapping[str, bool] = MappingProxyType({})  # attribute: whether it is saved
    _bookkeeping: tuple[str, ...] = ("_buffers",)  # attributes that hold no parts

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
        if "." in name or (hasattr(self, name) and name not in self._buffers):
            raise ValueError(f"{type(self).__name__}: a buffer cannot be called {name!r}")
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, array if array is None else np.array(array))

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._buffers = {key: saved for key, saved in self._buffers.items() if key != name}

    # Each part under each of its names

    def _held(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """(name, module, array or Buffer) for what lies here directly."""
        for attribute, value in vars(self).items():
            if attribute in self._buffers:
                if value is not None:
                    yield dotted(prefix, attribute), Buffer(self, attribute)
            elif attribute not in self._bookkeeping:
                yield from held({attribute: value}, prefix)

    def _walk(self, prefix: str = "", above: tuple[Tree, ...] = ()) -> Iterator[tuple[str, Any]]:
        """(name, module, array or Buffer) for all that is inside, under each of its names."""
        for name, part in self._held(prefix):
            if not isinstance(part, Tree):
                yield name, part
            elif part is not self and part not in above:  # a way back up leads to nothing new
                yield name, part
                yield from part._walk(name, (*above, self))

    def _leaves(self) -> dict[str, Array | Buffer]:
        """Parameters and buffers."""
        found: dict[str, Array | Buffer] = {}
        for name, part in self._walk():
            if not isinstance(part, Tree):
                if name in found:
                    raise ValueError(f"two parameters of {type(self).__name__} are called {name!r}")
                found[name] = part
        return found

    def _arrays(self) -> dict[str, Array]:
        """All that is learned."""
        return {name: p for name, p in self._leaves().items() if not isinstance(p, Buffer)}

    # Each part once

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """(name, module) of the modules held here directly, those in lists and dicts too; one held
        twice comes twice, since a Sequential may apply it twice."""
        return ((name, part) for name, part in self._held() if isinstance(part, Tree))

    def named_modules(self) -> Iterator[tuple[str, Any]]:
        """(name, module) of this module, called "", and of all inside, each once."""
        yield "", self
        seen = {self}
        for name, part in self._walk():
            if isinstance(part, Tree) and part not in seen:
                seen.add(part)
                yield name, part

    def modules(self) -> Iterator[Any]:
        """This module and all inside, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """(dotted name, parameter), each once: a tied one under the first of its names.

        Of a scalar model, the Values one by one, called `fc.weight[0, 1]`.
        """
        seen = set()
        for name, array in self._arrays().items():
            if id(array) in seen:
                continue
            seen.add(id(array))
            if isinstance(array, Parameter):
                yield name, array
            else:
                for index in np.ndindex(array.shape):
                    place = f"[{', '.join(map(str, index))}]" if index else ""
                    yield name + place, array[index]

    def parameters(self) -> Iterator[Any]:
        """The parameters, each once, frozen ones too."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """(dotted name, array), each once; those that are not saved, too."""
        seen = set()
        for name, part in self._leaves().items():
            if isinstance(part, Buffer) and part not in seen:
                seen.add(part)
                yield name, part.array

    def buffers(self) -> Iterator[np.ndarray]:
        """The buffers, each once."""
        return (array for _, array in self.named_buffers())

    def num_parameters(self) -> int:
        """How many numbers are learned; a tied parameter counts once.

        >>> from groundup import nn
        >>> nn.Linear(3, 2).num_parameters()
        8
        """
        return sum(int(np.size(parameter)) for parameter in self.parameters())


class Buffer(NamedTuple):
    """Where a buffer lies: its array is exchanged, its place stays."""

    owner: Tree
    attribute: str

    @property
    def array(self) -> np.ndarray:
        return getattr(self.owner, self.attribute)

    @property
    def persistent(self) -> bool:
        return self.owner._buffers[self.attribute]


def held(container: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(name, module or array) of what lies directly in a container, or in containers in it."""
    items = container.items() if isinstance(container, dict) else enumerate(container)
    for key, part in items:
        name = dotted(prefix, str(key))
        if isinstance(part, (Tree, Parameter)) or is_parameter_of_values(part):
            yield name, part
        elif isinstance(part, (dict, list, tuple)):
            yield from held(part, name)


def dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def is_parameter_of_values(x: Any) -> bool:
    """Whether x is an array made by `to_scalars`, whose Values are leaves with a name; results
    that a module keeps for later, such as attention weights, have none."""
    return (
        isinstance(x, np.ndarray)
        and x.dtype == object
        and all(isinstance(v, Value) and v.op is None and v.name is not None for v in x.flat)
    )
