"""Positions: what each kind promises, its numbers by hand, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import nn
from groundup.engine import Tensor
from groundup.nn import functional as F

offsets, seeds = st.integers(0, 500), st.integers(0, 2**32 - 1)
both_pairings = pytest.mark.parametrize("interleaved", [False, True])


# Sinusoidal


def test_sinusoidal_positions_are_the_formula_s():
    for dim in (6, 5):
        table = F.sinusoidal_positions(np.arange(50), dim)
        for place in (0, 1, 7, 49):
            for j in range(dim):
                angle = place / 10000 ** ((j // 2 * 2) / dim)
                expected = math.cos(angle) if j % 2 else math.sin(angle)
                assert abs(table[place, j] - expected) < 1e-14


@given(offset=offsets)
def test_a_shift_of_sinusoidal_positions_is_a_rotation(offset):
    """Why the paper chose them: PE(pos + k) is one matrix times PE(pos), for every pos."""
    here, there = F.sinusoidal_positions(np.stack([np.arange(20), offset + np.arange(20)]), 8)
    matrix = np.zeros((8, 8))
    for i in range(4):
        angle = offset / 10000 ** (2 * i / 8)
        cos, sin = np.cos(angle), np.sin(angle)
        matrix[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[cos, sin], [-sin, cos]]
    np.testing.assert_allclose(here @ matrix.T, there, atol=1e-12)


@pytest.mark.parametrize(
    "layer", [nn.LearnedPositionalEmbedding(9, 4), nn.SinusoidalPositionalEmbedding(4)]
)
def test_an_offset_goes_on_where_the_last_part_ended(layer):
    x = np.random.default_rng(0).standard_normal((2, 9, 4)).astype(np.float32)
    whole = layer(Tensor(x)).data
    parts = [layer(Tensor(x[:, :5])).data, layer(Tensor(x[:, 5:]), offset=5).data]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    assert whole.dtype == np.float32


# Rotary


@both_pairings
@settings(max_examples=30)
@given(t=offsets, s=offsets, by=offsets, seed=seeds)
def test_rotary_scores_depend_on_the_distance_alone(interleaved, t, s, by, seed):
    layer, rng = nn.RotaryEmbedding(8, interleaved=interleaved), np.random.default_rng(seed)
    q, k = rng.standard_normal((2, 1, 8))
    here, there = (
        float((layer(q, offset=t + more) @ layer(k, offset=s + more).T)[0, 0]) for more in (0, by)
    )
    assert abs(here - there) < 1e-9
    assert abs(np.linalg.norm(layer(q, offset=t)) - np.linalg.norm(q)) < 1e-12
    if t == s:
        assert abs(here - float((q @ k.T)[0, 0])) < 1e-9


@both_pairings
def test_rotary_scores_do_depend_on_the_distance(interleaved):
    layer, x = nn.RotaryEmbedding(4, interleaved=interleaved), np.ones((6, 4))
    scores = layer(x) @ layer(x).T
    assert len(np.unique(scores[0].round(6))) == 6


def test_rotary_pairs_by_hand():
    x, quarter = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([np.pi / 2])
    base = 1e18  # the second pair hardly turns
    halves = F.rotary_embedding(x, quarter, base)
    np.testing.assert_allclose(halves, [[-3, 2, 1, 4]], atol=1e-8)  # 1 with 3, 2 with 4
    neighbours = F.rotary_embedding(x, quarter, base, interleaved=True)
    np.testing.assert_allclose(neighbours, [[-2, 1, 3, 4]], atol=1e-8)  # 1 with 2, 3 with 4


def test_both_pairings_are_one_up_to_the_order_of_columns():
    """As checkpoints are converted: what is 0, 1, 2, 3, 4, 5 for one is 0, 2, 4, 1, 3, 5."""
    x = np.random.default_rng(0).standard_normal((7, 6))
    order = [0, 2, 4, 1, 3, 5]
    np.testing.assert_allclose(
        F.rotary_embedding(x, interleaved=True)[:, order],
        F.rotary_embedding(x[:, order]),
        atol=1e-15,
    )


def test_rotary_positions_may_be_given_for_each_sequence():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    places = np.array([[0, 1, 2], [7, 8, 9]])
    turned = F.rotary_embedding(x, places)
    np.testing.assert_array_equal(turned[0], F.rotary_embedding(x[0]))
    np.testing.assert_array_equal(turned[1], nn.RotaryEmbedding(4)(x[1], offset=7))


# ALiBi


def test_alibi_by_hand():
    assert F.alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]  # as the paper has it
    assert nn.ALiBi(2)(3).tolist() == [
        [[0, -1 / 16, -1 / 8], [-1 / 16, 0, -1 / 16], [-1 / 8, -1 / 16, 0]],
        [[0, -1 / 256, -1 / 128], [-1 / 256, 0, -1 / 256], [-1 / 128, -1 / 256, 0]],
    ]
    assert nn.ALiBi(1)(1, offset=2).tolist() == [[[-2 / 256, -1 / 256, 0]]]
    assert nn.ALiBi(1)(1, 2).tolist() == [[[0, -1 / 256]]]


@pytest.mark.parametrize("heads", range(1, 40))
def test_alibi_slopes_of_any_number_of_heads(heads):
    slopes = F.alibi_slopes(heads)
    assert len({*slopes.tolist()}) == heads
    assert ((slopes > 0) & (slopes < 1)).all()
    power = 2 ** (heads.bit_length() - 1)
    np.testing.assert_allclose(slopes[:power], [2 ** (-8 * i / power) for i in range(1, power + 1)])
    twice = [2 ** (-8 * i / (2 * power)) for i in range(1, 2 * power + 1)]
    np.testing.assert_allclose(slopes[power:], twice[::2][: heads - power])


def test_alibi_reaches_the_scores():
    x = np.random.default_rng(0).standard_normal((2, 5, 4))  # two heads
    out = F.scaled_dot_product_attention(x, x, x, nn.ALiBi(2)(5), is_causal=True)
    for head, slope in enumerate((1 / 16, 1 / 256)):
        for t in range(5):
            scores = [x[head, t] @ x[head, s] / 2 - slope * (t - s) for s in range(t + 1)]
            weights = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(out[head, t], weights @ x[head, : t + 1], atol=1e-14)


# Why there are positions


@settings(max_examples=20)
@given(seed=seeds)
def test_without_positions_order_is_lost(seed):
    """Of tokens in another order each becomes what it was, so their mean says nothing of it."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).to(np.float64).eval()
    x, order = rng.standard_normal((1, 5, 4)), np.roll(np.arange(5), 2)
    out = layer(x).data
    np.testing.assert_allclose(layer(x[:, order]).data, out[:, order], atol=1e-12)
    for place in (nn.LearnedPositionalEmbedding(5, 4), nn.SinusoidalPositionalEmbedding(4)):
        placed = layer(place(Tensor(x))).data
        assert not np.allclose(layer(place(Tensor(x[:, order]))).data, placed[:, order])


