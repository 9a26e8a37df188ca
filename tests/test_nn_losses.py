"""Losses: what no pair of PyTorch's shows, and what they refuse."""

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor, values
from groundup.nn import functional as F


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, np.array([1.0, 2.0, 0.5])])
@pytest.mark.parametrize("build", [nn.CrossEntropyLoss, nn.NLLLoss])
def test_where_every_target_is_ignored_the_loss_is_0_and_so_is_its_gradient(
    build, weight, reduction
):
    loss = build(weight, ignore_index=7, reduction=reduction)
    x = Tensor(np.full((2, 3), np.nan), requires_grad=True)  # even of numbers that are none
    out = loss(x, np.full(2, 7))
    assert not np.any(out.data)
    out.sum().backward()
    assert x.grad.tolist() == np.zeros((2, 3)).tolist()
    scalar = values(np.zeros((2, 3)))
    total = np.sum(loss(scalar, np.full(2, 7)))
    assert total.data == 0


def test_a_class_that_counts_nothing_is_like_one_that_is_ignored():
    loss = nn.CrossEntropyLoss(np.array([0.0, 1.0]))
    x = Tensor([[1.0, 2.0], [3.0, 1.0]], requires_grad=True)
    loss(x, np.array([0, 0])).backward()
    assert not x.grad.any()
    assert loss(x, np.array([0, 1])).item() == pytest.approx(np.log1p(np.exp(2)))


def test_weights_are_buffers():
    loss = nn.CrossEntropyLoss(np.array([1.0, 2.0]), label_smoothing=0.1)
    assert list(loss.state_dict()) == ["weight"]
    assert not list(loss.parameters())
    loss.load_state_dict({"weight": np.array([3.0, 1.0])})
    x, y = Tensor([[0.0, 1.0]]), np.array([0])
    expected = F.cross_entropy(x, y, np.array([3.0, 1.0]), label_smoothing=0.1)
    assert loss(x, y).item() == expected.item()


def test_probabilities_of_one_class_are_that_class():
    x, y = np.random.default_rng(0).standard_normal((4, 3, 2)), np.array([[0, 1], [2, 2]] * 2)
    certain = np.moveaxis(np.eye(3)[y], -1, 1)
    for smoothing in (0.0, 0.3):
        loss = nn.CrossEntropyLoss(label_smoothing=smoothing)
        assert loss(x, certain) == pytest.approx(loss(x, y))
    targets = Tensor(certain, requires_grad=True)
    nn.CrossEntropyLoss()(x, targets).backward()  # what is wanted may be learned as well
    np.testing.assert_allclose(targets.grad, -F.log_softmax(x, 1) / 8)


def test_losses_that_cannot_be():
    for build in (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.HingeLoss, nn.MultiMarginLoss):
        with pytest.raises(ValueError, match="reduction is 'mean', 'sum' or 'none', not 'max'"):
            build(reduction="max")
    with pytest.raises(ValueError, match="'none' or 'batchmean', not 'max'"):
        nn.KLDivLoss(reduction="max")
    x = np.zeros((2, 3))
    with pytest.raises(IndexError, match=r"target 3 is no class: .* classes 0 to 2$"):
        nn.MultiMarginLoss()(x, np.array([0, 3]))
    with pytest.raises(IndexError, match=r"target 3 is no class: .* \(and -100, which is ignored"):
        nn.CrossEntropyLoss()(x, np.array([0, 3]))
    with pytest.raises(ValueError, match="p is 1 or 2, not 3"):
        nn.MultiMarginLoss(p=3)(x, np.array([0, 1]))
    with pytest.raises(ValueError, match=r"need targets \(2,\)"):
        nn.CrossEntropyLoss()(x, np.zeros((2, 4)))
    with pytest.raises(TypeError, match="class numbers"):
        nn.CrossEntropyLoss()(x, np.zeros(2))
    with pytest.raises(ValueError, match=r"label_smoothing is a share, from 0 to 1, not 2"):
        nn.CrossEntropyLoss(label_smoothing=2)(x, np.full((2, 3), 1 / 3))
    with pytest.raises(ValueError, match=r"one number for each of the 3 classes, not shape \(2,\)"):
        nn.CrossEntropyLoss(np.ones(2))(x, np.full((2, 3), 1 / 3))


def test_nothing_overflows():
    x = Tensor([1000.0, -1000.0], requires_grad=True)
    loss = nn.BCEWithLogitsLoss(reduction="sum", pos_weight=np.array(2.0))(x, np.array([0.0, 1.0]))
    assert loss.item() == 3000
    loss.backward()
    assert x.grad.tolist() == [1, -2]
