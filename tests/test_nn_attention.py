"""Attention and Transformers: masks, shared heads, starts, and what they refuse."""

import numpy as np
import pytest

from groundup import nn, viz
from groundup.engine import Tensor, no_grad
from groundup.nn import functional as F


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def layer(**options):
    nn.manual_seed(0)
    made = nn.MultiheadAttention(4, 2, batch_first=True, **options).to(np.float64)
    for name, parameter in made.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return made


# Grouped queries


def test_grouped_queries_share_keys_and_values(rng):
    q = Tensor(rng.standard_normal((2, 6, 5, 4)), requires_grad=True)
    k, v = (Tensor(rng.standard_normal((2, 2, 7, 4)), requires_grad=True) for _ in range(2))
    out = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    (out * out).sum().backward()
    many = [Tensor(np.repeat(x.data, 3, axis=1), requires_grad=True) for x in (k, v)]
    expected = F.scaled_dot_product_attention(q.data, many[0], many[1])
    np.testing.assert_allclose(out.data, expected.data, atol=1e-14)
    (expected * expected).sum().backward()
    for one, copies in zip((k, v), many, strict=True):
        shares = np.reshape(copies.grad, (2, 2, 3, 7, 4)).sum(axis=2)
        np.testing.assert_allclose(one.grad, shares, atol=1e-12)


def test_heads_that_cannot_be_shared():
    q, k = np.ones((3, 5, 2)), np.ones((2, 5, 2))
    with pytest.raises(ValueError, match=r"heads of key, of shape \(2, 5, 2\).*a multiple"):
        F.scaled_dot_product_attention(q, k, k, enable_gqa=True)
    with pytest.raises(ValueError, match="heads of value"):
        F.scaled_dot_product_attention(q, q, k, enable_gqa=True)
    with pytest.raises(ValueError, match="heads lie on the axis -3"):
        F.scaled_dot_product_attention(q[0], q[0], q[0], enable_gqa=True)


# Masks


def test_a_mask_of_the_wrong_shape_for_the_function(rng):
    q = rng.standard_normal((2, 3, 4))
    for wrong in ((3, 4), (2, 1, 3, 3), (3, 3, 3)):
        with pytest.raises(ValueError, match=r"attn_mask of shape .* to \(…, T, S\) = \(2, 3, 3\)"):
            F.scaled_dot_product_attention(q, q, q, np.zeros(wrong))


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("how", ["booleans", "floats"])
def test_a_query_that_may_look_nowhere_reads_zeros(how, need_weights, rng):
    """PyTorch gives NaN, at least if weights are asked for."""
    attention = layer(bias=False)
    x = Tensor(rng.standard_normal((2, 3, 4)), requires_grad=True)
    hidden = np.zeros((3, 3), bool)
    hidden[1] = True
    mask = hidden if how == "booleans" else np.where(hidden, -np.inf, 0.0)
    out, weights = attention(x, x, x, attn_mask=mask, need_weights=need_weights)
    assert not out.data[:, 1].any()
    assert out.data[:, [0, 2]].all()
    if need_weights:
        assert not weights.data[:, 1].any()
        np.testing.assert_allclose(weights.data[:, [0, 2]].sum(axis=-1), 1)
    (out * out).sum().backward()
    assert np.isfinite(x.grad).all()
    assert all(np.isfinite(p.grad).all() for p in attention.parameters())


def test_masks_of_both_kinds_are_one(rng):
    attention, x = layer(), rng.standard_normal((2, 3, 4))
    pairs, padding = rng.random((3, 3)) < 0.3, np.array([[False, False, True], [False] * 3])
    numbers = [np.where(mask, -np.inf, 0.0) for mask in (pairs, padding)]
    first, *others = (
        attention(x, x, x, key_padding_mask=b, attn_mask=a)[0].data
        for a, b in [
            (pairs, padding),
            (numbers[0], padding),
            (pairs, numbers[1]),
            (numbers[0], numbers[1]),
            (pairs.tolist(), Tensor(padding)),
            (np.broadcast_to(pairs, (4, 3, 3)), padding),
        ]
    )
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-15)


@pytest.mark.parametrize("options", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}])
@pytest.mark.parametrize("need_weights", [True, False])
def test_is_causal_is_as_good_as_the_mask(options, need_weights, rng):
    attention, x = layer(**options), rng.standard_normal((2, 3, 4))
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    results = [
        attention(x, x, x, need_weights=need_weights, **given)
        for given in ({"is_causal": True}, {"attn_mask": mask}, {"attn_mask": mask < 0})
    ]
    for out, weights in results[1:]:
        np.testing.assert_allclose(out.data, results[0][0].data, atol=1e-15)
        if need_weights:
            np.testing.assert_allclose(weights.data, results[0][1].data, atol=1e-15)


