"""Optimisers: arithmetic, what they survive, what they refuse. PyTorch's answers are in
test_nn_optim_parity.py."""

import copy
import math
import sys
from typing import Any, cast

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor, Value, fast, no_grad

RULES = [
    (nn.AdamW, {"lr": 0.03}),
    (nn.AdamW, {"lr": 0.03, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.3}),
    (nn.Adam, {"lr": 0.03, "weight_decay": 0.3, "amsgrad": True}),
    (nn.Adam, {"lr": 0.03, "weight_decay": 0.3, "maximize": True}),
    (nn.SGD, {"lr": 0.03}),
    (nn.SGD, {"lr": 0.03, "momentum": 0.9, "weight_decay": 0.1, "dampening": 0.4}),
    (nn.SGD, {"lr": 0.03, "momentum": 0.9, "nesterov": True, "maximize": True}),
    (nn.RMSprop, {"lr": 0.03}),
    (nn.RMSprop, {"lr": 0.03, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    (nn.Adagrad, {"lr": 0.03}),
    (nn.Adagrad, {"lr": 0.03, "lr_decay": 0.1, "initial_accumulator_value": 0.2}),
]
KINDS = [nn.AdamW, nn.Adam, nn.SGD, nn.RMSprop, nn.Adagrad, nn.Muon]
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


@pytest.mark.parametrize("width", [np.float32, np.float64])
@pytest.mark.parametrize("smallest", [1, sys.maxsize])  # with loops, where numba is there
@pytest.mark.parametrize(("rule", "settings"), [*RULES, (nn.Muon, {}), (nn.Muon, {"lr": 0.3})])
def test_state_goes_on_exactly(rule, settings, width, smallest, monkeypatch):
    monkeypatch.setattr(fast, "SMALLEST", smallest)
    arrays = [array.astype(width) for array in start()[: 1 if rule is nn.Muon else 3]]
    straight = [nn.Parameter(data) for data in arrays]
    run(rule(straight, **settings), straight, 10)

    params = [nn.Parameter(data) for data in arrays]
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
        np.testing.assert_array_equal(p.data, q.data, strict=True)
        np.testing.assert_array_equal(p.data, r.data, strict=True)
    np.testing.assert_equal(saved, kept)  # a copy, for the one and for the other
    np.testing.assert_equal(opt.state_dict(), other.state_dict())


@pytest.mark.parametrize(("rule", "settings"), RULES)
def test_state_of_values_goes_on_exactly(rule, settings):
    values, again = ([Value(x) for x in (0.3, -2.0)] for _ in range(2))

    def step(opt, params, first, steps):
        for number in range(first, first + steps):
            for i, p in enumerate(params):
                p.grad = float(slope(i, number, p.data))
            opt.step()

    opt, other = rule(values, **settings), rule(again, **settings)
    step(opt, values, 0, 3)
    for value, twin in zip(values, again, strict=True):
        twin.data = value.data
    other.load_state_dict(opt.state_dict())
    step(opt, values, 3, 4)
    step(other, again, 3, 4)
    assert [v.data for v in values] == [v.data for v in again]
    assert opt.state_dict() == other.state_dict()


@pytest.mark.parametrize(("rule", "settings"), [*RULES, (nn.SGD, {"momentum": 0.9}), (nn.Muon, {})])
def test_gradients_are_left_as_they_are(rule, settings):
    x = nn.Parameter([[1.0, 2.0]])
    grad = x.grad = np.array([[3.0, 4.0]])
    opt = rule([x], **settings)
    for _ in range(3):
        opt.step()
        assert x.grad.tolist() == [[3.0, 4.0]]
    np.testing.assert_array_equal(grad, [[3.0, 4.0]])


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
    other = nn.RMSprop(params)
    run(other, params, 1)  # whose settings include all of SGD's
    before = sgd.state_dict()
    with pytest.raises(ValueError, match="SGD keeps momentum_buffer; the saved state has step, sq"):
        sgd.load_state_dict(other.state_dict())
    half = adam.state_dict()
    del half["state"][1]["exp_avg"]
    with pytest.raises(ValueError, match=r"AdamW keeps step, exp_avg, .* has step, exp_avg_sq"):
        adam.load_state_dict(half)
    broken = adam.state_dict()
    broken["param_groups"][0]["lr"] = -1
    with pytest.raises(ValueError, match="lr is not below 0, and finite; not -1"):
        adam.load_state_dict(broken)
    np.testing.assert_equal(sgd.state_dict(), before)


def test_settings_that_came_later_keep_their_defaults():
    """A state that an older version saved."""
    params = [nn.Parameter(data) for data in start()]
    opt = nn.AdamW(params, lr=0.1)
    run(opt, params, 1)
    saved = opt.state_dict()
    for later in ("amsgrad", "maximize"):
        del saved["param_groups"][0][later]
    other = nn.AdamW(params)
    other.load_state_dict(saved)
    np.testing.assert_equal(other.state_dict(), opt.state_dict())


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


@pytest.mark.parametrize("rule", KINDS)
def test_what_cannot_be_optimised(rule):
    w = nn.Parameter([[1.0]], name="fc.weight")
    with pytest.raises(ValueError, match="no parameters"):
        rule([], lr=0.1)
    with pytest.raises(
        ValueError, match=r"parameter 1 \(fc\.weight, shape \(1, 1\)\) is given twice"
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
    with pytest.raises(TypeError, match="parameter 1 is a tuple"):
        rule([w, ("weight", nn.Parameter([[1.0]]))], lr=0.1)
    with pytest.raises(TypeError, match="speed"):
        rule([w], lr=0.1, speed=1)
    for wrong in (-1.0, math.nan, math.inf, "fast", None):
        for name in rule([w]).defaults.keys() & {"lr", "eps", "momentum", "weight_decay", "alpha"}:
            with pytest.raises(ValueError, match=f"{rule.__name__}: {name} is not below 0"):
                rule([w], **{name: wrong})


def test_settings_that_make_no_sense_together():
    w = nn.Parameter([[1.0]])
    for betas in [(0.9, 1.0), (0.9,), (-0.1, 0.5), 0.9]:
        with pytest.raises(ValueError, match="betas are two, from 0"):
            nn.AdamW([w], betas=betas)  # type: ignore[arg-type]
    ways: list[dict[str, Any]] = [{}, {"momentum": 0.9, "dampening": 0.1}]
    for settings in ways:
        with pytest.raises(ValueError, match="nesterov is a way to use momentum"):
            nn.SGD([w], nesterov=True, **settings)
    with pytest.raises(ValueError, match=r"alpha is from 0 to 1, not 1\.5"):
        nn.RMSprop([w], alpha=1.5)
    with pytest.raises(ValueError, match=r"one of .*match_rms_adamw.*, not 'best'"):
        nn.Muon([w], adjust_lr_fn="best")
    with pytest.raises(ValueError, match="three numbers"):
        nn.Muon([w], ns_coefficients=(1.0, math.nan, 0.0))
    with pytest.raises(ValueError, match="three numbers, not 3"):
        nn.Muon([w], ns_coefficients=3.0)  # type: ignore[arg-type]


def test_muon_moves_matrices_alone():
    bias, value = nn.Parameter([1.0, 2.0], name="fc.bias"), Value(1.0)
    with pytest.raises(
        ValueError, match=r"parameter 1 \(fc.bias, shape \(2,\)\) is no matrix: leave it to"
    ):
        nn.Muon([nn.Parameter([[1.0]]), bias])
    with pytest.raises(ValueError, match=r"parameter 0 \(unnamed, shape \(\)\) is no matrix"):
        nn.Muon([value])


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_muon_s_step_has_singular_values_near_1(shape):
    w = nn.Parameter(np.zeros(shape))
    rng = np.random.default_rng(0)
    u, _, v = np.linalg.svd(rng.standard_normal(shape), full_matrices=False)
    sizes = np.geomspace(1, 0.03, min(shape))
    w.grad = (u * sizes) @ v
    nn.Muon([w], lr=1.0, adjust_lr_fn="match_rms_adamw").step()
    move = -w.data / (0.2 * math.sqrt(max(shape)))
    along = np.diag(u.T @ move @ v.T)  # the same singular vectors
    np.testing.assert_allclose((u * along) @ v, move, atol=1e-12)
    assert along.min() > 0.6
    assert along.max() < 1.3


def test_rmsprop_centered_survives_gradients_that_never_change():
    """Their variance is 0, and may come out below 0 by rounding."""
    slopes = np.random.default_rng(0).uniform(0.1, 1, 100)
    x, values = nn.Parameter(np.ones(100)), [Value(1.0) for _ in slopes]
    opts = [nn.RMSprop(params, lr=1e-9, alpha=0.5, centered=True) for params in ([x], values)]
    for _ in range(100):
        x.grad = slopes
        for value, slope_of_it in zip(values, slopes.tolist(), strict=True):
            value.grad = slope_of_it
        for opt in opts:
            opt.step()
    assert np.isfinite(x.data).all()
    np.testing.assert_allclose([value.data for value in values], x.data)


def test_maximize_goes_up():
    for rule in KINDS[:-1]:
        up, down = nn.Parameter([[1.0]]), nn.Parameter([[1.0]])
        up.grad, down.grad = np.array([[2.0]]), np.array([[-2.0]])
        rule([up], lr=0.1, maximize=True).step()
        rule([down], lr=0.1).step()
        np.testing.assert_array_equal(up.data, down.data)


def test_momentum_may_be_turned_on_later():
    x = nn.Parameter([1.0])
    opt = nn.SGD([x], lr=1.0)
    moved = []
    for momentum in (0.0, 0.5, 0.5, 0.0):
        opt.param_groups[0]["momentum"] = momentum
        x.grad, before = np.ones(1), x.item()
        opt.step()
        moved.append(before - x.item())
    assert moved == [1, 1, 1.5, 1]
    nn.SGD([x]).load_state_dict(opt.state_dict())  # with a ball that lies still


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
@pytest.mark.parametrize("place", range(len(RULES)))
def test_a_large_parameter_takes_the_steps_of_small_ones(
    place, order, width, smallest, monkeypatch
):
    """In loops or in blocks, whatever its layout, and with new data meanwhile."""
    monkeypatch.setattr(fast, "SMALLEST", smallest)
    rng = np.random.default_rng(0)
    data, *grads = (rng.standard_normal((5, 40_001)).astype(width) for _ in range(4))
    large = nn.Parameter(data)
    large.data = np.asarray(data, order=order)
    small = [nn.Parameter(row[::1000]) for row in data]
    rule, settings = RULES[place]
    opts = [rule([large], **settings), rule(small, **settings)]
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


def test_groups_that_are_none():
    w, whole = nn.Parameter([1.0]), cast(Any, nn.Linear(1, 1))
    with pytest.raises(ValueError, match="SGD: no parameters to optimise"):
        nn.SGD([{"params": []}, {"params": nn.ReLU().parameters()}])
    with pytest.raises(TypeError, match='a group is a dict with its parameters in "params"'):
        nn.SGD([{"lr": 0.1}])
    with pytest.raises(TypeError, match="a group is a dict"):
        nn.SGD([{"params": [w]}, w])
    with pytest.raises(TypeError, match=r"such as model.parameters\(\), not one Linear"):
        nn.SGD(whole)


def test_state_is_found_by_the_numbers_of_its_groups():
    params = [nn.Parameter(data) for data in start()]
    opt = nn.Adam(params)
    run(opt, params, 1)
    saved, moved = opt.state_dict(), opt.state_dict()
    moved["param_groups"][0]["params"] = [7, 5, 6]
    moved["state"] = dict(zip((7, 5, 6), saved["state"].values(), strict=True))
    again = nn.Adam(params)
    again.load_state_dict(moved)
    np.testing.assert_equal(again.state_dict()["state"], saved["state"])
    moved["state"][9] = moved["state"].pop(5)
    with pytest.raises(ValueError, match=r"state saved for \[9\], which no group has"):
        again.load_state_dict(moved)
    with pytest.raises(ValueError, match=r"a saved state has state and param_groups, not \[\]"):
        again.load_state_dict({})


def test_gradients_may_be_kept_as_zeros():
    """As some write for PyTorch: zero_grad(set_to_none=True), which is what happens anyway."""
    layer, x = nn.Linear(2, 1), Value(1.0)
    layer.weight.grad, x.grad = np.full((1, 2), np.nan, np.float32), 3.0
    opt = nn.SGD([*layer.parameters(), x])
    for holder in (opt, layer):
        holder.zero_grad(set_to_none=False)
        assert layer.weight.grad.tolist() == [[0, 0]]
        assert layer.weight.grad.dtype == np.float32
        assert layer.bias is not None
        assert layer.bias.grad is None
        assert x.grad == 0
        holder.zero_grad(set_to_none=True)
        assert layer.weight.grad is None
        layer.weight.grad = np.ones((1, 2), np.float32)


def test_a_closure_computes_the_gradients():
    x = nn.Parameter([1.0])
    opt = nn.SGD([x], lr=0.25)

    def closure():
        opt.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with no_grad():
        loss = opt.step(closure)
    assert loss.item() == 1
    assert x.item() == 0.5
    assert opt.step() is None


def test_other_keys_of_a_group_are_kept_and_saved():
    params = [nn.Parameter(data) for data in start()]
    notes = ["of mine"]
    opt = nn.SGD([{"params": params[:1], "name": "decay", "notes": notes}, {"params": params[1:]}])
    assert opt.param_groups[0]["name"] == "decay"
    saved = opt.state_dict()
    notes.append("later")
    assert saved["param_groups"][0]["notes"] == ["of mine"]
    again = nn.SGD([{"params": params[:1], "mine": 1}, {"params": params[1:]}])
    again.load_state_dict(saved)
    assert {"name": "decay", "notes": ["of mine"], "mine": 1}.items() <= (
        again.param_groups[0].items()
    )
    assert again.param_groups[0]["params"][0] is params[0]
    assert "name" not in again.param_groups[1]


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (nn.SGD, "foreach fused"),
        (nn.Adam, "foreach fused capturable"),
        (nn.AdamW, "foreach fused capturable"),
        (nn.RMSprop, "foreach capturable"),
        (nn.Adagrad, "foreach fused"),
        (nn.Muon, ""),
    ],
)
def test_what_pytorch_takes_for_gpus_is_taken_and_changes_nothing(rule, names):
    w = nn.Parameter([[1.0]])
    plain = rule([w], lr=0.1).param_groups
    assert rule([w], lr=0.1, **dict.fromkeys(names.split(), True)).param_groups == plain
    for other in {"foreach", "fused", "capturable"} - {*names.split()}:
        with pytest.raises(TypeError, match=other):
            rule([w], lr=0.1, **{other: True})


def test_parameters_may_be_given_with_their_names():
    layer = nn.Linear(2, 1)
    opt = nn.SGD(layer.named_parameters())
    assert opt.param_groups[0]["params"] == [layer.weight, layer.bias]
    assert opt.param_groups[0]["param_names"] == ["weight", "bias"]
    groups = nn.SGD([{"params": layer.named_parameters(), "lr": 0.5}]).param_groups
    assert groups[0]["param_names"] == ["weight", "bias"]
    again = nn.SGD(layer.parameters())
    again.load_state_dict(opt.state_dict())
    assert again.param_groups[0]["param_names"] == ["weight", "bias"]


def test_an_optimiser_shows_its_settings():
    """In PyTorch's words."""
    opt = nn.Adagrad([{"params": nn.Parameter([1.0]), "lr": 0.5}], eps=1e-9)
    opt.add_param_group({"params": nn.Parameter([1.0]), "name": "second"})
    lines = str(opt).splitlines()
    assert lines[:4] == ["Adagrad (", "Parameter Group 0", "    eps: 1e-09", *lines[3:4]]
    assert {"    lr: 0.5", "    lr: 0.01", "    name: second", "Parameter Group 1"} <= {*lines}
    assert lines[-1] == ")"
