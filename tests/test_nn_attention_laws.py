"""Laws of attention, whatever the numbers are: what may not be seen changes nothing."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup import nn
from groundup.engine import Tensor
from groundup.nn import functional as F

C = 4  # the width of all


class Case(NamedTuple):
    """A layer that reads sequences (B, T, C).

    Attributes:
        build: makes it.
        causal: call(layer, x), where no position may see what comes after it; or None.
        padded: call(layer, x, padding), where none may see what padding (B, T) is True at.
    """

    build: Any
    causal: Any
    padded: Any


def attention(**options: Any) -> Case:
    return Case(
        lambda: nn.MultiheadAttention(C, 2, batch_first=True, **options),
        lambda layer, x: layer(x, x, x, is_causal=True)[0],
        lambda layer, x, padding: layer(x, x, x, key_padding_mask=padding)[0],
    )


def encoder(depth: int = 0, **options: Any) -> Case:
    def build() -> Any:
        layer = nn.TransformerEncoderLayer(C, 2, 8, batch_first=True, **options)
        return nn.TransformerEncoder(layer, depth, nn.LayerNorm(C)) if depth else layer

    return Case(
        build,
        lambda layer, x: layer(x, is_causal=True),
        lambda layer, x, padding: layer(x, src_key_padding_mask=padding),
    )


MEMORY = np.random.default_rng(1).standard_normal((1, 3, C))


def memory(x: Any) -> np.ndarray:
    return np.broadcast_to(MEMORY, (len(x), *MEMORY.shape[1:]))


def decoder(depth: int = 0, **options: Any) -> Case:
    def build() -> Any:
        layer = nn.TransformerDecoderLayer(C, 2, 8, batch_first=True, **options)
        return nn.TransformerDecoder(layer, depth) if depth else layer

    return Case(
        build,
        lambda layer, x: layer(x, memory(x), tgt_is_causal=True),
        lambda layer, x, padding: layer(x, memory(x), tgt_key_padding_mask=padding),
    )


def translating(layer: Any, x: Any, padding: Any) -> Any:
    """What is read and padded is x, and what is written always the same."""
    masks = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    return layer(x, memory(x), **masks, tgt_is_causal=True)


def transformer() -> Any:
    return nn.Transformer(C, 2, 1, 1, 8, batch_first=True)


def grouped(x: Any, **masks: Any) -> Any:
    """Four heads of queries to two of keys and values."""
    B, T, _ = x.shape
    heads = x.reshape(B, T, 4, 1).swapaxes(1, 2)
    out = F.scaled_dot_product_attention(
        heads, heads[:, :2], heads[:, :2], **masks, enable_gqa=True
    )
    return out.swapaxes(1, 2).reshape(B, T, C)


def with_positions(layer: Any, x: Any, **masks: Any) -> Any:
    """Rotary and ALiBi at once, which nobody does."""
    rotary, alibi = layer
    bias = alibi(x.shape[1])
    if "attn_mask" in masks:
        masks["attn_mask"] = np.where(masks["attn_mask"], bias, -np.inf)
    else:
        masks["attn_mask"] = bias
    return F.scaled_dot_product_attention(rotary(x), rotary(x), x, **masks)


def seen(padding: np.ndarray) -> np.ndarray:
    return ~padding[:, None]


LAYERS = {
    "grouped queries": Case(
        nn.Identity,
        lambda layer, x: grouped(x, is_causal=True),
        lambda layer, x, padding: grouped(x, attn_mask=seen(padding)[:, None]),
    ),
    "rotary and ALiBi": Case(
        lambda: nn.Sequential(nn.RotaryEmbedding(C), nn.ALiBi(1)),
        lambda layer, x: with_positions(layer, x, is_causal=True),
        lambda layer, x, padding: with_positions(layer, x, attn_mask=seen(padding)),
    ),
    "MultiheadAttention": attention(),
    "with extra keys": attention(add_bias_kv=True, add_zero_attn=True),
    "of other widths": Case(
        lambda: nn.MultiheadAttention(C, 2, kdim=C, vdim=2, batch_first=True),
        lambda layer, x: layer(x, x, x[..., :2], is_causal=True)[0],
        lambda layer, x, padding: layer(x, x, x[..., :2], key_padding_mask=padding)[0],
    ),
    "encoder layer": encoder(),
    "encoder layer, norm first": encoder(norm_first=True, activation="gelu"),
    "encoder": encoder(2),
    "decoder layer": decoder(),
    "decoder, norm first": decoder(2, norm_first=True),
    "Transformer, of what it reads": Case(transformer, None, translating),
    "AdditiveAttention": Case(
        lambda: nn.AdditiveAttention(C, C),
        None,
        lambda layer, x, padding: layer(x, x, key_padding_mask=padding)[0],
    ),
    "MultiplicativeAttention": Case(
        lambda: nn.MultiplicativeAttention(C),
        None,
        lambda layer, x, padding: layer(x, x, key_padding_mask=padding)[0],
    ),
}
every_layer = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)
every_causal_layer = pytest.mark.parametrize(
    "case", [c for c in LAYERS.values() if c.causal], ids=[n for n, c in LAYERS.items() if c.causal]
)
lengths, seeds = st.integers(2, 7), st.integers(0, 2**32 - 1)


def made(case: Case, seed: int) -> tuple[Any, np.random.Generator]:
    nn.manual_seed(seed)
    layer = case.build().to(np.float64)
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return layer.eval(), np.random.default_rng(seed)


@every_causal_layer
@settings(max_examples=15)
@given(T=lengths, data=st.data(), seed=seeds)
def test_a_later_token_changes_nothing_before_it(case, T, data, seed):
    t = data.draw(st.integers(1, T - 1))
    layer, rng = made(case, seed)
    x = Tensor(rng.standard_normal((2, T, C)), requires_grad=True)
    out = case.causal(layer, x)
    other = x.data.copy()
    other[:, t:] = 100 * rng.standard_normal((2, T - t, C))
    changed = case.causal(layer, Tensor(other)).data
    np.testing.assert_allclose(changed[:, :t], out.data[:, :t], atol=1e-12)
    assert not np.allclose(changed[:, t], out.data[:, t])

    (out[:, :t] ** 2).sum().backward()
    assert not x.grad[:, t:].any()
    assert x.grad[:, 0].any()


@every_layer
@settings(max_examples=15)
@given(T=lengths, data=st.data(), seed=seeds)
def test_padding_changes_nothing_that_is_real(case, T, data, seed):
    """Nor is the gradient of what is real any other than without it."""
    t = data.draw(st.integers(1, T - 1))
    layer, rng = made(case, seed)
    x = Tensor(100 * rng.standard_normal((2, T, C)), requires_grad=True)
    x.data[:, :t] /= 100
    padding = np.arange(T) >= [[t], [T]]  # the second sequence has none
    short = Tensor(x.data[:1, :t], requires_grad=True)
    alone = case.padded(layer, short, padding[:1, :t])
    (alone**2).sum().backward()
    expected = [p.grad for p in layer.parameters()]
    layer.zero_grad()

    out = case.padded(layer, x, padding)
    real = out[:1, : alone.shape[1]]
    np.testing.assert_allclose(real.data, alone.data, atol=1e-12)
    (real**2).sum().backward()
    np.testing.assert_allclose(x.grad[:1, :t], short.grad, atol=1e-10)
    assert not x.grad[0, t:].any()
    for parameter, grad in zip(layer.parameters(), expected, strict=True):
        np.testing.assert_allclose(parameter.grad, grad, atol=1e-10)


@every_layer
@given(T=lengths, seed=seeds)
@settings(max_examples=10)
def test_the_order_of_a_batch_does_not_matter(case, T, seed):
    layer, rng = made(case, seed)
    x, order = rng.standard_normal((5, T, C)), rng.permutation(5)
    padding = np.arange(T) >= rng.integers(1, T + 1, (5, 1))
    out = case.padded(layer, Tensor(x), padding).data
    other = case.padded(layer, Tensor(x[order]), padding[order]).data
    np.testing.assert_allclose(other, out[order], atol=1e-12)


@every_layer
def test_evaluation_is_deterministic(case):
    layer, rng = made(case, 0)
    x = rng.standard_normal((2, 4, C))
    none = np.zeros((2, 4), bool)
    first, again = (case.padded(layer, Tensor(x), none).data for _ in range(2))
    np.testing.assert_array_equal(first, again)
    if any(isinstance(part, nn.Dropout) for part in layer.modules()):
        layer.train()
        assert not np.array_equal(case.padded(layer, Tensor(x), none).data, first)


READERS = {
    "MultiheadAttention": lambda: nn.MultiheadAttention(C, 2, batch_first=True),
    "AdditiveAttention": lambda: nn.AdditiveAttention(C, C),
    "dot": lambda: nn.MultiplicativeAttention(C, method="dot"),
    "general": lambda: nn.MultiplicativeAttention(C),
    "concat": lambda: nn.MultiplicativeAttention(C, method="concat"),
}


@pytest.mark.parametrize("build", READERS.values(), ids=READERS)
@settings(max_examples=20)
@given(T=lengths, S=lengths, seed=seeds)
def test_weights_sum_to_one_over_what_may_be_seen(build, T, S, seed):
    """And are zero elsewhere, and all zero where nothing may be."""
    layer, rng = made(Case(build, None, None), seed)
    q, k, v = (rng.standard_normal((3, n, C)) for n in (T, S, S))
    padding = rng.random((3, S)) < 0.5
    padding[0] = True
    out, weights = layer(q, k, v, key_padding_mask=padding)
    weights = weights.data if isinstance(weights, Tensor) else weights
    hidden = np.broadcast_to(padding[:, None], weights.shape)
    assert not weights[hidden].any()
    assert (weights[~hidden] > 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), ~hidden.all(axis=-1), atol=1e-12)
    assert np.isfinite(out.data if isinstance(out, Tensor) else out).all()


@settings(max_examples=20)
@given(T=lengths, S=lengths, seed=seeds)
def test_so_they_do_in_each_head_under_a_mask_of_its_own(T, S, seed):
    layer, rng = made(attention(), seed)
    q, k = rng.standard_normal((3, T, C)), rng.standard_normal((3, S, C))
    hidden = rng.random((6, T, S)) < 0.5
    hidden[0, 0] = True
    _, weights = layer(q, k, k, attn_mask=hidden, average_attn_weights=False)
    hidden = hidden.reshape(3, 2, T, S)
    assert not weights.data[hidden].any()
    assert (weights.data[~hidden] > 0).all()
    np.testing.assert_allclose(weights.data.sum(axis=-1), ~hidden.all(axis=-1), atol=1e-12)
