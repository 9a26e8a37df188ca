"""Losses: what no pair of PyTorch's shows, and what they refuse."""

from typing import Any

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


def test_a_weight_does_not_enlarge_the_loss():
    logits, targets = np.zeros(4), np.ones(4)
    for shape in ((4, 1), (1, 4), (2, 4), (3,)):
        for name in ("weight", "pos_weight"):
            given: Any = {name: np.ones(shape)}
            loss = nn.BCEWithLogitsLoss(**given)
            with pytest.raises(
                ValueError, match=f"{name} of shape .* does not broadcast to the in"
            ):
                loss(logits, targets)
    assert nn.BCEWithLogitsLoss(np.ones((2, 1)))(np.zeros((2, 3)), np.ones((2, 3))) > 0


def test_a_tensor_without_a_gradient_may_be_a_weight():
    weight, x, y = [1.0, 2.0, 3.0], np.ones((2, 3)), np.array([0, 2])
    for build in (nn.CrossEntropyLoss, nn.NLLLoss, lambda w: nn.MultiMarginLoss(weight=w)):
        assert build(Tensor(weight))(x, y) == build(np.array(weight))(x, y)
    positive = nn.BCEWithLogitsLoss(pos_weight=Tensor(weight)).pos_weight
    assert type(positive) is np.ndarray
    with pytest.raises(TypeError, match="would lose its gradient"):
        nn.CrossEntropyLoss(Tensor(weight, requires_grad=True))


def test_probabilities_have_no_class_to_ignore():
    x, certain = np.zeros((2, 3)), np.eye(3)[:2]
    with pytest.raises(ValueError, match="ignore_index 0 is a class number, and these targets are"):
        nn.CrossEntropyLoss(ignore_index=0)(x, certain)
    assert nn.CrossEntropyLoss(ignore_index=-1)(x, certain) == pytest.approx(np.log(3))


def test_targets_in_lists_and_tuples():
    logits = np.random.default_rng(0).standard_normal((4, 3))
    expected = F.cross_entropy(logits, np.array([0, 1, 2, 0]))
    for targets in ([0, 1, 2, 0], (0, 1, 2, 0)):
        assert F.cross_entropy(logits, targets) == expected
        assert F.cross_entropy(Tensor(logits), targets).item() == pytest.approx(expected)
        assert F.nll_loss(F.log_softmax(logits, 1), targets) == pytest.approx(expected)
    soft = np.eye(3)[[0, 1, 2, 0]].tolist()
    assert F.cross_entropy(logits.tolist(), soft) == pytest.approx(expected)


def test_a_shape_that_does_not_fit_is_named_as_it_was_given():
    logits = np.zeros((6, 27, 28))
    for loss in (F.cross_entropy, F.nll_loss):
        with pytest.raises(ValueError, match=loss.__name__) as caught:
            loss(logits, np.zeros((6, 27), int))
        said = str(caught.value)
        assert "input (6, 27, 28) has its 27 classes on axis 1 and needs targets (6, 28)" in said
        assert "not (6, 27); if they are on the last axis, take input.reshape(-1, 28)" in said
        with pytest.raises(ValueError, match=r"needs targets \(6, 28\), not \(6,\)$"):
            loss(logits, np.zeros(6, int))


def test_the_sides_of_a_hinge_are_1_and_minus_1():
    x = np.array([0.5, 3.0])
    for wrong in ([0, 1], [False, True], np.array([0.5, 1.0])):
        with pytest.raises(ValueError, match=r"are 1 and −1, not .*; of 0 and 1 make 2 \* target"):
            nn.HingeLoss()(x, wrong)
    assert nn.HingeLoss()(x, [1, -1]) == nn.HingeLoss()(x, np.array([1.0, -1.0])) == 2.25
    assert nn.HingeLoss()(values(x), values([1.0, -1.0])).data == 2.25
