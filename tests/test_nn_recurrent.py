"""Recurrent layers: laws that they keep, and errors of what cannot be. `oracle_recurrent.py` holds
them against PyTorch's."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import nn
from groundup.engine import Tensor, hvp, lstm

LAYERS = [nn.RNN, nn.LSTM, nn.GRU]
CELLS = [nn.RNNCell, nn.LSTMCell, nn.GRUCell]
every_layer = pytest.mark.parametrize("kind", LAYERS)
T, B, C, H = 6, 4, 3, 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def run(layer, x, lengths=None, state=None):
    """Outputs and all last states in one list."""
    out, ends = layer(x, state, lengths)
    return [out, *(ends if isinstance(ends, tuple) else (ends,))]


def numbers(tensors):
    return [tensor.data for tensor in tensors]


def made(kind, rng, **options):
    nn.manual_seed(0)
    return kind(C, H, **options).to(np.float64), rng.standard_normal((T, B, C))


def projected(inputs, hidden, **options):
    return nn.LSTM(inputs, hidden, proj_size=2, **options)


@pytest.mark.parametrize("kind", [*LAYERS, projected])
@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(1, T), min_size=B, max_size=B),
    both=st.booleans(),
    layers=st.integers(1, 2),
    filled=st.sampled_from([0.0, 1e6, np.nan, np.inf]),
)
def test_padding_changes_nothing_and_learns_nothing(kind, lengths, both, layers, filled):
    rng = np.random.default_rng(0)
    layer, x = made(kind, rng, num_layers=layers, bidirectional=both)
    padded = x.copy()
    behind = np.arange(T)[:, None] >= lengths
    padded[behind] = filled
    leaf = Tensor(padded, requires_grad=True)
    before = [rng.standard_normal(end.shape) for end in run(layer, x)[1:]]

    def given(i=slice(None)):
        parts = tuple(part[:, i] for part in before)
        return parts if len(parts) == 2 else parts[0]

    out, *ends = run(layer, leaf, lengths, given())
    seed = rng.standard_normal(out.shape)
    ((out * seed).sum() + sum((end * end).sum() for end in ends)).backward()
    assert not leaf.grad[behind].any()
    assert not out.data[behind].any()
    weights = {name: p.grad for name, p in layer.named_parameters()}
    layer.zero_grad()
    for i, length in enumerate(lengths):  # as if each were alone
        alone = Tensor(x[:length, i], requires_grad=True)
        own, *own_ends = run(layer, alone, state=given(i))
        ((own * seed[:length, i]).sum() + sum((end * end).sum() for end in own_ends)).backward()
        np.testing.assert_allclose(out.data[:length, i], own.data, atol=1e-12)
        for end, own_end in zip(ends, own_ends, strict=True):
            np.testing.assert_allclose(end.data[:, i], own_end.data, atol=1e-12)
        np.testing.assert_allclose(leaf.grad[:length, i], alone.grad, atol=1e-12)
    for name, p in layer.named_parameters():
        np.testing.assert_allclose(weights[name], p.grad, atol=1e-11, err_msg=name)


@every_layer
def test_the_order_of_a_batch_does_not_matter(kind, rng):
    layer, x = made(kind, rng, num_layers=2, bidirectional=True)
    lengths, order = np.array([2, 6, 1, 5]), np.array([2, 0, 3, 1])
    straight = numbers(run(layer, x, lengths))
    mixed = numbers(run(layer, x[:, order], lengths[order]))
    for one, other in zip(straight, mixed, strict=True):
        np.testing.assert_allclose(one[:, order], other, atol=1e-12)


@every_layer
def test_a_later_step_changes_no_earlier_output_in_one_direction(kind, rng):
    layer, x = made(kind, rng)
    other = x.copy()
    other[4:] += 1
    one, two = layer(x)[0].data, layer(other)[0].data
    np.testing.assert_array_equal(one[:4], two[:4])
    assert (one[4:] != two[4:]).all()


@every_layer
def test_a_sequence_in_two_parts_is_the_sequence(kind, rng):
    layer, x = made(kind, rng, num_layers=2)
    whole, *ends = numbers(run(layer, x))
    first, state = layer(x[:2])
    second, *last = numbers(run(layer, x[2:], None, state))
    np.testing.assert_allclose(np.concatenate([first.data, second]), whole, atol=1e-12)
    for one, other in zip(last, ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize(("kind", "cell"), list(zip(LAYERS, CELLS, strict=True)))
def test_a_layer_is_its_cell_again_and_again(kind, cell, rng):
    layer, x = made(kind, rng)
    step = cell(C, H).to(np.float64)
    step.load_state_dict({k.removesuffix("_l0"): w for k, w in layer.state_dict().items()})
    out, *ends = numbers(run(layer, x))
    state = None
    for t in range(T):
        state = step(x[t], state)
        h = state[0] if cell is nn.LSTMCell else state
        np.testing.assert_allclose(out[t], h.data, atol=1e-12)
    last: Any = state if cell is nn.LSTMCell else (state,)
    for end, part in zip(ends, last, strict=True):
        np.testing.assert_allclose(end[0], part.data, atol=1e-12)


@every_layer
def test_dropout_acts_between_layers_while_training_alone(kind, rng):
    layer, x = made(kind, rng, num_layers=2, dropout=0.5)
    assert (layer(x)[0].data != layer(x)[0].data).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].data, layer(x)[0].data)
    gone, _ = made(kind, rng, num_layers=2, dropout=1.0)
    np.testing.assert_allclose(gone(x)[0].data, gone(x + 1)[0].data, atol=1e-12)  # nothing comes up
    with pytest.warns(UserWarning, match="dropout acts between layers, and there is one"):
        kind(C, H, dropout=0.5)


def test_second_derivatives_go_through_the_definition(rng):
    layer, x = made(nn.LSTM, rng)

    def loss(x):
        return (layer(x)[0] ** 2).sum()

    v, far = rng.standard_normal(x.shape), 1e-5
    ends = []
    for sign in (1, -1):
        leaf = Tensor(x + sign * far * v, requires_grad=True)
        loss(leaf).backward()
        ends.append(leaf.grad)
    np.testing.assert_allclose(hvp(loss, x, v), (ends[0] - ends[1]) / (2 * far), atol=1e-7)


def test_one_node_for_a_pass(rng):
    layer, x = made(nn.LSTM, rng)
    assert layer(x)[0].args[0].op.fn is lstm


def test_starts_and_says_what_it_is_as_in_pytorch():
    layer = nn.LSTM(C, 100, num_layers=2, bidirectional=True, proj_size=7)
    for p in layer.parameters():
        assert 0.09 < np.abs(p.data).max() <= 0.1
    assert repr(layer) == "LSTM(3, 100, proj_size=7, num_layers=2, bidirectional=True)"
    assert repr(nn.RNN(3, 4, 2, "relu", False)) == (
        "RNN(3, 4, num_layers=2, bias=False, nonlinearity=relu)"
    )
    assert repr(nn.GRUCell(3, 4, bias=False)) == "GRUCell(3, 4, bias=False)"
    assert repr(nn.RNNCell(3, 4, nonlinearity="relu")) == "RNNCell(3, 4, nonlinearity=relu)"
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]
    passes = ["l0", "l0_reverse", "l1", "l1_reverse"]
    wanted = [f"{name}_{called}" for called in passes for name in names]
    assert [name for name, _ in layer.named_parameters()] == wanted


X = np.zeros((T, B, C))


@pytest.mark.parametrize(
    ("lengths", "error", "text"),
    [
        ([7, 1, 1, 1], ValueError, "sequence 0 has length 7, not one from 1 to the batch's 6"),
        ([6, 6, 0, -1], ValueError, "sequence 2 has length 0, not one from 1 to the batch's 6"),
        ([1, 2, 3], ValueError, r"lengths of shape \(3,\) for 4 sequences, not \(4,\)"),
        (np.ones((4, 1), int), ValueError, r"lengths of shape \(4, 1\) for 4 sequences"),
        (np.ones(4), TypeError, "lengths are integers, not float64"),
        (np.ones(4, bool), TypeError, "lengths are integers, not bool"),
    ],
)
@every_layer
def test_lengths_that_cannot_be(kind, lengths, error, text):
    with pytest.raises(error, match=text):
        kind(C, H)(X, lengths=lengths)


@every_layer
def test_inputs_and_states_that_do_not_fit(kind):
    name, layer = kind.__name__, kind(C, H)
    for wrong in (np.zeros((T, B, C + 1)), np.zeros(C), np.zeros((1, T, B, C))):
        with pytest.raises(ValueError, match=rf"{name}: an input of shape .* not \(T, B, 3\) or"):
            layer(wrong)
    with pytest.raises(ValueError, match=r"not \(B, T, 3\) or \(T, 3\)"):
        kind(C, H, batch_first=True)(np.zeros((B, T, C + 1)))
    for empty in (np.zeros((0, B, C)), np.zeros((0, C))):
        with pytest.raises(ValueError, match="has no step at all"):
            layer(empty)
    with pytest.raises(ValueError, match="has no step at all"):
        kind(C, H, batch_first=True)(np.zeros((B, 0, C)))
    for shape, x in (((1, B + 1, H), X), ((2, B, H), X), ((1, H + 1), X[:, 0])):
        state = np.zeros(shape)
        with pytest.raises(ValueError, match=rf"{name}: a state of shape .* not \(1, "):
            layer(x, (state, state) if kind is nn.LSTM else state)
    with pytest.raises(ValueError, match=r"lengths of shape \(2,\) for 1 sequences"):
        layer(X[:, 0], lengths=[1, 2])


def test_an_lstm_has_two_states():
    with pytest.raises(TypeError, match=r"LSTM: its state is a pair \(h, c\), not a ndarray"):
        nn.LSTM(C, H)(X, np.zeros((1, B, H)))
    with pytest.raises(TypeError, match=r"LSTMCell: its state is a pair \(h, c\), not a ndarray"):
        nn.LSTMCell(C, H)(X[0], np.zeros((B, H)))


@pytest.mark.parametrize("cell", CELLS)
def test_cells_name_what_does_not_fit(cell):
    step = cell(C, H)
    with pytest.raises(ValueError, match=rf"{cell.__name__}: an input of shape \(4, 5\), not"):
        step(np.zeros((4, 5)))
    state = np.zeros((3, H))
    with pytest.raises(ValueError, match=r"a state of shape \(3, 5\), not \(4, 5\)"):
        step(X[0], (state, state) if cell is nn.LSTMCell else state)


def test_options_that_cannot_be():
    for name in ("input_size", "hidden_size", "num_layers"):
        sizes: dict[str, Any] = {"input_size": 1, "hidden_size": 1, name: 0}
        with pytest.raises(ValueError, match=f"GRU: {name} is 1 or more, not 0"):
            nn.GRU(**sizes)
    with pytest.raises(ValueError, match="dropout is a probability"):
        nn.LSTM(1, 1, 2, dropout=1.5)
    for kind in (nn.RNN, nn.RNNCell):
        with pytest.raises(ValueError, match="nonlinearity is 'tanh' or 'relu', not 'sine'"):
            kind(1, 1, nonlinearity="sine")
    for size in (-1, 4, 5):
        with pytest.raises(ValueError, match=f"proj_size is below hidden_size, 4, .* not {size}"):
            nn.LSTM(1, 4, proj_size=size)


def test_the_op_names_shapes_that_do_not_fit():
    x, h, w, flat = np.ones((2, 3, 8)), np.ones((3, 2)), np.ones((8, 2)), np.ones(2)
    wrong: list[tuple[Any, ...]] = [
        *((x, h, h[:1], w), (x, h, h, w[:6]), (x[:0], h, h, w), (x, h, h, w, flat), (flat,) * 4),
        *((x[:, :, :0], h[:, :0], h[:, :0], w[:0, :0]), (x, h, h, w, None, np.ones((3, 3), bool))),
    ]
    for args in wrong:
        for first in (args[0], Tensor(args[0])):
            with pytest.raises(ValueError, match=r"^lstm: x \(T, B, 4·H\), each state \(B, H\)"):
                lstm(first, *args[1:])
