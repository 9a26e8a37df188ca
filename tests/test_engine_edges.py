"""Edges where engines are known to fail, each with the value worked out by hand."""

import math
import operator
import tracemalloc
from typing import Any

import numpy as np
import pytest

from groundup.engine import (
    Tensor,
    Value,
    cross_entropy,
    erf,
    grad,
    graph,
    jacobian,
    jvp,
    linear,
    log_softmax,
    no_grad,
    op,
    relu,
    scaled_dot_product_attention,
    softmax,
    vjp,
)
from groundup.engine.check import GradientError, gradcheck
from groundup.engine.graph import walk
from groundup.engine.op import TABLE
from groundup.engine.value_array import values
from groundup.viz.rules import Name


def leaf(data, dtype=float) -> Any:
    return Tensor(np.array(data, dtype), requires_grad=True)


def test_the_guard_sees_ops_of_three_arguments_and_a_changed_result():
    x, w, b = leaf([[1.0]]), leaf([[2.0]]), leaf([0.0])
    y = linear(x, w, b).sum()
    w.data = [[3.0]]
    with pytest.raises(RuntimeError, match="changed"):
        y.backward()
    y = np.exp(leaf(1.0))
    y.data = 5.0
    with pytest.raises(RuntimeError, match="changed"):
        y.backward()


def test_the_guard_sees_a_view_that_was_written_through():
    x = leaf([1.0, 2.0])
    y, view = (x * x).sum(), x.reshape(2, 1)
    view.data += 4
    with pytest.raises(RuntimeError, match="changed"):
        y.backward()


def test_a_change_at_the_end_of_many_views_reaches_the_array_that_they_show():
    x = leaf([1.0, 2.0])
    y, view = (x * x).sum(), x
    for _ in range(10_000):
        view = view[:]
    view.data -= 1
    assert x.data.tolist() == [0, 1]
    with pytest.raises(RuntimeError, match="changed"):
        y.backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [0, 2]


@pytest.mark.parametrize("view", [
    lambda x: x[:2], lambda x: x.reshape(4), lambda x: x.T, lambda x: x[1:][::-1], np.squeeze,
])  # fmt: skip
@pytest.mark.parametrize("recorded", [True, False])
def test_a_view_that_is_a_constant_is_guarded_as_what_it_shows(view, recorded):
    p, x = leaf(2.0), Tensor([[10.0, 20.0], [30.0, 40.0]], requires_grad=not recorded)
    shown = view(x) if not recorded else no_grad(view)(x)
    y = (p * shown).sum()
    x.data -= 1
    with pytest.raises(RuntimeError, match="changed"):
        y.backward()
    (p * view(x)).sum().backward()
    z, shown = (p * x).sum(), view(x)
    shown.data += 1  # and the other way round
    with pytest.raises(RuntimeError, match="changed"):
        z.backward()


def test_a_view_keeps_the_numbers_of_an_array_that_was_replaced():
    p, x = leaf(2.0), Tensor([10.0, 20.0])
    y = (p * x[:1]).sum()
    x.data = [0.0, 0.0]
    x.data -= 1
    y.backward()
    assert p.grad == 10


def test_what_was_written_is_forgotten_with_its_array():
    x = leaf([1.0, 2.0])
    memory = id(graph.owner(x[:1].data))
    x.data -= 1
    assert memory in graph.written
    del x
    assert memory not in graph.written


def test_what_is_detached_is_a_copy():
    x = leaf([1.0, 2.0])
    y, copied = (x * x).sum(), x.detach()
    copied.data -= 1
    y.backward()
    assert x.grad.tolist() == [2, 4]


@pytest.mark.parametrize("join", [np.stack, np.concatenate])
def test_a_list_may_grow_or_change_after_the_op(join):
    x = leaf([1.0])
    outs: list = []
    h, loss = x, leaf(0.0)
    for _ in range(3):
        h = h * 2
        outs.append(h)
        loss = loss + join(outs).sum()
    loss.backward()
    assert x.grad.tolist() == [2 + (2 + 4) + (2 + 4 + 8)]
    x, z = leaf([1.0]), leaf([1.0])
    parts = [x * 2, z * 3]
    y = join(parts).reshape(-1) @ np.array([1.0, 10.0])
    parts.reverse()
    y.backward()
    assert (x.grad[0], z.grad[0]) == (2, 30)


