"""Objects as a config describes them: by the name of their kind, and its settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..engine.errors import InputError

LATER = {"threads"}  # settings that an older checkpoint may lack: their default is what it had


def from_fields(cls: Any, saved: Any, what: str) -> Any:
    """A dataclass from what `asdict` made of it.

    >>> from .loop import TrainConfig
    >>> from_fields(TrainConfig, {"stepps": 3}, "train")
    Traceback (most recent call last):
    groundup.engine.errors.InputError: train: not known: stepps; missing: batch_size, ...
    """
    if not isinstance(saved, dict):
        raise InputError(f"{what}: an object with its settings is expected, not {saved!r:.60}")
    names = {field.name for field in fields(cls)}
    problems = {"not known": saved.keys() - names, "missing": names - saved.keys() - LATER}
    wrong = [
        f"{problem}: {', '.join(sorted(which))}" for problem, which in problems.items() if which
    ]
    if wrong:
        raise InputError(f"{what}: {'; '.join(wrong)}")
    try:
        return cls(**saved)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: {error}") from error


def kind_of(thing: Any, kinds: dict[str, Any]) -> str:
    """The name under which a class is saved."""
    kind = type(thing).__name__
    if kind not in kinds:
        raise TypeError(f"a checkpoint cannot hold a {kind}, only {', '.join(kinds)}")
    return kind
