"""`Module`: a part of a network, and what can be done to all that is inside it at once."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..engine import Tensor, Value
from ..engine.modes import Scope, modes
from ..engine.value_array import values
from . import hooks, show, state
from .attributes import Attributes
from .calls import Paths, calls, name_parts, path_in
from .parameter import Parameter
from .summary import Summary, summarize
from .tree import Buffer


class Module(Attributes, hooks.Hooked):
    """A part of a network: assign parameters and modules to attributes, write `forward`. A Value in
    an attribute, or in a list there, is a parameter as well.

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
    _paths: Paths | None = None  # where each submodule lies, once this was called
    _bookkeeping = (*Attributes._bookkeeping, "_paths", "_before", "_after")

    # Calling

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
                name_parts(self)
        else:
            path = path_in(root, self, outer)
        modes.scope = Scope(path, type(self).__name__, outer)
        try:
            if self._before:
                args, kwargs = hooks.before(self._before, self, args, kwargs)
            out = self.forward(*args, **kwargs)
            return hooks.after(self._after, self, args, kwargs, out) if self._after else out
        finally:
            modes.scope, calls.root = outer, root

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, less the names that a call has noted for itself."""
        return {key: value for key, value in vars(self).items() if key != "_paths"}

    # Changing all at once; each returns the module itself

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call fn on each module inside, parts before the whole, and on this one; each once."""
        for module in self._parts_first(set()):
            fn(module)
        return self

    def _parts_first(self, seen: set[Module]) -> Iterator[Module]:
        seen.add(self)
        for _, child in self.named_children():
            if child not in seen:
                yield from child._parts_first(seen)
        yield self

    def train(self, mode: bool = True) -> Self:
        """Set `training` on this module and all inside.

        Raises:
            TypeError: something that is neither True nor False.
        """
        if not isinstance(mode, bool | np.bool_):
            raise TypeError(f"train: True, or False as eval() has it, not {mode!r}")
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

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False make zeros of them."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    def to(self, dtype: Any) -> Self:
        """Change the width of all float parameters and buffers, in place. Values stay as they are.

        Raises:
            TypeError: not a float dtype, or a scalar model, whose numbers are Python's floats.

        >>> from groundup import nn
        >>> nn.Linear(1, 1).to(np.float64).weight.dtype
        dtype('float64')
        """
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"to: a module's parameters are floats, so not {np.dtype(dtype)}")
        parameters = [*self.parameters()]
        if parameters and all(isinstance(parameter, Value) for parameter in parameters):
            raise TypeError("to: a Value is a Python float, which has one width")
        for parameter in parameters:
            if not isinstance(parameter, Value) and parameter.dtype.kind == "f":
                parameter.to_(dtype)
        self._widen_buffers(dtype)
        return self

    def double(self) -> Self:
        """`to` float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """`to` float32."""
        return self.to(np.float32)

    def _widen_buffers(self, dtype: Any) -> None:
        for part in self._leaves().values():
            if isinstance(part, Buffer) and part.array.dtype.kind == "f":
                setattr(part.owner, part.attribute, part.array.astype(dtype))

    # Leaving and coming back

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and persistent buffers as arrays, by dotted name.

        A tied parameter stands under each of its names, as PyTorch has it, so that either
        library loads what the other saved, unrenamed.

        >>> from groundup import nn
        >>> sorted(nn.Linear(3, 2).state_dict())
        ['bias', 'weight']
        """
        return {name: state.numbers(part) for name, part in state.saved_parts(self).items()}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True
    ) -> state.IncompatibleKeys:
        """Copy saved arrays into parameters and buffers; floats take the width that is there.

        Args:
            state_dict: arrays by name. A tied parameter may stand under one of its names alone.
            strict: False loads what there is, though names are missing or too many.

        Returns:
            The names that were missing, and those that were too many.

        Raises:
            ValueError: names missing, names too many, other shapes, integers for floats, two
                different arrays for one tied parameter. All of them are named at once, and
                nothing is changed.
            TypeError: something that holds no arrays by name.
        """
        return state.load(self, state_dict, strict)

    def to_scalars(self) -> Self:
        """The same model over object arrays of `Value`: each number a node of its own.

        `forward` then builds the scalar graph, as it stands, and everything else works too:
        `parameters()` are the Values, so an optimiser takes them; `state_dict()` is the same.
        Buffers stay arrays.

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
        scalar = copy.deepcopy(self, copied)
        scalar._widen_buffers(np.float64)  # as wide as a Value
        return scalar

    # Showing

    def summary(self, *args: Any, **kwargs: Any) -> Summary:
        """The table of all modules inside: output shapes, parameters, and their share of the whole.

        The module is called with these arguments, once, in evaluation, and stays as it is. A tied
        parameter is counted where it stands first.

        >>> from groundup import nn
        >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).summary(np.ones((4, 2)))
        layer        output shape  parameters  share
        Sequential   (4, 1)
          0: Linear  (4, 3)                 9  69.2%
          1: ReLU    (4, 3)
          2: Linear  (4, 1)                 4  30.8%
        total                              13
        """
        return summarize(self, args, kwargs)

    def extra_repr(self) -> str:
        """What a layer says of itself between its parentheses."""
        return ""

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        own = ((k, v) for k, v in vars(self).items() if k not in self._bookkeeping)
        return show.tree_text(type(self).__name__, self.extra_repr(), show.parts(own))
