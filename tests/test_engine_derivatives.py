"""Derivatives of functions, at every order and through every kind of op."""

from typing import Any

import numpy as np
import pytest

from groundup.engine import (
    Tensor,
    Value,
    cross_entropy,
    gelu,
    grad,
    hessian,
    jacobian,
    jvp,
    layer_norm,
    no_grad,
    softmax,
    value_and_grad,
    vjp,
)


def test_results_are_of_the_inputs_kind():
    for zero in (0.0, 0, np.int64(0)):
        assert grad(np.tanh)(zero) == 1.0
        assert isinstance(grad(np.tanh)(zero), float)
    assert isinstance(grad(lambda x: (x * x).sum())(np.ones(2)), np.ndarray)
    assert isinstance(grad(lambda x: (x * x).sum())(Tensor([1.0])), Tensor)
    assert isinstance(grad(lambda x: x * x)(Value(1.0)), Value)
    assert grad(lambda x: (x * x).sum())(np.ones(2, np.float32)).dtype == np.float32


def test_argnums():
    f = lambda a, b: (a * b * b).sum()  # noqa: E731
    a, b = np.array([2.0]), np.array([3.0])
    assert grad(f)(a, b) == 9
    assert grad(f, argnums=1)(a, b) == 12
    assert grad(f, argnums=-1)(a, b) == 12
    assert [g.item() for g in grad(f, argnums=(0, 1))(a, b)] == [9, 12]
    assert value_and_grad(f)(a, b) == (18, 9)
    assert grad(f, argnums=np.int64(1))(a, b) == 12
    assert [g.item() for g in grad(f, argnums=[1, 0])(a, b)] == [12, 9]
    assert [m.item() for m in jacobian(f, argnums=[0, 1])(a, b)] == [9, 12]
    with pytest.raises(ValueError, match="argnums 2"):
        grad(f, argnums=2)(a, b)
    with pytest.raises(TypeError, match=r"one integer or several, not 1\.5"):
        grad(f, argnums=1.5)(a, b)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"hessian: one argument, not argnums \(0, 1\)"):
        hessian(f, (0, 1))  # type: ignore[arg-type]


def test_an_input_without_influence_has_gradient_zero():
    assert grad(lambda x, y: (x * 1).sum(), argnums=1)(np.ones(2), np.ones((2, 3))).shape == (2, 3)
    assert grad(lambda x: 1.0)(2.0) == 0.0
    assert grad(lambda x: np.sign(x).sum())(np.ones(2)).tolist() == [0, 0]


def test_jacobian_and_hessian():
    x = np.array([1.0, 2.0, 3.0])
    matrix = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(jacobian(lambda v: matrix @ v)(x), matrix)
    p = softmax(x)
    np.testing.assert_allclose(jacobian(softmax)(x), np.diag(p) - np.outer(p, p), atol=1e-12)
    np.testing.assert_allclose(hessian(lambda v: (v**3).sum())(x), np.diag(6 * x))
    np.testing.assert_allclose(
        hessian(lambda v: np.log(np.exp(v).sum()))(x), np.diag(p) - np.outer(p, p), atol=1e-12
    )
    assert jacobian(lambda v: v.reshape(1, 3))(x).shape == (1, 3, 3)
    for kind in (np.array, Tensor):
        nothing = jacobian(lambda v: v[:0])(kind(np.ones(3, np.float32)))
        assert (nothing.shape, nothing.dtype) == ((0, 3), np.float32)
        assert type(nothing) is type(kind(1.0))
    assert hessian(lambda v: v**3)(2.0) == 12.0


def test_third_order():
    third = grad(grad(grad(np.tanh)))(0.3)
    t = np.tanh(0.3)
    assert np.isclose(third, (1 - t * t) * (6 * t * t - 2))


@pytest.mark.parametrize("f", [
    lambda x: layer_norm(x)[0, 0], lambda x: cross_entropy(x, np.array([0, 2])),
    lambda x: gelu(x, approximate="tanh").sum(), lambda x: gelu(x).sum(),
])  # fmt: skip
def test_second_order_through_a_kernel(f):
    x = np.random.default_rng(0).normal(size=(2, 3))
    h = 1e-5
    by_hand = np.empty((2, 3, 2, 3))
    for index in np.ndindex(2, 3):
        step = np.zeros((2, 3))
        step[index] = h
        by_hand[(..., *index)] = (grad(f)(x + step) - grad(f)(x - step)) / (2 * h)
    np.testing.assert_allclose(hessian(f)(x), by_hand, atol=1e-7)


