"""Where numbers end: small probabilities, infinities, and branches that `where` did not take."""

import math
from typing import Any

import numpy as np
import pytest

from groundup.engine import (
    Tensor,
    Value,
    detect_anomaly,
    elu,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    logsumexp,
    selu,
    sigmoid,
)
from groundup.engine.value_array import values

inf, nan = math.inf, math.nan


def leaf(data, dtype=float) -> Any:
    return Tensor(np.array(data, dtype), requires_grad=True)


def quiet():
    """Without numpy's own warnings, of the forward pass."""
    return np.errstate(all="ignore")


# Small probabilities


@pytest.mark.parametrize(("a", "dtype", "digits"), [(-20, np.float32, 1e-6), (-38, float, 1e-15)])
def test_a_small_sigmoid_keeps_its_digits(a, dtype, digits):
    x = leaf([a], dtype)
    p = sigmoid(x)
    loss = -np.log(p)
    loss.sum().backward()
    assert p.dtype == x.grad.dtype == dtype
    np.testing.assert_allclose(p.data, math.exp(a), rtol=digits)  # 1 + exp(a) rounds to 1
    assert loss.data[0] == -a
    assert x.grad[0] == -1
    v = Value(float(a))
    y = -v.sigmoid().log()
    y.backward()
    assert y.data == pytest.approx(-a, abs=1e-8)
    assert v.grad == pytest.approx(-1)
    assert sigmoid(v).data == pytest.approx(math.exp(a), rel=1e-8)


def test_a_sigmoid_far_out():
    ends = np.array([-inf, -1000.0, 0.0, 1000.0, inf])
    x = leaf(ends)
    y = sigmoid(x)
    y.sum().backward()
    assert y.data.tolist() == [0, 0, 0.5, 1, 1]
    assert x.grad.tolist() == [0, 0, 0.25, 0, 0]
    for a, out in zip(ends, y.data, strict=True):
        v = Value(a)
        v.sigmoid().backward()
        assert (v.sigmoid().data, v.grad) == (out, 0.25 if a == 0 else 0)
    assert grad(grad(sigmoid))(0.0) == 0
    assert math.isnan(sigmoid(Value(nan)).data)


@pytest.mark.parametrize(("f", "a", "slopes"), [  # the first and the second
    (np.expm1, -40.0, (math.exp(-40), math.exp(-40))),
    (elu, -40.0, (math.exp(-40), math.exp(-40))),
    (selu, -40.0, [1.0507009873554805 * 1.6732632423543772 * math.exp(-40)] * 2),
    (np.arcsinh, 1e22, (1e-22, -1e-44)),
    (np.arcsinh, 1e200, (1e-200, 0)),
    (np.arcsinh, -1e200, (1e-200, 0)),
    (np.arccosh, 1e22, (1e-22, -1e-44)),
    (np.arccosh, 1e200, (1e-200, 0)),
    (np.arccosh, 1.0, (inf, -inf)),
    (np.exp2, 1024.0, (2 * math.log(2) * 2.0**1023, 2 * math.log(2) ** 2 * 2.0**1023)),
])  # fmt: skip
def test_a_slope_that_is_a_number_is_given_as_one(f, a, slopes):
    with quiet():
        assert (grad(f)(a), grad(grad(f))(a)) == pytest.approx(slopes, rel=1e-12, abs=0)
        v = Value(a)
        f(v).backward()
        assert v.grad == pytest.approx(slopes[0], rel=1e-12, abs=0)
        assert grad(grad(f))(v).data == pytest.approx(slopes[1], rel=1e-12, abs=0)
        if a < np.finfo(np.float32).max and slopes[0] < 1e300:
            x = leaf([a], np.float32)
            f(x).backward([1.0])
            assert x.grad == pytest.approx(slopes[0], rel=1e-6, abs=0)


# Infinities


def test_logsumexp_of_rows_of_nothing():
    rows = [[-inf, -inf], [0.0, -inf], [0.0, 0.0]]
    x = leaf(rows)
    y = logsumexp(x, axis=1)
    y.sum().backward()
    assert y.data.tolist() == [-inf, 0, math.log(2)]
    assert x.grad.tolist() == [[0, 0], [1, 0], [0.5, 0.5]]
    scalars: Any = values(rows)
    total = np.sum(logsumexp(scalars, axis=1)[1:]) + logsumexp(scalars[0])
    total.backward()
    assert [v.grad for v in scalars.flat] == [0, 0, 1, 0, 0.5, 0.5]
    second = hessian(logsumexp)(np.array([-inf, 0.0, 0.0]))
    assert second.tolist() == [[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]]
    assert not hessian(logsumexp)(np.array([-inf, -inf])).any()
    assert logsumexp(leaf([-inf, -inf]), keepdims=True).data.tolist() == [-inf]


def test_logsumexp_of_an_infinity_has_the_gradient_of_logaddexp():
    x = leaf([inf, 0.0])
    logsumexp(x).backward()
    assert x.grad.tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e7, 1e16, inf])
def test_large_numbers_share_a_sum_alike(dtype, size):
    x = leaf([size, size, 0.0], dtype)
    logsumexp(x).backward()
    assert x.grad.tolist() == [0.5, 0.5, 0]
    x.zero_grad()
    logsumexp(x, keepdims=True).backward([1.0])
    assert x.grad.tolist() == [0.5, 0.5, 0]
    a, b = leaf([size], dtype), leaf([size], dtype)
    np.logaddexp(a, b).backward()
    assert (a.grad.item(), b.grad.item()) == (0.5, 0.5)
    if size < inf:  # of which the second derivative is that of two numbers near each other
        scalars: Any = values([size, size, 0.0])
        logsumexp(scalars).backward()
        assert [v.grad for v in scalars] == [0.5, 0.5, 0]
        half = np.array([[0.25, -0.25], [-0.25, 0.25]])
        np.testing.assert_allclose(hessian(logsumexp)(np.full(2, size, dtype)), half)
        slope = lambda v: np.logaddexp(v[0], v[1])  # noqa: E731
        np.testing.assert_allclose(hessian(slope)(np.full(2, size, dtype)), half)


