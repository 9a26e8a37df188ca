"""Modules in a row. A plain list or dict in an attribute is found as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .module import Module


class Sequential(Module):
    """Modules one after the other, each on the output of the one before. Their names are "0", "1",
    …; of a dict, its keys.

    >>> from groundup import nn
    >>> net = Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> net
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    >>> [name for name, _ in net.named_parameters()]
    ['0.weight', '0.bias']

    Raises:
        TypeError: something that is no module, such as a list of them, or a function.
        ValueError: a key that a Sequential has another use for.
    """

    def __init__(self, *modules: Any) -> None:
        named = modules[0] if modules and isinstance(modules[0], dict) else dict(enumerate(modules))
        for name, module in named.items():
            if not isinstance(module, Module):
                raise TypeError(
                    f"Sequential: {name!r} is a {type(module).__name__}, not a module; write "
                    "Sequential(*modules) for a list, and a Module with a forward for a function"
                )
            if hasattr(self, str(name)):
                raise ValueError(f"Sequential: a module cannot be called {name!r}")
            setattr(self, str(name), module)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, place: int | slice) -> Any:
        """One module; or some of them, a Sequential in which they keep their names."""
        if isinstance(place, slice):
            return Sequential(dict([*self.named_children()][place]))
        return [*self][place]


class ModuleList(list):
    """A list, under the name that it has in PyTorch."""


class ModuleDict(dict):
    """A dict, under the name that it has in PyTorch."""
