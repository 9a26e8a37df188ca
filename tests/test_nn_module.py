"""Modules: what they find inside, how they name it, how it leaves and comes back."""

import copy
import operator
import pickle
import threading
from typing import Any

import numpy as np
import pytest

from groundup import models, nn
from groundup.engine import Tensor, Value, no_grad
from groundup.engine.modes import modes


class Nested(nn.Module):
    def __init__(self):
        self.blocks: Any = [{"a": nn.Linear(2, 2)}, (nn.Linear(2, 2, bias=False),)]
        self.scale = nn.Parameter([1.0])
        self.frozen = nn.Parameter([2.0], requires_grad=False)
        self.no_parameter = Tensor([3.0], requires_grad=True)
        self.array = np.ones(2)

    def forward(self, x):
        return self.blocks[1][0](self.blocks[0]["a"](x)) * self.scale


class Tied(nn.Module):
    def __init__(self):
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


def scopes(node):
    """The path of every node behind this one."""
    stack, paths = [node], set()
    while stack:
        node = stack.pop()
        if node.op is not None:
            paths.add(node.scope.path if node.scope else None)
            stack.extend(node.parents())
    return paths


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts():
    names = [name for name, _ in Nested().named_parameters()]
    assert names == ["blocks.0.a.weight", "blocks.0.a.bias", "blocks.1.0.weight", "scale", "frozen"]
    modules = [name for name, _ in Nested().named_modules()]
    assert modules == ["", "blocks.0.a", "blocks.1.0"]


def test_a_tied_parameter_is_one_parameter_under_two_names():
    model = Tied()
    assert [name for name, _ in model.named_parameters()] == ["first.weight", "first.bias"]
    assert model.num_parameters() == 6
    state = model.state_dict()
    assert list(state) == ["first.weight", "first.bias", "second.weight"]
    assert not np.shares_memory(state["first.weight"], model.first.weight.data)
    state["second.weight"] = state["second.weight"] + 1
    with pytest.raises(ValueError, match=r"second\.weight: differs from first\.weight"):
        model.load_state_dict(state)


def test_a_tied_parameter_is_stepped_once():
    model = Tied().to(np.float64)
    before, x = model.first.weight.data.copy(), np.array([[1.0, 2.0]])
    model(x).sum().backward()
    grad = model.first.weight.grad.copy()
    nn.SGD(model.parameters(), lr=0.1).step()
    np.testing.assert_allclose(model.second.weight.data, before - 0.1 * grad, atol=1e-15)
    names = [name for name, _ in model.to_scalars().named_parameters() if "weight" in name]
    assert len(names) == 4


def test_two_parameters_of_one_name_are_refused():
    model = nn.Module()
    vars(model)["held"] = {0: nn.Parameter([1.0]), "0": nn.Parameter([2.0])}
    with pytest.raises(ValueError, match=r"two parameters of Module are called 'held\.0'"):
        model.state_dict()


def test_a_way_back_up_is_not_walked():
    parent, child = nn.Module(), nn.Module()
    vars(parent).update(child=child)
    vars(child).update(parent=parent, weight=nn.Parameter([1.0]))
    assert list(parent.state_dict()) == ["child.weight"]
    assert "..." in repr(parent)


def test_state_is_loaded_in_the_width_of_each_parameter():
    model, other = Nested(), Nested()
    model.load_state_dict({k: v.astype(np.float64) for k, v in other.state_dict().items()})
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(mine.data, theirs.data)
        assert mine.dtype == theirs.dtype
        assert not np.shares_memory(mine.data, theirs.data)


def test_loaded_arrays_are_not_kept():
    model, state = nn.Linear(2, 2), nn.Linear(2, 2).state_dict()
    before = state["weight"].copy()
    model.load_state_dict(state)
    model.weight.data[:] = 7
    np.testing.assert_array_equal(state["weight"], before)


def test_a_state_that_does_not_fit_is_named_whole_and_changes_nothing():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    before = model.state_dict()
    state = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)).state_dict()
    del state["0.weight"]
    state["more"] = np.zeros(1)
    state["0.bias"] = np.zeros(4)
    state["1.bias"] = np.zeros(2, int)
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        model.load_state_dict(state)
    for said in (
        "missing: 0.weight",
        "not in the model: more",
        "0.bias: shape (4,), the model has (3,)",
        "1.bias: int64",
    ):
        assert said in str(caught.value)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_tied_array_may_be_saved_under_one_of_its_names():
    class Net(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2), nn.ReLU()]
            self.net = nn.Sequential(*self.layers)

    model, saved = Net(), nn.Sequential(nn.Linear(2, 2)).state_dict()
    model.load_state_dict({f"net.{name}": array for name, array in saved.items()})  # PyTorch's
    np.testing.assert_array_equal(model.net[0].weight.data, saved["0.weight"])
    with pytest.raises(ValueError, match=r"missing: layers\.0\.bias\n  missing: net\.0\.bias"):
        model.load_state_dict({"net.0.weight": saved["0.weight"]})


