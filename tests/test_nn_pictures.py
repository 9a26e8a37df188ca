"""Convolution, pooling and batch norm: by hand, their errors, and a small network of them."""

import copy

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_convolution_by_hand():
    layer = nn.Conv1d(1, 1, 2, bias=False)
    layer.weight.data = [[[1.0, 10.0]]]
    x = np.array([[[1.0, 2.0, 3.0]]])
    assert layer(x).data.tolist() == [[[21, 32]]]
    assert layer(x[0]).data.tolist() == [[21, 32]]
    same = nn.Conv1d(1, 1, 2, bias=False, padding="same")
    same.load_state_dict(layer.state_dict())
    assert same(x).data.tolist() == [[[21, 32, 3]]]  # the odd one of the zeros at the end


def test_convolutions_that_cannot_be():
    for build, wrong in (
        (lambda: nn.Conv2d(3, 4, 2, groups=2), "2 groups do not divide 3 channels and 4"),
        (lambda: nn.Conv2d(4, 3, 2, groups=2), "2 groups do not divide 4 channels and 3"),
        (lambda: nn.Conv2d(4, 4, 2, groups=0), "0 groups do not divide"),
        (lambda: nn.Conv1d(1, 1, 2, padding_mode="circular"), r"Conv1d: padding_mode is 'zeros'"),
        (lambda: nn.Conv2d(3, 1, 2, padding="full"), "Conv2d: padding is .* not 'full'"),
        (lambda: nn.Conv2d(3, 1, 2, stride=2, padding="same"), r"stride 1 alone, not \(2, 2\)"),
        (lambda: nn.Conv2d(3, 1, 2, padding=(0, -1)), "Conv2d: padding is 0 or more"),
        (lambda: nn.Conv2d(3, 1, 0), "Conv2d: the window's size is 2 numbers from 1 on"),
        (lambda: nn.Conv2d(3, 1, 2, stride=0), "Conv2d: the window's stride is"),
        (lambda: nn.Conv2d(3, 1, 2, dilation=(1, 0)), "Conv2d: the window's dilation is"),
    ):
        with pytest.raises(ValueError, match=wrong):
            build()
    x = np.zeros((2, 3, 4, 4))
    for layer, wrong in (
        (nn.Conv2d(2, 1, 2), r"needs x \(batch, 2, height, width\), not \(2, 3, 4, 4\)"),
        (nn.Conv1d(3, 1, 2), r"needs x \(batch, 3, time\), not \(2, 3, 4, 4\)"),
        (nn.Conv2d(3, 1, 5), r"window of \(5, 5\) is larger than \(4, 4\)"),
    ):
        with pytest.raises(ValueError, match=wrong):
            layer(x)


def test_pools_that_cannot_be():
    with pytest.raises(ValueError, match=r"border of \(2,\) is more than half of .* \(3,\)"):
        nn.MaxPool1d(3, padding=2)(np.zeros((1, 1, 5)))
    with pytest.raises(ValueError, match=r"window of \(3, 3\) is larger than \(2, 5\)"):
        nn.AvgPool2d(3)(np.zeros((1, 1, 2, 5)))
    with pytest.raises(ValueError, match="pooling: the window's stride is 2 numbers from 1 on"):
        nn.MaxPool2d(2, stride=0)(np.zeros((1, 4, 4)))


def test_the_first_of_equal_numbers_wins_a_pool():
    x = Tensor([[1.0, 1.0, 0.0, 2.0]], requires_grad=True)
    nn.MaxPool1d(2)(x).sum().backward()
    assert x.grad.tolist() == [[1, 0, 0, 1]]


def test_a_border_never_wins_and_counts_where_it_is_to():
    x = -np.ones((1, 3))
    assert nn.MaxPool1d(2, padding=1)(x).tolist() == [[-1, -1]]
    assert nn.AvgPool1d(2, padding=1)(x).tolist() == [[-0.5, -1]]
    assert nn.AvgPool1d(2, padding=1, count_include_pad=False)(x).tolist() == [[-1, -1]]
    assert nn.AvgPool1d(2, ceil_mode=True)(x).tolist() == [[-1, -1]]  # the last of one number
    assert nn.AvgPool2d((1, 2), divisor_override=1)(x[None]).tolist() == [[[-2]]]


