"""Layers at their edges: widths, nothing at all, borders, and what they cannot be made with."""

import itertools

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor
from groundup.engine.value_array import values
from groundup.nn import functional as F


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_dropout_scales_in_the_width_of_its_input():
    nn.manual_seed(0)
    layer, ones = nn.Dropout(0.1), np.ones(1000)
    for x, dtype in [
        (Tensor(ones), np.float64),
        (Tensor(ones.astype(np.float32)), np.float32),
        (ones, np.float64),
        (ones.astype(np.float32), np.float32),
        (ones.astype(int), np.float64),
    ]:
        out = layer(x)
        assert out.dtype == dtype
        assert set(np.unique(getattr(out, "data", out))) == {0, dtype(1 / 0.9)}
    assert F.dropout_mask((1000,), 0.1).max() == 1 / 0.9


def test_noise_on_attention_is_as_wide_as_what_attends():
    nn.manual_seed(0)
    ones = np.ones((200, 1))
    out = F.scaled_dot_product_attention(np.zeros((1, 1)), np.zeros((200, 1)), ones, dropout_p=0.1)
    assert out[0, 0] * 200 * 0.9 == pytest.approx(round(out[0, 0] * 200 * 0.9), abs=1e-11)
    layer = nn.MultiheadAttention(1, 1, dropout=0.1, bias=False).to(np.float64)
    for weight in layer.parameters():
        nn.init.ones_(weight)
    out = layer(np.zeros((1, 1)), ones, ones)[0].data
    assert out[0, 0] * 200 * 0.9 == pytest.approx(round(out[0, 0] * 200 * 0.9), abs=1e-11)


def test_the_eps_of_an_rms_norm_is_that_of_the_result():
    tiny = np.array([1e-9, 1e-9])
    out, narrow = nn.RMSNorm(2)(tiny), nn.RMSNorm(2)(tiny.astype(np.float32))
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out.data, narrow.data)
    np.testing.assert_allclose(out.data, 1e-9 / np.sqrt(np.finfo(np.float32).eps), rtol=1e-5)
    np.testing.assert_allclose(F.rms_norm(tiny, 2), 1e-9 / np.sqrt(np.finfo(float).eps), rtol=1e-2)


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm])
@pytest.mark.parametrize("shape", [np.int64(4), np.array([3, 4]), [3, 4]])
def test_a_norm_takes_its_shape_from_numpy_as_well(norm, shape):
    assert norm(shape)(np.ones((2, 3, 4))).shape == (2, 3, 4)
    assert "numpy" not in repr(norm(shape))
    assert {type(side) for side in norm(shape).normalized_shape} == {int}


def test_layers_of_no_width():
    layer = nn.Linear(3, 0)
    layer(np.ones((2, 5, 3))).sum().backward()
    assert [p.grad.shape for p in layer.parameters()] == [(0, 3), (0,)]
    out = F.scaled_dot_product_attention(np.ones((2, 0)), np.ones((3, 0)), np.arange(3.0)[:, None])
    np.testing.assert_allclose(out, 1.0)
    q = Tensor(np.ones((2, 0)), requires_grad=True)
    F.scaled_dot_product_attention(q, q, np.ones((2, 1))).sum().backward()
    assert q.grad.shape == (2, 0)