def test_what_is_missing_or_too_many_may_be_passed_over():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    before, weight = model[1].weight.data.copy(), np.ones((3, 2))
    apart = model.load_state_dict({"0.weight": weight, "head.bias": weight}, strict=False)
    assert apart.missing_keys == ["0.bias", "1.weight", "1.bias"]
    assert apart.unexpected_keys == ["head.bias"]
    np.testing.assert_array_equal(model[0].weight.data, weight)
    np.testing.assert_array_equal(model[1].weight.data, before)
    assert model.load_state_dict(model.state_dict()) == ([], [])
    with pytest.raises(ValueError, match=r"nothing was loaded:\n  0\.bias: shape \(4,\)"):
        model.load_state_dict({"0.weight": 2 * weight, "0.bias": np.ones(4)}, strict=False)
    np.testing.assert_array_equal(model[0].weight.data, weight)


@pytest.mark.parametrize("wrong", ["model.safetensors", None, nn.Linear(2, 2), [1.0]])
def test_what_holds_no_arrays_by_name_is_no_state(wrong):
    with pytest.raises(TypeError, match=f"another module's state_dict.*{type(wrong).__name__}"):
        nn.Linear(2, 2).load_state_dict(wrong)


def test_train_and_eval_reach_every_module():
    model = Nested()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert all(module.training for module in model.train().modules())
    with pytest.raises(TypeError, match=r"train: True, or False as eval\(\) has it, not 'eval'"):
        model.train("eval")  # type: ignore[arg-type]
    assert model.training is True


def test_to_keeps_each_parameter_and_casts_its_gradient():
    model = Nested()
    before = list(model.parameters())
    model(np.ones((1, 2))).sum().backward()
    assert model.to(np.float64) is model
    assert all(a is b for a, b in zip(model.parameters(), before, strict=True))
    assert {p.dtype for p in before} == {np.dtype(np.float64)}
    assert {p.grad.dtype for p in before if p.requires_grad} == {np.dtype(np.float64)}
    with pytest.raises(TypeError, match="int32"):
        model.to(np.int32)
    assert {p.dtype for p in model.float().parameters()} == {np.dtype(np.float32)}
    assert {p.dtype for p in model.double().parameters()} == {np.dtype(np.float64)}


def test_to_counts_as_a_change_of_data():
    model = nn.Linear(2, 1)
    loss = model(np.ones((1, 2))).sum()
    model.to(np.float64)
    with pytest.raises(RuntimeError, match="was changed after"):
        loss.backward()


def test_frozen_parameters_get_no_gradient():
    model = Nested().requires_grad_(False)
    assert not model(np.ones((1, 2))).requires_grad
    model.requires_grad_()
    model(np.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p is not model.frozen)
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_nodes_remember_the_module_that_made_them():
    model = Nested()
    assert scopes(model(np.ones((1, 2)))) == {"", "blocks.0.a", "blocks.1.0"}
    assert scopes(model.blocks[0]["a"](np.ones((1, 2)))) == {""}  # a root of its own
    assert scopes(model(np.ones((1, 2)))) == {"", "blocks.0.a", "blocks.1.0"}
    assert [p.name for p in model.parameters()] == [name for name, _ in model.named_parameters()]
    assert modes.scope is None


