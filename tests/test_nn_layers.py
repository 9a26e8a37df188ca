"""Layers and functions: shapes, arithmetic, noise, errors, and PyTorch's answers."""

import numpy as np
import pytest

from groundup import engine, nn
from groundup.engine import Tensor
from groundup.engine.value_array import values
from groundup.nn import functional as F


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_one_seed_gives_one_model():
    def draw():
        nn.manual_seed(3)
        layers = nn.Sequential(nn.Linear(3, 2), nn.Embedding(4, 2), nn.Dropout(0.5))
        return *layers.state_dict().values(), layers[2](np.ones(20))

    first, again = draw(), draw()
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    nn.manual_seed(4)
    assert not np.array_equal(nn.Linear(3, 2).weight.data, first[0])


def test_layers_start_as_in_pytorch():
    nn.manual_seed(0)
    linear, embedding = nn.Linear(100, 400), nn.Embedding(400, 100)
    assert linear.weight.shape == (400, 100)
    drawn = [*linear.state_dict().values(), *embedding.state_dict().values()]
    assert {array.dtype for array in drawn} == {np.dtype(np.float32)}
    bound = 1 / np.sqrt(100)
    for p in linear.state_dict().values():
        assert 0.97 * bound < np.abs(p).max() <= bound
        assert abs(p.mean()) < bound / 10
    assert abs(embedding.weight.data.std() - 1) < 0.02
    assert nn.Linear(0, 2)(np.zeros((3, 0))).shape == (3, 2)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)])
def test_linear(shape, rng):
    layer, x = nn.Linear(3, 2).to(np.float64), rng.standard_normal(shape)
    weight, bias = (p.data for p in layer.parameters())
    expected = x @ weight.T + bias
    np.testing.assert_allclose(layer(x).data, expected, atol=1e-15)
    assert nn.Linear(3, 2, bias=False).bias is None


def test_linear_names_the_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"linear of shapes \(4, 5\) and \(2, 3\).*\(…, in\)"):
        nn.Linear(3, 2)(np.ones((4, 5)))


def test_embedding_refuses_what_is_no_row():
    layer = nn.Embedding(4, 2)
    assert layer(Tensor([[1, 2]])).shape == (1, 2, 2)
    for wrong in (-1, 4):
        with pytest.raises(IndexError, match=f"{wrong} is out of range"):
            layer(np.array([0, wrong]))
    with pytest.raises(TypeError, match="integers"):
        layer(np.array([0.0]))


def test_the_row_of_padding_is_0_and_stays_as_it_is():
    layer = nn.Embedding(4, 2, padding_idx=-1)
    assert layer.padding_idx == 3
    assert not layer.weight.data[3].any()
    layer.weight.data[3] = 5
    out = layer(np.array([[3, 1], [3, 3]]))
    assert out.data[0, 0].tolist() == [5, 5]  # what was loaded is not hidden
    out.sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    for wrong in (4, -5):
        with pytest.raises(ValueError, match=f"padding_idx {wrong} of 4 rows"):
            nn.Embedding(4, 2, padding_idx=wrong)


def test_axes_that_cannot_be_flattened():
    with pytest.raises(ValueError, match="axis 2 comes after axis 1"):
        nn.Flatten(2, 1)(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="Flatten: axis 3 is out of bounds"):
        nn.Flatten(0, 3)(np.zeros((2, 3, 4)))


@pytest.mark.parametrize("affine", [{}, {"bias": False}, {"elementwise_affine": False}])
@pytest.mark.parametrize("shape", [4, (4,), (3, 4)])
def test_layer_norm_normalises_the_trailing_axes(shape, affine, rng):
    layer, x = nn.LayerNorm(shape, **affine).to(np.float64), rng.standard_normal((2, 3, 4))
    if layer.weight is not None:
        layer.weight.data = rng.standard_normal(layer.weight.shape)
    axes = tuple(range(-len(layer.normalized_shape), 0))
    centred = x - x.mean(axes, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axes, keepdims=True) + 1e-5)
    expected = expected if layer.weight is None else expected * layer.weight.data
    out = layer(x) if layer.weight is not None else layer(Tensor(x))
    np.testing.assert_allclose(out.data, expected, atol=1e-12)
    assert not nn.LayerNorm(shape, eps=1e9)(x).data.round(3).any()
    with pytest.raises(ValueError, match="does not end in"):
        layer(np.ones((2, 3, 5)))


