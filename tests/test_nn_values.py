"""Modules that hold Values, one by one, as micrograd's do."""

import copy

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Value, no_grad


class Neuron(nn.Module):
    def __init__(self, count):
        self.w = [Value(0.5 + i) for i in range(count)]
        self.b = Value(0.0)

    def forward(self, x):
        self.kept = sum((w * number for w, number in zip(self.w, x, strict=True)), self.b).tanh()
        return self.kept


def test_values_in_attributes_are_learned():
    model = nn.Sequential(Neuron(2), nn.Identity())
    assert [name for name, _ in model.named_parameters()] == ["0.w.0", "0.w.1", "0.b"]
    loss = model([1.0, -1.0])
    with no_grad():
        model([1.0, -1.0])
    assert [p.name for p in model.parameters()] == ["0.w.0", "0.w.1", "0.b"]
    assert len([*copy.deepcopy(model).parameters()]) == 3  # and no results that it keeps
    loss.backward()
    nn.SGD(model.parameters(), lr=0.1).step()
    assert model[0].b.data == pytest.approx(-0.1 * (1 - np.tanh(-1) ** 2))
    model.zero_grad()
    assert model[0].b.grad == 0
    assert model.num_parameters() == model.summary([1.0, -1.0]).parameters == 3
    assert not model.requires_grad_(False)([1.0, -1.0]).requires_grad
    assert model.requires_grad_()([1.0, -1.0]).requires_grad


def test_values_are_saved_and_loaded():
    model, other = Neuron(2), Neuron(2)
    model.b.data = 7.0
    saved = model.state_dict()
    assert {name: array.tolist() for name, array in saved.items()} == {
        "w.0": 0.5,
        "w.1": 1.5,
        "b": 7.0,
    }
    other.load_state_dict(saved)
    assert other.b.data == 7.0
    assert other.get_parameter("w.1") is other.w[1]
    with pytest.raises(ValueError, match=r"b: shape \(2,\), the model has \(\)"):
        other.load_state_dict(saved | {"b": np.ones(2)})


def test_values_beside_arrays_stay_as_they_are():
    class Scaled(nn.Module):
        def __init__(self):
            self.first, self.scale, self.last = nn.Linear(1, 1), Value(2.0), nn.Linear(1, 1)
            nn.init.reseed(self, 0)

    model = Scaled().double()
    assert [p.dtype for p in model.parameters() if isinstance(p, nn.Parameter)] == [float] * 4
    assert model.scale.data == 2.0
    start = model.first.weight.item()
    nn.init.reseed(model, 1)
    assert model.first.weight.item() != start
    for alone in (nn.Linear(1, 1).to_scalars(), Neuron(2)):
        with pytest.raises(TypeError, match="a scalar model"):
            nn.init.reseed(alone)
        with pytest.raises(TypeError, match="a Value is a Python float"):
            alone.double()
