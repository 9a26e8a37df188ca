"""Tensor: numpy's conventions, widths, gradients worked out by hand, errors."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from groundup.engine import (
    Tensor,
    Value,
    cross_entropy,
    embedding,
    layer_norm,
    no_grad,
    scaled_dot_product_attention,
    softmax,
)


def leaf(data, **kwargs):
    return Tensor(np.array(data, float), requires_grad=True, **kwargs)


def test_numpy_code_differentiates_as_it_stands():
    x, w = leaf([[1.0, 2.0]]), leaf([[3.0], [4.0]])
    out = np.sum(np.tanh(np.matmul(x, w) / 10) ** 2)
    out.backward()
    t = np.tanh(1.1)
    slope = 2 * t * (1 - t * t) / 10
    np.testing.assert_allclose(x.grad, slope * w.data.T)
    np.testing.assert_allclose(w.grad, slope * x.data.T)


def test_only_leaves_keep_a_gradient_unless_asked():
    x = leaf([1.0, 2.0])
    y = x * 2
    z = (y * 3).retain_grad()
    assert [t.grad for t in (x, y, z)] == [None, None, None]
    z.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]
    assert y.grad is None
    assert z.grad.tolist() == [1.0, 1.0]


def test_gradients_add_up_until_zeroed_and_may_be_assigned():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = [1, 1]
    assert x.grad.dtype == x.dtype
    x.zero_grad()
    assert x.grad is None
    with pytest.raises(ValueError, match=r"grad of shape \(3,\)"):
        x.grad = np.ones(3)


def test_a_gradient_is_its_own_array():
    a, b = leaf([1.0]), leaf([1.0])
    (a + b).backward(np.array([1.0]))
    a.grad += 5
    assert b.grad.tolist() == [1.0]


def test_one_node_twice_and_in_two_losses():
    x = leaf([3.0])
    y = x * x
    (y + x).sum().backward()
    (y * 2).sum().backward()
    assert x.grad.tolist() == [7.0 + 12.0]


def test_broadcasting_is_undone():
    x, row, column, number = leaf(np.ones((2, 3))), leaf([1, 2, 3]), leaf([[1], [2]]), leaf(2.0)
    (x * row * column * number).sum().backward()
    assert x.grad.tolist() == [[2, 4, 6], [4, 8, 12]]
    assert row.grad.tolist() == [6, 6, 6]
    assert column.grad.tolist() == [[12], [12]]
    assert number.grad.shape == ()
    assert number.grad == 18


def test_seed():
    x = leaf([1.0, 2.0])
    (x * x).backward(np.array([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 40.0]
    leaf([[1.0]]).backward()  # one number needs no seed
    with pytest.raises(RuntimeError, match=r"shape \(2,\).*sum"):
        (x * x).backward()
    with pytest.raises(ValueError, match="seed of shape"):
        (x * x).backward(np.ones(3))


@pytest.mark.parametrize("shapes", [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)),
    ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 2)),
    ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0, 2, 3), (3, 2)),
])  # fmt: skip
def test_matmul_of_any_batch_shape(shapes):
    rng = np.random.default_rng(0)
    a, b = (leaf(rng.normal(size=shape)) for shape in shapes)
    out = a @ b
    np.testing.assert_allclose(out.data, a.data @ b.data)
    seed = rng.normal(size=out.shape)
    out.backward(seed)
    # ∂/∂a of Σ seed · (a @ b), by its definition as a sum over indices.
    full_a = a.data[None] if a.ndim == 1 else a.data
    full_b = b.data[:, None] if b.ndim == 1 else b.data
    batch = np.broadcast_shapes(full_a.shape[:-2], full_b.shape[:-2])
    g = seed.reshape(*batch, full_a.shape[-2], full_b.shape[-1])
    in_a, in_b = g @ np.swapaxes(full_b, -1, -2), np.swapaxes(full_a, -1, -2) @ g
    for tensor, own, full in ((a, full_a.shape, in_a), (b, full_b.shape, in_b)):
        full = full.sum(axis=tuple(range(full.ndim - len(own))))
        stretched = tuple(i for i, n in enumerate(own) if n == 1 != full.shape[i])
        full = full.sum(axis=stretched, keepdims=True)
        np.testing.assert_allclose(tensor.grad, full.reshape(tensor.shape), atol=1e-12)


def test_indexing_with_repeats_adds_up():
    x = leaf([1.0, 2.0, 3.0])
    x[[0, 0, 2]].sum().backward()
    assert x.grad.tolist() == [2, 0, 1]
    x = leaf(np.arange(6.0).reshape(2, 3))
    (x[x > 2] * 2).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [2, 2, 2]]
    x = leaf(np.arange(6.0).reshape(2, 3))
    x[Tensor([1]), ::-1].sum().backward()
    assert x.grad.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_ties_go_to_the_first():
    x = leaf([2.0, 5.0, 5.0])
    x.max().backward()
    assert x.grad.tolist() == [0, 1, 0]
    x = leaf([[1.0, 1.0], [1.0, 1.0]])
    x.max(axis=(0, 1)).backward()
    assert x.grad.tolist() == [[1, 0], [0, 0]]
    a, b = leaf([1.0, 2.0]), leaf([1.0, 3.0])
    np.maximum(a, b).sum().backward()
    assert a.grad.tolist() == [1, 0]
    assert b.grad.tolist() == [0, 1]


def test_infinities_of_a_branch_not_taken_stay_there():
    x = leaf([0.0, 4.0])
    with np.errstate(divide="ignore"):
        np.where(x.data > 0, np.log(np.where(x.data > 0, x, 1.0)), 0.0).sum().backward()
    assert x.grad.tolist() == [0, 0.25]


def test_a_row_that_may_look_nowhere_gives_zeros():
    q, k, v = (leaf(np.ones((2, 3))) for _ in range(3))
    mask = np.array([[True, True], [False, False]])
    out = scaled_dot_product_attention(q, k, v, mask)
    assert out.data[1].tolist() == [0, 0, 0]
    out.sum().backward()
    assert all(np.isfinite(t.grad).all() for t in (q, k, v))
    assert softmax(np.full(2, -np.inf)).tolist() == [0, 0]


def test_cross_entropy_with_all_ignored_is_zero():
    logits = leaf(np.ones((2, 3)))
    loss = cross_entropy(logits, np.array([-100, -100]))
    loss.backward()
    assert loss.item() == 0.0
    assert not logits.grad.any()


def test_huge_logits():
    logits = leaf([[1e4, -1e4, 0.0]])
    loss = cross_entropy(logits, np.array([1]))
    loss.backward()
    assert loss.item() == 2e4
    assert np.isfinite(logits.grad).all()


def test_dtypes():
    assert Tensor([1.0, 2.0]).dtype == np.float64
    half = Tensor(np.array([1, 2], np.float32))
    assert half.dtype == np.float32
    for weak in (2, 2.0, np.float64(2), np.ones(2), np.arange(2), Tensor([1, 2])):
        assert (half * weak).dtype == np.float32
        assert (weak * half).dtype == np.float32
    assert (half * Tensor([1.0, 2.0])).dtype == np.float64
    x, y = Tensor(np.array([1, 2], np.float32), requires_grad=True), leaf([1.0, 2.0])
    (x * y).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)
    wide = Tensor(np.array([1, 2], np.float32), requires_grad=True)
    (wide.astype(np.float64) ** 2).sum().backward()
    assert wide.grad.dtype == np.float32


def test_without_a_float_tensor_the_width_is_numpy_s():
    table = np.ones((3, 2), np.float32)
    assert embedding(table, Tensor([0, 1])).dtype == np.float32
    assert (Tensor(np.array([1], np.int8)) * table).dtype == np.float32


def test_constant_functions_give_plain_arrays():
    x = leaf([[1.0, 3.0]])
    for plain in (np.argmax(x), np.zeros_like(x), x > 2, np.isnan(x), np.sign(x), np.argsort(x)):
        assert isinstance(plain, np.ndarray | np.generic)
    assert np.shape(x) == (1, 2)
    assert np.allclose(x, [[1, 3]])


def test_data_may_be_assigned_and_what_used_it_refuses():
    x = leaf([1.0, 2.0], name="weight")
    y = (x * x).sum()
    y.backward()
    x.data -= 0.1 * x.grad  # legal after backward
    with pytest.raises(RuntimeError, match=r"'weight'.*changed"):
        y.backward()
    assert x.grad.tolist() == [2.0, 4.0]
    x.data = [1, 2]
    assert x.dtype == np.float64
    with pytest.raises(ValueError, match="shape"):
        x.data = np.ones(3)
    with pytest.raises(TypeError, match="float64 data assigned to a Tensor of int64"):
        Tensor([1, 2]).data = np.ones(2)


def test_a_constant_that_changed_makes_the_gradient_wrong_too():
    w, x = leaf([2.0]), Tensor([3.0])
    y = w * x
    x.data = [4.0]
    with pytest.raises(RuntimeError, match="changed"):
        y.backward()
    assert w.grad is None


def test_copies_and_pickles():
    x = leaf([1.0, 2.0], name="x")
    x.grad = [3.0, 4.0]
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert other.data.tolist() == [1, 2]
        assert other.grad.tolist() == [3, 4]
        assert (other.name, other.requires_grad) == ("x", True)
        other.data[0] = 9
        assert x.data[0] == 1
    with pytest.raises(TypeError, match="detach"):
        copy.deepcopy(x * 2)


def test_the_array_handed_in_is_copied():
    array = np.ones(2)
    x = Tensor(array)
    array[0] = 9
    assert x.data[0] == 1


def test_options_by_name_reach_the_rule():
    x, w, b = leaf([[1.0, 2.0, 4.0]]), leaf([1.0, 2.0, 3.0]), leaf([0.0, 0.0, 0.0])
    layer_norm(x, bias=b, weight=w).sum().backward()
    assert b.grad.tolist() == [1, 1, 1]
    assert w.grad is not None
    total: Any = np.sum(a=x, axis=-1)
    total.backward()


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda x: x + np.ones(3), ValueError, r"add of shapes \(2,\) and \(3,\).*equal, or 1"),
    (lambda x: x @ np.ones((3, 3)), ValueError, r"matmul of shapes \(2,\) and \(3, 3\).*last"),
    (lambda x: x @ 2.0, ValueError, r"matmul of shapes \(2,\) and \(\):.*number, multiply with \*"),
    (lambda x: np.stack([x, np.ones(3), x]), ValueError, r"^stack of shapes \(2,\) and \(3,\)"),
    (lambda x: np.concatenate((x, x[None])), ValueError, r"^conc.*\(2,\) and \(1, 2\): all must"),
    (lambda x: np.vstack([x, x[:1]]), ValueError, r"^vstack: conc.*\(1, 2\) and \(1, 1\)"),
    (lambda x: np.hstack([x[None], x]), ValueError, "^hstack: concatenate of"),
    (lambda x: np.column_stack([x, x[:1]]), ValueError, "^column_stack: concatenate of"),
    (lambda x: np.stack([x, x], axis=2), ValueError, "^stack.*axis 2 is out of bounds"),
    (lambda x: np.split(x, 2, axis=9), ValueError, "^split: axis 9 is out of bounds"),
    (lambda x: np.where([True] * 3, x, x), ValueError, r"where of shapes \(3,\) and \(2,\)"),
    (lambda x: np.average(x, weights=x[:1]), ValueError, r"average: weights .*\(1,\).*\(2,\)"),
    (lambda x: np.linalg.solve(np.ones((2, 2)), x), np.linalg.LinAlgError, "solve.*Singular"),
    (lambda x: x.reshape(3), ValueError, r"reshape.*size 2.*\(3,\)"),
    (lambda x: layer_norm(x, np.ones(3)), ValueError, "layer_norm of shapes"),
    (lambda x: Tensor([1, 2], requires_grad=True), TypeError, "int64.*1.0"),
    (lambda x: x.backward([1j, 1]), TypeError, "seed: real numbers, not complex"),
    (lambda x: setattr(x, "grad", [1j, 1]), TypeError, "grad of a Tensor: real numbers"),
    (lambda x: Value(1.0).backward(1j), TypeError, "seed: real numbers, not complex"),
    (lambda x: setattr(Value(1.0), "grad", np.complex128(1j)), TypeError, "grad of a Value: real"),
    (lambda x: np.array_split(x, 0), ValueError, "array_split: 1 part or more, not 0"),
    (lambda x: Tensor(["a"]), TypeError, "real numbers"),
    (lambda x: Tensor([1j]), TypeError, "complex128"),
    (lambda x: Tensor(x), TypeError, "Tensor of a Tensor"),
    (lambda x: np.asarray(x), TypeError, r"\.data.*\.item"),
    (lambda x: float(x[0]), TypeError, r"\.item\(\).*\.data"),
    (lambda x: np.add.reduce(x), TypeError, "np.add.reduce.*np.sum"),
    (lambda x: np.exp(x, out=np.zeros(2)), TypeError, "np.exp into an array"),
    (lambda x: np.zeros(2).__iadd__(x), TypeError, "into an array"),
    (lambda x: np.sum(x, dtype=float), TypeError, "sum.*dtype"),
    (lambda x: bool(x), ValueError, "ambiguous"),
    (lambda x: x.__setitem__(0, 1.0), TypeError, "in place"),
    (lambda x: embedding(np.eye(2), np.array([-1])), IndexError, "id -1"),
    (lambda x: embedding(np.eye(2), np.array([2])), IndexError, "id 2.*2 rows"),
    (lambda x: embedding(np.eye(2), np.array([0.5])), TypeError, "integers"),
    (lambda x: cross_entropy(np.eye(2), np.array([0, 2])), IndexError, "target 2 is no class"),
    (lambda x: cross_entropy(np.eye(2), np.array([0])), ValueError, r"need targets \(2,\)"),
    (lambda x: x.detach().backward(np.ones(2)), RuntimeError, "requires_grad=True"),
])  # fmt: skip
def test_errors_name_the_thing_and_the_way_out(call, error, words):
    with pytest.raises(error, match=words):
        call(leaf([1.0, 2.0]))


def test_an_integer_tensor_that_was_told_to_require_a_gradient_is_refused_where_it_is_used():
    x = Tensor([1, 2])
    x.requires_grad = True
    for use in (lambda: x * 2.0, lambda: np.sum(x), lambda: np.stack([x, x])):
        with pytest.raises(TypeError, match=r"int64 cannot require a gradient.*1\.0"):
            use()


def test_a_tensor_is_no_text():
    x = leaf([1.0, 2.0])
    assert (x == "a", x != "a", x in ["a"]) == (False, True, False)


def test_under_no_grad_nothing_is_kept():
    x = leaf([1.0])
    with no_grad():
        y = layer_norm(x * 2)
    assert y.args == ()
    assert not y.requires_grad
