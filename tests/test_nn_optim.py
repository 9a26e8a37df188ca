"""Optimisers, clipping, the schedule: arithmetic, what it survives, and PyTorch's answers."""

import copy
import math
import sys

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor, Value, fast

RULES = [
    (nn.AdamW, {"lr": 0.03}),
    (nn.AdamW, {"lr": 0.03, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.3}),
    (nn.SGD, {"lr": 0.03}),
    (nn.SGD, {"lr": 0.03, "momentum": 0.9, "weight_decay": 0.1}),
]
SHAPES = [(3, 2), (4,), ()]


def start():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in SHAPES]


def slope(i, step, data):
    """A gradient that is never small and never the same."""
    return np.sin(data * (i + 1) + step) + data / 3


def run(opt, params, steps, first=0):
    for step in range(first, first + steps):
        for i, p in enumerate(params):
            p.grad = slope(i, step, p.data)
        opt.step()


@pytest.mark.parametrize(("rule", "settings"), RULES)
def test_pytorch_takes_the_same_steps(rule, settings):
    torch = pytest.importorskip("torch")
    params = [nn.Parameter(data) for data in start()]
    oracles = [torch.nn.Parameter(torch.tensor(data)) for data in start()]
    opt, oracle = rule(params, **settings), getattr(torch.optim, rule.__name__)(oracles, **settings)
    for step in range(50):
        for i, (p, q) in enumerate(zip(params, oracles, strict=True)):
            p.grad = slope(i, step, p.data)
            q.grad = torch.tensor(slope(i, step, q.detach().numpy()))
        opt.step()
        oracle.step()
    for p, q in zip(params, oracles, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), atol=1e-9, rtol=0)


@pytest.mark.parametrize(("rule", "settings"), RULES)
def test_values_take_the_same_steps(rule, settings):
    params = [nn.Parameter(data) for data in start()]
    scalars = [[Value(x) for x in data.ravel()] for data in start()]
    run(rule(params, **settings), params, 20)
    opt = rule([value for row in scalars for value in row], **settings)
    for step in range(20):
        for i, row in enumerate(scalars):
            for value in row:
                value.grad = float(slope(i, step, value.data))
        opt.step()
    for p, row in zip(params, scalars, strict=True):
        np.testing.assert_allclose([value.data for value in row], p.data.ravel(), atol=1e-12)
        assert type(row[0].data) is float


def test_a_step_by_hand():
    x = nn.Parameter([1.0, -2.0])
    x.grad = np.array([0.5, 0.5])
    nn.AdamW([x], lr=0.1, weight_decay=0.2).step()
    # at first m̂ = g and √v̂ = |g|: the sign alone counts
    np.testing.assert_allclose(x.data, np.array([1.0, -2.0]) * 0.98 - 0.1, atol=1e-8)


