"""Buffers: arrays that belong to a module, and are not learned."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor


class Counting(nn.Module):
    """Scales by what it has seen so far."""

    seen: Any
    count: Any
    table: Any

    def __init__(self):
        self.weight = nn.Parameter(np.ones(2, np.float32))
        self.register_buffer("seen", np.zeros(2, np.float32))
        self.register_buffer("count", 0)
        self.register_buffer("table", np.arange(2.0, dtype=np.float32), persistent=False)
        self.register_buffer("nothing", None)
        self.other = np.ones(3)

    def forward(self, x):
        if self.training:
            self.seen = self.seen + np.asarray(getattr(x, "data", x)).sum(0)
            self.count = self.count + 1
        return x * self.weight + self.seen * self.table


class Two(nn.Module):
    def __init__(self):
        self.parts: Any = [Counting()]
        self.again = self.parts[0]


def test_buffers_are_found_named_and_saved():
    model = Two()
    names = [name for name, _ in model.named_buffers()]
    assert names == ["parts.0.seen", "parts.0.count", "parts.0.table"]
    assert [b.shape for b in model.buffers()] == [(2,), (), (2,)]
    assert list(model.state_dict()) == [
        f"{path}.{name}" for path in ("parts.0", "again") for name in ("weight", "seen", "count")
    ]  # a shared module's under each of its names, as PyTorch has it
    assert [name for name, _ in model.named_parameters()] == ["parts.0.weight"]
    assert model.num_parameters() == 2


def test_a_buffer_is_an_attribute_like_any_other():
    model = Counting()
    model(np.ones((3, 2), np.float32))
    model(np.ones((3, 2), np.float32))
    assert model.count == 2
    assert type(model.count) is type(model.state_dict()["count"]) is np.ndarray
    assert model.state_dict()["seen"].tolist() == [6, 6]
    model.eval()(np.ones((1, 2)))
    assert model.count == 2
    before = model.state_dict()["seen"]
    model.seen = None
    assert "seen" not in model.state_dict()
    model.seen = before
    for wrong in (Tensor([1.0]), [1.0], 2.0):
        with pytest.raises(TypeError, match=r"Counting\.seen is a buffer: assign a plain array"):
            model.seen = wrong


def test_names_that_a_buffer_cannot_have():
    model = Counting()
    for wrong in ("a.b", "weight", "other", "forward"):
        with pytest.raises(ValueError, match=f"a buffer cannot be called '{wrong}'"):
            model.register_buffer(wrong, np.zeros(1))
    model.register_buffer("seen", np.ones(3))  # again, with another array
    assert model.state_dict()["seen"].tolist() == [1, 1, 1]


def test_saved_buffers_are_copies_and_come_back():
    model, other = Counting(), Counting()
    model(np.ones((3, 2), np.float32))
    saved = model.state_dict()
    other.load_state_dict(saved)
    saved["seen"][:] = 9
    np.testing.assert_array_equal(other.seen, [3, 3])
    assert other.count == 1
    assert other.count.dtype == np.int64
    assert not np.shares_memory(model.state_dict()["seen"], model.seen)


def test_buffers_that_do_not_fit_are_named_with_all_else():
    model = Counting()
    model(np.ones((3, 2), np.float32))
    wrong = {"seen": np.zeros(3), "count": np.array(1.0), "table": np.zeros(2)}
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        model.load_state_dict(wrong)
    for said in (
        "missing: weight",
        "not in the model: table",
        "seen: shape (3,), the model has (2,)",
        "count: float64, which is no kind of int64",
    ):
        assert said in str(caught.value)
    assert model.seen.tolist() == [3, 3]
    two = Two()
    state = two.state_dict()
    state["again.seen"] = state["again.seen"] + 1
    with pytest.raises(ValueError, match=r"again\.seen: differs from parts\.0\.seen"):
        two.load_state_dict(state)


def test_to_moves_float_buffers():
    model = Counting().to(np.float64)
    assert [b.dtype for b in model.buffers()] == [np.float64, np.int64, np.float64]
    model.load_state_dict(Counting().state_dict())  # float32, which is widened
    assert model.seen.dtype == np.float64


def test_a_buffer_weighs_no_more_than_any_array():
    """It decides no result's width: that is what Tensors do."""
    assert Counting().to(np.float64)(Tensor(np.ones((1, 2), np.float32))).dtype == np.float64
    model = Counting()
    model.table = model.table.astype(np.float64)
    assert model(Tensor(np.ones((1, 2), np.float32))).dtype == np.float32


def test_scalars_copies_and_pickles_have_buffers_of_their_own():
    model = Counting()
    others = (model.to_scalars(), copy.deepcopy(model), pickle.loads(pickle.dumps(model)))
    for other in others:
        other(np.ones((3, 2), np.float32))
        assert other.count == 1
        assert model.count == 0
        assert [name for name, _ in other.named_buffers()] == ["seen", "count", "table"]
    assert others[0].seen.dtype == np.float64  # as wide as a Value
    model.load_state_dict(others[0].state_dict())
    assert model.seen.tolist() == [3, 3]


def test_a_deleted_buffer_leaves_its_name_free():
    model: Any = Counting()
    del model.seen
    model.seen = nn.Parameter(np.ones(2))
    assert [*model.state_dict()] == ["weight", "count", "seen"]
    assert len([*model.parameters()]) == 2
    with pytest.raises(AttributeError):
        del model.nowhere