def test_lists_in_an_index_may_change_after_the_op():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    rows, columns = [0, 1], [1, 1]
    y = x[rows, columns]
    z = x.at[rows, columns].add(1.0) * np.array([[1.0, 10.0], [100.0, 1000.0]])
    rows.reverse()
    columns[:] = [0, 0]
    (y * np.array([5.0, 7.0])).sum().backward()
    assert x.grad.tolist() == [[0, 5], [0, 7]]
    x.zero_grad()
    z.sum().backward()
    assert x.grad.tolist() == [[1, 10], [100, 1000]]
    rows = [1, 1]
    y = x[rows]
    rows[0] = 0
    x.zero_grad()
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0], [2, 2]]


def test_a_list_of_tensors_is_no_operand():
    with pytest.raises(TypeError, match=r"multiply: a list of Tensors.*np\.stack"):
        Tensor([1.0, 2.0]) * [leaf(1.0), leaf(2.0)]


def test_one_tensor_may_be_concatenated_along_itself():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    (np.concatenate(x) * np.arange(4.0)).sum().backward()
    assert x.grad.tolist() == [[0, 1], [2, 3]]
    assert grad(lambda v: (np.concatenate(v) ** 3).sum())(x).data.tolist() == [[3, 12], [27, 48]]


@pytest.mark.parametrize(("f", "slope"), [
    (lambda x: jvp(lambda y: y * x, (3.0,), (1.0,))[1], 1),
    (lambda x: jvp(lambda y: y * x, (3.0,), (1.0,))[0], 3),
    (lambda x: jvp(lambda y: y * y, (3.0,), (x,))[1], 6),
    (lambda x: jvp(lambda y, z: y * z, (3.0, x), (1.0, 0.0))[1], 1),
    (lambda x: vjp(lambda y: y * y, 5.0)[1](x)[0], 10),
    (lambda x: grad(lambda y: x * y)(3.0) * x, 4),
])  # fmt: skip
def test_outer_variables_reach_every_derivative_inside(f, slope):
    assert grad(f)(2.0) == slope


def test_a_derivative_that_ignores_the_outer_variable_is_plain():
    seen = []

    def f(x):
        seen.append(grad(lambda y: y * y)(3.0))
        return x

    grad(f)(2.0)
    assert type(seen[0]) is float


def test_values_and_floats_in_one_vjp():
    out, pullback = vjp(lambda a, b: a * b, Value(2.0), 3.0)
    assert out.data == 6.0
    in_a, in_b = pullback(1.0)
    assert (in_a.data, in_b) == (3.0, 2.0)


def test_seeds():
    a = Value(2.0)
    (a * 3).backward(0.0)
    assert a.grad == 0.0
    x = leaf([1.0], np.float32)
    x.backward(np.ones(1))
    (x * 1).backward(Tensor([1]))
    x.backward(Tensor([1.0]))
    assert x.grad.dtype == np.float32
    assert x.grad[0] == 3


def test_a_value_s_data_and_grad_stay_floats():
    a: Any = Value(1.0, name="a")
    a.data = np.float32(2)
    a.grad = np.float32(1)
    (a * 2).backward()
    assert (type(a.data), type(a.grad), a.grad) == (float, float, 3.0)
    a.grad = None
    assert a.grad == 0.0
    assert a.detach().name == "a"
    with pytest.raises(TypeError, match="one number"):
        a.data = "2"


def test_negative_bases():
    for kind in (Value, leaf):
        a, b = kind(-1.0), kind(2.0)
        with np.errstate(invalid="ignore"):
            (a**b).backward()
        assert math.isnan(float(b.grad))
        assert float(a.grad) == -2


def test_an_assigned_or_held_gradient_is_not_written():
    x, g = leaf([1.0]), np.ones(1)
    x.grad = g
    x.grad += 1
    assert g[0] == 1
    held = x.grad
    (x * 1).sum().backward()
    assert held[0] == 2
    assert x.grad[0] == 3


def test_the_widest_wins_on_either_side():
    half, whole = leaf([1.0], np.float32), leaf([1.0])
    assert (half * whole).dtype == (whole * half).dtype == np.float64
    assert erf(np.ones(2, np.float32)).dtype == np.float32