# What does not fit


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="4 positions, and there are only 3; cut the sequence"):
        nn.LearnedPositionalEmbedding(3, 2)(np.ones((4, 2)))
    with pytest.raises(ValueError, match="only 3"):
        nn.LearnedPositionalEmbedding(3, 2)(np.ones((1, 2)), offset=3)
    for layer in (nn.LearnedPositionalEmbedding(9, 4), nn.SinusoidalPositionalEmbedding(4)):
        with pytest.raises(ValueError, match=r"\(…, T, 4\) .* not shape \(4, 2\) from 0"):
            layer(np.ones((4, 2)))
        with pytest.raises(ValueError, match="from -1"):
            layer(np.ones((4, 4)), offset=-1)
    for dim in (3, 0):
        with pytest.raises(ValueError, match=f"dim is even, since pairs are turned, not {dim}"):
            nn.RotaryEmbedding(dim)
    with pytest.raises(ValueError, match="RotaryEmbedding: "):
        nn.RotaryEmbedding(4)(np.ones((4, 2)))
    with pytest.raises(ValueError, match="even d"):
        F.rotary_embedding(np.ones((4, 3)))
    for wrong in (np.arange(3), np.arange(8).reshape(2, 4)):
        with pytest.raises(ValueError, match=r"positions of shape .* do not broadcast to \(4,\)"):
            F.rotary_embedding(np.ones((4, 2)), wrong)
    with pytest.raises(ValueError, match="num_heads is at least 1, not 0"):
        nn.ALiBi(0)