def test_the_scope_says_class_and_parent():
    class Outer(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(2, 1)

        def forward(self, x):
            return self.inner(x)

    scope = Outer()(np.ones((1, 2))).scope
    assert (scope.path, scope.kind) == ("inner", "Linear")
    assert (scope.parent.path, scope.parent.kind, scope.parent.parent) == ("", "Outer", None)


def test_parts_that_come_later_or_from_elsewhere_have_paths_too():
    model = nn.Sequential(nn.Linear(2, 2))
    model(np.ones((1, 2)))
    late = vars(model)["late"] = nn.Linear(2, 2)
    assert scopes(model(np.ones((1, 2)))) == {"0", "late"}
    assert late.weight.name == "late.weight"

    class Guest(nn.Module):
        def forward(self, other, x):
            return other(x)

    assert scopes(Guest()(nn.Linear(2, 2), np.ones((1, 2)))) == {"Linear"}


def test_a_shared_module_is_named_by_the_root_that_calls_it():
    shared = nn.Linear(2, 2)
    one, two = nn.Sequential(shared), nn.Sequential(nn.ReLU(), shared)
    x = np.ones((1, 2))
    assert [scopes(net(x)) for net in (one, two, one)] == [{"0"}, {"1"}, {"0"}]


def test_a_name_given_by_hand_stays():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].weight.name = "mine"
    model(np.ones((1, 2)))
    assert [p.name for p in model.parameters()] == ["mine", "0.bias"]


def test_a_parameter_is_not_lost_by_assignment():
    layer = nn.Linear(2, 1)
    with pytest.raises(TypeError, match=r"Linear.weight is a Parameter.*weight.data.*Tensor"):
        layer.__setattr__("weight", Tensor(np.zeros((1, 2)), requires_grad=True))
    with pytest.raises(TypeError, match="ndarray"):
        layer.__setattr__("weight", np.zeros((1, 2)))
    layer.weight = nn.Parameter(np.zeros((1, 2)))
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_the_scope_is_restored_after_an_error():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="linear of shapes"):
        model(np.ones((1, 3)))
    assert modes.scope is None
    assert scopes(model(np.ones((1, 2)))) == {"0"}


