"""What is switched on: whether ops are recorded, who watches, which module is being called.

Each thread has its own, and a block that changes some of it restores them however it ends.
"""

from __future__ import annotations

import functools
import inspect
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any, NamedTuple


class Scope(NamedTuple):
    """The module call inside which a node was made: names alone, never the module itself."""

    path: str  # "blocks.0.attn", "" for the root
    kind: str  # its class, "CausalSelfAttention"
    parent: Scope | None  # in which module call this one was made


class Modes(threading.local):
    """What is switched on in this thread. A new thread starts with these defaults.

    An op asks several of them, and each question costs as much as a sum of two floats. So it takes
    `modes.__dict__`, its thread's own, once.
    """

    observers: tuple[Any, ...] = ()  # wrap every backward pass, oldest first; see `graph.Observer`

    def __init__(self) -> None:
        self.recording = True  # ops remember their arguments
        self.scope: Scope | None = None  # the module being called
        # Birth of the first input of the outermost derivative being taken: what is born after it
        # may be a variable of that derivative, captured by one inside (grad of grad).
        self.tracing: int | None = None
        self.careful = False  # 0 · ∞ on the way back is 0; see `swept`
        self.witness: Any = None  # looks at every op while debugging; see anomaly.py
        # The blocks that are open, with what they changed. One block may be open in two threads.
        self.entered: list[tuple[mode, dict[str, Any]]] = []


modes = Modes()


class mode(ContextDecorator):
    """Set `modes` for a block, in this thread, and restore them however the block ends."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def __enter__(self) -> None:
        modes.entered.append((self, {key: getattr(modes, key) for key in self.settings}))
        modes.__dict__.update(self.settings)

    def __exit__(self, *error: object) -> None:
        # Its own latest entry. A generator that holds a block open may end before one that was
        # opened later: then that one restores what was there before both.
        places = [i for i, (block, _) in enumerate(modes.entered) if block is self]
        if not places:
            return  # opened in another thread, whose modes are not ours
        _, before = modes.entered.pop(places[-1])
        for key, value in before.items():
            later = (saved for _, saved in modes.entered[places[-1] :] if key in saved)
            next(later, modes.__dict__)[key] = value

    def __call__(self, function: Any) -> Any:
        """The function inside such a block; of a generator or a coroutine, each of its steps."""
        if inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__name__} is an asynchronous generator: open a block in it")
        awaited = inspect.iscoroutinefunction(function)
        if not (awaited or inspect.isgeneratorfunction(function)):
            return super().__call__(function)

        @functools.wraps(function)
        def stepwise(*args: Any, **kwargs: Any) -> Any:
            steps = function(*args, **kwargs)
            advance, sent = steps.send, None
            while True:
                try:
                    with self:
                        out = advance(sent)
                except StopIteration as end:
                    return end.value
                finally:
                    sent = None  # an error holds this frame, and must not be held by it
                try:
                    advance, sent = steps.send, (yield out)
                except BaseException as error:  # noqa: BLE001  (it is the generator's to catch)
                    advance, sent = steps.throw, error

        @functools.wraps(function)
        async def whole(*args: Any, **kwargs: Any) -> Any:
            return await types.coroutine(stepwise)(*args, **kwargs)

        return whole if awaited else stepwise


@contextmanager
def observing(observer: Any, threads: bool = False, **settings: Any) -> Iterator[None]:
    """A block whose backward passes an observer sees: those of this thread, or of `threads` that
    have no observer of their own too."""
    of_all, own = Modes.observers, (*modes.observers, observer)
    if threads:
        Modes.observers = (*of_all, observer)
    try:
        with mode(observers=own, **settings):
            yield
    finally:
        Modes.observers = of_all


def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Inside `with no_grad():`, or a function under `@no_grad`, results are constants.

    >>> from groundup.engine import Value
    >>> a = Value(2.0)
    >>> with no_grad():
    ...     b = a * a
    >>> b.requires_grad, (a * a).requires_grad
    (False, True)
    """
    block = mode(recording=False)
    return block(function) if function else block


def enable_grad(function: Callable[..., Any] | None = None) -> Any:
    """Record again inside a `no_grad` block, or in a function under `@enable_grad`."""
    block = mode(recording=True)
    return block(function) if function else block
