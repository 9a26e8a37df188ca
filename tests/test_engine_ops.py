"""The wider table where such ops are known to fail, each value worked out by hand."""

from typing import Any

import numpy as np
import pytest

from groundup.engine import (
    Tensor,
    Value,
    conv1d,
    grad,
    hessian,
    hvp,
    lgamma,
    max_pool,
    random,
    topk,
)
from groundup.engine.value_array import values


def leaf(data) -> Any:
    return Tensor(np.array(data, float), requires_grad=True)


def test_products_with_zeros():
    x = leaf([2.0, 0.0, 3.0])
    np.prod(x).backward()
    assert x.grad.tolist() == [0, 6, 0]
    two_zeros = leaf([0.0, 5.0, 0.0])
    np.prod(two_zeros).backward()
    assert two_zeros.grad.tolist() == [0, 0, 0]
    assert hessian(np.prod)(np.array([0.0, 5.0, 0.0]))[0].tolist() == [0, 0, 5]
    x = leaf([2.0, 0.0, 3.0])
    np.cumprod(x).sum().backward()  # 2 + 2·0 + 2·0·3
    assert x.grad.tolist() == [1, 8, 0]
    assert np.prod(leaf([])).data == 1


def test_a_singular_determinant_has_a_gradient_at_every_order():
    x = leaf([[1.0, 2.0], [2.0, 4.0]])
    np.linalg.det(x).backward()
    assert x.grad.tolist() == [[4, -2], [-2, 1]]
    second = hessian(np.linalg.det)(np.zeros((2, 2)))
    assert second[0, 0].tolist() == [[0, 0], [0, 1]]
    assert second[0, 1].tolist() == [[0, 0], [-1, 0]]


def test_a_determinant_that_is_0_but_for_rounding_has_its_gradient():
    first, second = np.array([0.7, 0.4, 0.1]), np.array([-0.4, -0.3, -0.9])
    x = leaf([first, second, 0.3 * first + 0.7 * second])
    det: Any = np.linalg.det(x)
    assert 0 < abs(det.data) < 1e-16
    det.backward()
    np.testing.assert_allclose(x.grad[2], np.cross(first, second), rtol=1e-12)


def test_equal_eigenvalues_have_gradients_of_their_values():
    x = leaf(np.eye(3))
    w, v = np.linalg.eigh(x)
    (w * w).sum().backward()  # the sum of the squares of a symmetric matrix, in other words
    np.testing.assert_allclose(x.grad, 2 * np.eye(3))
    projection = (v @ v.T).sum()  # the same whichever vectors they are
    assert np.isfinite(grad(lambda a: np.linalg.eigh(a)[1].sum())(np.eye(3))).all()
    assert projection.requires_grad
    s = np.linalg.svd(leaf(np.eye(2)), compute_uv=False)
    s.sum().backward()
    x = leaf(np.zeros((3, 2)))
    size: Any = np.linalg.norm(x, "nuc")
    size.backward()
    assert np.isfinite(x.grad).all()


def test_results_of_several_parts_are_those_of_numpy():
    a = np.random.default_rng(0).normal(size=(2, 4, 3))
    square = a[:, :3]
    for ours, theirs in (
        (np.linalg.svd(leaf(a), full_matrices=False), np.linalg.svd(a, full_matrices=False)),
        (np.linalg.eigh(leaf(square @ square.swapaxes(1, 2))),
         np.linalg.eigh(square @ square.swapaxes(1, 2))),
        (np.linalg.slogdet(leaf(square)), np.linalg.slogdet(square)),
    ):  # fmt: skip
        assert ours._fields == theirs._fields
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(getattr(one, "data", one), other)
    with pytest.raises(ValueError, match="full_matrices=False"):
        np.linalg.svd(leaf(a))


@pytest.mark.parametrize(
    "options",
    [{"ord": o} for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]
    + [{"ord": 3, "axis": 1}, {"ord": np.inf, "axis": 0}, {"ord": 1, "axis": 1, "keepdims": True}],
)
def test_norms_are_those_of_numpy(options):
    a = np.random.default_rng(0).normal(size=(3, 2))
    np.testing.assert_allclose(
        np.linalg.norm(leaf(a), **options).data, np.linalg.norm(a, **options)
    )


def test_norms_without_a_slope_or_a_meaning():
    x = leaf(np.zeros(3))
    cubic: Any = np.linalg.norm(x, 3)
    cubic.backward()
    assert x.grad.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="ord 0"):
        np.linalg.norm(x, 0)
    with pytest.raises(ValueError, match="ord is 'fro'"):
        np.linalg.norm(leaf(np.eye(2)), 3)
    with pytest.raises(ValueError, match="over 3 axes"):
        np.linalg.norm(leaf(np.ones((2, 2, 2))), 1)


