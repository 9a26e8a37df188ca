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

# What a module learns: Parameters; Values; or after `to_scalars` object arrays of Values.
Array = Parameter | Value | np.ndarray


class Tree:
    """The part of `Module` that finds its parts and names them."""

    _buffers: Mapping[str, bool] = MappingProxyType({})  # attribute: whether it is saved
    _bookkeeping: tuple[str, ...] = ("_buffers",)  # attributes that hold no parts

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

    def _leaves(self, prefix: str = "", recurse: bool = True) -> dict[str, Array | Buffer]:
        """Parameters and buffers; without `recurse` those outside of modules in here."""
        found: dict[str, Array | Buffer] = {}
        for name, part in self._walk(prefix) if recurse else self._held(prefix):
            if not isinstance(part, Tree):
                if name in found:
                    raise ValueError(f"two parameters of {type(self).__name__} are called {name!r}")
                found[name] = part
        return found

    def _arrays(self, prefix: str = "", recurse: bool = True) -> dict[str, Array]:
        """All that is learned."""
        leaves = self._leaves(prefix, recurse).items()
        return {name: part for name, part in leaves if not isinstance(part, Buffer)}

    def get_submodule(self, target: str) -> Any:
        """The module of that dotted name; "" is this one.

        Raises:
            AttributeError: there is none.
        """
        return self._called(target, Tree, "module") if target else self

    def get_parameter(self, target: str) -> Any:
        """The parameter of that dotted name.

        Raises:
            AttributeError: there is none.

        >>> from groundup import nn
        >>> nn.Sequential(nn.Linear(2, 3)).get_parameter("0.weight").shape
        (3, 2)
        """
        return self._called(target, Array, "parameter")

    def _called(self, target: str, kind: Any, what: str) -> Any:
        for name, part in self._walk():
            if name == target and isinstance(part, kind):
                return part
        raise AttributeError(f"{type(self).__name__} has no {what} called {target!r}")

    # Each part once

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """(name, module) of the modules held here directly, those in lists and dicts too; one held
        twice comes twice, since a Sequential may apply it twice."""
        return ((name, part) for name, part in self._held() if isinstance(part, Tree))

    def children(self) -> Iterator[Any]:
        """The same without names: `Sequential(*[*model.children()][:-1])` leaves out the last."""
        return (part for _, part in self.named_children())

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

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Any]]:
        """(dotted name, parameter), each once: a tied one under the first of its names.

        Of a scalar model, the Values one by one, called `fc.weight[0, 1]`.

        Args:
            prefix: what all names begin with, and a dot.
            recurse: False leaves out those of the modules in this one.
        """
        seen = set()
        for name, array in self._arrays(prefix, recurse).items():
            if id(array) in seen:
                continue
            seen.add(id(array))
            if isinstance(array, Parameter | Value):
                yield name, array
            else:
                for index in np.ndindex(array.shape):
                    place = f"[{', '.join(map(str, index))}]" if index else ""
                    yield name + place, array[index]

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """The parameters, each once, frozen ones too."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, np.ndarray]]:
        """(dotted name, array), each once; those that are not saved, too."""
        seen = set()
        for name, part in self._leaves(prefix, recurse).items():
            if isinstance(part, Buffer) and part not in seen:
                seen.add(part)
                yield name, part.array

    def buffers(self, recurse: bool = True) -> Iterator[np.ndarray]:
        """The buffers, each once."""
        return (array for _, array in self.named_buffers(recurse=recurse))

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
        if isinstance(part, (Tree, Parameter)) or is_of_values(part):
            yield name, part
        elif isinstance(part, (dict, list, tuple)):
            yield from held(part, name)


def dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def is_of_values(x: Any) -> bool:
    """Whether x is a parameter of the scalar engine: a Value that came of no other, or an array
    made by `to_scalars`, whose Values have names. Results that a module keeps for later, such as
    attention weights, are none."""
    if isinstance(x, Value):
        return x.op is None and not hasattr(x, "why")
    return (
        isinstance(x, np.ndarray)
        and x.dtype == object
        and all(isinstance(v, Value) and v.op is None and v.name is not None for v in x.flat)
    )
