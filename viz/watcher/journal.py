"""The page of a watched folder: written once, and a line added for each pass.

HTML ends where the file ends. So the page leaves its last element open, a `<script>` of plain data,
and a pass is one line of JSON at the end of the file: it costs the same whenever it comes, it is
there as soon as it is written, and a line that a crash cut short is the only one that is lost.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..page import beside, in_script, page

TITLE = "Every backward pass"


class Journal:
    """`index.html` in a folder.

    Raises:
        FileExistsError: there is one that is not of this kind.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "index.html"
        if self.path.exists() and f"<title>{TITLE}</title>".encode() not in self._head():
            raise FileExistsError(
                f"{self.path} is no page of viz.watch, and is left alone: watch into another folder"
            )

    def _head(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(1000)

    def add(self, entry: dict[str, Any]) -> None:
        """Write one pass, after those of other threads and processes.

        Raises:
            MissingExtra: the page is not there yet, and Jinja2 is not installed.
        """
        if not self.path.exists():
            self._begin()
        # It begins with the end of the line before, which may have been cut short. A file that
        # is open for appending takes one write whole, also beside those of other processes.
        line = f"\n{in_script(entry)}".encode()
        with self.path.open("ab", buffering=0) as file:
            if file.write(line) != len(line):
                raise OSError(f"no room for a line in {self.path}")

    def _begin(self) -> None:
        """Write the page, unless another process was faster."""
        text = page(
            "watch.html", None, ("graph.js", "curve.js", "passes.js", "watch.js"),
            images="'self' file:", title=TITLE,
        )  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = beside(self.path)
        new.write_text(text, encoding="utf-8")
        try:
            os.link(new, self.path)  # which never replaces
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)
