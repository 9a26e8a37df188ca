"""Two moons, told apart by one small network: trained on Values, and again on Tensors."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from rich.progress import track

from .. import models, nn
from ..engine import relu
from .report import Report, Section, curves, picture
from .say import console, say, title


def two_moons(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n points on two half circles that reach into each other: (n, 2), and −1 or 1 for each."""
    angle = rng.uniform(0, np.pi, n)
    side = np.where(np.arange(n) % 2, 1.0, -1.0)
    x = np.cos(angle) * side + np.where(side > 0, 0.0, 1.0)
    y = np.sin(angle) * side + np.where(side > 0, 0.0, 0.5)
    points = np.stack([x, y], axis=1) + rng.normal(scale=0.08, size=(n, 2))
    return points, side


def hinge(model: Any, points: np.ndarray, side: np.ndarray) -> Any:
    """mean max(1 − side · score, 0): a point is right when its score is beyond ±1."""
    scores = model(points)[:, 0]  # (n,)
    return np.mean(relu(1 - side * scores))


def train(model: Any, data: Any, steps: int, what: str) -> tuple[list[float], float]:
    """Losses and seconds of a training; the code is one for both engines."""
    optimizer = nn.AdamW(model.parameters(), lr=0.03)
    losses, began = [], time.perf_counter()
    quiet = not console.is_terminal
    for _ in track(range(steps), what, console=console, transient=True, disable=quiet):
        optimizer.zero_grad()
        loss = hinge(model, *data)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, time.perf_counter() - began


def train_twice(report: Report, quick: bool = False) -> None:
    n, steps = (16, 5) if quick else (60, 40)
    title("3. A network on Values, and the same one on Tensors")
    nn.manual_seed(1)
    on_tensors = models.MLP([2, 16, 16, 1]).to(np.float64)
    on_values = on_tensors.to_scalars()
    data = two_moons(n, np.random.default_rng(0))
    say(
        f"An MLP of {on_tensors.num_parameters()} weights tells two moons of {n} points apart: "
        f"{steps} steps on scalars, then on arrays, from the same weights, in float64."
    )
    slow, slow_seconds = train(on_values, data, steps, "  on Values ")
    fast, fast_seconds = train(on_tensors, data, steps, "  on Tensors")
    apart = float(np.max(np.abs(np.subtract(slow, fast))))
    times = slow_seconds / fast_seconds
    right = int(np.sum(np.sign(on_tensors(data[0]).data[:, 0]) == data[1]))
    agree = "the same" if apart <= 1e-6 else "NOT the same"
    say(f"  loss {fast[0]:.4f} at first, {fast[-1]:.4f} at last; {right} of {n} points are right.")
    say(f"  The losses are {agree}: over all steps they differ by {apart:.1g} at most.")
    took = f"Values took {slow_seconds:.2f} s, Tensors {fast_seconds:.3f} s"
    say(f"  {took}: {times:.0f} times faster.")
    loss = hinge(on_tensors, *data)
    loss.name = "loss"
    report.add(
        Section(
            "A network on Values, and the same one on Tensors",
            f"""
            An MLP of {on_tensors.num_parameters()} weights learns to tell two moons of {n} points
            apart. It is trained twice from the same weights, in float64: once with every number a
            node of its own, once on arrays. The model’s code is the same.

            Over {steps} steps the losses differ by {apart:.1g} at most, and Tensors are
            {times:.0f} times faster ({slow_seconds:.2f} s against {fast_seconds:.3f} s). After
            them {right} of {n} points are right.
            """,
            figures=[
                curves(
                    {"on Values": (range(steps), slow), "on Tensors": (range(steps), fast)},
                    "moons-loss",
                    "Both losses by step: one line, since they are equal",
                    ylabel="hinge loss",
                    under="on Values",
                ),
                picture(
                    loss, "moons", "The trained MLP on Tensors, and the gradients of its next step"
                ),
            ],
        )
    )
