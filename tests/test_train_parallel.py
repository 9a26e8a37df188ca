"""Several threads share a step: the same gradients as one, whatever the parts."""

import sys
import threading
from typing import Any

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from groundup import models, nn, train, viz
from groundup.engine import detect_anomaly
from groundup.nn.random import source
from groundup.train.parallel import blas_libraries

RNG = np.random.default_rng(0)
IDS, TARGETS = RNG.integers(11, size=(2, 5, 8))


def tiny(dropout=0.0):
    nn.manual_seed(0)
    config = models.GPTConfig(11, block_size=8, n_layer=2, n_head=2, n_embd=8, dropout=dropout)
    return models.GPT(config).to(np.float64)


def gradients(model, targets=TARGETS, threads=1, seed=1):
    model.zero_grad()
    nn.manual_seed(seed)
    loss = train.accumulate(model, IDS, targets, threads)
    return loss, {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("threads", [2, 3, 5, 9])
def test_the_gradients_of_one_thread(threads):
    model = tiny()
    targets = TARGETS.copy()
    targets[0, 2:] = targets[3] = -100  # so that parts count unequally, and one not at all
    loss, alone = gradients(model, targets)
    shared_loss, shared = gradients(model, targets, threads)
    assert shared_loss == pytest.approx(loss, rel=1e-12)
    for name, grad in alone.items():
        np.testing.assert_allclose(shared[name], grad, rtol=1e-9, atol=1e-12, err_msg=name)


def test_gradients_add_to_those_that_are_there():
    model = tiny()
    _, once = gradients(model, threads=2)
    once = {name: grad.copy() for name, grad in once.items()}
    train.accumulate(model, IDS, TARGETS, 2)
    for name, p in model.named_parameters():
        np.testing.assert_allclose(p.grad, 2 * once[name], rtol=1e-12)


def test_every_target_ignored_is_zero():
    loss, grads = gradients(tiny(), np.full_like(TARGETS, -100), threads=2)
    assert loss == 0
    assert not any(np.any(grad) for grad in grads.values())


def test_dropout_repeats_and_leaves_the_generator_of_the_process_alone():
    model = tiny(dropout=0.5)
    first, again, other = (gradients(model, threads=3, seed=seed) for seed in (1, 1, 2))
    assert first[0] == again[0] != other[0]
    assert all(np.array_equal(first[1][name], again[1][name]) for name in first[1])
    assert source.generator is nn.random.generator
    states = []
    for dropout in (0.5, 0.0):  # from which the threads' noise takes nothing
        gradients(tiny(dropout), threads=2)
        states.append(source.generator.bit_generator.state)
    assert states[0] == states[1]


def test_an_error_in_a_thread_reaches_the_caller_and_changes_no_gradient():
    model = tiny()
    ids = IDS.copy()
    ids[-1] = 99  # in the last part
    with pytest.raises(IndexError, match="id 99 is out of range"):
        train.accumulate(model, ids, TARGETS, threads=2)
    assert all(p.grad is None for p in model.parameters())


def test_threads_end_with_the_step():
    before = threading.active_count()
    gradients(tiny(), threads=4)
    assert threading.active_count() == before


def test_what_is_watched_or_debugged_is_one_graph(tmp_path):
    model = tiny()
    with viz.watch(tmp_path, quiet=True) as watcher:
        gradients(model, threads=2)
    assert watcher.passes == 1
    with detect_anomaly():
        gradients(model, threads=2)


def test_less_than_one_thread_is_refused():
    with pytest.raises(ValueError, match="threads is at least 1, not 0"):
        train.accumulate(tiny(), IDS, TARGETS, threads=0)
    half: Any = 1.5
    with pytest.raises(TypeError, match="float"):
        train.accumulate(tiny(), IDS, TARGETS, threads=half)


def blas_threads():
    return [
        library.num_threads
        for library in ThreadpoolController().select(user_api="blas").lib_controllers
    ]


def test_blas_has_one_thread_meanwhile(monkeypatch):
    seen = []

    class Watched(models.GPT):
        def forward(self, ids, targets=None):
            seen.append(blas_threads())
            return super().forward(ids, targets)

    before = blas_threads()
    model = Watched(tiny().config)
    train.accumulate(model, IDS, TARGETS, threads=2)
    assert all(count == 1 for counts in seen for count in counts)
    assert blas_threads() == before


def test_without_threadpoolctl_it_is_said_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for library in ("OPENBLAS", "OMP", "MKL"):
        monkeypatch.delenv(f"{library}_NUM_THREADS", raising=False)
    blas_libraries.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="install threadpoolctl"):
            gradients(tiny(), threads=2)
        gradients(tiny(), threads=2)
    finally:
        blas_libraries.cache_clear()


def test_fit_learns_the_same_with_two_threads():
    ids = np.arange(600) % 11
    losses = []
    for threads in (1, 2):
        config = train.TrainConfig(steps=5, batch_size=4, block_size=8, warmup=0, threads=threads)
        losses.append(train.fit(tiny(), ids, ids, config, show=False).losses)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-9)


def test_freed_memory_may_be_kept_more_than_once():
    assert train.keep_freed_memory() == train.keep_freed_memory()
