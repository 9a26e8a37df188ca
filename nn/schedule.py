"""Learning rates that change with the step."""

from __future__ import annotations

import math


def warmup_cosine(step: int, warmup: int, total: int, peak: float, floor: float = 0.0) -> float:
    """A learning rate that rises in a line to `peak`, then falls along a cosine to `floor`.

    peak · (step + 1) / (warmup + 1) while step < warmup, then
    floor + (peak − floor) · (1 + cos(π · (step − warmup) / (total − warmup))) / 2,
    and floor from step `total` on (Loshchilov and Hutter, 2017, without restarts).

    Args:
        step: from 0.
        warmup: how many steps lie below the peak at the start; may be 0.
        total: the step at which the floor is reached.
        peak, floor: the highest and the last learning rate.

    >>> [round(warmup_cosine(step, 1, 5, peak=1.0), 3) for step in range(7)]
    [0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    if step >= total:
        return floor
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    fallen = (step - warmup) / (total - warmup)
    return floor + (peak - floor) * (1 + math.cos(math.pi * fallen)) / 2
