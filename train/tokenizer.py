"""Text to numbers and back, one number for each character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.errors import InputError
from .data import row_of_ids


@dataclass(frozen=True)
class CharTokenizer:
    """The id of a character is its place in `alphabet`.

    Args:
        alphabet: the characters, each once, in the order of their code points.

    Raises:
        InputError: the alphabet is empty, or not in that order.

    >>> tokenizer = CharTokenizer.from_text("hello")
    >>> tokenizer.alphabet
    'ehlo'
    >>> tokenizer.encode("hole")
    array([1, 3, 2, 0])
    >>> tokenizer.decode([1, 3, 2, 0])
    'hole'
    """

    alphabet: str

    def __post_init__(self) -> None:
        if not self.alphabet:
            raise InputError("an alphabet needs at least one character")
        if list(self.alphabet) != sorted(set(self.alphabet)):
            raise InputError("an alphabet holds each character once, in the order of code points")

    @classmethod
    def from_text(cls, text: str) -> CharTokenizer:
        """The tokenizer whose alphabet is the characters of this text."""
        return cls("".join(sorted(set(text))))

    @property
    def vocab_size(self) -> int:
        """How many ids there are: 0 to vocab_size − 1."""
        return len(self.alphabet)

    def encode(self, text: str) -> np.ndarray:
        """The ids of a text, int64, shape (len(text),).

        Raises:
            InputError: a character is not in the alphabet; names the first, and where it is.

        >>> CharTokenizer("ab").encode("abc")
        Traceback (most recent call last):
        groundup.engine.errors.InputError: character 'c' at position 2 is not among the 2 ...
        """
        alphabet, codes = code_points(self.alphabet), code_points(text)
        ids = np.minimum(np.searchsorted(alphabet, codes), len(alphabet) - 1)
        strangers = np.flatnonzero(alphabet[ids] != codes)
        if strangers.size:
            at = int(strangers[0])
            raise InputError(
                f"character {text[at]!r} at position {at} is not among the {self.vocab_size} "
                "characters of this vocabulary"
            )
        return ids.astype(np.int64)

    def decode(self, ids: Any) -> str:
        """The text of a row of ids, such as `generate` yields.

        Raises:
            InputError: not a row of integers, or an id that stands for no character.
        """
        ids = row_of_ids(ids)
        wrong = ids[(ids < 0) | (ids >= self.vocab_size)]
        if wrong.size:
            raise InputError(f"id {wrong[0]} is no character: ids are 0 to {self.vocab_size - 1}")
        return "".join(self.alphabet[i] for i in ids)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` needs, in types that JSON knows."""
        return {"kind": "CharTokenizer", "alphabet": self.alphabet}

    @classmethod
    def from_json(cls, saved: Any) -> CharTokenizer:
        """The tokenizer that `to_json` described.

        Raises:
            InputError: this does not describe one.

        >>> CharTokenizer.from_json(CharTokenizer("ab").to_json())
        CharTokenizer(alphabet='ab')
        """
        if not isinstance(saved, dict) or saved.get("kind") != "CharTokenizer":
            raise InputError(f"no CharTokenizer is described by {saved!r:.60}")
        if not isinstance(saved.get("alphabet"), str):
            raise InputError("a CharTokenizer needs its alphabet, a text")
        return cls(saved["alphabet"])


def code_points(text: str) -> np.ndarray:
    """The characters as numbers, at numpy's speed; half a surrogate pair is one, too.

    >>> code_points("aé").tolist()
    [97, 233]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