def test_threads_do_not_see_each_others_scopes():
    model = Nested()
    wait, found = threading.Barrier(4), []

    def work():
        wait.wait()
        for _ in range(50):
            found.append(scopes(model(np.ones((1, 2)))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert all(paths == {"", "blocks.0.a", "blocks.1.0"} for paths in found)


def test_copies_and_pickles_are_whole():
    model = Tied()
    y = model(np.ones((1, 2)))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.second.weight is other.first.weight is not model.first.weight
        np.testing.assert_array_equal(other(np.ones((1, 2))).data, y.data)


def test_repr_is_a_tree():
    assert repr(models.MLP([2, 3, 1])) == (
        "MLP(\n"
        "  activation='relu'\n"
        "  (layers): list(\n"
        "    (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "    (1): Linear(in_features=3, out_features=1, bias=True)\n"
        "  )\n"
        ")"
    )


# The same model on scalars


def test_scalars_tie_freeze_and_name_as_the_model_does():
    model = Tied()
    dict(model.named_parameters())["first.bias"].requires_grad = False
    scalar = model.to_scalars()
    assert scalar.second.weight is scalar.first.weight
    assert isinstance(model.first.weight, nn.Parameter)  # the model itself is left alone
    values = dict(scalar.named_parameters())
    assert values["first.weight[1, 0]"] is scalar.first.weight[1, 0]
    assert [v.name for v in values.values()] == list(values)
    assert len(values) == scalar.num_parameters() == 6
    assert not values["first.bias[0]"].requires_grad


def test_scalars_compute_the_same():
    model = Nested().to(np.float64)
    scalar = model.to_scalars()
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    loss, scalar_loss = (model(x) ** 2).sum(), (scalar(x) ** 2).sum()
    loss.backward()
    scalar_loss.backward()
    assert scalar_loss.data == pytest.approx(loss.item(), abs=1e-12)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            grads = [v.grad for k, v in scalar.named_parameters() if k.startswith(f"{name}[")]
            np.testing.assert_allclose(grads, parameter.grad.ravel(), atol=1e-12)
    assert scopes(scalar_loss) >= {"", "blocks.0.a", "blocks.1.0"}


def test_scalars_save_and_load_as_the_model_does():
    model = Nested().to(np.float64)
    scalar = Nested().to_scalars()
    scalar.load_state_dict(model.state_dict())
    for name, array in scalar.state_dict().items():
        np.testing.assert_array_equal(array, model.state_dict()[name])
        assert array.dtype == np.float64
    with pytest.raises(ValueError, match="scale: shape"):
        scalar.load_state_dict(model.state_dict() | {"scale": np.zeros(2)})
    with pytest.raises(TypeError, match="Python float"):
        scalar.to(np.float32)


def test_what_a_scalar_model_keeps_for_later_is_no_parameter():
    class Keeps(nn.Linear):
        def forward(self, x):
            self.kept = super().forward(x)
            return self.kept

    scalar = Keeps(2, 2).to_scalars()
    for recorded in (True, False):
        if recorded:
            for value in scalar(np.ones((1, 2))).flat:
                value.name = "kept"  # even so
        else:
            with no_grad():
                scalar(np.ones((1, 2)))
        assert list(scalar.state_dict()) == ["weight", "bias"]


def test_parameter_of_a_tensor_and_of_integers():
    assert nn.Parameter(Tensor([1.0])).requires_grad
    assert not nn.Parameter([1, 2], requires_grad=False).requires_grad
    with pytest.raises(TypeError, match="int64"):
        nn.Parameter([1, 2])
    with pytest.raises(TypeError, match="Value"):
        nn.Parameter(Value(1.0))


def test_loading_its_own_numbers_is_no_change():
    layer = nn.Linear(2, 1)
    loss = layer(np.ones((1, 2))).sum()
    layer.load_state_dict(layer.state_dict())
    loss.backward()  # the graph is still good
    assert layer.weight.grad.tolist() == [[1, 1]]
    loss = layer(np.ones((1, 2))).sum()
    layer.load_state_dict({name: array + 1 for name, array in layer.state_dict().items()})
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()


def test_a_parameter_is_not_changed_in_place():
    layer = nn.Linear(2, 1)
    before, x = layer.weight.data.copy(), np.ones((1, 2))
    with no_grad():
        for p in layer.parameters():
            with pytest.raises(
                TypeError, match=r"write p\.data -= … for new numbers, or x = p - …"
            ):
                p -= 0.1
    for change in (operator.iadd, operator.imul, operator.itruediv, operator.ipow):
        with pytest.raises(TypeError, match="a Parameter is not changed in place"):
            change(layer.weight, x)
    with pytest.raises(TypeError, match="@= …"):
        operator.imatmul(layer.weight, x.T)
    np.testing.assert_array_equal(layer.weight.data, before)
    layer.weight.data -= 0.1
    np.testing.assert_allclose(layer.weight.data, before - 0.1, rtol=1e-6)
    y = layer(x)
    y += layer.bias  # a result under the same name
    assert y.op is not None


def test_parts_by_name():
    model = Nested()
    assert model.get_submodule("blocks.0.a") is model.blocks[0]["a"]
    assert model.get_submodule("") is model
    assert model.get_parameter("blocks.1.0.weight") is model.blocks[1][0].weight
    assert [*model.children()] == [part for _, part in model.named_children()]
    for find, what in ((model.get_submodule, "module"), (model.get_parameter, "parameter")):
        for wrong in ("blocks", "blocks.2", "array"):
            with pytest.raises(AttributeError, match=f"Nested has no {what} called '{wrong}'"):
                find(wrong)
    with pytest.raises(AttributeError, match=r"no parameter called 'blocks\.0\.a'"):
        model.get_parameter("blocks.0.a")


def test_names_with_a_prefix_and_of_this_module_alone():
    model = Nested()
    model.register_buffer("steps", 0)
    model.blocks[0]["a"].register_buffer("seen", 0)
    own = [name for name, _ in model.named_parameters(prefix="net", recurse=False)]
    assert own == ["net.scale", "net.frozen"]
    assert [*model.parameters(recurse=False)] == [model.scale, model.frozen]
    first = next(name for name, _ in model.named_parameters("net"))
    assert first == "net.blocks.0.a.weight"
    assert [name for name, _ in model.named_buffers("net")] == ["net.blocks.0.a.seen", "net.steps"]
    assert len([*model.buffers(recurse=False)]) == 1


def test_parts_are_assigned_by_name():
    model: Any = nn.Module()
    model.add_module("fc", nn.Linear(2, 1))
    model.add_module("fc", nn.Linear(2, 3))  # again
    model.register_parameter("scale", None)
    model.register_parameter("scale", nn.Parameter([1.0]))
    assert list(model.state_dict()) == ["fc.weight", "fc.bias", "scale"]
    assert model.fc.out_features == 3
    for wrong in ("a.b", "forward", "scale"):
        with pytest.raises(ValueError, match=f"a module cannot be called '{wrong}'"):
            model.add_module(wrong, nn.ReLU())
    with pytest.raises(ValueError, match="a parameter cannot be called 'fc'"):
        model.register_parameter("fc", nn.Parameter([1.0]))
    with pytest.raises(TypeError, match="'fc' is to be a module, not a ufunc"):
        model.add_module("fc", np.tanh)
    with pytest.raises(TypeError, match="'scale' is to be a parameter, not a Tensor"):
        model.register_parameter("scale", Tensor([1.0]))
