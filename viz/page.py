"""One self-contained page: a template, its style and script, and the data it shows.

Nothing is loaded from elsewhere, and the page forbids it: its policy allows the scripts written
here, by their hashes, and no others. So a name that contains a script runs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

from ..engine.errors import MissingExtra
from .theme import DARK, LIGHT, Theme

FOLDER = Path(__file__).parent / "pages"


def page(
    template: str, data: Any, scripts: tuple[str, ...], images: str = "data:", **words: Any
) -> str:
    """The page of a template in `pages/`, as text.

    Args:
        template: its file name; it extends `page.html`.
        data: what its scripts show, of JSON's types. They find it as `DATA`.
        scripts: files in `pages/`, in their order.
        images: where they may come from, as a content security policy says it.
        words: what the template itself says.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    pages = environment()
    from markupsafe import Markup

    script = "\n".join(["'use strict';", READ, *map(read, scripts)])
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return pages.get_template(template).render(
        style=Markup(f"{palette()}\n{read('page.css')}"),
        script=Markup(script),
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src {images}; "
        f"script-src 'sha256-{hashed}'",
        data=Markup(in_script(data)),
        **words,
    )


def environment() -> Any:
    """Where templates come from.

    Raises:
        MissingExtra: Jinja2 is not installed. So who will want a page later can say so at once.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise MissingExtra("jinja2", "a page", "report") from None
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


READ = "const DATA = JSON.parse(document.getElementById('data').textContent);"


def read(name: str) -> str:
    """A file of `pages/`."""
    return (FOLDER / name).read_text(encoding="utf-8")


def in_script(data: Any) -> str:
    """JSON that may stand in a `<script>`: no text in it can end the element.

    >>> in_script({"name": "</script>"})
    '{"name":"\\\\u003c/script>"}'
    """
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def palette() -> str:
    """The colours of `theme.py` as CSS variables, for light and for dark."""
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    return f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}\n{dark}"


def _variables(theme: Theme) -> str:
    found = {
        "page": theme.background, "ink": theme.ink, "quiet": theme.quiet, "edge": theme.edge,
        "gradient": theme.gradient, "alarm": theme.alarm, "frame": theme.frame,
    }  # fmt: skip
    for kind, card in theme.cards.items():
        found |= {f"{kind}-fill": card.fill, f"{kind}-line": card.line, f"{kind}-ink": card.ink}
        found |= {f"{kind}-quiet": card.quiet, f"{kind}-gradient": card.gradient}
    return " ".join(f"--{name}: {colour};" for name, colour in found.items())


def write(path: str | os.PathLike[str], text: str) -> Path:
    """Write a page, whole or not at all, and return its path.

    Raises:
        OSError: it cannot be written; IsADirectoryError if there is a folder of that name.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it, such as page.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = beside(path)
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        new.unlink(missing_ok=True)
    return path


def beside(path: Path) -> Path:
    """Where a file is written before it takes its place: a name that no other thread or process
    has, nor any file of a user's."""
    return path.with_name(f".groundup-{os.getpid()}-{threading.get_ident()}.new")
