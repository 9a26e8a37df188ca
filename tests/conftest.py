"""Settings and fixtures that every test shares."""

import os

import pytest
from hypothesis import settings

from browser import chromium_path

# A first example may import or build something large: that is no failure.
settings.register_profile("dev", deadline=None)
# In CI a failure must be the same at every run, and come with what is needed to repeat it.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright. Where one of the two is missing, who asks is skipped."""
    reason = "the browser tests need Playwright: pip install playwright"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    path = chromium_path()
    if path is None:
        pytest.skip(
            "the browser tests need Chromium: put it on PATH, or set GROUNDUP_CHROMIUM to it, "
            "or run `playwright install chromium`"
        )
    with playwright.sync_playwright() as running:
        # No sandbox, since CI is often root, and root has none; the pages are our own.
        found = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()
