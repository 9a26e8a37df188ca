"""Graphs die with their last reference: many steps take no more memory than a few."""

import gc
import tracemalloc

import numpy as np
import pytest

from groundup import models
from groundup.engine import Tensor, Value, checkpoint, layer_norm, saved


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


def test_what_a_graph_keeps_is_counted_to_the_byte():
    x = Tensor(np.ones(1000), requires_grad=True)
    kept = saved((np.exp(x * x).reshape(10, 100) * 2).sum())
    by_op = {str(node.op): size for node, size in kept.nodes.items()}
    # A view costs nothing, an argument nothing that its own op has not cost.
    assert by_op == {"multiply": 8000, "exp": 8000, "reshape": 0, "sum": 8}
    assert kept.leaves == 8000
    assert kept.gradients == 16000  # that of an op, and that of its argument
    assert kept.peak == kept.total + 24000


def test_what_a_model_keeps_is_what_python_traces():
    config = models.GPTConfig(vocab_size=65, block_size=32, n_layer=2, n_head=2, n_embd=32)
    model, ids = models.GPT(config), np.random.default_rng(0).integers(0, 65, (4, 32))
    model(ids, ids)  # what is made once and kept is no part of a graph
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    loss = model(ids, ids)[1]
    traced = tracemalloc.get_traced_memory()[0] - before
    kept = saved(loss)
    tracemalloc.reset_peak()
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert 0.9 * traced < kept.total < traced
    assert 0.8 * peak < kept.total + kept.gradients < peak  # a rule needs some for itself
    assert kept.by_module["blocks.0.attn"] == kept.by_module["blocks.1.attn"]
    assert "blocks.1.mlp" in str(kept)


def test_only_a_node_keeps_something():
    with pytest.raises(TypeError, match="a Value or a Tensor, not float"):
        saved(3.0)  # type: ignore[arg-type]


def test_values_are_counted_too():
    a = Value(2.0)
    small, large = (saved(sum((a * i for i in range(n)), a)).total for n in (10, 20))
    assert small > 0
    assert large > 1.5 * small


def test_what_a_deep_graph_keeps_is_soon_known():
    x = Tensor(np.ones(10), requires_grad=True)
    for _ in range(100):  # with 2**100 ways through it
        x = x + np.tanh(x)
    assert saved(x).total == 100 * 2 * 80
