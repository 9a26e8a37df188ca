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
from .calls import Paths, calls, name_parts, path_in
from .parameter import Parameter
from .summary import Summary, summarize
from .tree import Buffer, Tree


class Module(Tree):
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
    _paths: Paths | None = None  # where each submodule lies, once this was called
    _before: hooks.Hooks | None = None
    _after: hooks.Hooks | None = None
    _bookkeeping = (*Tree._bookkeeping, "_paths", "_before", "_after")

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
            value.name = value.name or before.name
        if name in self._buffers and value is not None:
            if not isinstance(value, np.ndarray | np.generic):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a buffer: assign a plain array or None, not "
                    f"a {type(value).__name__}"
                )
            value = np.asarray(value)  # numpy's sum of two arrays without axes is a number
        super().__setattr__(name, value)

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
                args = hooks.before(self._before, self, args)
            out = self.forward(*args, **kwargs)
            return hooks.after(self._after, self, args, out) if self._after else out
        finally:
            modes.scope, calls.root = outer, root

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, less the names that a call has noted for itself."""
        return {key: value for key, value in vars(self).items() if key != "_paths"}

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> hooks.Handle:
        """Call hook(module, args) before each `forward`; what it returns, if it is not None,
        replaces the arguments: a tuple of all, or the only one."""
        self._before = {} if self._before is None else self._before
        return hooks.Handle(self._before, hook)

    def register_forward_hook(self, hook: Callable[..., Any]) -> hooks.Handle:
        """Call hook(module, args, output) after each `forward`; what it returns, if it is not
        None, replaces the output.

        >>> from groundup import nn
        >>> net, seen = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
        >>> with net[0].register_forward_hook(lambda module, args, out: seen.append(out.shape)):
        ...     _ = net(np.ones((4, 2)))
        >>> seen
        [(4, 3)]
        """
        self._after = {} if self._after is None else self._after
        return hooks.Handle(self._after, hook)

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

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False make zeros of them."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    def to(self, dtype: Any) -> Self:
        """Change the width of all float parameters and buffers, in place.

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
        self._widen_buffers(dtype)
        return self

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

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Copy saved arrays into parameters and buffers; floats take the width that is there.

        Raises:
            ValueError: names missing, names too many, other shapes, integers for floats, two
                different arrays for one tied parameter. All of them are named at once, and
                nothing is changed.
        """
        state.load(self, state_dict)

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