def test_variance_of_a_sample():
    data = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 3.0]])
    options: Any
    for options in ({"ddof": 1}, {"correction": 1}, {"axis": 1, "ddof": 2, "keepdims": True}):
        np.testing.assert_allclose(np.var(leaf(data), **options).data, np.var(data, **options))
        np.testing.assert_allclose(leaf(data).std(**options).data, np.std(data, **options))


def test_a_matrix_that_has_no_inverse_is_named():
    with pytest.raises(np.linalg.LinAlgError, match=r"inv of shape \(2, 2\): Singular"):
        np.linalg.inv(leaf([[1.0, 2.0], [2.0, 4.0]]))
    with pytest.raises(ValueError, match="n, n"):
        np.linalg.solve(leaf(np.eye(2)), leaf(np.ones(3)))


def test_updates_out_of_place():
    x, v = leaf([1.0, 2.0, 3.0]), leaf([10.0, 20.0])
    y = x.at[np.array([0, 0])].add(v)
    assert y.data.tolist() == [31, 2, 3]
    z = x.at[1:].set(v)
    assert z.data.tolist() == [1, 10, 20]
    (y * np.array([1.0, 2.0, 3.0]) + z).sum().backward()
    assert x.grad.tolist() == [1 + 1, 2, 3]
    assert v.grad.tolist() == [1 + 1, 1 + 1]
    assert x.at[0].set(5.0).data.tolist() == [5, 2, 3]
    with pytest.raises(ValueError, match="names one element twice"):
        x.at[np.array([1, 1])].set(v)
    assert x.at[np.array([True, False, True])].set(0.0).data.tolist() == [0, 2, 0]


def test_ties_in_sort_and_topk_keep_their_order():
    x = leaf([2.0, 1.0, 2.0])
    (np.sort(x) * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [10, 1, 100]
    x = leaf([2.0, 1.0, 2.0])
    best, where = topk(x, 1)
    best.sum().backward()
    assert x.grad.tolist() == [1, 0, 0]
    assert where.tolist() == [0]
    with pytest.raises(ValueError, match="4 of 3 numbers"):
        topk(x, 4)


def test_split_cuts_as_numpy_does():
    x = leaf(np.arange(6.0).reshape(2, 3))
    left, right = np.split(x, [1], axis=1)
    assert (left.shape, right.shape) == ((2, 1), (2, 2))
    (right * 2).sum().backward()
    assert x.grad.tolist() == [[0, 2, 2], [0, 2, 2]]
    with pytest.raises(ValueError, match="not 2 equal parts"):
        np.split(x, 2, axis=1)


@pytest.mark.parametrize(("subscripts", "shapes"), [
    ("i...->...", [(2, 3)]),
    ("...i->...", [(2, 3, 2)]),
    ("...,...", [(2, 3), (3,)]),
    ("iij->j", [(2, 2, 3)]),
    ("ij,ij,ij->i", [(2, 3), (2, 3), (2, 3)]),
    ("i,i", [(3,), (3,)]),
    ("iii->i", [(2, 2, 2)]),
    (" ij , jk ", [(2, 3), (3, 2)]),
    (",i->i", [(), (3,)]),
    ("ij,kl->ij", [(2, 3), (2, 2)]),
])  # fmt: skip
def test_einsum_of_any_subscripts(subscripts, shapes):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    tensors = [leaf(a) for a in arrays]
    scalars: list[Any] = [values(a) for a in arrays]
    out = np.einsum(subscripts, *tensors)
    np.testing.assert_allclose(out.data, np.einsum(subscripts, *arrays))
    out.sum().backward()
    np.sum(np.einsum(subscripts, *scalars)).backward()
    for tensor, scalar in zip(tensors, scalars, strict=True):
        expected = np.array([v.grad for v in scalar.flat]).reshape(scalar.shape)
        np.testing.assert_allclose(tensor.grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("subscripts", "shapes", "grads"), [
    ("i,i", [(2,), (1,)], [[1, 1], [1 + 2]]),
    ("ij,ij->i", [(2, 3), (1, 3)], [[[1, 2, 3], [1, 2, 3]], [[1 + 4, 2 + 5, 3 + 6]]]),
    ("ij,ij->i", [(2, 1), (2, 3)], [[[1 + 2 + 3], [4 + 5 + 6]], [[1, 1, 1], [2, 2, 2]]]),
    ("ij,jk->ik", [(1, 1), (2, 1)], [[[1 + 2]], [[1], [1]]]),
    ("...i,...i", [(2, 2), (1, 1)], [[[1, 1], [1, 1]], [[1 + 2 + 3 + 4]]]),
])  # fmt: skip
def test_einsum_stretches_a_size_of_1(subscripts, shapes, grads):
    arrays = [np.arange(1.0, 1 + np.prod(shape)).reshape(shape) for shape in shapes]
    tensors = [leaf(a) for a in arrays]
    out = np.einsum(subscripts, *tensors)
    np.testing.assert_array_equal(out.data, np.einsum(subscripts, *arrays))
    out.sum().backward()
    assert [x.grad.tolist() for x in tensors] == grads
    first = lambda a: (np.einsum(subscripts, a, *arrays[1:]) ** 2).sum()  # noqa: E731
    assert hessian(first)(arrays[0]).shape == (*shapes[0], *shapes[0])


@pytest.mark.parametrize("n", [3, 20, 60])
def test_the_gradient_of_a_determinant_is_its_inverse_also_of_large_matrices(n):
    a = np.random.default_rng(0).normal(size=(n, n))
    assert np.linalg.cond(a) < 1e3
    np.testing.assert_allclose(
        grad(np.linalg.det)(a), np.linalg.det(a) * np.linalg.inv(a).T, rtol=1e-9
    )


def test_gradients_of_solving_are_derivatives_of_the_inverse():
    a, b = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, 2.0])
    by_solve = grad(lambda m: (np.linalg.solve(m, b) ** 2).sum())(a)
    by_inverse = grad(lambda m: ((np.linalg.inv(m) @ b) ** 2).sum())(a)
    np.testing.assert_allclose(by_solve, by_inverse, atol=1e-12)


