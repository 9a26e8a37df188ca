"""A slice through the loss around a model's weights: the weights moved along one or two directions,
and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...engine import no_grad
from ...engine.graph import Node

Arrays = Sequence[np.ndarray]  # one for each parameter, of its shape


class Landscape:
    """Parameters, and the directions in which they are moved.

    Args:
        f: computes the loss, a number or a node that holds one.
        parameters: Tensors or Values.
    """

    def __init__(self, f: Callable[[], Any], parameters: Iterable[Any]) -> None:
        self.f, self.parameters = f, list(parameters)
        if not self.parameters or not all(isinstance(p, Node) for p in self.parameters):
            raise TypeError("surface: parameters are Tensors or Values, model.parameters()")
        self.start = [np.array(p._data, float) for p in self.parameters]
        self.directions: list[Arrays] = []

    def random(self, count: int, seed: int) -> None:
        """Add directions of which each filter is as long as the parameters' own.

        Li et al. (2018): a network whose layers follow each other can be scaled without changing
        what it computes, and so could a direction. A filter is a row along the first axis; vectors
        (biases, the weights of norms) are moved only where there are no matrices.
        """
        generator = np.random.default_rng(seed)
        least = min(2, max(a.ndim for a in self.start))
        for _ in range(count):
            drawn = [generator.standard_normal(a.shape) for a in self.start]
            self.directions.append(
                [
                    like(d, a) if a.ndim >= least else np.zeros_like(a)
                    for d, a in zip(drawn, self.start, strict=True)
                ]
            )

    def given(self, directions: Sequence[Arrays]) -> None:
        for arrays in directions:
            self.directions.append(self.checked(arrays, "a direction"))

    def checked(self, arrays: Arrays, what: str) -> list[np.ndarray]:
        found = [np.array(getattr(a, "data", a), float) for a in arrays]
        if [a.shape for a in found] != [a.shape for a in self.start]:
            raise ValueError(
                f"surface: {what} has an array for each parameter, of its shape; got shapes "
                f"{[a.shape for a in found]} for {[a.shape for a in self.start]}"
            )
        return found

    def principal(self, path: Sequence[Arrays], count: int) -> list[float]:
        """Add the directions in which a path of snapshots spreads most, each as long as the path
        reaches along it; returns the share of the path's spread that lies along each."""
        away = self.away(path)  # (snapshots, numbers)
        _, sizes, along = np.linalg.svd(away, full_matrices=False)
        for direction in along[:count]:
            reach = np.max(np.abs(away @ direction)) or 1.0
            self.directions.append(self.apart(direction * reach))
        total = np.sum(sizes**2) or 1.0
        return [float(size**2 / total) for size in sizes[:count]]

    def away(self, path: Sequence[Arrays]) -> np.ndarray:
        """Each snapshot less the parameters now, as one row."""
        found = [self.checked(arrays, "a snapshot of the path") for arrays in path]
        return np.stack([together(arrays) - together(self.start) for arrays in found])

    def apart(self, numbers: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([a.size for a in self.start])[:-1]
        pieces = zip(np.split(numbers, ends), self.start, strict=True)
        return [piece.reshape(a.shape) for piece, a in pieces]

    def projected(self, path: Sequence[Arrays]) -> np.ndarray:
        """Where each snapshot lies along the directions, (snapshots, directions): the point of the
        slice that is nearest."""
        basis = np.stack([together(d) for d in self.directions], axis=1)  # (numbers, directions)
        return np.linalg.lstsq(basis, self.away(path).T, rcond=None)[0].T

    def losses(self, *steps: np.ndarray) -> np.ndarray:
        """The loss at every combination of steps along the directions, (…, len(steps[0])): the
        first direction runs along the last axis, as x does in a picture."""
        grid = np.meshgrid(*steps)
        found = np.empty(grid[0].shape)
        with self.moving() as move, no_grad(), np.errstate(all="ignore"):
            for place in np.ndindex(found.shape):
                move([axis[place] for axis in grid])
                found[place] = number(self.f())
        return found

    @contextmanager
    def moving(self) -> Iterator[Callable[[Sequence[float]], None]]:
        """Move the parameters, and put their own arrays back however this ends. They are set
        without a stamp of change: graphs that use them stay good."""
        before = [p._data for p in self.parameters]

        def move(steps: Sequence[float]) -> None:
            moves = zip(self.parameters, before, *self.directions, strict=True)
            for parameter, data, *along in moves:
                moved = data + sum(step * d for step, d in zip(steps, along, strict=True))
                one = isinstance(data, float)
                parameter._data = float(moved) if one else np.asarray(moved, data.dtype)

        try:
            yield move
        finally:
            for parameter, data in zip(self.parameters, before, strict=True):
                parameter._data = data


def like(direction: np.ndarray, a: np.ndarray) -> np.ndarray:
    """A direction with each filter made as long as that of `a`."""
    axes = tuple(range(1, a.ndim)) or None
    own, its = (np.sqrt(np.sum(x * x, axis=axes, keepdims=True)) for x in (a, direction))
    scaled: np.ndarray = direction * own / np.where(its == 0, 1, its)
    return scaled


def together(arrays: Arrays) -> np.ndarray:
    return np.concatenate([a.ravel() for a in arrays])


def number(loss: Any) -> float:
    data = loss._data if isinstance(loss, Node) else loss
    if np.size(data) != 1:
        raise ValueError(f"surface: f() gives one number, the loss, not shape {np.shape(data)}")
    return float(np.asarray(data).item())