# Batch norm


def test_running_statistics_by_hand():
    x = np.array([[1.0], [3.0]])  # mean 2, variance 1, and 2 with n − 1
    layer = nn.BatchNorm1d(1, momentum=0.25).to(np.float64)
    layer(x)
    assert layer.running_mean.tolist() == [0.5]
    assert layer.running_var.tolist() == [0.75 + 0.5]
    assert layer.num_batches_tracked == 1
    plain = nn.BatchNorm1d(1, momentum=None).to(np.float64)
    for shift in (0.0, 2.0, 10.0):
        plain(x + shift)
    np.testing.assert_allclose(plain.running_mean, [2 + 4])
    np.testing.assert_allclose(plain.running_var, [2])
    plain.eval()
    np.testing.assert_allclose(plain(np.array([[6.0]])).data, [[0]], atol=1e-12)
    assert plain.num_batches_tracked == 3


def test_buffers_stay_float32_and_out_of_the_graph(rng):
    layer = nn.BatchNorm2d(3)
    x = Tensor(rng.standard_normal((2, 3, 4, 4)).astype(np.float32), requires_grad=True)
    out = layer(x)
    assert layer.running_mean.dtype == layer.running_var.dtype == out.dtype == np.float32
    layer(x)  # the statistics that the first graph was made with are not changed under it
    (out * out).sum().backward()
    assert type(layer.running_mean) is np.ndarray


def test_what_batch_norm_cannot_take():
    with pytest.raises(ValueError, match=r"2 or 3 axes, the second of length 3, not of shape \(2,"):
        nn.BatchNorm1d(3)(np.zeros((2, 3, 4, 4)))
    with pytest.raises(ValueError, match=r"BatchNorm2d: an input of 4 axes"):
        nn.BatchNorm2d(3)(np.zeros((2, 4, 4, 4)))
    for shape in ((1, 3), (0, 3), (1, 3, 1)):
        with pytest.raises(ValueError, match="of which there is no variance"):
            nn.BatchNorm1d(3)(np.zeros(shape))
        assert nn.BatchNorm1d(3).eval()(np.zeros(shape)).shape == shape
    layer = nn.BatchNorm1d(3, track_running_stats=False)
    assert not list(layer.buffers())
    with pytest.raises(ValueError, match="no variance"):
        layer.eval()(np.zeros((1, 3)))


# Together


def build(nn):
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(12, 3),
    )


def test_a_small_network_learns_as_pytorch_s_does(rng):
    torch = pytest.importorskip("torch")
    theirs = build(torch.nn).double()
    ours = build(nn).to(np.float64)
    ours.load_state_dict(theirs.state_dict())
    x, y = rng.standard_normal((8, 1, 5, 5)), rng.integers(0, 3, 8)
    opt = nn.SGD(ours.parameters(), lr=0.1)
    oracle = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(10):
        opt.zero_grad()
        nn.CrossEntropyLoss()(ours(x), y).backward()
        opt.step()
        oracle.zero_grad()
        torch.nn.CrossEntropyLoss()(theirs(torch.tensor(x)), torch.tensor(y)).backward()
        oracle.step()
    saved = ours.state_dict()
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_allclose(saved[name], tensor.numpy(), atol=1e-9, err_msg=name)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in saved.items()})
    out = ours.eval()(x).data
    np.testing.assert_allclose(out, theirs.eval()(torch.tensor(x)).detach().numpy(), atol=1e-12)


def test_weights_come_from_a_file_and_go_back(tmp_path):
    files = pytest.importorskip("safetensors.numpy")
    model, other = build(nn), build(nn)
    model(np.random.default_rng(0).standard_normal((2, 1, 5, 5)))
    files.save_file(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(files.load_file(tmp_path / "model.safetensors"))
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, model.state_dict()[name], strict=True)
    assert copy.deepcopy(other)[1].num_batches_tracked == 1
