"""Hooks: functions of yours that are called whenever a module is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hooks = dict[object, Callable[..., Any]]


class Handle:
    """Takes a hook away again: by `handle.remove()`, or at the end of a `with` block."""

    def __init__(self, hooks: Hooks, hook: Callable[..., Any]) -> None:
        self.hooks, self.key = hooks, object()
        hooks[self.key] = hook

    def remove(self) -> None:
        """The hook is called no more."""
        self.hooks.pop(self.key, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def before(hooks: Hooks, module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments after all hooks have seen them; a result that is no tuple is the only one."""
    for hook in [*hooks.values()]:  # a hook may remove itself
        changed = hook(module, args)
        if changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
    return args


def after(hooks: Hooks, module: Any, args: tuple[Any, ...], output: Any) -> Any:
    """The output after all hooks have seen it."""
    for hook in [*hooks.values()]:
        changed = hook(module, args, output)
        if changed is not None:
            output = changed
    return output
