"""The derivatives of a function of leaves, each beside the slope that finite differences give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..graph import Node
from ..modes import enable_grad, no_grad
from ..shares import gradients
from ..value import Value, floats
from .slopes import STEP, Slopes, Verdict, judged, slopes


class Options(NamedTuple):
    rtol: float = 1e-5
    atol: float = 1e-6
    max_elements: int = 200
    seed: int = 0


def numbers(x: Any) -> np.ndarray:
    """The floats of a node, of an object array of Values, or of a plain array."""
    return np.asarray(floats(x.data if isinstance(x, Node) else x))


class Derivative(NamedTuple):
    """The derivative of a function along one direction of one leaf, and how it moves there."""

    leaf: Any
    index: Any
    analytic: float
    rise: Callable[[float], float]
    scale: float  # how large the leaf's numbers are
    noise: float  # how much `rise` may be rounded

    def quick(self) -> float:
        """One central difference."""
        h = STEP * self.scale
        return (self.rise(h) - self.rise(-h)) / (2 * h)


class Finding(NamedTuple):
    """A derivative that is not simply the slope."""

    derivative: Derivative
    slopes: Slopes
    verdict: Verdict


def derivatives(
    run: Callable[[], Any], leaves: list[Any], options: Options, even: bool = False
) -> Iterator[Derivative]:
    """The derivatives of run() in each leaf, by the engine.

    A random weight for each output, or 1 for all where `even`, makes one number of them, so one
    pull checks all rows.
    """
    if not leaves:
        return
    rng = np.random.default_rng(options.seed)
    with enable_grad():
        out = run()
        start = numbers(out)
        finite = np.isfinite(start)
        weights = np.where(finite, 1.0 if even else rng.uniform(0.5, 1.5, start.shape), 0.0)
        root = np.sum((out if finite.all() else np.where(finite, out, 0.0)) * weights)
    noise = grain(run, leaves) * float(np.sum(np.abs(np.where(finite, start, 0.0) * weights)))
    grads = gradients(root, root.seed(), leaves) if isinstance(root, Node) else [None] * len(leaves)
    for leaf, grad in zip(leaves, grads, strict=True):
        point = numbers(leaf)
        gradient = np.zeros(point.shape) if grad is None else numbers(grad)
        for index, direction in directions(point, options.max_elements, rng):
            along = direction != 0
            analytic = float(np.sum(gradient[along] * direction[along]))
            scale = 1.0 if index is None else max(1.0, float(np.max(np.abs(point[along]))))
            rise = riser(run, leaf, direction, start, weights)
            yield Derivative(leaf, index, analytic, rise, scale, noise)


def grain(run: Callable[[], Any], leaves: list[Any]) -> float:
    """How finely a function computes, beside the size of its numbers: of one that rounds to
    float32 inside, all results beside a point are numbers of float32."""
    with no_grad(), moved(leaves[0], numbers(leaves[0]) + 1e-3 * np.pi):
        beside = numbers(run())
    narrow = np.array_equal(beside, beside.astype(np.float32), equal_nan=True)
    whole = np.array_equal(beside, np.round(beside), equal_nan=True)
    return float(np.finfo(np.float32 if narrow and not whole else np.float64).eps)


def riser(
    run: Callable[[], Any], leaf: Any, direction: Any, start: Any, weights: Any
) -> Callable[[float], float]:
    """How much the weighted outputs of run() grow when a leaf moves by t along a direction.

    The difference is taken output by output, before the sum: so large outputs that stay where
    they are cost no digits.
    """
    point = numbers(leaf)

    def rise(t: float) -> float:
        with moved(leaf, point + t * direction), no_grad(), np.errstate(all="ignore"):
            change = numbers(run()) - start
        return float(np.sum(np.where(weights == 0, 0.0, change) * weights))

    return rise


@contextmanager
def moved(leaf: Any, to: np.ndarray) -> Iterator[None]:
    """A leaf with other numbers. Not by `.data`, since graphs that used it stay good."""
    before = leaf._data
    leaf._data = to.item() if isinstance(leaf, Value) else to
    try:
        yield
    finally:
        leaf._data = before


def directions(point: np.ndarray, max_elements: int, rng: Any) -> Iterator[tuple[Any, Any]]:
    """(index, direction) in which to move an input: along each element that is finite; of a large
    input along some, and then, with no index, along a few random mixtures of all."""
    finite = np.flatnonzero(np.isfinite(point))
    large = finite.size > max_elements
    for element in np.sort(rng.choice(finite, max_elements, replace=False)) if large else finite:
        unit = np.zeros(point.size)
        unit[element] = 1.0
        index = tuple(int(i) for i in np.unravel_index(element, point.shape))
        yield index, unit.reshape(point.shape)
    for _ in range(3 if large else 0):
        mixture = np.where(np.isfinite(point), rng.standard_normal(point.shape), 0.0)
        yield None, mixture / np.sqrt(point.size)


def findings(run: Callable[[], Any], leaves: list[Any], options: Options) -> list[Finding]:
    """Every derivative that is not simply the slope, up to the first that is not sound.

    Outputs are weighted at random, lest errors cancel; where errors show as well in their plain
    sum, whose numbers mean more to a reader, they are given as found there.
    """
    found = list(suspects(run, leaves, options))
    plain = list(suspects(run, leaves, options, even=True)) if found else []
    if plain and plain[-1].verdict.sound == found[-1].verdict.sound:
        return plain
    return found


def suspects(
    run: Callable[[], Any], leaves: list[Any], options: Options, even: bool = False
) -> Iterator[Finding]:
    for one in derivatives(run, leaves, options, even):
        quick = one.quick()
        size = max(abs(one.analytic), abs(quick))
        bound = options.atol + (options.rtol * size if np.isfinite(size) else 0.0)
        if not abs(one.analytic - quick) <= bound:
            found = slopes(one.rise, one.scale, one.noise)
            verdict = judged(one.analytic, found, bound)
            if verdict.kind:
                yield Finding(one, found, verdict)
                if not verdict.sound:
                    return
