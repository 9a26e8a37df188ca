"""On what it ran: without that, no figure can be compared with another."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from groundup.train import usable_cores

LIBRARIES = ("numpy", "torch", "numba", "autograd", "micrograd")


def machine() -> dict[str, Any]:
    """The CPU, the system and the versions of the libraries, None where one is not installed."""
    return {
        "cpu": cpu_model(),
        "cores": usable_cores(most=sys.maxsize),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def in_words(machine: dict[str, Any]) -> str:
    """One sentence of it."""
    libraries = ", ".join(
        f"{name} {version}" if version else f"no {name}"
        for name, version in machine["libraries"].items()
    )
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}, {libraries}."
    )
