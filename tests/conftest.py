"""Settings that every test shares."""

import os

from hypothesis import settings

# A first example may import or build something large: that is no failure.
settings.register_profile("dev", deadline=None)
# In CI a failure must be the same at every run, and come with what is needed to repeat it.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
