"""Laws that layers keep, whatever their numbers are."""

from typing import Any

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor
from groundup.engine.samples import RandomDraw
from oracle import declared, each, figures_of, largest_difference, numbers_of, results

every_layer = pytest.mark.parametrize("case", declared().values(), ids=declared())

# Layers that take each member of a batch by itself, and one that only counts what it saw of all.
BATCHES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "Linear": (lambda: nn.Linear(4, 3), (4,)),
    "SwiGLU": (lambda: nn.SwiGLU(4, 6), (4,)),
    "LayerNorm": (lambda: nn.LayerNorm(4), (4,)),
    "RMSNorm": (lambda: nn.RMSNorm((3, 4)), (3, 4)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), (4,)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(3), (3, 4, 4)),
    "Conv1d": (lambda: nn.Conv1d(3, 2, 2), (3, 5)),
    "Conv2d": (lambda: nn.Conv2d(3, 2, 2), (3, 4, 4)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (3, 4, 4)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), (3, 4)),
    "Flatten": (lambda: nn.Flatten(), (3, 4)),
    "GELU": (lambda: nn.GELU(), (4,)),
    "Softmax": (lambda: nn.Softmax(-1), (4,)),
}
every_batch = pytest.mark.parametrize(("build", "shape"), BATCHES.values(), ids=BATCHES)
every_mode = pytest.mark.parametrize("training", [True, False])


@every_layer
def test_evaluation_is_deterministic_and_changes_nothing(case):
    trial, state = case.drawn(RandomDraw(2))
    layer = case.ours(**trial.options).to(np.float64)
    layer.load_state_dict(state)
    trial = trial._replace(training=False)
    first, again = (
        figures_of(layer, trial, lambda array: Tensor(array, requires_grad=True)) for _ in range(2)
    )
    assert largest_difference(first, again)[0] == 0
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_dropout_draws_only_in_training():
    layer, x = nn.Dropout(0.5), np.ones(1000)
    assert not np.array_equal(layer(x), layer(x))
    assert layer.eval()(x) is x


@every_mode
@every_batch
def test_the_order_of_a_batch_does_not_matter(build, shape, training):
    rng = np.random.default_rng(0)
    layer = build().to(np.float64).train(training)
    x, order = rng.standard_normal((6, *shape)), rng.permutation(6)
    out, other = layer(Tensor(x)).data, layer(Tensor(x[order])).data
    np.testing.assert_allclose(other, out[order], atol=1e-12)


@every_batch
def test_a_member_of_a_batch_does_not_see_the_others_in_evaluation(build, shape):
    rng = np.random.default_rng(0)
    layer = build().to(np.float64)
    x = rng.standard_normal((6, *shape))
    layer(Tensor(x))  # a batch norm learns from it
    layer.eval()
    out, alone = layer(Tensor(x)).data, layer(Tensor(x[2:3])).data
    np.testing.assert_allclose(alone, out[2:3], atol=1e-12)


@every_layer
def test_float32_stays_float32(case):
    """What a layer starts with is float32, and so is what it makes of float32."""
    trial, _ = case.drawn(RandomDraw(1))
    layer = case.ours(**trial.options).train(trial.training)
    assert {p.dtype for p in layer.parameters()} <= {np.dtype(np.float32)}

    def narrow(array):
        return Tensor(array.astype(np.float32)) if array.dtype.kind == "f" else array

    out = layer(*each(narrow, trial.inputs), **each(narrow, trial.keywords))
    assert {part.dtype for part in results(out)} == {np.dtype(np.float32)}


@every_layer
def test_a_list_of_numbers_serves_as_an_array(case):
    for seed in range(10):
        trial, state = case.drawn(RandomDraw(seed))
        layer, other = (case.ours(**trial.options).to(np.float64) for _ in range(2))
        for built in (layer, other):
            built.load_state_dict(state)
            built.train(trial.training)
        inputs, keywords = each(as_list, trial.inputs), each(as_list, trial.keywords)
        out = results(layer(*trial.inputs, **trial.keywords))
        same = other(*inputs, **keywords)
        if same is not inputs[0]:  # which it was to give back as it is
            for one, another in zip(out, results(same), strict=True):
                np.testing.assert_array_equal(numbers_of(one), numbers_of(another))


def as_list(array):
    """Of no numbers a list would not know its shape."""
    return array.tolist() if array.size and array.ndim else array


# Signals through many layers


