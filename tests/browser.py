"""The browser that the pages of `groundup.viz` are tested in; conftest.py has its fixture."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """The Chromium to test with: GROUNDUP_CHROMIUM in the environment, else one on PATH, else the
    one that Playwright has downloaded; None if there is none."""
    if chosen := os.environ.get("GROUNDUP_CHROMIUM"):
        return chosen
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        own = running.chromium.executable_path
    return own if Path(own).exists() else None
