"""`Part`: a gradient that lies in a part of its array, with nothing anywhere else.

`x[i]` hands back a gradient for x that is 0 but at i. Taken apart piece by piece, as q, k and v
from one array, or as the steps of a sequence, x would receive as many arrays of its own size, and
nearly all of the sum would be zeros. A Part is what to put where, until the sum is asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Part:
    """`piece` at `index` of an array like `x`, zeros elsewhere; sums collect their terms.

    >>> x = np.zeros(4)
    >>> g = Part(np.ones(2), slice(0, 2), x) + Part(np.ones(2), slice(1, 3), x) + np.ones(4)
    >>> g.whole()
    array([2., 3., 2., 1.])
    """

    __slots__ = ("pieces", "total", "waiting", "x")
    __array_ufunc__ = None  # so that array + part comes here

    def __init__(self, piece: np.ndarray, index: Any, x: np.ndarray) -> None:
        self.pieces = [(index, piece)]
        self.waiting = piece.size  # how many numbers the pieces hold
        self.total: np.ndarray | None = None  # what is added up already, an array of our own
        self.x = x  # for its shape, and how it lies in memory: the gradient will go the same way

    def __add__(self, other: Any) -> Part:
        # The sum grows in place: a Part is handed to one argument, and to no one else.
        if isinstance(other, Part):
            self.pieces += other.pieces
            self.waiting += other.waiting
            if other.total is not None:
                self._take(other.total)
            if self.waiting > self.x.size:  # more would wait than the sum itself takes
                self.total = self.whole()
                self.pieces, self.waiting = [], 0
        else:
            self._take(other)
        return self

    __radd__ = __add__

    def _take(self, array: Any) -> None:
        if self.total is None:
            self.total = np.array(array)  # np.array of a number, too: two of no axes add up to one
        else:
            self.total += array

    def whole(self) -> np.ndarray:
        """The sum as one array."""
        if self.total is not None:
            out, more = self.total, self.pieces
        elif self._is_everything():
            out, more = np.empty_like(self.x), []
            for index, piece in self.pieces:
                out[index] = piece
        else:
            (index, piece), *more = self.pieces
            out = np.zeros_like(self.x)
            out[index] = piece
        for index, piece in more:
            out[index] += piece
        return out

    def _is_everything(self) -> bool:
        """Whether the pieces are x[0], x[1] … up to the last, once each."""
        places = [index for index, _ in self.pieces if type(index) is int]
        length = len(self.x) if self.x.ndim else 0
        return len(self.pieces) == len(places) == length == len({i % length for i in places})