def spreads(layers, width, seed=0):
    """Mean squares on the way through, each layer given its start."""
    rng = np.random.default_rng(seed)
    x, found = rng.standard_normal((256, width)).astype(np.float32), []
    for layer in layers:
        x = layer(x)
        x = getattr(x, "data", x)
        if isinstance(layer, nn.Linear | nn.LayerNorm | nn.RMSNorm | nn.BatchNorm1d):
            found.append(float(np.mean(x**2)))
    return np.array(found)


def stack(activation, std, depth=20, width=200, norm=None):
    layers: list[Any] = []
    for _ in range(depth):
        linear = nn.Linear(width, width, bias=False)
        nn.init.normal_(linear.weight, std=std / np.sqrt(width))
        layers += [linear, *([norm(width)] if norm else []), activation()]
    return layers


# √2 makes up for the half that a ReLU cuts off (He et al., 2015); SELU wants 1 (Klambauer et al.,
# 2017); 5/3 is what PyTorch calls tanh's gain.
FITTING = {nn.Identity: 1.0, nn.ReLU: np.sqrt(2), nn.SELU: 1.0, nn.Tanh: 5 / 3}


@pytest.mark.parametrize("activation", FITTING, ids=lambda a: a.__name__)
def test_variance_stays_in_a_band_under_the_fitting_start(activation):
    nn.manual_seed(0)
    spread = spreads(stack(activation, FITTING[activation]), 200)
    assert spread.min() > 0.4
    assert spread.max() < 3
    small = spreads(stack(activation, FITTING[activation] / 2), 200)
    assert small[-1] < 0.1  # where it is too small, it vanishes (SELU holds on for longest)


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm, nn.BatchNorm1d])
@pytest.mark.parametrize("std", [0.1, 1.0, 10.0])
def test_a_norm_keeps_the_variance_whatever_the_start(norm, std):
    nn.manual_seed(0)
    spread = spreads(stack(nn.ReLU, std, norm=norm), 200)[1::2]
    np.testing.assert_allclose(spread, 1, rtol=0.02)


# How parameters start

STARTS: dict[str, dict[str, Any]] = {
    "MultiheadAttention": {"embed_dim": 40, "num_heads": 4, "kdim": 30, "add_bias_kv": True},
    "TransformerEncoderLayer": {"d_model": 40, "nhead": 4, "dim_feedforward": 60},
    "TransformerDecoderLayer": {"d_model": 40, "nhead": 4, "dim_feedforward": 60},
    "Transformer": {"d_model": 20, "nhead": 2, "num_decoder_layers": 1, "batch_first": True},
    "Linear": {"in_features": 300, "out_features": 200},
    "Conv1d": {"in_channels": 40, "out_channels": 60, "kernel_size": 5, "groups": 2},
    "Conv2d": {"in_channels": 40, "out_channels": 60, "kernel_size": (3, 5)},
    "Embedding": {"num_embeddings": 300, "embedding_dim": 100, "padding_idx": 1},
    "LayerNorm": {"normalized_shape": 5},
    "RMSNorm": {"normalized_shape": 5},
    "BatchNorm1d": {"num_features": 5},
    "BatchNorm2d": {"num_features": 5},
    "LSTM": {"input_size": 30, "hidden_size": 40, "bidirectional": True, "proj_size": 20},
    "GRUCell": {"input_size": 30, "hidden_size": 40},
}


def distance(one, other):
    """How far apart the shares of numbers below any number are (Kolmogorov, Smirnov)."""
    one, other = np.sort(one.ravel()), np.sort(other.ravel())
    both = np.concatenate([one, other])
    below = [np.searchsorted(each, both, side="right") / len(each) for each in (one, other)]
    return np.abs(below[0] - below[1]).max()


@pytest.mark.parametrize("name", STARTS)
def test_layers_start_as_pytorch_s(name):
    torch = pytest.importorskip("torch")
    nn.manual_seed(0)
    torch.manual_seed(0)
    ours = getattr(nn, name)(**STARTS[name]).state_dict()
    theirs = getattr(torch.nn, name)(**STARTS[name]).state_dict()
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        there = theirs[key].numpy()
        assert array.dtype == there.dtype
        assert array.shape == there.shape
        if np.ptp(there) == 0:
            np.testing.assert_array_equal(array, there)
        else:
            # Two samples of n numbers of one distribution are further apart in 1 of 1000 cases.
            assert distance(array, there) < 1.95 * np.sqrt(2 / array.size), key
    if name == "Embedding":
        assert not ours["weight"][1].any()