def test_the_border_of_a_max_pool_never_wins():
    layer = nn.MaxPool1d(3, stride=1, padding=1)
    assert layer(np.array([[5, -7, -9]])).tolist() == [[5, 5, -7]]
    assert layer(np.array([[-5, -7, -9]])).dtype == int
    x = Tensor([[-np.inf, -np.inf, 1.0]], requires_grad=True)
    out = layer(x)
    assert out.data.tolist() == [[-np.inf, 1.0, 1.0]]
    out.backward(np.array([[1.0, 10.0, 100.0]]))
    assert x.grad.tolist() == [[1, 0, 110]]
    with pytest.raises(ValueError, match="or below 0"):
        nn.MaxPool1d(3, padding=-1)(np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"max_pool: .* from border to border of \(1,\)"):
        nn.MaxPool1d(2, stride=1, padding=1, dilation=2)(np.ones((1, 1)))


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_max_pools_of_small_inputs_are_pytorch_s(ceil_mode, rng):
    torch = pytest.importorskip("torch")
    for side, size, stride, gap in itertools.product((3, 4, 7), (2, 3, 4), (1, 2, 3), (1, 2, 3)):
        x = rng.integers(0, 3, (2, side)).astype(float)
        x[rng.random(x.shape) < 0.3] = -np.inf
        window = {"stride": stride, "padding": size // 2, "dilation": gap, "ceil_mode": ceil_mode}
        ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        try:
            there = torch.nn.MaxPool1d(size, **window)(theirs)
        except RuntimeError:  # larger than the input
            continue
        here = nn.MaxPool1d(size, **window)(ours)
        np.testing.assert_array_equal(here.data, there.detach().numpy())
        seed = rng.random(here.shape)
        here.backward(seed)
        there.backward(torch.tensor(seed))
        np.testing.assert_allclose(np.asarray(ours.grad), theirs.grad.numpy(), atol=1e-12)


def test_a_leaky_relu_lets_the_gradient_of_a_nan_through_as_below_0():
    x = Tensor([np.nan, 0.0, 1.0], requires_grad=True)
    nn.LeakyReLU(0.5)(x).backward(np.ones(3))
    assert x.grad.tolist() == [0.5, 0.5, 1]
    each = values([np.nan, 0.0, 1.0])
    np.sum(nn.LeakyReLU(0.5)(each)).backward()
    assert [v.grad for v in each] == [0.5, 0.5, 1]


def test_a_batch_norm_of_integers_is_as_wide_as_its_weight():
    layer, x = nn.BatchNorm1d(2), Tensor([[1, 2], [3, 4]])
    assert layer(x).dtype == layer.eval()(x).dtype == np.float32


def test_what_a_layer_cannot_be_made_with():
    with pytest.raises(ValueError, match=r"Conv2d: kernel_size is one number for all, or 2, not"):
        nn.Conv2d(4, 8, (3,))
    with pytest.raises(ValueError, match=r"Conv1d: stride is one number, not \(1, 2\)"):
        nn.Conv1d(4, 8, 3, stride=(1, 2))
    with pytest.raises(ValueError, match=r"max_pool2d: kernel_size is one number for all, or 2"):
        nn.MaxPool2d((2,))(np.ones((1, 4, 4)))
    with pytest.raises(ValueError, match=r"pooling: padding is one number for all, or 2"):
        nn.AvgPool2d(2, padding=(1, 1, 1))(np.ones((1, 4, 4)))
    with pytest.raises(ValueError, match="divisor_override is what sums are divided by, so not 0"):
        nn.AvgPool2d(2, divisor_override=0)(np.ones((1, 4, 4)))
    with pytest.raises(TypeError, match=r"num_heads is an integer, not 2\.0"):
        nn.MultiheadAttention(8, 2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="approximate is 'none' or 'tanh', not 'tan'"):
        nn.GELU("tan")
    with pytest.raises(TypeError, match="ids are integers, not float64"):
        nn.Embedding(3, 2)(np.ones(2))


def test_what_pytorch_takes_and_has_no_effect_here():
    x = np.array([-1.0, 2.0])
    for layer in (nn.ReLU, nn.SELU, nn.SiLU, nn.ELU, nn.LeakyReLU):
        np.testing.assert_array_equal(layer(inplace=True)(x), layer()(x))
    assert x.tolist() == [-1, 2]
    assert nn.Dropout(0.5, inplace=True).eval()(x) is x
    block = nn.TransformerEncoderLayer(4, 1, 4)
    assert nn.TransformerEncoder(block, 1, enable_nested_tensor=False).num_layers == 1


def test_an_embedding_of_known_vectors():
    vectors = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(vectors, padding_idx=-1)
    assert (layer.num_embeddings, layer.embedding_dim, layer.padding_idx) == (3, 2, 2)
    assert not layer.weight.requires_grad
    assert not np.shares_memory(layer.weight.data, vectors)
    nn.init.reseed(layer, 0)
    np.testing.assert_array_equal(layer(np.array([2, 1])).data, vectors[[2, 1]], strict=True)
    free = nn.Embedding.from_pretrained(Tensor(vectors), freeze=False)
    free(np.array([1])).sum().backward()
    assert free.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0]]
    positions = nn.LearnedPositionalEmbedding.from_pretrained(vectors)
    np.testing.assert_array_equal(positions(np.zeros((3, 2))).data, vectors)
    with pytest.raises(ValueError, match=r"a matrix of vectors, not an array of \(3,\)"):
        nn.Embedding.from_pretrained([1.0, 2.0, 3.0])


def test_norms_say_what_pytorch_s_say():
    torch = pytest.importorskip("torch")
    for options in ({}, {"bias": False}, {"elementwise_affine": False}):
        assert repr(nn.LayerNorm(4, **options)) == repr(torch.nn.LayerNorm(4, **options))
    assert repr(nn.RMSNorm((2, 3))) == repr(torch.nn.RMSNorm((2, 3)))
