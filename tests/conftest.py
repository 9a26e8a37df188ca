"""Settings and fixtures that every test shares."""

import os

import pytest
from hypothesis import settings

from harness.chromium import HOW, chromium, chromium_path

# A first example may import or build something large: that is no failure.
settings.register_profile("dev", deadline=None)
# In CI a failure must be the same at every run, and come with what is needed to repeat it.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright. Where one of the two is missing, who asks is skipped."""
    pytest.importorskip(
        "playwright.sync_api", reason="the browser tests need Playwright: pip install playwright"
    )
    path = chromium_path()
    if path is None:
        pytest.skip(f"the browser tests need a browser: {HOW}")
    with chromium(path) as found:
        yield found