def test_einsum_takes_the_option_optimize():
    a, b = leaf([[1.0, 2.0]]), leaf([3.0, 4.0])
    np.einsum("ij,j->i", a, b, optimize=False).sum().backward()
    assert a.grad.tolist() == [[3, 4]]
    np.einsum("ij,j->i", a, [3.0, 4.0]).sum().backward()
    assert a.grad.tolist() == [[6, 8]]


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda x: np.diag(x.reshape(1, 2, 2)), ValueError, "a vector or a matrix"),
    (lambda x: max_pool(x, 2), TypeError, "size is a tuple"),  # type: ignore[arg-type]
    (lambda x: max_pool(x, (2,), padding=2), ValueError, "more than half"),
    (lambda x: conv1d(x, np.ones((1, 1, 2))), ValueError, "needs x"),
    (lambda x: conv1d(x.reshape(1, 1, 4), np.ones((1, 1, 5))), ValueError, "pad the array"),
    (lambda x: lgamma(-x), ValueError, "above 0"),
    (lambda x: np.tensordot(x, np.ones(3), 1), ValueError, "must be equal"),
])  # fmt: skip
def test_errors_of_the_wider_table(call, error, words):
    with pytest.raises(error, match=words):
        call(leaf(np.ones((2, 2))))


def test_borders():
    x = leaf([1.0, 2.0])
    np.pad(x, (1, 2), mode="edge").sum().backward()
    assert x.grad.tolist() == [2, 3]
    assert np.pad(x, 1, constant_values=7.0).data.tolist() == [7, 1, 2, 7]
    with pytest.raises(ValueError, match="mode is constant, edge"):
        np.pad(x, 1, mode="mean")
    with pytest.raises(ValueError, match="0 or more"):
        np.pad(x[:1], (-1, 1))


@pytest.mark.parametrize("draw", [random.normal, random.uniform, random.gumbel])
def test_draws_move_with_their_parameters(draw):
    low, high = leaf([1.0, 2.0]), leaf([3.0, 5.0])
    x = draw(low, high, size=(4, 2), rng=0)
    assert np.array_equal(x.data, draw(low.data, high.data, size=(4, 2), rng=0))
    x.sum().backward()
    moved = draw(low.data, high.data + 1e-3, size=(4, 2), rng=0).sum(0) - x.data.sum(0)
    np.testing.assert_allclose(high.grad, moved / 1e-3)
    assert draw(Value(1.0), 2.0, rng=0).requires_grad


def test_hessian_vector_product():
    x, v = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 0.5])
    f = lambda x: np.prod(x) ** 2  # noqa: E731
    np.testing.assert_allclose(hvp(f, x, v), hessian(f)(x) @ v)
    with pytest.raises(ValueError, match="a vector of shape"):
        hvp(f, x, v[:2])
