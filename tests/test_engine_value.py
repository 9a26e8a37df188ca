"""Value: arithmetic as floats and numpy have it, gradients worked out by hand."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.engine import (
    Tensor,
    Value,
    cross_entropy,
    grad,
    logsumexp,
    mse_loss,
    no_grad,
    relu,
    softmax,
)
from groundup.engine.op import TABLE
from groundup.engine.value import floats
from groundup.engine.value_array import values


def test_every_operator_on_both_sides():
    a = Value(3.0)
    for f, value, slope in [
        (lambda x: x + 2, 5, 1),
        (lambda x: 2 + x, 5, 1),
        (lambda x: x - 2, 1, 1),
        (lambda x: 2 - x, -1, -1),
        (lambda x: x * 2, 6, 2),
        (lambda x: 2 * x, 6, 2),
        (lambda x: x / 2, 1.5, 0.5),
        (lambda x: 2 / x, 2 / 3, -2 / 9),
        (lambda x: x**2, 9, 6),
        (lambda x: 2**x, 8, 8 * math.log(2)),
        (lambda x: -x, -3, -1),
        (lambda x: +x, 3, 1),
        (lambda x: abs(-x), 3, 1),
        (lambda x: x * x, 9, 6),
        (lambda x: np.float64(2) * x, 6, 2),
        (lambda x: x - np.float32(2), 1, 1),
        (lambda x: np.int64(2) - x, -1, -1),
        (lambda x: np.exp(x), math.exp(3), math.exp(3)),
        (lambda x: np.maximum(x, 1), 3, 1),
        (lambda x: x.exp(), math.exp(3), math.exp(3)),
        (lambda x: x.log(), math.log(3), 1 / 3),
        (lambda x: x.sqrt(), math.sqrt(3), 0.5 / math.sqrt(3)),
        (lambda x: x.tanh(), math.tanh(3), 1 - math.tanh(3) ** 2),
        (lambda x: x.relu(), 3, 1),
        (lambda x: (-x).relu(), 0, 0),
        (lambda x: x.abs(), 3, 1),
    ]:
        a.zero_grad()
        out = f(a)
        out.backward()
        assert isinstance(out, Value)
        assert math.isclose(out.data, value, abs_tol=1e-12)
        assert math.isclose(a.grad, slope, abs_tol=1e-12)


def test_every_value_keeps_its_gradient_and_adds_up():
    a = Value(2.0)
    b = a * a
    c = b + a
    assert (a.grad, b.grad, c.grad) == (0.0, 0.0, 0.0)
    c.backward()
    assert (a.grad, b.grad, c.grad) == (5.0, 1.0, 1.0)
    c.backward()
    assert (a.grad, b.grad, c.grad) == (10.0, 2.0, 2.0)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_partials_kept_on_the_node_equal_the_table(x, y):
    a, b = Value(x), Value(y)
    positive = a * a + 0.5
    for out in (a + b, a - b, a * b, a / positive, positive**b, -a, a.exp(), positive.log(),
                positive.sqrt(), a.tanh(), abs(a), a.relu(), a.erf()):  # fmt: skip
        by_partials = [(arg, share) for arg, share in out.shares(0.7)]
        by_table = [(arg, share.data) for arg, share in out.shares(Value(0.7))]
        assert len(by_partials) == len(by_table)
        for (arg, share), (same, other) in zip(by_partials, by_table, strict=True):
            assert arg is same
            assert math.isclose(share, other, rel_tol=1e-12, abs_tol=1e-12)


def test_as_ieee_and_numpy_answer():
    assert Value(1000.0).exp().data == math.inf
    assert (1 / Value(0.0)).data == math.inf
    assert (-1 / Value(0.0)).data == -math.inf
    assert math.isnan((Value(0.0) / 0).data)
    assert math.isnan((Value(-8.0) ** (1 / 3)).data)
    assert (Value(-8.0) ** 3).data == -512
    assert Value(0.0).log().data == -math.inf
    assert math.isnan(Value(-1.0).log().data)
    assert math.isnan(Value(-1.0).sqrt().data)
    assert (Value(10.0) ** 400).data == math.inf
    assert math.isnan(Value(math.nan).relu().data)


@pytest.mark.parametrize("kind", [Value, lambda x: Tensor(x, requires_grad=True)])
def test_kinks_and_singular_points_alike(kind):
    for f, at, slope in [
        (lambda x: x.relu(), 0.0, 0.0),
        (lambda x: abs(x), 0.0, 0.0),
        (lambda x: np.maximum(x, 0), 0.0, 1.0),
        (lambda x: np.maximum(0, x), 0.0, 0.0),
        (lambda x: np.minimum(x, 0), 0.0, 1.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: 0.0**x, 2.0, 0.0),
        (relu, 0.0, 0.0),
        (lambda x: np.clip(x, 0, 1), 0.0, 1.0),
        (lambda x: np.clip(x, 0, 1), 1.0, 1.0),
        (lambda x: np.clip(x, 0, 1), 1.5, 0.0),
        (lambda x: np.hypot(x, 0), 0.0, 0.0),
        (lambda x: np.std(x), 3.0, 0.0),
        (lambda x: np.linalg.norm(x), 0.0, 0.0),
    ]:
        x = kind(at)
        out = f(x)
        if out.requires_grad:  # of two Values at a tie, the loser is not part of the result
            out.backward()
        assert (0.0 if x.grad is None else float(x.grad)) == slope


def test_comparisons_compare_numbers_and_hash_is_identity():
    a, b = Value(2.0), Value(2.0)
    assert a == b
    assert a == 2
    assert a != 3
    assert a < 3 <= Value(3.0)
    assert a >= b
    assert (a == b) is True
    assert len({a, b}) == 2
    assert (a == "two") is False
    assert a != None  # noqa: E711
    assert not Value(0.0)
    assert f"{a:.2f}" == "2.00"


def test_leaving_the_graph_is_refused_and_names_the_way_out():
    v = Value(2.0)
    leaves: list = [float, int, math.exp]
    for leave in (*leaves, lambda x: np.asarray(x, float), np.zeros(1).fill):
        with pytest.raises(TypeError, match=r"\.item\(\).*\.data"):
            leave(v)
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"\.item\(\)"):
        array[0] = v
    assert v.item() == v.data == 2.0


def test_arrays_of_values():
    v = Value(2.0)
    for product in (np.array([1.0, 3.0]) * v, v * np.array([1.0, 3.0])):
        assert product.dtype == object
        assert [p.data for p in product] == [2.0, 6.0]
    total = (np.array([[v, v]]) @ np.ones((2, 1)))[0, 0]
    total.backward()
    assert v.grad == 2.0


@pytest.mark.parametrize("mix", [
    lambda v, t: v * t, lambda v, t: t * v, lambda v, t: np.add(v, t), lambda v, t: np.add(t, v),
    lambda v, t: np.array([v]) * t, lambda v, t: t @ np.array([v, v]),
])  # fmt: skip
def test_value_with_tensor_is_a_type_error(mix):
    with pytest.raises(TypeError, match="Value and a Tensor"):
        mix(Value(1.0), Tensor([1.0, 2.0]))


@pytest.mark.parametrize("bad", ["2", None, 1 + 2j, [1.0], np.ones(2), Value(1.0), Tensor(1.0)])
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(TypeError, match="Value: one number"):
        Value(bad)


def test_a_name_is_a_text():
    children: Any = (Value(1.0), Value(2.0))  # as micrograd has it in this place
    with pytest.raises(TypeError, match="Value: its name is a text, not tuple"):
        Value(3.0, children)


def test_a_function_without_a_derivative_refuses():
    with pytest.raises(TypeError, match="sinc has no derivative"):
        np.sinc(Tensor([1.0]))
    with pytest.raises(TypeError, match="deg2rad has no derivative"):
        np.deg2rad(Value(1.0))


def test_no_grad_and_detach_make_constants():
    a = Value(2.0)
    with no_grad():
        b = a * a
    assert not b.requires_grad
    assert b.args == ()
    assert not a.detach().requires_grad
    (a * a.detach()).backward()
    assert a.grad == 2.0
    with pytest.raises(RuntimeError, match="constant"):
        b.backward()


def test_copies_are_of_leaves():
    a = Value(2.0, name="a")
    a.grad = 1.5
    for b in (copy.deepcopy(a), pickle.loads(pickle.dumps(a)), copy.copy(a)):
        assert (b.data, b.grad, b.name) == (2.0, 1.5, "a")
        assert b.born > a.born
    with pytest.raises(TypeError, match="detach"):
        copy.deepcopy(a * a)


def test_derivatives_of_derivatives():
    x = Value(0.5)
    second = grad(grad(lambda v: v.tanh() * v))(x)
    t = math.tanh(0.5)
    assert math.isclose(second.data, 2 * (1 - t * t) + 0.5 * -2 * t * (1 - t * t))


def test_functions_of_ours_call_the_method():
    a = np.array([Value(-1.0), Value(2.0)])
    assert [v.op for v in relu(a)] == [TABLE[relu]] * 2
    assert relu(Value(-1.0)).data == 0.0


def test_an_array_of_values_takes_the_table_s_functions():
    x = values([[1.0, np.nan, 3.0], [2.0, 2.0, 5.0]])
    data = np.array([[1.0, np.nan, 3.0], [2.0, 2.0, 5.0]])
    for f in (
        lambda a: np.max(a, axis=1),
        lambda a: np.min(a, axis=0, keepdims=True),
        lambda a: a.max(),
        lambda a: np.maximum(a, 2.0),
        lambda a: np.var(a[1]),
        lambda a: a[1].mean(),
        lambda a: a.mean(axis=0)[1],
        lambda a: np.sum(a[1], axis=0),
        lambda a: a[1:].sum(axis=1),
        lambda a: np.isnan(a),
        lambda a: np.floor(a[1]),
        lambda a: np.argmax(a[1]),
        lambda a: a > 1.5,
        lambda a: np.square(a[1]),
        lambda a: np.split(a[1], 3)[2],
        lambda a: np.where(a[1] > 2, a[1], 0),
        lambda a: np.exp(np.where(a[1] > 2, a[1], 0)),
        lambda a: softmax(a[1]),
    ):
        out = f(x)
        numbers = np.asarray(floats(out), float)
        np.testing.assert_allclose(numbers, np.asarray(f(data), float))


def test_a_bare_value_is_an_array_of_one():
    v: Any = Value(2.0)  # numpy's types do not know of it
    assert np.maximum(v, 3).data == 3.0
    assert np.where(True, v, 0).data == 2.0
    assert np.square(v).data == 4.0
    assert np.isnan(v) == False  # noqa: E712
    assert np.shape(v) == ()
    for call in (lambda: np.median(v), lambda: np.linalg.pinv(v), lambda: np.deg2rad(v)):
        with pytest.raises(TypeError, match="has no derivative"):
            call()


@pytest.mark.parametrize("call", [
    lambda a: a.var(), lambda a: a.std(axis=0, ddof=1), lambda a: np.std(a, 0, ddof=1),
    lambda a: a.clip(1.5, 3), lambda a: a.conj(), lambda a: np.conj(a[0]),
])  # fmt: skip
def test_methods_that_numpy_makes_of_others(call):
    data = np.array([[1.0, 2.0], [5.0, 3.0]])
    np.testing.assert_allclose(np.asarray(floats(call(values(data))), float), call(data))


@pytest.mark.parametrize("spread", [lambda a: a.std(), lambda a: np.std(a)])
def test_the_spread_of_equal_numbers_is_flat(spread):
    x = values([2.0, 2.0])
    spread(x).backward()
    assert [v.grad for v in x] == [0, 0]


def test_the_variance_of_a_list():
    x: list[Any] = [Value(1.0), Value(3.0)]
    out: Any = np.var(x)
    out.backward()
    assert (out.data, [v.grad for v in x]) == (1, [-1, 1])


@pytest.mark.parametrize("call", [
    lambda v: np.fmax(v, 0.5), lambda v: np.fmin(0.5, v), lambda v: np.fmod(v, 2.0),
    lambda v: np.nan_to_num(v), lambda v: np.nansum(v), lambda v: np.nanmax(v),
    lambda v: np.gradient(v), lambda v: np.fft.fft(v),
])  # fmt: skip
@pytest.mark.parametrize("kind", [Value, lambda x: values([x, x])])
def test_what_numpy_would_make_of_objects_alone_is_refused(call, kind):
    with pytest.raises(TypeError, match="has no derivative here"):
        call(kind(-1.5))


def test_other_options_on_values_are_refused_as_on_tensors():
    with pytest.raises(TypeError, match=r"sum: .*'initial'; here it takes"):
        np.sum(values([1.0]), initial=2.0)


def test_a_number_put_among_values_is_a_constant():
    x = values([1.0, 2.0])
    x[0] = 5.0
    out = np.exp(x)
    assert [v.data for v in out] == [math.exp(5), math.exp(2)]
    assert [v.requires_grad for v in out] == [False, True]


@pytest.mark.parametrize("call", [
    relu, softmax, logsumexp,
    lambda a: mse_loss(a, [1.0, 2.0]), lambda a: cross_entropy([a], [1]),
])  # fmt: skip
def test_our_own_functions_take_a_list_of_values(call):
    numbers = [-1.0, 2.5]
    out = floats(call([Value(x) for x in numbers]))
    np.testing.assert_allclose(out, floats(call(np.array([Value(x) for x in numbers]))))


@pytest.mark.parametrize("a", [np.eye(2), np.diag([3.0, 3.0, 1.0])])
def test_equal_eigenvalues_and_nothing_beside_the_diagonal(a):
    x = values(a)
    np.testing.assert_allclose(floats(np.linalg.eigvalsh(x)), np.linalg.eigvalsh(a))
    np.testing.assert_allclose(floats(np.linalg.svdvals(x)), np.linalg.svdvals(a))
    trace: Any = np.sum(np.linalg.eigvalsh(x))
    trace.backward()
    np.testing.assert_allclose([v.grad for v in x.flat], np.eye(len(a)).flat)
