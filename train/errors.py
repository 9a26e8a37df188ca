"""What a user's input can get wrong."""

from __future__ import annotations


class InputError(ValueError):
    """Something that was given cannot be used. The message is one sentence with the way out.

    The command line prints it and ends; any other ValueError is a bug, and keeps its traceback.
    """