def test_jvp_is_the_jacobian_times_the_tangent():
    x, v = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    f = lambda a: np.stack([a[0] * a[1], np.exp(a[0]), a.sum()])  # noqa: E731
    _, tangent = jvp(f, (x,), (v,))
    np.testing.assert_allclose(tangent, jacobian(f)(x) @ v)
    assert isinstance(tangent, np.ndarray)
    assert jvp(np.multiply, (2.0, 5.0), (1.0, 1.0)) == (10.0, 7.0)
    with pytest.raises(ValueError, match="tangent of shape"):
        jvp(f, (x,), (np.ones(3),))
    wrong: Any = ((2.0, 1.0), ((2.0,), (1.0, 2.0)), (x, v))
    for xs, tangents in wrong:
        with pytest.raises(TypeError, match="jvp takes a tuple of inputs"):
            jvp(np.tanh, xs, tangents)


def test_hessian_vector_product_forward_over_reverse():
    f = lambda x: (x**3).sum() * x[0]  # noqa: E731
    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    _, product = jvp(grad(f), (x,), (v,))
    np.testing.assert_allclose(product, hessian(f)(x) @ v)


def test_vjp_pullback_may_be_used_twice():
    out, pullback = vjp(lambda a, b: a @ b, np.ones((2, 3)), np.ones(3))
    assert out.tolist() == [3, 3]
    for _ in range(2):
        a, b = pullback(np.array([1.0, 2.0]))
        assert a.tolist() == [[1, 1, 1], [2, 2, 2]]
        assert b.tolist() == [3, 3, 3]


def test_grad_works_under_no_grad():
    with no_grad():
        assert grad(np.tanh)(0.0) == 1.0
        assert not grad(np.tanh)(Tensor(0.0, requires_grad=True)).requires_grad


def test_a_recorded_gradient_goes_on():
    x = Tensor([1.0, 2.0], requires_grad=True)
    g = grad(lambda v: (v**3).sum())(x)
    (g * g).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * (3 * x.data**2) * 6 * x.data)


@pytest.mark.parametrize("x", [Tensor([1.0, 2.0]), Value(2.0, requires_grad=False)])
def test_plain_descent_from_a_constant_leaves_no_history(x):
    cube = lambda a: np.sum(a**3)  # noqa: E731
    for _ in range(3):
        out, slope = value_and_grad(cube)(x)
        _, moved = jvp(cube, (x,), (np.ones(np.shape(x)),))
        assert not any(one.requires_grad for one in (out, slope, moved))
        assert type(out) is type(slope) is type(moved) is type(x)
        x = x - 0.1 * slope
    assert (x.requires_grad, x.op) == (False, None)


@pytest.mark.parametrize("kind", [Tensor, Value])
def test_the_gradient_at_a_constant_goes_on_to_a_parameter_that_the_function_uses(kind):
    w, x = kind(3.0, requires_grad=True), kind(2.0, requires_grad=False)
    grad(lambda a: a**2 * w)(x).backward()  # 2 a w
    assert w.grad == 4
    given = vjp(lambda a: a**2, x)[1](w)[0]  # the seed may be what it goes on to
    assert not grad(lambda a: a**2)(x).requires_grad
    w.zero_grad()
    given.backward()
    assert w.grad == 4
    made = []

    def with_a_parameter_of_its_own(a):
        made.append(kind(5.0, requires_grad=True))
        return a**2 * made[0]

    grad(with_a_parameter_of_its_own)(x).backward()
    assert made[0].grad == 4


def test_errors():
    with pytest.raises(TypeError, match="int64"):
        grad(lambda x: x.sum())(np.array([1, 2]))
    with pytest.raises(ValueError, match=r"shape \(2,\).*jacobian"):
        grad(lambda x: x * 2)(np.ones(2))


@pytest.mark.parametrize("derivative", [grad, hessian, jacobian, value_and_grad])
def test_a_list_is_an_array_of_numbers_and_nothing_else(derivative):
    f = lambda p: p[0] * p[1]  # noqa: E731
    np.testing.assert_equal(derivative(f)([2.0, 3.0]), derivative(f)(np.array([2.0, 3.0])))
    for nodes in ([Tensor(1.0), 2.0], (2.0, Value(1.0)), [[1.0], [Tensor(1.0)]]):
        with pytest.raises(TypeError, match="holds nodes: join them"):
            derivative(f)(nodes)
    with pytest.raises(ValueError, match="a list of unequal lengths"):
        derivative(f)([[1.0], [1.0, 2.0]])


def test_integer_tensors_are_plain_arrays_at_every_order():
    x, ids = np.eye(2, 3), Tensor([0, 2])
    f = lambda v: cross_entropy(v, ids)  # noqa: E731
    np.testing.assert_allclose(hessian(f)(x), hessian(lambda v: cross_entropy(v, ids.data))(x))
    scalar = cross_entropy(np.array([[Value(1.0), Value(0.0)]]), Tensor([0]))
    assert np.isclose(scalar.data, np.log(1 + np.exp(-1)))
