"""The graph: how it is walked, what it survives, and that it goes away."""

import gc
import threading
import weakref

import numpy as np
import pytest

from groundup.engine import Tensor, Value, grad, no_grad, walk
from groundup.engine.modes import enable_grad, mode, modes


def test_walk_is_newest_first_and_each_gradient_is_whole():
    a = Value(2.0, name="a")
    b = a * 3
    c = b * a  # a twice, once through b
    steps = list(walk(c, 1.0))
    assert [id(node) for node, _ in steps] == [id(c), id(b), id(a)]
    assert [g for _, g in steps] == [1.0, 2.0, 12.0]


def test_a_walk_leaves_nothing_behind():
    a = Value(2.0)
    b = a * a
    next(walk(b, 1.0))  # abandoned
    list(walk(b, 1.0))
    assert (a.grad, b.grad) == (0.0, 0.0)


@pytest.mark.parametrize(("n", "start"), [
    (1_000_000, Value(1.0)), (100_000, Tensor(1.0, requires_grad=True)),
])  # fmt: skip
def test_a_long_chain_works_and_dies_without_recursion(n, start):
    gc.disable()
    try:
        out = start
        for _ in range(n):
            out = out + 1.0
        assert out.item() == n + 1
        out.backward()
        assert float(start.grad) == 1.0
        del out
    finally:
        gc.enable()


def test_graphs_die_with_their_last_reference():
    gc.disable()
    try:
        x = Tensor(np.ones(3), requires_grad=True)
        inner = np.tanh(x * 2)
        gone = weakref.ref(inner)
        loss = (inner @ inner) + np.stack([inner, inner]).sum()
        loss.backward()
        del inner, loss
        assert gone() is None
    finally:
        gc.enable()


def test_modes_end_with_their_block_and_are_per_thread():
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert modes.recording
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(modes.recording))
        thread.start()
        thread.join()
        with enable_grad():
            assert (Value(1.0) * 2).requires_grad
        assert not (Value(1.0) * 2).requires_grad
    assert seen == [True]

    @no_grad()
    def constant(x):
        return x * 2

    assert not constant(Value(1.0)).requires_grad
    assert not constant(Value(1.0)).requires_grad


def test_one_decorated_function_in_two_threads():
    both_inside, one_left = threading.Barrier(2), threading.Event()
    seen = {}

    @no_grad
    def inside(name):
        both_inside.wait()
        if name == "late":
            one_left.wait()

    def work(name, recording):
        with mode(recording=recording):
            inside(name)
            seen[name] = modes.recording
            one_left.set()

    threads = [threading.Thread(target=work, args=a) for a in (("early", True), ("late", False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"early": True, "late": False}


def test_threads_that_share_a_parameter():
    x = Tensor(np.ones(1000), requires_grad=True)
    found = []

    def work():
        out = (x * x).sum()
        found.append({node: g for node, g in walk(out, out.seed()) if node is x}[x])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all((g == 2).all() for g in found)
    assert x.grad is None


def test_a_failing_pass_leaves_every_gradient_as_it_was():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c * b
    b.data = 4.0
    with pytest.raises(RuntimeError, match="changed"):
        d.backward()
    assert (a.grad, b.grad, c.grad, d.grad) == (0.0, 0.0, 0.0, 0.0)


def test_observers_see_each_step_of_a_pass():
    seen = []

    def observer(root, steps):
        for node, g in steps:
            seen.append((node.data, g))
            yield node, g

    a = Value(3.0)
    with mode(observers=(observer,)):
        (a * a).backward()
    (a * a).backward()
    assert seen == [(9.0, 1.0), (3.0, 6.0)]
    assert a.grad == 12.0


def test_a_derivative_inside_a_derivative_sees_the_outer_variable():
    assert grad(lambda y: grad(lambda x: x * y)(3.0))(2.0) == 1.0
    assert grad(lambda y: grad(lambda x: x * y**2)(y))(3.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0


@pytest.mark.parametrize("show", [lambda q: q.data, lambda q: q.data[:]])
def test_arrays_that_were_handed_over_and_changed_are_told(show):
    """What an optimiser does to `q.data`, which is also a constant of an older graph."""

    def loss():
        return np.sum(w * show(q))

    w, q = Tensor(np.ones(3), requires_grad=True), Tensor(np.ones(3))
    stale = loss()
    q.data -= 1
    with pytest.raises(RuntimeError, match=r"was changed afterwards.*x\.detach\(\)"):
        stale.backward()
    loss().backward()
    assert w.grad.tolist() == [0, 0, 0]


def test_what_cannot_make_a_gradient_wrong_is_no_alarm():
    flat = Tensor(np.ones(6))
    a, b = flat[:3].requires_grad_(), flat[3:].requires_grad_()  # two models in one array
    loss = np.sum(a * a)
    b.data -= 1
    loss.backward()
    assert a.grad.tolist() == [2, 2, 2]
    stale = np.sum(a * a)
    flat.data -= 1
    with pytest.raises(RuntimeError, match="was changed after"):
        stale.backward()
    w, mean = Tensor(np.ones(2), requires_grad=True), Tensor(np.zeros(2))
    loss = np.sum((w - mean.data) ** 2)
    mean.data += 0.5  # a difference does not ask
    loss.backward()
    assert w.grad.tolist() == [2, 2]


@pytest.mark.parametrize("copy", [np.copy, Tensor.copy])
def test_a_copy_keeps_its_numbers(copy):
    p = Tensor(np.ones(2), requires_grad=True)
    for kept in (copy(p), copy(p.detach())):
        p.data = np.ones(2)
        assert kept is not p
        assert not np.shares_memory(kept.data, p.data)
        p.data -= 1
        assert kept.data.tolist() == [1, 1]
    np.sum(copy(p) * [2, 3]).backward()
    assert p.grad.tolist() == [2, 3]
