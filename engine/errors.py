"""What a user's input, or installation, can get wrong."""

from __future__ import annotations


class InputError(ValueError):
    """Something that was given cannot be used. The message is one sentence with the way out.

    The command line prints it and ends; any other ValueError is a bug, and keeps its traceback.
    """


class MissingExtra(ImportError):
    """A package that comes with one of groundup's extras is needed and not there.

    >>> print(MissingExtra("rich", "a progress bar", "train"))
    a progress bar needs the package rich: pip install rich (the extra `train` has it)
    """

    def __init__(self, package: str, wanted_for: str, extra: str) -> None:
        super().__init__(
            f"{wanted_for} needs the package {package}: pip install {package} "
            f"(the extra `{extra}` has it)",
            name=package,
        )