@pytest.mark.parametrize(("rule", "settings"), RULES)
def test_state_goes_on_exactly(rule, settings):
    straight = [nn.Parameter(data) for data in start()]
    run(rule(straight, **settings), straight, 10)

    params = [nn.Parameter(data) for data in start()]
    opt = rule(params, **settings)
    run(opt, params, 4)
    saved = opt.state_dict()
    kept = copy.deepcopy(saved)
    again = [nn.Parameter(p.data) for p in params]
    other = rule(again, lr=9.0)
    other.load_state_dict(saved)
    run(opt, params, 6, first=4)
    run(other, again, 6, first=4)
    for p, q, r in zip(straight, params, again, strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        np.testing.assert_array_equal(p.data, r.data)
    np.testing.assert_equal(saved, kept)  # a copy, for the one and for the other


@pytest.mark.parametrize(("rule", "settings"), [*RULES, (nn.SGD, {"momentum": 0.9})])
def test_gradients_are_left_as_they_are(rule, settings):
    x = nn.Parameter([1.0, 2.0])
    grad = x.grad = np.array([3.0, 4.0])
    opt = rule([x], **settings)
    for _ in range(3):
        opt.step()
    np.testing.assert_array_equal(grad, [3.0, 4.0])


def test_state_of_another_optimiser_or_model_is_refused():
    params = [nn.Parameter(data) for data in start()]
    adam, sgd = nn.AdamW(params), nn.SGD(params, momentum=0.9)
    run(adam, params, 1)
    run(sgd, params, 1)
    with pytest.raises(ValueError, match="are not its own"):
        adam.load_state_dict(sgd.state_dict())
    with pytest.raises(ValueError, match=r"groups of \[3\] parameters, here are \[2\]"):
        nn.AdamW(params[:2]).load_state_dict(adam.state_dict())
    with pytest.raises(ValueError, match=r"exp_avg of shape \(3, 2\) for a parameter"):
        nn.AdamW(params[::-1]).load_state_dict(adam.state_dict())


def test_new_data_loaded_data_and_another_width_are_survived():
    model = nn.Linear(3, 2)
    opt = nn.AdamW(model.parameters(), lr=0.1)

    def step():
        opt.zero_grad()
        (model(np.ones((1, 3))) ** 2).sum().backward()
        before = model.weight.data.copy()
        opt.step()
        assert not np.array_equal(model.weight.data, before)
        assert opt.state[model.weight]["exp_avg"].dtype == model.weight.dtype

    step()
    given = np.ones((2, 3), np.float32)
    model.weight.data = given
    step()
    assert (given == 1).all()  # the update is not written into an array of the caller's
    model.load_state_dict(nn.Linear(3, 2).state_dict())
    step()
    model.to(np.float64)
    step()
    assert model.weight.dtype == np.float64


def test_a_step_after_the_forward_pass_is_noticed():
    model = nn.Linear(1, 1)
    opt = nn.SGD(model.parameters(), lr=0.1)
    loss = model(np.ones((1, 1))).sum()
    loss.backward()
    opt.step()
    with pytest.raises(RuntimeError, match=r"'weight'.* was changed after"):
        loss.backward()


def test_no_gradient_and_frozen_mean_no_step():
    a, b, c = nn.Parameter([1.0]), nn.Parameter([1.0]), Value(1.0)
    b.grad, b.requires_grad, c.requires_grad = np.ones(1), False, False
    nn.AdamW([a, b, c], lr=0.1, weight_decay=0.5).step()
    assert (a.item(), b.item(), c.item()) == (1, 1, 1)


def test_groups_have_settings_of_their_own():
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    opt = nn.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    opt.param_groups[0]["lr"] = 0.2
    a.grad, b.grad = np.ones(1), np.ones(1)
    opt.step()
    assert (a.item(), b.item()) == (0.8, 0.5)
    opt.zero_grad()
    assert a.grad is b.grad is None


@pytest.mark.parametrize("rule", [nn.AdamW, nn.SGD])
def test_what_cannot_be_optimised(rule):
    w = nn.Parameter([1.0], name="fc.weight")
    with pytest.raises(ValueError, match="no parameters"):
        rule([], lr=0.1)
    with pytest.raises(
        ValueError, match=r"parameter 1 \(fc\.weight, shape \(1,\)\) is given twice"
    ):
        rule([w, w], lr=0.1)
    with pytest.raises(ValueError, match="given twice"):
        rule([{"params": [w]}, {"params": [w]}], lr=0.1)
    with pytest.raises(ValueError, match="result of multiply"):
        rule([w * 2], lr=0.1)
    with pytest.raises(TypeError, match="ndarray"):
        rule([np.ones(1)], lr=0.1)
    with pytest.raises(TypeError, match="not one Parameter"):
        rule(w, lr=0.1)
    with pytest.raises(ValueError, match="no setting speed"):
        rule([{"params": [w], "speed": 1}], lr=0.1)
    for wrong in (-1.0, math.nan):
        with pytest.raises(ValueError, match="lr is not below 0"):
            rule([w], lr=wrong)
    with pytest.raises(ValueError, match="betas are from 0"):
        nn.AdamW([w], betas=(0.9, 1.0))


# Clipping


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


def test_clipping_is_pytorchs():
    torch = pytest.importorskip("torch")
    grads = [np.random.default_rng(0).standard_normal((3, 2)), np.ones(4)]
    params, oracles = with_grads(*grads), [torch.zeros(g.shape, dtype=torch.float64) for g in grads]
    for oracle, grad in zip(oracles, grads, strict=True):
        oracle.grad = torch.tensor(grad)
    norm = torch.nn.utils.clip_grad_norm_(oracles, 0.7)
    assert nn.clip_grad_norm_(params, 0.7) == pytest.approx(float(norm), abs=1e-12)
    for p, oracle in zip(params, oracles, strict=False):
        np.testing.assert_allclose(p.grad, oracle.grad.numpy(), atol=1e-12)


# The schedule


def test_the_schedule_rises_to_its_peak_and_falls_to_its_floor():
    rates = [nn.warmup_cosine(step, 10, 50, peak=1.0, floor=0.1) for step in range(60)]
    assert rates[0] == pytest.approx(1 / 11)
    assert rates[10] == max(rates) == 1.0
    assert rates[30] == pytest.approx(0.55)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[50:] == [0.1] * 10


@pytest.mark.parametrize(("warmup", "total"), [(0, 0), (0, 1), (5, 5), (8, 5)])
def test_the_schedule_at_its_edges(warmup, total):
    rates = [nn.warmup_cosine(step, warmup, total, peak=1.0) for step in range(10)]
    assert all(0 <= rate <= 1 for rate in rates)
    assert rates[total:] == [0.0] * (10 - total)


def test_tensors_that_are_no_parameters_can_be_optimised():
    x = Tensor([1.0, 2.0], requires_grad=True)
    opt = nn.AdamW([x], lr=0.1)
    for _ in range(200):
        opt.zero_grad()
        (x * x).sum().backward()
        opt.step()
    assert np.abs(x.data).max() < 0.05


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("width", [np.float32, np.float64])
@pytest.mark.parametrize("smallest", [1, sys.maxsize])  # loops, where numba is there, and blocks
def test_a_large_parameter_takes_the_steps_of_small_ones(order, width, smallest, monkeypatch):
    """In loops or in blocks, whatever its layout, and with new data meanwhile."""
    monkeypatch.setattr(fast, "SMALLEST", smallest)
    rng = np.random.default_rng(0)
    data, *grads = (rng.standard_normal((5, 40_001)).astype(width) for _ in range(4))
    large = nn.Parameter(data)
    large.data = np.asarray(data, order=order)
    small = [nn.Parameter(row[::1000]) for row in data]
    opts = [nn.AdamW([large], lr=0.1), nn.AdamW(small, lr=0.1)]
    for step, grad in enumerate(grads):
        if step == 2:  # the optimiser has only what the parameter has now
            large.data = np.asarray(large.data * 2, order=order)
            for p in small:
                p.data = p.data * 2
        large.grad = np.asarray(grad, order=order)
        for p, row in zip(small, grad, strict=True):
            p.grad = row[::1000]
        norm = nn.clip_grad_norm_([large], 1e9)
        assert norm == pytest.approx(float(np.linalg.norm(grad.astype(float))), rel=1e-5)
        for opt in opts:
            opt.step()
    tight = 1e-5 if width is np.float32 else 1e-12
    for p, row in zip(small, large.data, strict=True):
        np.testing.assert_allclose(row[::1000], p.data, rtol=tight, atol=tight)


@pytest.mark.parametrize("size", [10, 40_000])
@pytest.mark.parametrize("number", [1e25, 1e-25])
def test_a_norm_beyond_the_squares_of_its_width(size, number):
    p = nn.Parameter(np.zeros(size, np.float32))
    p.grad = np.full(size, number, np.float32)
    norm = nn.clip_grad_norm_([p], 1.0)
    assert norm == pytest.approx(number * math.sqrt(size), rel=1e-5)