def test_no_grad_in_many_forms():
    x = leaf([1.0, 3.0])
    off = no_grad()
    for _ in range(2):
        with off, off:
            assert not x.astype(np.float32).requires_grad
    assert (x * 2).requires_grad

    @no_grad
    def constant():
        return x * 2

    assert not constant().requires_grad
    y = np.var(x)
    with no_grad():
        y.backward(Tensor(1.0))
    assert x.grad.tolist() == [-1, 1]


def test_empty_jacobian_and_own_arrays():
    assert jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
    x = np.ones((2, 3))
    assert not np.shares_memory(vjp(np.transpose, x)[0], x)
    gradient = grad(lambda v: v.sum())(np.ones(2))
    gradient[0] = 5  # the caller's own
    assert gradient.tolist() == [5, 1]


def test_tensors_by_keyword_only():
    x = leaf([1.0, 2.0])
    softmax(x=x)[0].backward()
    assert x.grad is not None


def test_formulas_keep_their_parentheses():
    a, b, c = (Name(n, np.ones(2)) for n in "abc")
    written = [a / (b / c), (a**b) ** c, -(a + b), a[0:1], a - (b - c), (a + b) * c]
    assert [repr(formula) for formula in written] == [
        *("a / (b / c)", "(a**b)**c", "−(a + b)", "a[0:1]", "a − (b − c)", "(a + b) · c"),
    ]


@pytest.mark.parametrize("kind", [leaf, Value])
def test_nan_and_infinity_in_choices(kind):
    assert math.isnan(np.maximum(kind(math.nan), 1.0).data)
    assert math.isnan(np.minimum(1.0, kind(math.nan)).data)
    assert math.isnan(relu(kind(math.nan)).data)
    a = kind(math.inf)
    abs(a).backward()
    assert a.grad == 1
    lost = kind(-1.0)
    np.maximum(lost, 0.0).backward()
    assert lost.grad == 0
    lost = kind(math.inf)
    untaken: Any = np.where(False, lost, 2.0)
    (untaken * math.inf).backward()
    assert not lost.grad


def test_a_nan_takes_the_gradient_of_a_maximum():
    x = leaf([1.0, np.nan, 2.0])
    x.max().backward()
    assert x.grad.tolist() == [0, 1, 0]
    a, b = leaf([np.nan]), leaf([1.0])
    np.maximum(a, b).sum().backward()
    assert a.grad[0] == 1
    assert b.grad[0] == 0


def test_concatenate_flat():
    a, b = leaf(np.ones((2, 2))), leaf(np.ones((3, 1)))
    (np.concatenate([a, b], axis=None) * np.arange(7.0)).sum().backward()
    assert a.grad.tolist() == [[0, 1], [2, 3]]
    assert b.grad.ravel().tolist() == [4, 5, 6]


def test_rows_of_nothing():
    weight = leaf(np.zeros((3, 0)))
    linear(leaf(np.zeros((2, 0))), weight).sum().backward()
    assert weight.grad.shape == (3, 0)


def test_ignored_targets():
    x = leaf(np.eye(3))
    cross_entropy(x, np.array([0, 1, 1]), ignore_index=1).backward()
    assert x.grad[0].any()
    assert not x.grad[1:].any()
    with pytest.raises(TypeError, match="integers"):
        cross_entropy(x, np.array([0.0, 1.0, 1.0]))
    hopeless = Tensor([[0.0, 1.0], [-np.inf, -np.inf]])
    gradient = grad(lambda z: cross_entropy(z, np.array([0, -100])))(hopeless)
    assert np.isfinite(gradient.data).all()
    on_values: Any = values(np.ones((2, 3)))
    loss = cross_entropy(on_values, np.array([-100, -100]))
    loss.backward()
    assert loss.data == 0
    assert all(v.grad == 0 for v in on_values.flat)


def test_class_weights_are_constants_at_every_order():
    x, targets, w = np.eye(3), np.array([0, 1, 2]), np.array([1.0, 2.0, 0.5])

    def curved(weight):
        loss = lambda z: cross_entropy(z, targets, weight=weight, label_smoothing=0.1)  # noqa: E731
        return grad(lambda z: (grad(loss)(z) ** 2).sum())(x)

    assert np.array_equal(curved(Tensor(w)), curved(w))


