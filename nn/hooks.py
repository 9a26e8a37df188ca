"""Hooks: functions of yours that are called whenever a module is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Hook(NamedTuple):
    """A function, and whether it wants the keyword arguments, too."""

    call: Callable[..., Any]
    with_kwargs: bool

    def __call__(self, module: Any, args: Any, kwargs: dict[str, Any], *output: Any) -> Any:
        given = (args, kwargs) if self.with_kwargs else (args,)
        return self.call(module, *given, *output)


Hooks = dict[object, Hook]


class Handle:
    """Takes a hook away again: by `handle.remove()`, or at the end of a `with` block."""

    def __init__(self, hooks: Hooks, hook: Hook, prepend: bool) -> None:
        self.hooks, self.key = hooks, object()
        others = [*hooks.items()] if prepend else []
        hooks[self.key] = hook
        for key, other in others:  # once more, behind it
            del hooks[key]
            hooks[key] = other

    def remove(self) -> None:
        """The hook is called no more."""
        self.hooks.pop(self.key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class Hooked:
    """The part of `Module` that keeps its hooks."""

    _before: Hooks | None = None
    _after: Hooks | None = None

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call hook(module, args) before each `forward`; what it returns, if it is not None,
        replaces the arguments: a tuple of all, or the only one.

        Args:
            hook: the function.
            prepend: call it before all others, not after them.
            with_kwargs: call hook(module, args, kwargs); what it returns is a pair of
                these, or None.
        """
        self._before = {} if self._before is None else self._before
        return Handle(self._before, Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call hook(module, args, output) after each `forward`, or hook(module, args, kwargs,
        output); what it returns, if it is not None, replaces the output.

        >>> import numpy as np
        >>> from groundup import nn
        >>> net, seen = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
        >>> with net[0].register_forward_hook(lambda module, args, out: seen.append(out.shape)):
        ...     _ = net(np.ones((4, 2)))
        >>> seen
        [(4, 3)]
        """
        self._after = {} if self._after is None else self._after
        return Handle(self._after, Hook(hook, with_kwargs), prepend)


def before(
    hooks: Hooks, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments after all hooks have seen them."""
    for hook in [*hooks.values()]:  # a hook may remove itself
        changed = hook(module, args, kwargs)
        if changed is None:
            continue
        if hook.with_kwargs:
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise TypeError(
                    "a pre-hook with_kwargs returns None or the pair (args, kwargs), not a "
                    f"{type(changed).__name__}"
                )
            args, kwargs = changed
        else:
            args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def after(
    hooks: Hooks, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
) -> Any:
    """The output after all hooks have seen it."""
    for hook in [*hooks.values()]:
        changed = hook(module, args, kwargs, output)
        if changed is not None:
            output = changed
    return output
