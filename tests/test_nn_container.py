"""Sequential and ModuleList as lists: changed, cut, and named."""

import copy
import pickle

import numpy as np
import pytest

from groundup import nn


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def names(model):
    return [name for name, _ in model.named_children()]


def test_the_last_layer_is_exchanged():
    model = net()
    model(np.ones((1, 2)))
    model[-1] = nn.Linear(3, 5)
    assert model(np.ones((4, 2))).shape == (4, 5)
    assert names(model) == ["0", "1", "2"]
    assert list(model.state_dict())[2:] == ["2.weight", "2.bias"]
    assert [p.name for p in model.parameters()][2:] == ["2.weight", "2.bias"]
    named = nn.Sequential({"fc": nn.Linear(2, 3), "act": nn.ReLU()})
    named[0] = nn.Linear(2, 4)
    assert names(named) == ["fc", "act"]


def test_layers_are_added_and_taken_out():
    model, first = net(), nn.Linear(2, 2)
    kept = [*model]
    assert model.insert(0, first) is model
    assert [*model] == [first, *kept]
    assert names(model) == ["0", "1", "2", "3"]
    del model[1:3]
    assert [*model] == [first, kept[2]]
    assert names(model) == ["0", "1"]
    del model[0]
    assert model.append(nn.ReLU()).extend([nn.Tanh(), first]) is model
    assert [type(part).__name__ for part in model] == ["Linear", "ReLU", "Tanh", "Linear"]
    assert names(model) == ["0", "1", "2", "3"]
    assert len(nn.Sequential().append(first)) == 1


def test_what_is_added_takes_no_name_that_there_is():
    named = nn.Sequential({"fc": nn.Linear(2, 3)}).append(nn.ReLU())
    assert names(named) == ["fc", "1"]
    end = net()[1:]
    assert names(end.append(nn.Tanh())) == ["1", "2", "3"]  # PyTorch's loses its layer "2"


def test_a_module_is_named_by_where_it_lies_now():
    model, x = net(), np.ones((1, 2))
    model(x)
    model.insert(0, nn.Linear(2, 2))
    out = model(x)
    assert [p.name for p in model.parameters()] == [name for name, _ in model.named_parameters()]
    assert out.scope.path == "3"
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        del other[0]
        other(x)
        held = [p.name for p in other.parameters()]
        assert held == [name for name, _ in other.named_parameters()]
    blocks = nn.ModuleList([nn.Linear(2, 2)])

    class Stack(nn.Module):
        def __init__(self):
            self.blocks = blocks

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    stack = Stack()
    stack(x)
    blocks.insert(0, nn.Linear(2, 2))
    stack(x)
    assert [p.name for p in stack.parameters()] == [name for name, _ in stack.named_parameters()]


def test_a_sequence_refuses_what_it_would_pass_over_and_stays_as_it_is():
    model = net()
    for change in (
        lambda: model.append(np.tanh),
        lambda: model.insert(0, [nn.ReLU()]),
        lambda: model.extend([nn.ReLU(), None]),
        lambda: model.__setitem__(1, 3),
    ):
        with pytest.raises(TypeError, match=r"not a module; write Sequential\(\*modules\)"):
            change()
    with pytest.raises(IndexError):
        model[3] = nn.ReLU()
    with pytest.raises(IndexError):
        del model[3]
    assert names(model) == ["0", "1", "2"]


def test_a_part_is_of_the_same_class():
    class Scaled(nn.Sequential):
        def __init__(self, scale, *modules):
            super().__init__(*modules)
            self.scale = scale

        def forward(self, x):
            return super().forward(x) * self.scale

    model, x = Scaled(2.0, *net()), np.ones((1, 2))
    model.eval().register_forward_hook(lambda *given: 0)
    part = model[:2]
    assert type(part) is Scaled
    assert not part.training
    np.testing.assert_array_equal(part(x).data, 2 * model[1](model[0](x)).data)
    assert names(part) == ["0", "1"]
    assert len(model) == 3
    assert type(nn.Sequential(*model)[1:]) is nn.Sequential

    class Blocks(nn.ModuleList):
        pass

    blocks = Blocks([nn.ReLU(), nn.Tanh()])
    assert type(blocks[1:]) is Blocks
    assert blocks[-1] is blocks[1:][0]


def test_a_list_in_a_subclass_is_not_applied():
    class Extra(nn.Sequential):
        def __init__(self, *modules):
            super().__init__(*modules)
            self.more = [nn.Linear(7, 7)]

    model = Extra(nn.Linear(2, 3))
    assert len(model) == 1
    assert model.append(nn.ReLU())(np.ones((1, 2))).shape == (1, 3)
    assert list(model.state_dict())[:2] == ["more.0.weight", "more.0.bias"]


def test_pytorch_s_sequence_does_the_same():
    torch = pytest.importorskip("torch")

    def changed(nn):
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        model[-1] = nn.Linear(3, 4)
        model.insert(1, nn.Tanh())
        del model[2]
        model.append(nn.Dropout()).extend([nn.Linear(4, 2), nn.ReLU()])
        return model, model[1:3]

    for ours, theirs in zip(changed(nn), changed(torch.nn), strict=True):
        assert list(ours.state_dict()) == list(theirs.state_dict())
        assert [type(part).__name__ for part in ours] == [type(part).__name__ for part in theirs]
