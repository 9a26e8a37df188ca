"""The browser in which pages are measured, and tested: Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOW = (
    "put Chromium on PATH, or set GROUNDUP_CHROMIUM to it, or run `playwright install chromium`"
)  # fmt: skip


def chromium_path() -> str | None:
    """The Chromium to take: GROUNDUP_CHROMIUM in the environment, else one on PATH, else the one
    that Playwright has downloaded; None if there is none."""
    if chosen := os.environ.get("GROUNDUP_CHROMIUM"):
        return chosen
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        own = running.chromium.executable_path
    return own if Path(own).exists() else None


@contextmanager
def chromium(path: str) -> Iterator[Any]:
    """The browser at that path, without a window, until the block ends."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        # No sandbox, since CI is often root, and root has none; the pages are our own.
        found = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()
