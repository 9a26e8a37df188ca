"""Graphs die with their last reference: many steps take no more memory than a few."""

import gc
import tracemalloc

import numpy as np
import pytest

from groundup.engine import Tensor, Value, checkpoint, layer_norm


def on_tensors(w):
    np.sum(layer_norm(np.tanh(w @ w)) ** 2).backward()
    checkpoint(lambda v: np.exp(v).sum(), w).backward()


def on_values(a):
    (a * a + a.tanh()).backward()


@pytest.mark.parametrize(("step", "leaf"), [
    (on_tensors, Tensor(np.eye(32), requires_grad=True)),
    (on_values, Value(0.5)),
])  # fmt: skip
def test_a_thousand_steps_without_the_cycle_collector(step, leaf):
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(1000):  # until Python's own pools of small objects are full
            step(leaf)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1000):
            step(leaf)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert after - before < 50_000  # bytes: less than one array of these for each ten steps
