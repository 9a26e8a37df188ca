"""Modules in a row. A plain list or dict in an attribute is found as well."""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Iterable, Iterator
from typing import Any, Self

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
        named = modules[0] if modules and isinstance(modules[0], dict) else numbered(modules)
        self._hold({str(name): module for name, module in named.items()})

    def _hold(self, named: dict[str, Any]) -> None:
        """These instead of the modules that are held."""
        for name, module in named.items():
            if not isinstance(module, Module):
                raise TypeError(
                    f"Sequential: {name} is a {type(module).__name__}, not a module; write "
                    "Sequential(*modules) for a list, and a Module with a forward for a function"
                )
        for name in self._named():
            delattr(self, name)
        for name, module in named.items():
            self.add_module(name, module)
        self._paths = None  # each may have another name

    def _named(self) -> dict[str, Module]:
        return {name: part for name, part in vars(self).items() if isinstance(part, Module)}

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    # As a list

    def __iter__(self) -> Iterator[Module]:
        return iter([*self._named().values()])

    def __len__(self) -> int:
        return len(self._named())

    def __getitem__(self, place: int | slice) -> Any:
        """One module; or some of them, a module of the same class in which they keep their
        names."""
        if not isinstance(place, slice):
            return [*self][place]
        some = copy.copy(self)
        some._before = some._after = None
        some._hold(dict([*self._named().items()][place]))
        return some

    def __setitem__(self, place: int, module: Any) -> None:
        """Another module under the name of one."""
        named = self._named()
        self._hold(named | {[*named][operator.index(place)]: module})

    def __delitem__(self, place: int | slice) -> None:
        """Take some out; all others are numbered anew, as in PyTorch."""
        modules = [*self]
        del modules[place]
        self._hold(numbered(modules))

    def insert(self, index: int, module: Any) -> Self:
        """Put a module before that place; all are numbered anew."""
        modules = [*self]
        modules.insert(index, module)
        self._hold(numbered(modules))
        return self

    def append(self, module: Any) -> Self:
        """Put a module behind the last."""
        return self.extend([module])

    def extend(self, modules: Iterable[Any]) -> Self:
        """Put several modules behind the last, each under the next number that is free.

        >>> from groundup import nn
        >>> len(Sequential(nn.Linear(2, 3)).extend([nn.ReLU(), nn.Linear(3, 1)]))
        3
        """
        named: dict[str, Any] = self._named()
        for module in modules:
            places = map(str, itertools.count(len(named)))
            named[next(name for name in places if name not in named)] = module
        self._hold(named)
        return self


def numbered(modules: Iterable[Any]) -> dict[str, Any]:
    return {str(place): module for place, module in enumerate(modules)}


class ModuleList(list):
    """A list, under the name that it has in PyTorch; a part of it is one, too."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return type(self)(found) if isinstance(place, slice) else found


class ModuleDict(dict):
    """A dict, under the name that it has in PyTorch."""