@pytest.mark.parametrize(("f", "a", "b", "out", "slopes"), [
    (np.logaddexp, -inf, 0.0, 0.0, (0, 1)),
    (np.logaddexp, inf, 0.0, inf, (1, 0)),
    (np.logaddexp, 0.0, inf, inf, (0, 1)),
    (np.logaddexp, inf, -inf, inf, (1, 0)),
    (np.logaddexp, -inf, -inf, -inf, (0, 0)),
    (np.logaddexp, inf, inf, inf, (0.5, 0.5)),
    (np.logaddexp, 1e16, 1e16, 1e16, (0.5, 0.5)),
    (np.logaddexp, -1e16, 50 - 1e16, 50 - 1e16, (math.exp(-50), 1)),
    (np.arctan2, 0.0, 0.0, 0.0, (0, 0)),
    (np.arctan2, 1.0, 0.0, math.pi / 2, (0, -1)),
    (np.arctan2, 0.0, -1.0, math.pi, (-1, 0)),
    (np.arctan2, 3e-200, 4e-200, math.atan2(3, 4), (0.16e200, -0.12e200)),
    (np.arctan2, 3e200, 4e200, math.atan2(3, 4), (0.16e-200, -0.12e-200)),
    (np.hypot, 0.0, 0.0, 0.0, (0, 0)),
])  # fmt: skip
@pytest.mark.parametrize("kind", [leaf, Value])
def test_two_numbers_far_out(kind, f, a, b, out, slopes):
    x, y = kind(a), kind(b)
    result = f(x, y)
    result.backward()
    assert result.item() == pytest.approx(out)
    assert (float(x.grad), float(y.grad)) == pytest.approx(slopes)


# Branches not taken: each of these is infinite at 0, or its slope is

UNTAKEN: list[Any] = [
    np.log,
    np.sqrt,
    lambda x: 1 / x,
    lambda x: x * np.log(x),
    lambda x: np.sin(x) / x,
    lambda x: np.exp(1 / x),
    lambda x: x**0.5,
]  # fmt: skip


@pytest.mark.parametrize("f", UNTAKEN)
def test_nothing_flows_into_a_branch_that_was_not_taken(f):
    for x in (leaf([0.0, 4.0]), leaf([0.0, 4.0], np.float32)):
        with quiet():
            y = np.where(x > 0, f(x), 3 * x)
        y.sum().backward()
        assert x.grad[0] == 3
        assert x.grad[1] == pytest.approx(grad(f)(4.0))
        assert x.grad.dtype == x.dtype
    v = Value(0.0)
    with quiet():
        choice: Any = np.where(v > 0, f(v), 3 * v)
    choice.backward()
    assert v.grad == 3


@pytest.mark.parametrize("f", UNTAKEN)
def test_nor_at_second_order(f):
    def choice(x):
        with quiet():
            return np.where(x > 0, f(x), x**2)

    assert grad(grad(choice))(0.0) == 2
    assert grad(grad(choice))(Value(0.0)).data == 2
    assert hessian(lambda x: choice(x).sum())(np.zeros(2)).tolist() == [[2, 0], [0, 2]]
    assert jacobian(choice)(np.zeros(1)).tolist() == [[0]]


@pytest.mark.parametrize("f", [np.log, np.sqrt, np.cbrt, lambda x: 1 / (x + 0.0)])
@pytest.mark.parametrize("kind", [leaf, Value])
def test_nothing_flows_through_a_product_with_0(kind, f):
    x, zero = kind(0.0), kind(0.0)
    with quiet():
        (f(x) * zero + 3 * x).backward()
    assert float(x.grad) == 3


def test_a_nan_that_is_real_stays():
    for x in (leaf(0.0), Value(0.0)):
        with quiet():
            y: Any = np.sqrt(x**2)  # the slope of sqrt is infinite, that of the square is 0
            y.backward()
        assert math.isnan(float(x.grad))
    x = leaf([1.0, nan])
    (x * x).sum().backward()
    assert x.grad[0] == 2
    assert math.isnan(x.grad[1])


def test_the_debugging_mode_takes_an_untaken_branch_for_what_it_is():
    x = leaf(0.0)
    with detect_anomaly():
        choice: Any = np.where(x > 0, np.sqrt(x), 3 * x)
        choice.backward()
    assert x.grad == 3


def bent(x):
    with quiet():
        return np.where(x > 0, np.sqrt(x), x * x)


def test_a_jvp_beside_an_untaken_branch():
    out, tangent = jvp(bent, (np.array([0.0, 1.0, -1.0]),), (np.ones(3),))
    assert out.tolist() == [0, 1, 1]
    assert tangent.tolist() == [0, 0.5, -2]


def test_a_jvp_in_the_debugging_mode():
    with detect_anomaly():
        assert jvp(np.sin, (0.0,), (1.0,)) == (0, 1)


def test_a_gradient_of_0_that_moves_beside_an_untaken_branch():
    def f(x):
        with quiet():
            return np.sum(np.sin(x) ** 2 + np.where(x > 0, np.sqrt(x), 0))

    assert grad(grad(f))(Value(0.0)).data == 2
    assert hessian(f)(np.zeros(1)).tolist() == [[2]]
    assert hvp(f, np.zeros(1), np.ones(1)).tolist() == [2]
