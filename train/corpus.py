"""Text to learn from."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import InputError


def reference_text() -> str:
    """Python's own language reference, which every CPython carries: about 465,000 characters.

    The topics stand in the order of their names, so a Python version gives one text.

    >>> 'The "if" statement' in reference_text()
    True
    """
    from pydoc_data.topics import topics  # half a megabyte, needed here alone

    return "\n\n".join(topics[name] for name in sorted(topics))


def read_text(path: str | Path) -> str:
    r"""The text of a UTF-8 file, its line ends as "\n".

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is a folder, empty, or not UTF-8; says at which byte.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: name a text file") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8: byte {error.start} (0x{raw[error.start]:02x}) does not fit. "
            "Save it as UTF-8 first"
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise InputError(f"{path} is empty: there is nothing to learn from")
    return text
