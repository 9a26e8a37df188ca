"""How busy other programs kept the machine meanwhile: on a shared one, a time may mean little.

A rival with two threads that wait for each other loses most when a third program has one of two
cores; taking turns does not undo that.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
MUCH = 0.15  # cores; below that, it is what any system does


class Others:
    """From when it is made, the cores that others used on average; None where that is not told.

    Processes started here count as ours once they have ended.
    """

    def __init__(self) -> None:
        self.began = time.perf_counter(), busy(), own()

    def cores(self) -> float | None:
        then, busy_then, own_then = self.began
        busy_now = busy()
        if busy_now is None or busy_then is None:
            return None
        seconds = busy_now - busy_then - (own() - own_then)
        return max(seconds, 0.0) / (time.perf_counter() - then)


def busy() -> float | None:
    """Seconds that all cores have worked for anyone, or were kept from us by other machines."""
    if not STAT.exists():
        return None
    fields = STAT.read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
