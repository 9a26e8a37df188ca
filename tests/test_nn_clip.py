"""Clipping: by norm, by value; PyTorch's answers."""

import math

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Value


def with_grads(*grads, dtype=np.float64):
    params = [nn.Parameter(np.zeros(np.shape(grad), dtype)) for grad in grads]
    for p, grad in zip(params, grads, strict=True):
        p.grad = np.array(grad, dtype)
    return [*params, nn.Parameter([1.0])]  # and one that has none


def test_clipping_scales_all_gradients_by_one_number():
    params = with_grads([[3.0], [0.0]], [4.0])
    assert nn.clip_grad_norm_(params, 1.0) == 5.0
    np.testing.assert_allclose(params[0].grad, np.array([[3.0], [0.0]]) / (5 + 1e-6))
    assert nn.clip_grad_norm_(params, 2.0) == pytest.approx(1.0)
    np.testing.assert_allclose(params[1].grad, [0.8], rtol=1e-5)
    assert params[2].grad is None
    assert nn.clip_grad_norm_([], 1.0) == 0
    assert nn.clip_grad_norm_(params[1], 9.0) == pytest.approx(0.8)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_norm_that_is_no_number_is_returned(bad):
    norm = nn.clip_grad_norm_(with_grads([1.0, bad]), 1.0)
    assert norm == bad or (math.isnan(norm) and math.isnan(bad))


@pytest.mark.parametrize("norm_type", [0.5, 1, 2.0, 3, 40.0, math.inf, "inf"])
@pytest.mark.parametrize("max_norm", [0.7, 100.0])
def test_clipping_is_pytorchs(norm_type, max_norm):
    torch = pytest.importorskip("torch")
    grads = [np.random.default_rng(0).standard_normal((3, 2)), np.ones(4), np.array(0.3)]
    params, oracles = with_grads(*grads), [torch.zeros(g.shape, dtype=torch.float64) for g in grads]
    for oracle, grad in zip(oracles, grads, strict=True):
        oracle.grad = torch.tensor(grad)
    norm = torch.nn.utils.clip_grad_norm_(oracles, max_norm, norm_type)
    assert nn.clip_grad_norm_(params, max_norm, norm_type) == pytest.approx(float(norm), abs=1e-12)
    for p, oracle in zip(params, oracles, strict=False):
        np.testing.assert_allclose(p.grad, oracle.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("norm_type", [1, 2, 3, math.inf])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_an_error_if_asked_for(norm_type, bad):
    params = with_grads([1.0, bad], [5.0])
    with pytest.raises(RuntimeError, match=f"the norm of the gradients is {bad}"):
        nn.clip_grad_norm_(params, 1.0, norm_type, error_if_nonfinite=True)
    np.testing.assert_array_equal(params[0].grad, [1.0, bad])
    assert params[1].grad == 5


def test_no_power_is_too_large():
    for norm_type in (3, 100.0):
        norm = nn.clip_grad_norm_(with_grads([1e300, 1e300]), 1.0, norm_type)
        assert norm == pytest.approx(1e300 * 2 ** (1 / norm_type))


def test_norms_of_nothing_and_of_zeros():
    for norm_type in (1, 2, math.inf):
        assert nn.clip_grad_norm_([], 1.0, norm_type) == 0
        assert nn.clip_grad_norm_(with_grads([0.0]), 1.0, norm_type) == 0


@pytest.mark.parametrize(("norm_type", "expected"), [(1, 7.0), (2, 5.0), (math.inf, 4.0)])
def test_values_have_norms_too(norm_type, expected):
    a, b = Value(0.0), Value(0.0)
    a.grad, b.grad = 3.0, -4.0
    assert nn.clip_grad_norm_([a, b], 1.0, norm_type) == pytest.approx(expected)
    assert b.grad == pytest.approx(-4 / expected, rel=1e-5)
    assert type(b.grad) is float


def test_clipping_by_value():
    params = with_grads([[-3.0], [0.5]], [4.0, math.nan])
    grad = params[0].grad
    nn.clip_grad_value_(params, 1.0)
    np.testing.assert_array_equal(params[0].grad, [[-1.0], [0.5]])
    np.testing.assert_array_equal(params[1].grad, [1.0, math.nan])
    assert params[0].grad is grad
    assert params[2].grad is None
    value = Value(0.0)
    value.grad = -7.0
    nn.clip_grad_value_(value, 2)
    assert value.grad == -2
    assert type(value.grad) is float


def test_limits_that_make_no_sense():
    for wrong in (-1.0, math.nan):
        with pytest.raises(ValueError, match="max_norm is not below 0"):
            nn.clip_grad_norm_([], wrong)
        with pytest.raises(ValueError, match="clip_value is not below 0"):
            nn.clip_grad_value_([], wrong)
        with pytest.raises(ValueError, match="norm_type is above 0"):
            nn.clip_grad_norm_([], 1.0, norm_type=wrong)


@pytest.mark.parametrize("size", [10, 40_000])
@pytest.mark.parametrize("number", [1e25, 1e-25])
def test_a_norm_beyond_the_squares_of_its_width(size, number):
    p = nn.Parameter(np.zeros(size, np.float32))
    p.grad = np.full(size, number, np.float32)
    norm = nn.clip_grad_norm_([p], 1.0)
    assert norm == pytest.approx(number * math.sqrt(size), rel=1e-5)


@pytest.mark.parametrize("clip", [nn.clip_grad_norm_, nn.clip_grad_value_])
def test_what_has_no_gradients_is_refused(clip):
    layer = nn.Linear(1, 1)
    for wrong in (layer, layer.named_parameters(), nn.Sequential(layer), [np.ones(2)]):
        with pytest.raises(TypeError, match=rf"{clip.__name__}: parameters, such as model.param"):
            clip(wrong, 1.0)


def test_pytorch_s_names_lead_here():
    assert nn.utils.clip_grad_norm_ is nn.clip_grad_norm_
    assert nn.utils.clip_grad_value_ is nn.clip_grad_value_
    params = with_grads([3.0, 4.0])
    assert nn.clip_grad_norm_(params, 1.0, foreach=True) == 5
    nn.clip_grad_value_(params, 0.1, foreach=False)
    assert params[0].grad.max() == 0.1
