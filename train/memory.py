"""Freed memory, kept for the next step."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h
LARGEST = 32 * 2**20  # bytes, the most that glibc takes for a threshold of its own


def keep_freed_memory() -> bool:
    """Tell the C library not to hand freed arrays back to the system; whether it listened.

    A training step makes and frees the same large arrays as the one before. glibc gives each one
    above a threshold back at once, and the system hands out fresh pages, which have to be zeroed:
    a third of the time of an elementwise op. From here on the process keeps what it once had, and
    all threads share it. It is for programs that train: `fit` does it. On other systems than Linux
    with glibc this does nothing.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = {M_MMAP_THRESHOLD: LARGEST, M_TRIM_THRESHOLD: 2**31 - 1, M_ARENA_MAX: 1}
    return all(libc.mallopt(which, value) for which, value in settings.items())