def test_dropout_keeps_the_mean_and_is_silent_in_evaluation():
    nn.manual_seed(0)
    layer, x = nn.Dropout(0.25), Tensor(np.ones(10_000, np.float32), requires_grad=True)
    out = layer(x)
    assert set(np.unique(out.data)) == {0, np.float32(1 / 0.75)}
    assert abs(out.data.mean() - 1) < 0.03
    assert out.dtype == np.float32
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, out.data)  # what was let through learns
    assert layer.eval()(x) is x
    assert not nn.Dropout(1.0)(x).data.any()
    for wrong in (-0.1, 1.5):
        with pytest.raises(ValueError, match="probability"):
            nn.Dropout(wrong)
        with pytest.raises(ValueError, match="probability"):
            F.dropout(x, wrong)


def test_dropout_of_attention_is_noise_on_its_weights(rng):
    q, k, v = (rng.standard_normal((2, 3, 4)) for _ in range(3))
    nn.manual_seed(5)
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5, is_causal=True)
    nn.manual_seed(5)
    noise = F.dropout_mask((2, 3, 3), 0.5)
    expected = engine.scaled_dot_product_attention(q, k, v, None, noise, True)
    np.testing.assert_array_equal(out, expected)
    assert not np.array_equal(out, F.scaled_dot_product_attention(q, k, v, is_causal=True))


@pytest.mark.parametrize(
    ("layer", "fn"),
    [
        (nn.ReLU(), engine.relu),
        (nn.Tanh(), np.tanh),
        (nn.GELU(), engine.gelu),
        (nn.GELU("tanh"), lambda x: engine.gelu(x, "tanh")),
        (nn.Softmax(0), lambda x: engine.softmax(x, axis=0)),
    ],
)
def test_activations_are_functions_as_modules(layer, fn, rng):
    x = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(layer(Tensor(x)).data, fn(x))


def test_cross_entropy_has_classes_on_axis_1(rng):
    logits, target = rng.standard_normal((2, 5, 3)), rng.integers(0, 5, (2, 3))
    target[0, 0] = -100
    expected = engine.cross_entropy(np.moveaxis(logits, 1, -1), target)
    assert F.cross_entropy(Tensor(logits), Tensor(target)).item() == pytest.approx(expected)
    scalar = F.cross_entropy(values(logits), Tensor(target))
    assert scalar.data == pytest.approx(expected)
    wide, target = rng.standard_normal((2, 5, 3, 4)), rng.integers(0, 5, (2, 3, 4))
    expected = engine.cross_entropy(np.moveaxis(wide, 1, -1), target)
    assert F.cross_entropy(wide, target) == pytest.approx(expected)
    each = F.cross_entropy(wide, target, reduction="none")
    assert each.shape == target.shape
    assert each.mean() == pytest.approx(expected)
    twice = F.cross_entropy(wide, target, weight=np.full(5, 2.0), reduction="sum")
    assert twice == pytest.approx(2 * each.sum())
    assert F.cross_entropy(wide, target, label_smoothing=1.0) == pytest.approx(
        -engine.log_softmax(wide, axis=1).mean()
    )


