"""Every op of the table, because it is in the table: rules, kernels, scalars, widths."""

import numpy as np
import pytest
from hypothesis import given, settings

from groundup.engine import Tensor, Value, mse_loss, relu, vjp
from groundup.engine.arguments import each
from groundup.engine.check import check_op
from groundup.engine.check.gradcheck import joined, op_as_function
from groundup.engine.check.strategies import draws
from groundup.engine.graph import nodes
from groundup.engine.op import TABLE
from groundup.engine.samples import RandomDraw
from groundup.engine.value_array import lift, values
from groundup.viz.rules import rules

OPS = [pytest.param(op, id=op.name) for op in TABLE.values()]
every_op = pytest.mark.parametrize("op", OPS)


@every_op
@settings(max_examples=40)
@given(draw=draws())
def test_gradient_equals_finite_differences(op, draw):
    check_op(op, draw)


@every_op
@settings(max_examples=20)
@given(draw=draws())
def test_second_derivative_equals_finite_differences(op, draw):
    check_op(op, draw, order=2)


@every_op
@settings(max_examples=40)
@given(draw=draws())
def test_the_tensor_engine_is_the_scalar_engine_vectorised(op, draw):
    if op.exempt:
        pytest.skip(op.exempt)
    args, kwargs = op.samples(draw)
    call, leaves = op_as_function(op, args, kwargs)
    tensors = [Tensor(leaf, requires_grad=True) for leaf in leaves]
    out = call(*tensors)
    seed = np.linspace(0.5, 1.5, out.size).reshape(out.shape)
    out.backward(seed)

    scalars = [values(leaf) for leaf in leaves]
    remaining = iter(scalars)
    object_args = [to_objects(arg, remaining) for arg in args]
    scalar_out = np.asarray(lift(np.asarray(joined(op.fn(*object_args, **kwargs)), dtype=object)))
    loss = sum((v * s for v, s in zip(scalar_out.flat, seed.flat, strict=True)), Value(0.0))
    loss.backward()

    numbers = np.array([v.data for v in scalar_out.flat]).reshape(scalar_out.shape)
    np.testing.assert_allclose(numbers, out.data, rtol=1e-9, atol=1e-9)
    for tensor, scalar in zip(tensors, scalars, strict=True):
        grads = np.array([v.grad for v in scalar.flat]).reshape(tensor.shape)
        expected = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad
        np.testing.assert_allclose(grads, expected, rtol=1e-9, atol=1e-9)


def to_objects(arg, remaining):
    """An argument with each float array replaced by the next object array."""
    if isinstance(arg, list):
        return [to_objects(item, remaining) for item in arg]
    floats = isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
    return next(remaining) if floats else arg


@every_op
@settings(max_examples=20)
@given(draw=draws())
def test_float32_stays_float32(op, draw):
    args, kwargs = op.samples(draw)
    call, leaves = op_as_function(op, args, kwargs)
    tensors = [Tensor(leaf.astype(np.float32), requires_grad=True) for leaf in leaves]
    out = call(*tensors)
    assert out.dtype == np.float32
    out.backward(np.ones(out.shape))
    assert all(t.grad is None or t.grad.dtype == np.float32 for t in tensors)
    # Its numbers are those of float64, which other tests hold against the oracles.
    wide, pullback = vjp(call, *leaves)
    assert_close_in_float32(out.data, wide)
    for tensor, grad in zip(tensors, pullback(np.ones(np.shape(wide))), strict=True):
        assert_close_in_float32(0 if tensor.grad is None else tensor.grad, grad)


def assert_close_in_float32(narrow, wide):
    scale = max(1.0, float(np.max(np.abs(wide), initial=0)))
    np.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in TABLE.values() if op.kernel])
@settings(max_examples=40)
@given(draw=draws())
def test_kernel_equals_definition(op, draw):
    args, kwargs = op.samples(draw)
    call, leaves = op_as_function(op, args, kwargs)
    out, pullback = vjp(call, *leaves)
    seed = np.linspace(0.5, 1.5, np.size(out)).reshape(np.shape(out))
    by_kernel = pullback(seed)
    # A recorded gradient takes the definition.
    again, recorded = vjp(call, *map(Tensor, leaves))
    np.testing.assert_allclose(out, again.data, rtol=1e-9)
    np.testing.assert_allclose(out, op.definition(*args, **kwargs), rtol=1e-9)
    for one, other in zip(by_kernel, recorded(Tensor(seed)), strict=True):
        np.testing.assert_allclose(one, other.data, rtol=1e-9, atol=1e-12)


@every_op
def test_samples_of_read_only_and_strided_arrays(op):
    for seed in range(10):
        args, kwargs = op.samples(RandomDraw(seed))
        call, leaves = op_as_function(op, args, kwargs)
        plain, pull = vjp(call, *leaves)
        strided = [np.repeat(leaf[..., None], 2, axis=-1)[..., 0] for leaf in leaves]
        tensors = [Tensor(leaf, requires_grad=True) for leaf in strided]
        for tensor, leaf in zip(tensors, strided, strict=True):
            tensor._data = leaf
            leaf.flags.writeable = False
        out = call(*tensors)
        # Not to the last bit: BLAS may take another path for strided arrays.
        np.testing.assert_allclose(out.data, plain, rtol=1e-12, atol=1e-15)
        out.backward(np.ones(out.shape))
        for tensor, grad in zip(tensors, pull(np.ones(np.shape(plain))), strict=True):
            found = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad
            np.testing.assert_allclose(found, grad, rtol=1e-12, atol=1e-15)


@every_op
def test_rules_are_written_by_the_rules(op):
    written = rules(op)
    assert bool(written) == bool(op.vjps)
    assert all("∂out" in text for text in written.values())


OURS = [op for op in TABLE.values() if op.ours and not op.lists]


@pytest.mark.parametrize("op", OURS, ids=str)
def test_a_list_of_numbers_serves_as_an_array(op):
    for seed in range(5):
        args, kwargs = op.samples(RandomDraw(seed))
        listed = [arg.tolist() if isinstance(arg, np.ndarray) and arg.size else arg for arg in args]
        np.testing.assert_allclose(joined(op.fn(*listed, **kwargs)), joined(op.fn(*args, **kwargs)))


def test_lists_by_name_of_values_and_of_tensors():
    assert mse_loss(input=[1.0, 2.0], target=[0, 0]) == 2.5
    assert [v.data for v in relu([Value(1.0), Value(-2.0)])] == [1.0, 0.0]
    with pytest.raises(TypeError, match=r"np\.stack"):
        relu([Tensor(1.0), Tensor(2.0)])


def test_a_list_argument_is_seen():
    parts = [Tensor([1.0]), [Tensor([2.0])]]
    assert len(list(nodes(parts))) == 2
    assert each(lambda t: t.item(), parts) == [1.0, [2.0]]