def test_extra_keys_are_seen_by_all(rng):
    """PyTorch hides them from some, given is_causal and no wish for weights."""
    attention, x = layer(add_bias_kv=True, add_zero_attn=True), rng.standard_normal((2, 3, 4))
    _, weights = attention(x, x, x, is_causal=True, key_padding_mask=np.ones((2, 3), bool))
    assert weights.shape == (2, 3, 5)
    assert not weights.data[..., :3].any()
    assert weights.data[..., 3:].all()


def test_one_sequence_alone_and_either_order_of_axes(rng):
    attention, x, memory = layer(), rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4))
    out, weights = attention(x, memory, memory, average_attn_weights=False)
    assert weights.shape == (2, 2, 3, 5)
    alone, its_weights = attention(x[1], memory[1], memory[1], average_attn_weights=False)
    np.testing.assert_allclose(alone.data, out.data[1], atol=1e-15)
    np.testing.assert_allclose(its_weights.data, weights.data[1], atol=1e-15)
    attention.batch_first = False
    turned = x.swapaxes(0, 1), memory.swapaxes(0, 1)
    np.testing.assert_allclose(attention(*turned, turned[1])[0].data.swapaxes(0, 1), out.data)


def test_an_empty_batch():
    attention, x = layer(), np.zeros((0, 3, 4))
    out, weights = attention(x, x, x)
    assert out.shape == (0, 3, 4)
    assert weights.shape == (0, 3, 3)


def test_weights_are_those_that_were_used(rng):
    """After dropout, as in PyTorch."""
    attention, x = layer(dropout=0.5, bias=False), rng.standard_normal((2, 3, 4))
    out, weights = attention(x, x, x, average_attn_weights=False)
    assert 0 < (weights.data == 0).sum() < weights.data.size
    values = x @ attention.in_proj_weight.data[8:].T
    values = values.reshape(2, 3, 2, 2).swapaxes(1, 2)
    heads = (weights.data @ values).swapaxes(1, 2).reshape(2, 3, 4)
    np.testing.assert_allclose(heads @ attention.out_proj.weight.data.T, out.data, atol=1e-15)


@pytest.mark.parametrize("need_weights", [True, False])
def test_pictures_find_the_weights(need_weights, rng):
    attention, x = layer(), rng.standard_normal((2, 3, 4))
    out, _ = attention(x, x, x, is_causal=True, need_weights=need_weights)
    with no_grad():
        _, weights = attention(x, x, x, is_causal=True, average_attn_weights=False)
    (found,) = viz.attention_weights(out).values()
    np.testing.assert_allclose(found, weights.data, atol=1e-15)


# Starts and copies


def test_layers_of_a_stack_are_copies(rng):
    one = nn.TransformerEncoderLayer(4, 2, 8)
    stack = nn.TransformerEncoder(one, 2)
    names = [name for name, _ in stack.named_parameters()]
    assert names[0] == "layers.0.self_attn.in_proj_weight"
    assert len(names) == 2 * len([*one.parameters()]) == len({id(p) for p in stack.parameters()})
    first, second = (block.linear1.weight for block in stack.layers)
    np.testing.assert_array_equal(first.data, second.data)
    stack(rng.standard_normal((3, 2, 4))).sum().backward()
    assert one.linear1.weight.grad is None
    nn.init.reseed(stack, 0)
    assert not np.array_equal(first.data, second.data)


def test_a_transformer_draws_all_of_its_weights():
    model = nn.Transformer(8, 2, 2, 2, 16)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            bound = np.sqrt(6 / sum(parameter.shape))
            assert 0.7 * bound < np.abs(parameter.data).max() <= bound, name
    one, other = (block.linear1.weight.data for block in model.encoder.layers)
    assert not np.array_equal(one, other)


def test_a_transformer_takes_other_encoders_and_decoders(rng):
    class Twice(nn.Module):
        def forward(self, *given, **masks):
            return 2 * given[-1]  # of an encoder's src; of a decoder's tgt and memory, the memory

    model = nn.Transformer(4, 2, custom_encoder=Twice(), custom_decoder=Twice())
    src = rng.standard_normal((3, 2, 4))
    np.testing.assert_array_equal(model(src, np.zeros((1, 2, 4))), 4 * src)


def test_the_causal_mask_by_name():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]]


# What does not fit


