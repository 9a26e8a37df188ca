"""`Module`: parameters and submodules, held as ordinary attributes, and what can be done to all.

Nothing is registered. Whatever lies in an attribute, or in lists, tuples and dicts there, is
found by walking, and called by the way to it: `blocks.0.attn.c_attn.weight`.
"""

from __future__ import annotations

import copy
import reprlib
import textwrap
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..engine import Tensor, Value
from ..engine.graph import Node
from ..engine.modes import Scope, modes
from ..engine.value_array import values
from .parameter import Parameter

# What a module learns: Parameters, or after `to_scalars` object arrays of Values.
Array = Parameter | np.ndarray


class Module:
    """A part of a network: assign parameters and modules to attributes, write `forward`.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Parameter([2.0])
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(np.array([1.0, 3.0])).data
    array([2., 6.])
    """

    training = True  # layers such as dropout behave otherwise in evaluation
    _paths: dict[Module, str] | None = None  # where each submodule lies, once this was called

    def __setattr__(self, name: str, value: Any) -> None:
        """Assign an attribute. A Parameter in another's place takes its name, if it has none.

        Raises:
            TypeError: something else instead of a Parameter, which would no longer be trained.
        """
        before = vars(self).get(name)
        if isinstance(before, Parameter) and value is not None:
            if not isinstance(value, Parameter):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a Parameter: assign nn.Parameter(…), None, "
                    f"or new numbers to {name}.data, not a {type(value).__name__}"
                )
            value.name = value.name or before.name
        super().__setattr__(name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; subclasses write it, and callers call the module."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward`; each node made meanwhile remembers that it was made in this module.

        Called from outside any other, a module is the root, and names its parts.
        """
        outer, root = modes.scope, calls.root
        if outer is None:
            calls.root = self
            path = ""
            if self._paths is None:
                self._name_parts()
        else:
            path = self._path_in(root, outer)
        modes.scope = Scope(path, type(self).__name__, outer)
        try:
            return self.forward(*args, **kwargs)
        finally:
            modes.scope, calls.root = outer, root

    def _path_in(self, root: Module | None, outer: Scope) -> str:
        """This module's dotted name in the root of the call."""
        path = root._paths.get(self) if root is not None and root._paths is not None else None
        if path is None and root is not None:
            path = root._name_parts().get(self)  # a part that was added since
        if path is None:  # not a part of the root: made inside forward, or an argument of it
            return f"{outer.path}.{type(self).__name__}".lstrip(".")
        return path

    def _name_parts(self) -> dict[Module, str]:
        paths: dict[Module, str] = {}
        for name, part in self._walk():
            if isinstance(part, Module):
                paths.setdefault(part, name)
            # A part that was called by itself before calls its weight "weight": now more is known.
            elif isinstance(part, Parameter) and (
                part.name is None or name.endswith(f".{part.name}")
            ):
                part.name = name
        self._paths = paths
        return paths

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, less the names that a call has noted for itself."""
        return {key: value for key, value in vars(self).items() if key != "_paths"}

    # Finding what is inside

    def _walk(self, prefix: str = "", above: tuple[Module, ...] = ()) -> Iterator[Any]:
        """Yield (name, module or array) for all that is inside, under each of its names."""
        for name, part in held(self.__getstate__(), prefix):
            if not isinstance(part, Module):
                yield name, part
            elif part is not self and part not in above:  # a way back up leads to nothing new
                yield name, part
                yield from part._walk(name, (*above, self))

    def _arrays(self) -> dict[str, Array]:
        """All that is learned, under each of its names."""
        found: dict[str, Array] = {}
        for name, part in self._walk():
            if not isinstance(part, Module):
                if name in found:
                    raise ValueError(f"two parameters of {type(self).__name__} are called {name!r}")
                found[name] = part
        return found

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of the modules held here directly, those in lists and dicts too."""
        return (
            (name, part) for name, part in held(self.__getstate__()) if isinstance(part, Module)
        )

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """(name, module) of this module, called "", and of all inside, each once."""
        yield "", self
        seen = {self}
        for name, part in self._walk():
            if isinstance(part, Module) and part not in seen:
                seen.add(part)
                yield name, part

    def modules(self) -> Iterator[Module]:
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

    def num_parameters(self) -> int:
        """How many numbers are learned; a tied parameter counts once.

        >>> from groundup import nn
        >>> nn.Linear(3, 2).num_parameters()
        8
        """
        return sum(int(np.size(parameter)) for parameter in self.parameters())

    # Changing all at once; each returns the module itself

    def train(self, mode: bool = True) -> Self:
        """Set `training` on this module and all inside."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """The opposite of `train()`: dropout lets everything through."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze all parameters (False), or let them learn again."""
        for parameter in self.parameters():
            if isinstance(parameter, Tensor):
                parameter.requires_grad_(requires_grad)
            else:
                parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def to(self, dtype: Any) -> Self:
        """Change the width of all float parameters, in place.

        Raises:
            TypeError: not a float dtype, or a scalar model, whose numbers are Python's floats.

        >>> from groundup import nn
        >>> nn.Linear(1, 1).to(np.float64).weight.dtype
        dtype('float64')
        """
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"to: a module's parameters are floats, so not {np.dtype(dtype)}")
        for parameter in self.parameters():
            if isinstance(parameter, Value):
                raise TypeError("to: a Value is a Python float, which has one width")
            if parameter.dtype.kind == "f":
                parameter.to_(dtype)
        return self

    # Leaving and coming back

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters as arrays, by dotted name.

        A tied parameter stands under each of its names, as PyTorch has it, so that either
        library loads what the other saved, unrenamed.

        >>> from groundup import nn
        >>> sorted(nn.Linear(3, 2).state_dict())
        ['bias', 'weight']
        """
        return {name: numbers(array) for name, array in self._arrays().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy saved arrays into the parameters; floats take each parameter's width.

        Raises:
            ValueError: names missing, names too many, other shapes, integers for floats, two
                different arrays for one tied parameter. All of them are named at once, and no
                parameter is changed.
        """
        own = self._arrays()
        arrays = {k: np.asarray(v.data if isinstance(v, Node) else v) for k, v in state.items()}
        wrong = [f"missing: {name}" for name in own if name not in arrays]
        wrong += [f"not in the model: {name}" for name in arrays if name not in own]
        first_name: dict[int, str] = {}
        for name in (name for name in own if name in arrays):
            new, old = arrays[name], own[name]
            kind = "f" if isinstance(old, np.ndarray) else old.dtype.kind
            if new.shape != old.shape:
                wrong.append(f"{name}: shape {new.shape}, the model has {old.shape}")
            elif new.dtype.kind != kind:
                wrong.append(f"{name}: {new.dtype}, which is no kind of {numbers(old).dtype}")
            twin = arrays[first := first_name.setdefault(id(old), name)]
            if not np.array_equal(new, twin, equal_nan=new.dtype.kind == twin.dtype.kind == "f"):
                wrong.append(f"{name}: differs from {first}, with which the model ties it")
        if wrong:
            raise ValueError(
                f"this state does not fit {type(self).__name__}; nothing was loaded:\n  "
                + "\n  ".join(wrong)
            )
        for name, array in own.items():
            if isinstance(array, Parameter):
                new = arrays[name].astype(array.dtype)
                # Its own numbers again are no change, so graphs that used them stay good.
                if not np.array_equal(new, array.data):
                    array.data = new
            else:
                for value, number in zip(array.flat, arrays[name].flat, strict=True):
                    value.data = number

    def to_scalars(self) -> Self:
        """The same model over object arrays of `Value`: each number a node of its own.

        `forward` then builds the scalar graph, as it stands, and everything else works too:
        `parameters()` are the Values, so an optimiser takes them; `state_dict()` is the same.

        >>> from groundup import nn
        >>> fc = nn.Linear(2, 1).to_scalars()
        >>> [value.name for value in fc.parameters()]
        ['weight[0, 0]', 'weight[0, 1]', 'bias[0]']
        >>> y = fc(np.array([[1.0, 2.0]]))[0, 0]
        >>> y.backward()
        >>> fc.weight[0, 1].grad
        2.0
        """
        # A copy that finds each Parameter copied already: tied ones stay tied.
        copied: dict[int, Any] = {}
        for name, array in self._arrays().items():
            if isinstance(array, Parameter) and id(array) not in copied:
                copied[id(array)] = values(array.data, name, array.requires_grad)
        return copy.deepcopy(self, copied)

    # Showing

    def extra_repr(self) -> str:
        """What a layer says of itself between its parentheses."""
        return ""

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        children = [f"({name}): {child!r}" for name, child in self.named_children()]
        inside = [part for part in (self.extra_repr(), *children) if part]
        if children:
            text = textwrap.indent("\n".join(inside), "  ")
            return f"{type(self).__name__}(\n{text}\n)"
        return f"{type(self).__name__}({self.extra_repr()})"


class Calls(threading.local):
    """The module whose call is the outermost in this thread; gone when the call is."""

    root: Module | None = None


calls = Calls()


def held(container: Any, prefix: str = "") -> Iterator[tuple[str, Module | Array]]:
    """(name, module or array) of what lies directly in a container, or in containers in it."""
    items = container.items() if isinstance(container, dict) else enumerate(container)
    for key, part in items:
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(part, (Module, Parameter)) or is_parameter_of_values(part):
            yield name, part
        elif isinstance(part, (dict, list, tuple)):
            yield from held(part, name)


def is_parameter_of_values(x: Any) -> bool:
    """Whether x is an array made by `to_scalars`, whose Values are leaves with a name; results
    that a module keeps for later, such as attention weights, have none."""
    return (
        isinstance(x, np.ndarray)
        and x.dtype == object
        and all(isinstance(v, Value) and v.op is None and v.name is not None for v in x.flat)
    )


def numbers(array: Array) -> np.ndarray:
    """A copy of what a parameter holds."""
    if isinstance(array, Parameter):
        return array.data.copy()
    return np.array([value.data for value in array.flat], float).reshape(array.shape)
