"""The step of micrograd's demo, on our Values and on micrograd's: one code, and two engines.

The network and the step are written here once and handed a class `Value`, so that nothing but
that class differs. With Python's cycle collector on, as people run it, and off: micrograd's graphs
are cycles, which it has to find; ours die with their last reference.
"""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.row import Comparison, Contender, Row

SIZES = (2, 16, 16, 1)
POINTS = 100


def contenders(**options: Any) -> tuple[Contender, ...]:
    make = "rows.micrograd:bytes_of_graph" if not options else "rows.micrograd:training"
    return tuple(
        Contender(name, make, {"engine": engine, **options})
        for name, engine in (("groundup", "groundup.engine"), ("micrograd", "micrograd.engine"))
    )


ROWS = [
    Row(
        name="micrograd",
        what="micrograd's demo step: an MLP 2-16-16-1 on Values, 100 points, collector on",
        contenders=contenders(collector=True),
        comparisons=(Comparison("groundup", "micrograd", 0.20),),
    ),
    Row(
        name="micrograd/no-gc",
        what="the same, with Python's cycle collector off (it runs between turns)",
        contenders=contenders(collector=False),
        comparisons=(Comparison("groundup", "micrograd", 0.70),),
    ),
    Row(
        name="micrograd/bytes",
        what="memory of that step's graph, for each op in it",
        contenders=contenders(),
        comparisons=(Comparison("groundup", "micrograd", 0.5),),
        timed=False,
        unit="bytes",
        most_rounds=1,
    ),
]


def two_moons() -> tuple[list[list[float]], list[float]]:
    """Points on two half circles that reach into each other, and −1 or 1 for each."""
    rng = random.Random(7)
    points, sides = [], []
    for number in range(POINTS):
        side = 1.0 if number % 2 else -1.0
        angle = math.pi * rng.random()
        x = math.cos(angle) * side + (0.0 if side > 0 else 1.0)
        y = math.sin(angle) * side + (0.0 if side > 0 else 0.5)
        points.append([x + rng.gauss(0, 0.1), y + rng.gauss(0, 0.1)])
        sides.append(side)
    return points, sides


def network(Value: Any) -> list[list[list[Any]]]:
    """For each layer its neurons, for each neuron its weights, the bias last."""
    rng = random.Random(1337)
    return [
        [[*(Value(rng.uniform(-1, 1)) for _ in range(n)), Value(0.0)] for _ in range(m)]
        for n, m in pairwise(SIZES)
    ]


def score(layers: list[list[list[Any]]], x: Any) -> Any:
    for layer in layers:
        sums = [sum((w * xi for w, xi in zip(n, x, strict=False)), n[-1]) for n in layer]
        x = sums if layer is layers[-1] else [one.relu() for one in sums]
    return x[0]


def loss_of(layers: list[list[list[Any]]], points: Any, sides: Any) -> Any:
    """Hinge loss with margin 1, and 1e-4 times the squares of all weights."""
    losses = [(1 + -side * score(layers, x)).relu() for x, side in zip(points, sides, strict=True)]
    squares = sum(w * w for layer in layers for neuron in layer for w in neuron)
    return sum(losses) * (1.0 / len(losses)) + 1e-4 * squares


def value_class(engine: str) -> Any:
    import importlib

    return importlib.import_module(engine).Value


def training(folder: Path, engine: str, collector: bool) -> Callable[[], float]:
    """A step of gradient descent on all points."""
    layers, data = network(value_class(engine)), two_moons()
    parameters = [w for layer in layers for neuron in layer for w in neuron]
    if not collector:
        gc.disable()

    def step() -> float:
        loss = loss_of(layers, *data)
        for p in parameters:
            p.grad = 0
        loss.backward()
        for p in parameters:
            p.data -= 0.5 * p.grad
        return float(loss.data)

    return step


def bytes_of_graph(folder: Path, engine: str) -> Callable[[], Any]:
    """How many bytes a forward pass leaves behind, for each op; how many ops is the number given,
    so that the two graphs are seen to be of one size."""
    import tracemalloc

    layers, data = network(value_class(engine)), two_moons()

    def measure() -> tuple[float, Any]:
        loss_of(layers, *data)  # what an engine keeps once
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        loss = loss_of(layers, *data)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        ops = count_ops(loss)
        return (after - before) / ops, (float(loss.data), ops)

    return measure


def count_ops(loss: Any) -> int:
    """The results behind a loss, in either engine; constants and weights are none."""
    seen, ahead = {loss}, [loss]
    while ahead:
        node = ahead.pop()
        for parent in node._prev if hasattr(node, "_prev") else node.args:
            if hasattr(parent, "backward") and parent not in seen:
                seen.add(parent)
                ahead.append(parent)
    return sum(bool(node._op if hasattr(node, "_op") else node.op) for node in seen)