def test_attention_mask_with_causal_and_scale_against_softmax():
    q, k, v = np.random.default_rng(0).normal(size=(3, 3, 2))
    mask = np.array([[True, True, True], [False, True, True], [True, False, True]])
    scores = np.where(mask & (np.tri(3) > 0), 0.3 * q @ k.T, -np.inf)
    got = scaled_dot_product_attention(leaf(q), k, v, mask, is_causal=True, scale=0.3)
    np.testing.assert_allclose(got.data, softmax(scores) @ v)


@pytest.mark.parametrize("kind", [leaf, values, np.asarray])
def test_a_mask_is_of_booleans_or_of_floats(kind):
    q, v = kind(np.ones((2, 2))), np.array([[1.0, 2.0], [3.0, 4.0]])
    for mask in ([[True, False], [False, True]], [[0.0, -np.inf], [-np.inf, 0.0]]):
        out: Any = scaled_dot_product_attention(q, q, v, mask)
        numbers = np.vectorize(lambda x: getattr(x, "data", x))(getattr(out, "data", out))
        assert numbers.tolist() == v.tolist()
    for ints in (np.eye(2, dtype=int), [[1, 0], [0, 1]]):
        with pytest.raises(TypeError, match=r"attn_mask of int64.*mask == 1"):
            scaled_dot_product_attention(q, q, v, ints)


def test_nothing_to_look_at():
    q = leaf(np.ones((2, 3)))
    keys = np.zeros((0, 3))
    attend = lambda v: scaled_dot_product_attention(v, keys, keys)  # noqa: E731
    assert attend(q).data.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert not grad(lambda v: attend(v).sum())(q).data.any()
    assert softmax(np.zeros((2, 0))).shape == (2, 0)
    assert log_softmax(np.full(2, -np.inf)).tolist() == [-np.inf, -np.inf]


def test_an_op_of_a_user_s_may_be_called_as_a_method_of_value_is():
    @op(lambda g, out, a: 2 * g)
    def log(a):
        return a * 2

    try:
        on_values: Any = values([1.0, 2.0])
        assert [v.data for v in log(on_values)] == [2, 4]
    finally:
        del TABLE[log]


def test_an_array_of_values_is_no_result_to_differentiate():
    with pytest.raises(TypeError, match="an array of Values; return one"):
        vjp(lambda v: np.array([v * 1, v * 2], object), Value(2.0))


def test_rules_that_are_missing_or_wrong_say_so():
    with pytest.raises(TypeError, match=r"takes \(g, out, \*args\)"):
        op(lambda x, y: x)(lambda a: a)
    with pytest.raises(TypeError, match="2 rules, and fewer arguments"):
        op(lambda g, out, a: g, lambda g, out, a: g)(lambda a: a)

    @op(lambda g, out, a, b: g * b)
    def half(a, b):
        return a * b

    @op(lambda g, out, a: np.ones(5))
    def stray(a):
        return a * 1

    @op(lambda g, out, a: g * np.nan)
    def spoiled(a):
        return a * 1

    try:
        with pytest.raises(TypeError, match="half has no rule for its argument 1"):
            half(leaf(1.0), leaf(2.0)).backward()
        with pytest.raises(ValueError, match=r"share of shape \(5,\)"):
            stray(leaf([1.0, 2.0])).sum().backward()
        with pytest.raises(GradientError):
            gradcheck(spoiled, np.ones(2))
    finally:
        for fn in (half, stray, spoiled):
            del TABLE[fn]


@pytest.mark.parametrize(("call", "words"), [
    (lambda x: x * 1j, "complex128, which has no gradient"),
    (lambda x: np.convolve(x, x), "convolve has no derivative"),
    (lambda x: np.exp(x, dtype=np.float32), "exp here takes its arguments alone, not dtype"),
    (lambda x: [1, 2][x[0]], r"\.item\(\)"),
    (lambda x: np.median(x), "np.median has no derivative"),
])  # fmt: skip
def test_more_errors_say_what_to_do(call, words):
    with pytest.raises(TypeError, match=words):
        call(leaf([1.0, 2.0]))


def test_what_was_frozen_after_the_forward_pass_gets_no_gradient():
    for f in (lambda x: x * 2.0, lambda x: x[1:], np.exp, lambda x: np.stack([x, x])):
        x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
        loss = f(x).sum() + y.sum()
        x.requires_grad_(False)
        loss.backward()
        assert x.grad is None
        assert y.grad.tolist() == [1, 1]


