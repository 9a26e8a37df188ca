"""`checkpoint` computes again what it did not keep, and nobody can tell by the numbers."""

import numpy as np
import pytest

from groundup.engine import Tensor, Value, checkpoint, grad, hessian, no_grad
from groundup.engine.check import gradcheck
from groundup.engine.graph import ancestry


def leaf(data):
    return Tensor(np.array(data, float), requires_grad=True)


def test_gradients_are_those_without_it_also_of_what_is_captured():
    w, b = leaf([[1.0, -2.0], [0.5, 3.0]]), leaf([0.1, 0.2])
    deep = b * b  # one captured node behind another

    def f(x):
        return np.tanh(x @ w + deep) * b

    x = leaf([[0.3, 0.4]])
    found = []
    for run in (lambda v: f(v), lambda v: checkpoint(f, v)):
        for node in (x, w, b):
            node.zero_grad()
        (run(np.exp(x)) ** 2).sum().backward()
        found.append([node.grad for node in (x, w, b)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_nothing_inside_is_kept():
    x = leaf([1.0, 2.0])
    y = checkpoint(lambda v: np.exp(np.sin(v) * 2), x)
    assert [node.op is None for node in ancestry(y)] == [True, False]
    y.sum().backward()
    y.sum().backward()
    assert x.grad.shape == (2,)


def test_every_order():
    f = lambda x: (np.sin(x) * x**3).sum()  # noqa: E731
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(hessian(lambda v: checkpoint(f, v))(x), hessian(f)(x))
    third = lambda f: grad(lambda v: grad(lambda u: grad(f)(u).sum())(v).sum())(x)  # noqa: E731
    np.testing.assert_allclose(third(lambda v: checkpoint(f, v)), third(f))
    assert gradcheck(lambda v: checkpoint(f, v) * 2, x)


def test_one_checkpoint_inside_another():
    x = leaf([0.5])
    inner = lambda v: np.exp(v) * v  # noqa: E731
    checkpoint(lambda v: checkpoint(inner, v * 2) + v, x).sum().backward()
    np.testing.assert_allclose(x.grad, np.exp(1.0) * 2 * 2 + 1)


def test_what_cannot_be_recomputed_says_so():
    rng = np.random.default_rng(0)
    x = leaf([1.0])
    noisy = checkpoint(lambda v: v * rng.random(1), x)
    with pytest.raises(RuntimeError, match="other numbers when it ran again"):
        noisy.backward()
    with pytest.raises(TypeError, match="one Tensor, not tuple"):
        checkpoint(lambda v: (v, v), x)
    with no_grad():
        assert not checkpoint(np.exp, x).requires_grad


def test_integers_among_the_arguments_shift_no_gradient():
    w, v = leaf([1.0, 2.0, 3.0]), leaf([10.0, 20.0])
    first, ids = Tensor(np.array([1])), Tensor(np.array([0, 2]))
    checkpoint(lambda i, w, j, v: w[j] * v + w[i], first, w, ids, v).sum().backward()
    assert w.grad.tolist() == [10, 2, 20]
    assert v.grad.tolist() == [1, 3]
    w.zero_grad()
    checkpoint(lambda both: both[1][both[0]] ** 2, [ids, w]).sum().backward()  # in a list, too
    assert w.grad.tolist() == [2, 0, 6]
    cubes = lambda w: checkpoint(lambda i, w: w[i] ** 3, ids, w).sum()  # noqa: E731
    assert np.diag(hessian(cubes)(np.array([1.0, 2.0, 3.0]))).tolist() == [6, 0, 18]


def test_a_graph_of_values_has_no_checkpoints():
    with pytest.raises(TypeError, match="it is for Tensors"):
        checkpoint(lambda a: a * a, Value(2.0))
