"""Starts: their distributions, what they do to a signal, and models that are drawn again."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

from groundup import models, nn
from groundup.engine import Tensor, no_grad
from groundup.nn import init

N = 200_000


@pytest.fixture(autouse=True)
def seeded():
    nn.manual_seed(0)


def empty(*shape, dtype=np.float64):
    return nn.Parameter(np.full(shape, np.nan, dtype))


def cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def furthest(numbers, distribution):
    """√n times the largest distance between how numbers are distributed and how they should be
    (Kolmogorov and Smirnov): above 2 in 7 of 10,000 samples."""
    numbers = np.sort(np.ravel(numbers))
    there = np.array([distribution(x) for x in numbers[:: len(numbers) // 1000]])
    here = np.arange(0, len(numbers), len(numbers) // 1000) / len(numbers)
    return math.sqrt(len(numbers)) * np.abs(there - here).max()


def test_uniform_and_normal():
    w = init.uniform_(empty(N), -3, 1)
    assert furthest(w.data, lambda x: (x + 3) / 4) < 2
    assert w.data.min() >= -3
    w = init.normal_(empty(N), 5, 2)
    assert furthest(w.data, lambda x: cdf((x - 5) / 2)) < 2


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (3, 2, 1, 10),
        (0, 1, 0.7, math.inf),  # the upper quarter
        (0, 1, -math.inf, -6),  # a tail
        (0, 1, 8, 8.1),
        (1, 0.5, 1.1, 1.2),  # a sliver beside the middle
        (0, 1, -0.1, 0.2),  # and around it
        (0, 1, -math.inf, math.inf),
    ],
)
def test_the_truncated_normal_is_exact(mean, std, a, b):
    w = init.trunc_normal_(empty(N), mean, std, a, b)
    low, high = (a - mean) / std, (b - mean) / std
    sign = 1
    if low > 0:  # Φ is exact in its lower tail
        low, high, sign = -high, -low, -1
    # math.erfc keeps its digits where 1 + erf has lost them
    lower = lambda x: math.erfc(-x / math.sqrt(2)) / 2  # noqa: E731
    whole = lower(high) - lower(low)
    drawn = np.clip(sign * (w.data - mean) / std, low, high)
    assert furthest(drawn, lambda x: (lower(x) - lower(low)) / whole) < 2
    assert w.data.min() >= a
    assert w.data.max() <= b


def test_the_truncated_normal_has_its_textbook_moments():
    w = init.trunc_normal_(empty(N), 0, 1, -2, 2).data
    density, mass = math.exp(-2) / math.sqrt(2 * math.pi), cdf(2) - cdf(-2)
    variance = 1 - 4 * density / mass
    assert w.mean() == pytest.approx(0, abs=4 * math.sqrt(variance / N))
    assert w.var() == pytest.approx(variance, rel=0.01)


def test_rounding_oversteps_no_bound():
    for low in np.linspace(0.1, 0.9, 50).tolist():
        high = math.nextafter(low, 1)
        w = init.trunc_normal_(empty(100), 0.1, 0.7, low, high)
        assert set(w.data.tolist()) <= {low, high}
    w = init.trunc_normal_(empty(N, dtype=np.float32), 0.1, 1e-3, 0.0999, 0.1001)
    assert w.data.min() >= np.float32(0.0999)
    assert w.data.max() <= np.float32(0.1001)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 2, 3), (6, 1), (3, 0)])
def test_orthogonal_matrices_keep_lengths(shape):
    w = init.orthogonal_(empty(*shape), gain=2).data.reshape(shape[0], -1) / 2
    square = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(square, np.eye(len(square)), atol=1e-12)


def test_all_orthogonal_matrices_are_equally_likely():
    """Every element is as often above 0 as below, and on average as large."""
    each = np.array([init.orthogonal_(empty(3, 3)).data for _ in range(4000)])
    np.testing.assert_allclose(each.mean(axis=0), 0, atol=5 * math.sqrt(1 / 3 / 4000))
    np.testing.assert_allclose((each**2).mean(axis=0), 1 / 3, atol=0.02)
    assert np.linalg.det(each).mean() == pytest.approx(0, abs=0.08)  # half of them turn space over


def test_the_same_everywhere():
    assert (init.zeros_(empty(2, 3)).data == 0).all()
    assert (init.ones_(empty(2, 3)).data == 1).all()
    assert (init.constant_(empty(2, 3), 0.3).data == 0.3).all()
    np.testing.assert_array_equal(init.eye_(empty(2, 3)).data, np.eye(2, 3))


@pytest.mark.parametrize("shape", [(300, 200), (40, 50, 6, 5)])
def test_spreads_are_those_of_the_papers(shape):
    field = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * field, shape[0] * field
    xavier = 1.5 * math.sqrt(2 / (fan_in + fan_out))
    he = math.sqrt(2 / (1 + 0.3**2)) / math.sqrt(fan_out)
    relu = math.sqrt(2 / fan_in)
    for start, std, level in [
        (lambda w: init.xavier_uniform_(w, 1.5), xavier, True),
        (lambda w: init.xavier_normal_(w, gain=1.5), xavier, False),
        (lambda w: init.kaiming_uniform_(w, 0.3, "fan_out"), he, True),
        (lambda w: init.kaiming_normal_(w, a=0.3, mode="fan_out"), he, False),
        (lambda w: init.kaiming_normal_(w, nonlinearity="relu"), relu, False),
        (lambda w: init.scaled_normal_(w, n_layer=8), 0.02 / 4, False),
    ]:
        w = start(empty(*shape)).data
        assert w.std() == pytest.approx(std, rel=0.02)
        bound = math.sqrt(3) * std
        assert (np.abs(w).max() <= bound) == level
        assert np.abs(w).max() > 0.99 * bound


def test_gains_are_pytorch_s():
    torch = pytest.importorskip("torch")
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


def test_any_tensor_can_be_started_at_any_width():
    for dtype in (np.float32, np.float64):
        nn.manual_seed(1)
        x = Tensor(np.zeros((3, 4), dtype))
        assert init.kaiming_uniform_(x) is x
        assert x.dtype == dtype
        nn.manual_seed(1)
        w = init.kaiming_uniform_(empty(3, 4))
        np.testing.assert_array_equal(x.data, w.data.astype(dtype))


def test_what_cannot_be_started():
    for start in (init.xavier_normal_, init.kaiming_uniform_, init.orthogonal_):
        with pytest.raises(ValueError, match=r"shape \(3,\) has no fan-in"):
            start(empty(3))
    with pytest.raises(ValueError, match=r"a matrix, not a tensor of shape \(2, 2, 2\)"):
        init.eye_(empty(2, 2, 2))
    with pytest.raises(ValueError, match=r"one of fan_in, fan_out, not 'both'"):
        init.kaiming_normal_(empty(2, 2), mode="both")
    with pytest.raises(ValueError, match=r"relu, selu, leaky_relu are known, not 'swish'"):
        init.kaiming_normal_(empty(2, 2), nonlinearity="swish")
    for wrong in ({"a": 2.0, "b": 2.0}, {"std": 0.0}, {"a": math.nan}):
        with pytest.raises(ValueError, match="std is above 0 and a below b"):
            init.trunc_normal_(empty(2), **wrong)


# What a start does to a signal


def deviations(start, activation, depth=24, width=256):
    """The root mean square after each layer of a deep stack, of a signal that begins with 1."""
    x = np.random.default_rng(0).standard_normal((64, width))
    found = []
    for _ in range(depth):
        x = activation(x @ start(empty(width, width)).data.T)
        found.append(float(np.sqrt(np.mean(x**2))))
    return found


@pytest.mark.parametrize(
    ("start", "activation", "low", "high"),
    [
        (lambda w: init.kaiming_normal_(w, nonlinearity="relu"), "relu", 0.5, 2),
        (lambda w: init.kaiming_uniform_(w, nonlinearity="relu"), "relu", 0.5, 2),
        (init.xavier_normal_, "linear", 0.5, 2),
        (init.xavier_uniform_, "linear", 0.5, 2),
        (init.orthogonal_, "linear", 0.99, 1.01),  # exactly, at any depth
        (lambda w: init.xavier_uniform_(w, init.calculate_gain("tanh")), "tanh", 0.5, 1),
        (lambda w: init.orthogonal_(w, init.calculate_gain("tanh")), "tanh", 0.5, 1),
    ],
)
def test_the_fitting_start_keeps_a_deep_signal_in_a_band(start, activation, low, high):
    act = {"relu": nn.functional.relu, "tanh": np.tanh, "linear": lambda x: x}[activation]
    found = deviations(start, act)
    assert min(found) > low
    assert max(found) < high


def test_a_start_that_does_not_fit_loses_the_signal_or_drowns_in_it():
    relu = nn.functional.relu
    assert deviations(init.xavier_normal_, relu)[-1] < 1e-3  # half of it at every layer
    assert deviations(lambda w: init.normal_(w, std=0.2), relu)[-1] > 1e6
    assert deviations(lambda w: init.normal_(w, std=0.02), np.tanh)[-1] < 1e-6


def test_gpt_s_stream_grows_as_much_however_deep_it_is():
    added = []
    for n_layer in (2, 12):
        config = models.GPTConfig(20, block_size=16, n_layer=n_layer, n_head=4, n_embd=64)
        model = models.GPT(config)
        ids = np.random.default_rng(0).integers(20, size=(8, 16))
        x = model.wte(ids) + model.wpe(np.arange(16))
        first = x.data.var()
        for block in model.blocks:
            x = block(x)
        added.append((x.data.var() - first) / first)
    assert added[1] == pytest.approx(added[0], rel=0.25)


# Drawn again


def numbers(model):
    return {name: p.data.copy() for name, p in model.named_parameters()}


def gpt(**changes):
    sizes = {"vocab_size": 7, "block_size": 4, "n_layer": 2, "n_head": 2, "n_embd": 8}
    return models.GPT(models.GPTConfig(**(sizes | changes)))


def test_the_seed_and_the_name_decide():
    model, other = gpt(), gpt()
    init.reseed(model, 3)
    init.reseed(other, 3)
    np.testing.assert_equal(numbers(model), numbers(other))
    init.reseed(other, 4)
    weights = [name for name, p in model.named_parameters() if p.ndim == 2]
    for name in weights:
        assert not np.array_equal(numbers(model)[name], numbers(other)[name])
    drawn = np.array([numbers(model)[name].flat[0] for name in weights])
    assert len(set(drawn)) == len(drawn)  # no two begin alike


@pytest.mark.parametrize("changes", [{"n_layer": 3}, {"vocab_size": 9}, {"bias": False}])
def test_a_layer_more_moves_no_other_one_s_start(changes):
    nn.manual_seed(0)
    before = numbers(gpt())
    nn.manual_seed(0)
    after = numbers(gpt(**changes))
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        if one.shape == other.shape:
            scale = math.sqrt(2 / changes.get("n_layer", 2)) if "c_proj" in name else 1
            np.testing.assert_allclose(one * scale, other, rtol=1e-5, err_msg=name)


def test_models_follow_from_the_manual_seed_and_from_nothing_else():
    def built(*draws):
        nn.manual_seed(5)
        for draw in draws:
            draw()
        return numbers(gpt())

    first = built()
    np.testing.assert_equal(built(), first)
    np.testing.assert_equal(
        built(lambda: nn.Linear(3, 3), lambda: nn.random.generator.random()), first
    )
    weight = "wte.weight"
    assert not np.array_equal(built(gpt)[weight], first[weight])  # the second model is another one
    with nn.random.own_generator(5):
        np.testing.assert_equal(numbers(gpt()), first)
    np.testing.assert_equal(built(), first)


LAYERS = [
    nn.Linear(2, 3),
    nn.Embedding(5, 2, padding_idx=1),
    nn.LayerNorm(3),
    nn.RMSNorm(3),
    nn.BatchNorm1d(3),
    nn.Conv1d(2, 3, 2),
    nn.Conv2d(2, 3, 2),
]


@pytest.mark.parametrize(
    "build",
    [gpt, lambda: models.MLP([2, 5, 1]), lambda: models.Bigram(4), lambda: nn.Sequential(*LAYERS)],
    ids=["GPT", "MLP", "Bigram", "layers"],
)
def test_every_parameter_is_drawn_anew(build):
    model = build()
    init.reseed(model, 0)
    before = numbers(model)
    for p in model.parameters():
        p.data = p.data + 1
    init.reseed(model, 0)
    np.testing.assert_equal(numbers(model), before)


def test_padding_starts_as_nothing_each_time():
    table = nn.Embedding(5, 2, padding_idx=1)
    init.reseed(table, 0)
    assert (table.weight.data == 0).all(axis=1).tolist() == [False, True, False, False, False]


def test_tied_weights_are_drawn_once_and_stay_tied():
    model = gpt()
    init.reseed(model, 0)
    assert model.lm_head.weight is model.wte.weight
    holder: Any = nn.Sequential()
    holder.wte = nn.Embedding(7, 8)
    init.normal_(holder.wte.weight, std=0.02)
    init.reseed(holder, 0)
    np.testing.assert_array_equal(holder.wte.weight.data, model.wte.weight.data)


def test_what_was_not_started_here_stays():
    model: Any = nn.Sequential(nn.Linear(2, 2))
    model.scale = nn.Parameter([3.0])
    init.reseed(model, 0)
    assert model.scale.item() == 3


def test_a_copy_and_a_pickle_remember_their_start():
    model = nn.Sequential(nn.Linear(2, 3), nn.Embedding(3, 2))
    init.trunc_normal_(model[0].bias)
    init.orthogonal_(model[1].weight)
    init.reseed(model, 1)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        init.reseed(other, 2)
        assert all((p.data != numbers(model)[name]).any() for name, p in other.named_parameters())
        init.reseed(other, 1)
        np.testing.assert_equal(numbers(other), numbers(model))


def test_a_width_changes_no_draw():
    model = gpt()
    init.reseed(model, 0)
    narrow = numbers(model)
    init.reseed(model.to(np.float64), 0)
    for name, array in numbers(model).items():
        np.testing.assert_array_equal(array.astype(np.float32), narrow[name])


def test_a_scalar_model_is_refused():
    with pytest.raises(TypeError, match="reseed it before to_scalars"):
        init.reseed(nn.Linear(1, 1).to_scalars(), 0)


def test_a_part_of_a_parameter_is_refused():
    layer: Any = nn.LSTM(2, 3)
    before = layer.bias_ih_l0.data.copy()
    with no_grad():
        unrecorded = layer.bias_ih_l0[3:6]
    for part in (layer.bias_ih_l0[3:6], layer.weight_hh_l0.T, unrecorded, Tensor(np.ones(3))[:2]):
        with pytest.raises(ValueError, match=r"would not reach what .* init\.start_\(p, draw\)"):
            init.ones_(part)
    np.testing.assert_array_equal(layer.bias_ih_l0.data, before)


def test_an_array_is_refused():
    layer = nn.Linear(2, 1)
    for wrong in (layer.weight.data, layer.to_scalars().weight):
        with pytest.raises(TypeError, match=r"pass the parameter itself, not its \.data"):
            init.zeros_(wrong)


def test_spreads_that_are_none():
    for wrong in (-1.0, math.nan):
        with pytest.raises(ValueError, match="normal_: std is 0 or more, not"):
            init.normal_(empty(2), std=wrong)
    for a, b in ((1.0, 0.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="uniform_: a is at most b"):
            init.uniform_(empty(2), a, b)
    assert (init.normal_(empty(2), 3, 0).data == 3).all()
    assert (init.uniform_(empty(2), 3, 3).data == 3).all()
