"""numpy's ways of calling: options in its order, at its defaults, methods, axes, kinds of input."""

import inspect
import math
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from groundup.engine import (
    Tensor,
    Value,
    digamma,
    erf,
    grad,
    hessian,
    lgamma,
    logsumexp,
    softmax,
    topk,
)
from groundup.engine.value_array import values

A = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]])
ONES = np.ones(3)
REST: Any = ...
Pair: Any = namedtuple("Pair", "left right")


def leaf(data, dtype=float) -> Any:
    return Tensor(np.array(data, dtype), requires_grad=True)


# np.clip has them since numpy 2.1.
MIN_MAX: list[Any] = [lambda x: np.clip(x, min=0, max=2), lambda x: np.clip(x, max=2)]
MIN_MAX *= "min" in inspect.signature(np.clip).parameters

CALLS: list[Any] = [
    *MIN_MAX,
    # by position, in numpy's order
    lambda x: np.sum(x, 0, None),
    lambda x: np.sum(x, 0, None, None, True),
    lambda x: np.mean(x, 0, None),
    lambda x: np.mean(x, 1, None, None, True),
    lambda x: np.max(x, 0, None, True),
    lambda x: np.min(x, None, None, True),
    lambda x: np.prod(x, 1, None, None),
    lambda x: np.var(x, 0, None, None, 1),
    lambda x: np.std(x, None, None, None, 1, True),
    lambda x: np.cumsum(x, 1, None, None),
    lambda x: np.reshape(x, (3, 2), "C"),
    lambda x: np.ravel(x, "C"),
    lambda x: np.sort(x, -1, "stable"),
    lambda x: np.take(x, [1, 0], 1, None, "raise"),
    lambda x: np.trace(x, 1, 0, 1, None, None),
    lambda x: np.stack([x, x], 0, None),
    lambda x: np.clip(x, -1, 2, None),
    lambda x: np.array_split(x, np.int64(2), 1)[1],
    # by name, at numpy's defaults
    lambda x: np.vstack([x, x], casting="same_kind"),  # so does np.row_stack
    lambda x: np.sum(x, axis=0, dtype=None, out=None),
    lambda x: np.exp(x, out=None),
    lambda x: np.reshape(x, (3, 2), order="C"),
    lambda x: np.sort(x, kind=None, order=None),
    lambda x: np.concatenate([x, x], dtype=None),
    # real options
    lambda x: np.clip(x, a_min=None, a_max=2),
    lambda x: np.var(x, ddof=1),
    lambda x: np.var(x, axis=1, correction=1, keepdims=True),
    lambda x: np.std(x, axis=0, ddof=1),
    lambda x: np.linalg.norm(x, "fro"),
    lambda x: np.linalg.norm(x, None, 0),
    lambda x: np.linalg.norm(x, 1, axis=(0, 1)),
    lambda x: np.linalg.norm(x, axis=0, keepdims=True),
    # other names, other forms
    lambda x: np.amax(x, 0),
    lambda x: np.amin(x, axis=1, keepdims=True),
    lambda x: np.fabs(x),
    lambda x: np.around(x),
    lambda x: np.einsum(x, [0, 1], [1]),
    lambda x: np.einsum(x, [0, 1], x, [2, 1], [0, 2]),
    lambda x: np.einsum(x, [REST, 0], ONES, [0], [REST]),
    lambda x: np.einsum(x, [0, 1], ONES, [1]),
    lambda x: np.dot(x, np.arange(12.0).reshape(2, 3, 2)),
    lambda x: np.dot(np.arange(8.0).reshape(2, 2, 2), x),
    lambda x: x % 2,
    lambda x: 7 % x,
    lambda x: np.mod(x, ONES),
    lambda x: +x,
    lambda x: np.positive(x),
    lambda x: np.amax(x, 0, None, True),
    lambda x: np.sum(x, where=True),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_gives_what_numpy_gives(call):
    got, expected = call(leaf(A)), call(A)
    got = got if isinstance(got, np.ndarray) else got.data
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("call", [
    lambda x: np.std(x, axis=0, ddof=1),
    lambda x: np.sort(x, -1, "stable"),
    lambda x: np.fabs(x),
    lambda x: np.amax(x, 0),
    lambda x: np.einsum(x, [0, 1], x, [2, 1], [0, 2]),
    lambda x: np.dot(x, np.arange(12.0).reshape(2, 3, 2)),
    lambda x: x % 2,
    lambda x: 7 % x,
    lambda x: np.positive(x),
])  # fmt: skip
def test_and_the_slopes_are_those_of_small_steps(call):
    a = A + 0.21  # away from kinks and jumps
    weights = np.random.default_rng(0).normal(size=np.shape(call(a)))
    slopes = np.empty(a.shape)
    for place in np.ndindex(a.shape):
        step = np.zeros(a.shape)
        step[place] = 1e-6
        slopes[place] = np.sum((call(a + step) - call(a - step)) * weights) / 2e-6
    found = grad(lambda x: (call(x) * weights).sum())(a)
    np.testing.assert_allclose(found, slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("call", "takes"), [
    (lambda x: np.sum(x, dtype=np.float32), r"sum: .*'dtype'; here it takes \(a, axis, keepdims\)"),
    (lambda x: x.sum(dtype=np.float32), r"sum: .*'dtype'; here it takes \(a, axis, keepdims\)"),
    (lambda x: np.sum(x, 0, np.float32), r"sum: .*'dtype'; here it takes \(a, axis, keepdims\)"),
    (lambda x: np.sum(x, where=A > 0), r"sum: .*'where'; here it takes \(a, axis, keepdims\)"),
    (lambda x: np.max(x, initial=3.0), r"max: .*'initial'; here it takes \(a, axis, keepdims\)"),
    (lambda x: np.sum(x, out=np.zeros(())), r"sum: .*'out'; here it takes \(a, axis, keepdims\)"),
    (lambda x: np.var(x, mean=0.0), r"here it takes \(a, axis, keepdims, ddof, correction\)"),
    (lambda x: np.reshape(x, (3, 2), "F"), r"reshape: .*'order'; here it takes \(a, shape\)"),
    (lambda x: np.concatenate([x], dtype=np.float32), r"here it takes \(arrays, axis\)"),
    (lambda x: np.take(x, [0], mode="clip"), r"take: .*'mode'; here it takes \(a, indices, axis\)"),
    (lambda x: np.exp(x, where=A > 0), "takes its arguments alone, not where"),
    (lambda x: np.add(x, x, out=np.zeros(A.shape)), "into an array would lose the gradient"),
    (lambda x: np.sum(x, 0, out=np.zeros(3)), "'out'; here"),
    (lambda x: np.einsum("ij->j", x, dtype=np.float32), "einsum: .*here"),
])  # fmt: skip
def test_other_options_are_refused_with_those_that_are_here(call, takes):
    with pytest.raises(TypeError, match=takes):
        call(leaf(A))


def test_remainders_alike_on_values():
    for a, b in ((7.0, 3.0), (-7.0, 3.0), (7.0, -3.0), (0.3, 0.1)):
        x, y, v, w = leaf(a), leaf(b), Value(a), Value(b)
        (x % y).backward()
        (v % w).backward()
        assert (x % y).item() == (v % w).data == a % b
        assert (float(x.grad), float(y.grad)) == (v.grad, w.grad) == (1, -(a // b))
    assert (7 % Value(4.0)).data == 3
    assert (7 // Value(2.0), Value(7.0) // 2, 7 // Value(0.0)) == (3, 3, math.inf)
    assert math.isnan((Value(7.0) % 0.0).data)
    assert +v is v


def test_the_slope_of_a_remainder_counts_as_the_remainder_does():
    y = leaf(0.1)
    (1.0 % y).backward()  # 0.1 is a little more than a tenth, and so 1 % 0.1 = 1 − 9 · 0.1
    assert float(y.grad) == -9


@pytest.mark.parametrize("call", [
    lambda v: np.sum(v, 0, None),
    lambda v: np.max(v, 0, None, True),
    lambda v: np.reshape(v, (3, 2), "C"),
    lambda v: np.fabs(v),
    lambda v: np.concatenate(Pair(v, v)),
])  # fmt: skip
def test_a_call_on_values_gives_what_numpy_gives(call):
    got = call(values(A))
    np.testing.assert_array_equal([v.data for v in got.flat], call(A).flat)


METHODS: list[Any] = [
    lambda x: x.prod(),
    lambda x: x.prod(0),
    lambda x: x.cumsum(),
    lambda x: x.cumsum(axis=1),
    lambda x: x.cumprod(1),
    lambda x: x.ravel(),
    lambda x: x.flatten(),
    lambda x: x[None].squeeze(),
    lambda x: x[None].squeeze(axis=0),
    lambda x: x.repeat(2),
    lambda x: x.repeat(2, axis=0),
    lambda x: x.take([2, 0], axis=1),
    lambda x: x.dot(ONES),
    lambda x: x.trace(),
    lambda x: x.diagonal(1),
    lambda x: x.argmax(),
    lambda x: x.argmin(axis=1),
    lambda x: x.argsort(),
    lambda x: x.any(),
    lambda x: x.all(axis=0),
    lambda x: x.round(),
    lambda x: x.clip(-1, 2),
    lambda x: x.clip(min=0),
    lambda x: x.swapaxes(0, 1),
    lambda x: x.var(ddof=1),
    lambda x: x.std(0, ddof=1),
    lambda x: x.copy(),
]


@pytest.mark.parametrize("call", METHODS)
def test_a_method_gives_what_an_array_s_gives(call):
    for data in (A, A.astype(np.float32)):
        got, expected = call(leaf(data, data.dtype)), call(data)
        if isinstance(got, Tensor):
            assert got.dtype == data.dtype
            got = got.data
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_methods_that_arrays_have_not_and_tolist():
    x = leaf([-2.0, 0.0])
    (x.square() + 4 * x.sigmoid()).sum().backward()
    s = 1 / (1 + math.exp(2))
    np.testing.assert_allclose(x.grad, [-4 + 4 * s * (1 - s), 1])
    assert x.tolist() == [-2, 0]
    x = leaf(A)
    (x.flatten() * x.repeat(2, axis=0).ravel()[:6]).sum().backward()
    assert x.grad.tolist() == [[6 + 0.5, -2 + 4, 4 - 2], [3, -1, 2]]


# Axes


@pytest.mark.parametrize("call", [
    lambda x: np.prod(x, 2),
    lambda x: np.prod(x, (0, -3)),
    lambda x: np.take(x, [0], 2),
    lambda x: np.sum(x, 2),
    lambda x: np.max(x, -3),
    lambda x: np.sort(x, 2),
    lambda x: np.cumsum(x, 2),
    lambda x: softmax(x, 2),
    lambda x: logsumexp(x, 2),
    lambda x: topk(x, 1, 1).values.sum(2),
    lambda x: np.split(x, 2, 2),
    lambda x: np.repeat(x, 2, 2),
])  # fmt: skip
def test_an_axis_that_is_not_there(call):
    with pytest.raises(np.exceptions.AxisError, match=r"axis -?[23] is out of bounds"):
        call(leaf(A))


def test_an_axis_said_twice():
    with pytest.raises(ValueError, match=r"prod of shape .* repeated axis"):
        np.prod(leaf(A), (0, 0))


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "var", "std"])
def test_results_of_no_numbers(name):
    x = leaf(np.zeros((0, 3)))
    y = getattr(x, name)(axis=1)
    assert y.shape == (0,)
    y.sum().backward()
    assert x.grad.shape == (0, 3)
    assert getattr(np, name)(leaf(np.zeros((2, 0, 3))), axis=2).shape == (2, 0)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("axis", [0, -1])
def test_the_axis_of_a_single_number(name, axis):
    x = leaf(2.0)
    y = getattr(x, name)(axis)
    y.backward()
    assert (y.item(), y.shape, x.grad) == (2, (), 1)


@pytest.mark.parametrize("name", ["mean", "var"])
def test_where_numpy_knows_no_axis_of_a_single_number(name):
    for x in (leaf(2.0), np.array(2.0)):
        with pytest.raises(np.exceptions.AxisError):
            getattr(x, name)(-1)


# Kinds of input


def test_a_condition_that_requires_a_gradient_gets_none():
    condition, a = leaf([1.0, 0.0]), leaf([3.0, 4.0])
    y = np.where(condition, a, 2.0)
    assert y.data.tolist() == [3, 2]
    y.sum().backward()
    assert a.grad.tolist() == [1, 0]
    assert condition.grad is None
    c = np.array([3.0, 0.0])
    assert hessian(lambda c: np.where(c, c * c, 5.0).sum())(c).tolist() == [[2, 0], [0, 0]]


def test_a_condition_alone_says_where_it_holds():
    (places,) = np.where(leaf([0.0, 1.0, 2.0]) > 0)
    assert places.tolist() == [1, 2]
    rows, columns = np.where(Tensor([[0.0, 1.0], [2.0, 0.0]]))
    assert (type(rows), rows.tolist(), columns.tolist()) == (np.ndarray, [0, 1], [1, 0])


def test_the_gamma_function_at_infinity():
    x = leaf([math.inf, 5.0])
    y = lgamma(x)
    y.backward([1.0, 0.0])
    assert y.data == pytest.approx([math.inf, math.log(24)])
    assert x.grad.tolist() == [math.inf, 0]
    v = Value(math.inf)
    lgamma(v).backward()
    assert (lgamma(v).data, v.grad) == (math.inf, math.inf)
    assert grad(lambda a: digamma(a))(math.inf) == 0


def test_special_functions_of_integers_and_lists():
    half = 0.8427007929497149  # erf(1)
    assert erf([0, 1]).tolist() == [0, half]
    assert erf(1) == half
    for ones in (np.array([1, 0]), np.array([1, 0], np.int8), np.array([True, False])):
        assert erf(ones).tolist() == [half, 0]
        assert erf(ones).dtype == float
    assert erf(Tensor([0, 1])).data.tolist() == [0, half]
    assert lgamma(Tensor([5, 3])).data == pytest.approx([math.log(24), math.log(2)])
    assert lgamma(np.array([5, 3])) == pytest.approx([math.log(24), math.log(2)])
    assert digamma(2) - digamma(1) == pytest.approx(1)


def test_borders_of_integers_are_integers():
    padded = np.pad(Tensor([1, 2]), 1, constant_values=7)
    assert padded.data.tolist() == [7, 1, 2, 7]
    assert padded.dtype == np.pad(Tensor([1, 2]), 1).dtype == int
    assert np.pad(leaf([1.0], np.float32), 1, constant_values=2.5).dtype == np.float32


def test_topk_says_where():
    x = leaf([[1.0, 3.0, 2.0], [5.0, 4.0, 5.0]])
    best = topk(x, 2)
    assert best.values.data.tolist() == [[3, 2], [5, 5]]
    assert best.indices.tolist() == [[1, 2], [0, 2]]
    (best.values * np.array([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [[0, 1, 10], [1, 0, 10]]
    picked, places = topk(x, 1, axis=0)
    assert (picked.data.tolist(), places.tolist()) == ([[5, 4, 5]], [[1, 1, 1]])
    best_of_values, where = topk(values([1.0, 3.0]), 1)
    assert (best_of_values[0].data, where.tolist()) == (3, [1])


@pytest.mark.parametrize(("numbers", "best"), [
    (np.array([1, 0, 3], np.uint8), [3, 1]),
    (np.array([-(2**63), 5]), [5, -(2**63)]),
])  # fmt: skip
def test_topk_of_integers_that_have_no_negative(numbers, best):
    assert topk(numbers, 2).values.tolist() == best
    assert topk(Tensor(numbers), 2).values.data.tolist() == best


def test_an_op_is_written_by_its_name():
    assert repr(leaf([1.0]).sum().op) == "sum"
    assert repr((Value(1.0) * 2).op) == "multiply"


def test_a_namedtuple_of_tensors_is_a_list_of_them():
    pair = Pair(leaf([1.0]), leaf([2.0, 3.0]))
    (np.concatenate(pair) * np.array([4.0, 5.0, 6.0])).sum().backward()
    assert (pair.left.grad.tolist(), pair.right.grad.tolist()) == ([4], [5, 6])
    square = lambda x: (np.stack(Pair(x, x * x)) ** 2).sum()  # noqa: E731
    assert hessian(square)(np.array([2.0])).tolist() == [[2 + 12 * 4]]


def test_a_tensor_of_one_element_is_compared_with_approx():
    x = leaf([[1.0, 2.0]])
    assert x.sum() == pytest.approx(3.0 + 1e-9)
    assert x[:, :1] == pytest.approx(1.0)
    assert x.sum() != pytest.approx(3.1)