def test_losses_refuse_what_would_broadcast():
    with pytest.raises(ValueError, match=r"mse_loss: input \(4, 1\) and target \(4,\)"):
        F.mse_loss(Tensor(np.ones((4, 1))), np.ones(4))
    with pytest.raises(ValueError, match="reduction is 'mean'"):
        F.l1_loss(Tensor(np.ones(4)), np.ones(4), reduction="max")
    with pytest.raises(ValueError, match=r"one number for each of the 3 classes, not shape \(4,\)"):
        F.cross_entropy(np.zeros((2, 3)), np.array([0, 1]), weight=np.ones(4))
    with pytest.raises(ValueError, match="label_smoothing is a share"):
        F.cross_entropy(np.zeros((2, 3)), np.array([0, 1]), label_smoothing=1.5)
    with pytest.raises(ValueError, match="delta is above 0"):
        F.huber_loss(np.ones(2), np.ones(2), delta=-1.0)
    assert F.kl_div(np.zeros((2, 3)), np.ones((2, 3)), reduction="batchmean") == 0
    assert F.huber_loss(np.array([3.0]), np.zeros(1)) == 2.5
    assert F.nll_loss(np.zeros((2, 3)), np.array([0, 1])) == 0
    with pytest.raises(ValueError, match="does not end in"):
        F.rms_norm(np.ones((2, 3)), 2)
    np.testing.assert_allclose(F.rms_norm(np.array([3.0, 4.0]), 2), [0.848528, 1.131371], 1e-6)


def test_containers():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(net) == 3
    assert net[-1] is list(net)[2]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]  # as PyTorch has it
    assert list(nn.Sequential({"fc": net[0], "act": net[1]}).state_dict()) == [
        "fc.weight",
        "fc.bias",
    ]
    holder = nn.Module()
    vars(holder)["many"] = nn.ModuleList([nn.Linear(1, 1)])
    vars(holder)["named"] = nn.ModuleDict(a=nn.Linear(1, 1))
    assert [name for name, _ in holder.named_modules()] == ["", "many.0", "named.a"]


def test_pytorch_gives_the_same(rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 3, 4))
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    target, w, b = rng.integers(0, 3, (2, 4)), *(rng.standard_normal((3, 4)) for _ in range(2))
    T, TF = torch.tensor, torch.nn.functional
    pairs = [
        (F.softmax(ours, 1), TF.softmax(theirs, 1)),
        (F.log_softmax(ours, dim=0), TF.log_softmax(theirs, dim=0)),
        (F.cross_entropy(ours, target), TF.cross_entropy(theirs, T(target))),
        (F.layer_norm(ours, (3, 4), w, b), TF.layer_norm(theirs, (3, 4), T(w), T(b))),
        (F.linear(ours, w), TF.linear(theirs, T(w))),
        (F.gelu(ours), TF.gelu(theirs)),
        (F.gelu(ours, "tanh"), TF.gelu(theirs, approximate="tanh")),
        (F.relu(ours), TF.relu(theirs)),
        (
            F.scaled_dot_product_attention(ours, ours, ours, is_causal=True),
            TF.scaled_dot_product_attention(theirs, theirs, theirs, is_causal=True),
        ),
    ]
    for mine, oracle in pairs:
        ours.zero_grad()
        theirs.grad = None
        (mine * mine).sum().backward()
        (oracle * oracle).sum().backward()
        np.testing.assert_allclose(mine.data, oracle.detach().numpy(), atol=1e-12)
        np.testing.assert_allclose(np.array(ours.grad), theirs.grad.numpy(), atol=1e-11)


def test_a_sequential_refuses_what_it_would_pass_over():
    with pytest.raises(TypeError, match="1 is a ufunc, not a module"):
        nn.Sequential(nn.Linear(2, 2), np.tanh)
    with pytest.raises(TypeError, match="0 is a list, not a module; write Sequential"):
        nn.Sequential([nn.Linear(2, 2)])
    for taken in ("forward", "training"):
        with pytest.raises(ValueError, match=f"cannot be called '{taken}'"):
            nn.Sequential({taken: nn.Linear(2, 2)})


def test_pooling_takes_its_options_in_order(rng):
    x = rng.standard_normal((1, 1, 4, 4))
    by_name = nn.AvgPool2d(2, divisor_override=3)(x)
    np.testing.assert_array_equal(nn.AvgPool2d(2, None, 0, False, True, 3)(x), by_name)


def test_a_stack_shows_its_layers_as_pytorch_does():
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 1, 4), num_layers=2)
    lines = repr(stack).splitlines()
    assert lines[:3] == [
        "TransformerEncoder(",
        "  (layers): ModuleList(",
        "    (0-1): 2 x TransformerEncoderLayer(",
    ]
