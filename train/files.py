"""Several files that change together, or not at all.

`os.replace` changes one file in one instant, and a checkpoint has several. So the change of one
of them, the index, is made the instant at which all change. The index holds the SHA-256 of the
others, and these are written beside the old ones before it:

    1. model.safetensors.new is written       the index fits model.safetensors: the old state
    2. config.json (the index) is replaced    the index fits model.safetensors.new: the new state
    3. model.safetensors is replaced          the index fits model.safetensors: the new state

Wherever a crash stops this, each file that the index means is there, under one of two names, and
its hash tells which. The hash finds a truncated or exchanged file as well. (Writing a new folder
and renaming it would not do: a folder that is not empty cannot be replaced in one instant.)
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import InputError

NEW = ".new"


def write_together(folder: Path, index_name: str, index: Any, files: dict[str, bytes]) -> None:
    """Write `files` and an index over them (any JSON object) into a folder, in one instant.

    Raises:
        OSError: the disk is full, not writable, …; what was there before still is.
        InputError: a file of the index's name is there, and is no index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settle(folder, index_name)
    index = {**index, "files": {name: digest(content) for name, content in files.items()}}
    for name, content in files.items():
        write(folder / (name + NEW), content)
    text = json.dumps(index, indent=2, default=np.generic.item)  # a number of numpy's is one
    replace(folder / index_name, text.encode())
    sync_folder(folder)  # the index must not reach the disk after what follows
    settle(folder, index_name)


def read_index(folder: Path, index_name: str) -> dict[str, Any]:
    """The index of a folder.

    Raises:
        FileNotFoundError: no folder, or no index in it.
        InputError: the index is not a JSON object with hashes.
    """
    path = folder / index_name
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not path.exists():
        raise FileNotFoundError(f"{folder} is no checkpoint: it has no {index_name}")
    try:
        index = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path} is broken: it is not JSON ({error})") from None
    hashes = index.get("files") if isinstance(index, dict) else None
    if not isinstance(hashes, dict):
        raise InputError(f"{path} was not written by groundup: it names no files")
    return index


def read_file(folder: Path, index: dict[str, Any], name: str) -> bytes:
    """The content of one of the files, as it was when the index was written.

    Raises:
        FileNotFoundError: it is gone.
        InputError: it is truncated, damaged, or from another save.
    """
    wanted, found = index["files"].get(name), False
    for path in (folder / name, folder / (name + NEW)):
        if path.exists():
            found, content = True, path.read_bytes()
            if digest(content) == wanted:
                return content
    if not found:
        raise FileNotFoundError(f"the checkpoint {folder} is not whole: {name} is missing")
    raise InputError(
        f"{folder / name} is truncated, damaged, or from another save: it is not the file that "
        "was written with its index"
    )


def settle(folder: Path, index_name: str) -> None:
    """Do step 3: give each file that the index means its own name."""
    if not (folder / index_name).exists():
        return
    hashes = read_index(folder, index_name)["files"]
    for name, wanted in hashes.items():
        new = folder / (name + NEW)
        if new.exists() and digest(new.read_bytes()) == wanted:
            os.replace(new, folder / name)
    sync_folder(folder)


def write(path: Path, content: bytes) -> None:
    """Write a file, and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Write a file in one instant: a crash leaves the old one or the new one, whole."""
    new = path.with_name(path.name + NEW)
    write(new, content)
    os.replace(new, path)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can say so."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