def test_a_constant_on_either_side():
    one: Any
    for one in (Value(3.0, requires_grad=False), Tensor([3.0])):
        for f in (operator.mul, operator.add, operator.truediv, operator.sub):
            for swapped in (False, True):
                other: Any = Value(2.0) if isinstance(one, Value) else leaf([2.0])
                out = f(other, one) if swapped else f(one, other)
                out.backward()
                assert one.grad is None or one.grad == 0.0
                assert other.grad != 0


def test_an_error_calls_a_chosen_value_a_value():
    a: Any = Value(1.0)
    chosen: Any = np.where(True, a, 2.0)
    a.data = 3.0
    with pytest.raises(RuntimeError, match="data of Value"):
        chosen.backward()


@pytest.mark.parametrize("apart", [0, 3, 63, 64, 65, 1000])
def test_leaves_born_far_apart(apart):
    """The walk counts births down, and takes a heap where they lie far apart."""
    rng = np.random.default_rng(0)
    leaves: list[Any] = []
    products: list[Any] = []
    for i in range(9):
        leaves.append(Value(i + 1.0, name=str(i)))
        for _ in range(apart):
            Value(0.0)
        products.append(math.prod(leaves[int(k)] for k in rng.integers(len(leaves), size=3)))
        products += [products[int(k)] * leaves[i] for k in rng.integers(len(products), size=2)]
    total = sum(products[int(k)] for k in rng.permutation(len(products)))
    order = [node.born for node, _ in walk(total, 1.0)]
    assert order == sorted(order, reverse=True)
    total.backward()
    # Euler's: of a product of n numbers, the numbers times its slopes in them add up to n of it.
    by_hand = sum(degree(product) * product.data for product in products)
    assert sum(leaf.data * leaf.grad for leaf in leaves) == pytest.approx(by_hand)


def degree(product):
    """How many leaves were multiplied."""
    return sum(map(degree, product.parents())) if product.op else 1


def test_parts_of_an_array_are_put_together():
    x = leaf(np.arange(12.0).reshape(3, 4))
    first, second, third = x
    pairs = [
        (first * second + third, np.array([x.data[1], x.data[0], np.ones(4)])),
        (x[0] + x[0] + x[1:].sum(axis=0), np.array([[2.0] * 4, [1.0] * 4, [1.0] * 4])),
        (x[-1] * 2 + x[2], np.array([[0.0] * 4, [0.0] * 4, [3.0] * 4])),
        (x[0, 1:3] + x[..., :2].sum() + x.sum(), None),
        (x[[0, 0]].sum(axis=0) + x[0], np.array([[3.0] * 4, [0.0] * 4, [0.0] * 4])),
    ]
    for out, expected in pairs:
        x.zero_grad()
        out.sum().backward()
        if expected is not None:
            np.testing.assert_array_equal(x.grad, expected)
    by_hand = np.full((3, 4), 2.0)
    by_hand[:, :2] += 2
    by_hand[0, 1:3] += 1
    x.zero_grad()
    pairs[3][0].sum().backward()
    np.testing.assert_array_equal(x.grad, by_hand)


def test_a_product_of_vectors_holds_an_array():
    x = leaf([1.0, 2.0])
    for y in (x @ x, x @ np.array([3.0, 4.0]), np.array([3.0, 4.0]) @ x, Tensor([1.0, 2.0]) @ x):
        assert type(y.data) is np.ndarray
        assert y.shape == ()
    (x @ x).backward()
    assert x.grad.tolist() == [2, 4]


@pytest.mark.parametrize("index", [(), ..., None])
def test_one_number_indexed_and_used_elsewhere(index):
    x = leaf(3.0)
    (x[index].sum() * 5 + (x * 2 + x * 3 + x * 1)).backward()
    assert x.grad == 11
    assert type(x.grad) is np.ndarray
    (x * x).backward()
    assert type(x.grad) is np.ndarray


@pytest.mark.parametrize("build", [
    lambda w, k: sum((w * float(i) for i in range(k)), w[0] * 1.0),
    lambda w, k: sum(w[1:].sum() for _ in range(k)) + w.sum(),
])  # fmt: skip
def test_pieces_do_not_pile_up(build):
    """The gradients that wait for one array take no more than a few of its size."""
    w = leaf(np.ones((2, 100_000)))
    loss = build(w, 40).sum()
    tracemalloc.start()
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * w.data.nbytes
