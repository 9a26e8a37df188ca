"""Learning rates that change with the step, as functions: a step, from 0 on, to a number.

A schedule is any such function, and larger ones are made of smaller ones:

    rate = warm_up(10, sequence([constant(1e-3), cosine(1e-3, 1e-4, 90)], [50]))
    group["lr"] = rate(step)

It gives a rate, as here, or a factor from 1 down: `LambdaLR(optimizer, warm_up(10, cosine(1, 0.1,
90)))` multiplies each group's own rate by it. Those that are made here are small objects, which
can be shown, compared, copied and pickled.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Schedule = Callable[[float], float]


@dataclass(frozen=True)
class constant:
    """The same at every step."""

    value: float

    def __call__(self, step: float) -> float:
        return self.value


@dataclass(frozen=True)
class linear:
    """In a line from `start`, at step 0, to `end`, and from step `steps` on `end`.

    >>> rise = linear(0.0, 1.0, 4)
    >>> [rise(step) for step in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    >>> rise
    linear(start=0.0, end=1.0, steps=4)
    """

    start: float
    end: float
    steps: float

    def __call__(self, step: float) -> float:
        if step >= self.steps:
            return self.end
        return (self.start * (self.steps - step) + self.end * step) / self.steps


@dataclass(frozen=True)
class cosine:
    """Along half a cosine, level at both ends (Loshchilov and Hutter, 2017, without restarts).

    end + (start − end) · (1 + cos(π · step / steps)) / 2, and from step `steps` on `end`.

    >>> [round(cosine(1.0, 0.0, 4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    start: float
    end: float
    steps: float

    def __call__(self, step: float) -> float:
        if step >= self.steps:
            return self.end
        height = (1 + math.cos(math.pi * (step / self.steps))) / 2
        return self.end + (self.start - self.end) * height


@dataclass(frozen=True)
class exponential:
    """gammaˢᵗᵉᵖ: each step a share of the one before.

    >>> [exponential(0.5)(step) for step in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    gamma: float

    def __call__(self, step: float) -> float:
        return self.gamma**step


@dataclass(frozen=True)
class stairs:
    """1, multiplied by gamma after every `every` steps.

    >>> [stairs(2, 0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    gamma: float

    def __call__(self, step: float) -> float:
        return self.gamma ** (step // self.every)


@dataclass(frozen=True)
class inverse_sqrt:
    """In a line to 1 at step number `warmup`, counted from 1, then down as 1 / √step.

    >>> [round(inverse_sqrt(4)(step), 3) for step in (0, 1, 3, 15)]
    [0.25, 0.5, 1.0, 0.5]
    """

    warmup: int

    def __call__(self, step: float) -> float:
        return min((step + 1) / self.warmup, math.sqrt(self.warmup / (step + 1)))


def noam(d_model: int, warmup: int) -> Schedule:
    """The learning rate of the Transformer's paper (Vaswani et al., 2017, equation 3):

    d_model^−0.5 · min(step^−0.5, step · warmup^−1.5), with steps counted from 1.

    >>> f"{noam(512, 4000)(3999):.2e}"  # the highest
    '6.99e-04'
    """
    return product(constant((d_model * warmup) ** -0.5), inverse_sqrt(warmup))


# Schedules of schedules


@dataclass(frozen=True)
class sequence:
    """One after the other: from step milestones[i] on schedules[i + 1], which counts from there.

    >>> rate = sequence([constant(5.0), linear(1.0, 0.0, 2)], [3])
    >>> [rate(step) for step in range(6)]
    [5.0, 5.0, 5.0, 1.0, 0.5, 0.0]
    """

    schedules: Sequence[Schedule]
    milestones: Sequence[float]

    def __call__(self, step: float) -> float:
        place = bisect_right(self.milestones, step)
        return self.schedules[place](step - self.milestones[place - 1] if place else step)


def warm_up(steps: int, then: Schedule) -> Schedule:
    """A rise in a line, through `steps` steps, to where `then` begins.

    A step of length 0 would be lost: so the first is 1 / (steps + 1) of the way.

    >>> rate = warm_up(2, exponential(0.5))
    >>> [round(rate(step), 3) for step in range(5)]
    [0.333, 0.667, 1.0, 0.5, 0.25]
    """
    rise = linear(0.0, then(0), steps + 1)  # from 0 at step −1
    return sequence([constant(0.0), rise, then], [-1, steps])


@dataclass(frozen=True, init=False, repr=False)
class product:
    """All at once, multiplied.

    >>> product(constant(3.0), exponential(0.5))(2)
    0.75
    """

    schedules: tuple[Schedule, ...]

    def __init__(self, *schedules: Schedule) -> None:
        object.__setattr__(self, "schedules", schedules)

    def __repr__(self) -> str:
        return f"product({', '.join(map(repr, self.schedules))})"

    def __call__(self, step: float) -> float:
        return math.prod(schedule(step) for schedule in self.schedules)


def warmup_cosine(step: int, warmup: int, total: int, peak: float, floor: float = 0.0) -> float:
    """A learning rate that rises in a line to `peak`, then falls along a cosine to `floor`.

    peak · (step + 1) / (warmup + 1) while step < warmup, then
    floor + (peak − floor) · (1 + cos(π · (step − warmup) / (total − warmup))) / 2,
    and floor from step `total` on.

    Args:
        step: from 0.
        warmup: how many steps lie below the peak at the start; may be 0.
        total: the step at which the floor is reached.
        peak, floor: the highest and the last learning rate.

    >>> [round(warmup_cosine(step, 1, 5, peak=1.0), 3) for step in range(7)]
    [0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    fall = cosine(peak, floor, max(total - warmup, 1))
    return sequence([warm_up(warmup, fall), constant(floor)], [total])(step)
