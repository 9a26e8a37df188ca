"""Ctrl-C that waits for a good moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def held_interrupts() -> Iterator[Callable[[], bool]]:
    """A block in which the first Ctrl-C is noted, where it would break a step in two.

    Yields a function that says whether there was one. A second Ctrl-C interrupts at once, as
    ever. Outside the main thread nothing changes: Python delivers no signals there.

    >>> with held_interrupts() as interrupted:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interrupted()
    True
    """
    noted = False

    def note(*_: Any) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: noted
    finally:
        # None is a handler that was not set from Python, and cannot be set again from here.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