def test_widths_and_heads():
    for E, H in ((5, 2), (4, 0), (0, 1)):
        with pytest.raises(ValueError, match=rf"embed_dim \({E}\) must be a multiple of num_heads"):
            nn.MultiheadAttention(E, H)
        with pytest.raises(ValueError, match="multiple of num_heads"):
            nn.TransformerDecoderLayer(E, H)
    with pytest.raises(ValueError, match="dropout is a probability"):
        nn.MultiheadAttention(4, 2, dropout=1.5)
    with pytest.raises(ValueError, match="'relu', 'gelu' or a function, not 'tanh'"):
        nn.TransformerEncoderLayer(4, 2, activation="tanh")
    with pytest.raises(ValueError, match="num_layers is at least 1, not 0"):
        nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 0)


X = np.ones((2, 3, 4))
WRONG = {
    "a mask of integers": ({"attn_mask": np.ones((3, 3), int)}, "attn_mask of int64. Booleans"),
    "padding of integers": ({"key_padding_mask": [[0, 0, 1]] * 2}, "key_padding_mask of int64"),
    "a mask for fewer keys": (
        {"attn_mask": np.ones((3, 2), bool)},
        r"attn_mask of shape \(3, 2\).*\(T, S\) = \(3, 3\) or \(B · H, T, S\) = \(4, 3, 3\)",
    ),
    "a mask for each of the batch": ({"attn_mask": np.ones((2, 3, 3), bool)}, "attn_mask of shape"),
    "padding of another batch": (
        {"key_padding_mask": np.zeros((3, 3), bool)},
        r"key_padding_mask of shape \(3, 3\) does not fit; it is \(B, S\) = \(2, 3\)",
    ),
    "padding of one sequence": ({"key_padding_mask": np.zeros(3, bool)}, "key_padding_mask of"),
    "a query too narrow": ({"query": X[..., :3]}, r"query of shape \(2, 3, 3\) does not end in 4"),
    "keys too wide": ({"key": np.ones((2, 3, 5))}, r"key of shape .* \(embed_dim, kdim, vdim\)"),
    "another batch": ({"key": X[:1], "value": X[:1]}, "all have one B, and as many values as keys"),
    "a value missing": ({"value": X[:, :2]}, "as many values as keys"),
    "keys of one sequence": ({"key": X[0]}, r"key of shape \(3, 4\); .* all \(B, T, E\), or all"),
    "four axes": ({"query": X[None]}, r"query of shape \(1, 2, 3, 4\)"),
}


@pytest.mark.parametrize(("given", "says"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_named(given, says):
    with pytest.raises((ValueError, TypeError), match=f"MultiheadAttention: .*{says}"):
        layer()(**{"query": X, "key": X, "value": X, **given})


def test_padding_of_one_sequence_alone():
    with pytest.raises(ValueError, match=r"it is \(S,\) = \(3,\)"):
        layer()(X[0], X[0], X[0], key_padding_mask=np.zeros((2, 3), bool))


@pytest.mark.parametrize("kind", ["{}_mask", "{}_key_padding_mask"])
@pytest.mark.parametrize("seen", ["src", "tgt", "memory"])
def test_a_transformer_names_the_mask_that_it_was_given(seen, kind):
    name = kind.format(seen)
    model = nn.Transformer(4, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=4)
    src, tgt = np.ones((3, 2, 4)), np.ones((5, 2, 4))
    with pytest.raises(ValueError, match=rf" {name} of shape \(7, 7\) does not fit"):
        model(src, tgt, **{name: np.zeros((7, 7), bool)})
    with pytest.raises(TypeError, match=rf" {name} of int64. Booleans .* \({name} == 1"):
        model(src, tgt, **{name: np.zeros((7, 7), np.int64)})


def test_other_attention_refuses_what_does_not_fit():
    additive = nn.AdditiveAttention(4, 4)
    with pytest.raises(ValueError, match=r"AdditiveAttention: query \(2, 3, 3\).*\(…, T, 4\)"):
        additive(X[..., :3], X)
    with pytest.raises(ValueError, match="do not fit"):
        additive(X, X, X[:, :2])
    with pytest.raises(ValueError, match=r"key_padding_mask of shape \(3,\).*\(…, S\) = \(2, 3\)"):
        additive(X, X, key_padding_mask=np.zeros(3, bool))
    with pytest.raises(TypeError, match="key_padding_mask of int64"):
        additive(X, X, key_padding_mask=np.zeros((2, 3), int))
    with pytest.raises(ValueError, match=r"'dot' multiplies .* of one width, not 4 and 3"):
        nn.MultiplicativeAttention(4, 3, method="dot")
    with pytest.raises(ValueError, match="'dot', 'general' or 'concat', not 'cosine'"):
        nn.MultiplicativeAttention(4, method="cosine")
