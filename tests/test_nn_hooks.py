"""Hooks, `apply`, and what a module shows of itself."""

import copy
from typing import Any

import numpy as np
import pytest

from groundup import models, nn
from groundup.engine.modes import modes


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def test_forward_hooks_see_each_call_and_may_change_the_output():
    model, seen = net(), list[Any]()

    def note(module, args, output):
        seen.append((module, args[0].shape, output.shape, modes.scope))

    handle = model[0].register_forward_hook(note)
    x = np.ones((4, 2))
    plain = model(x)
    assert seen == [(model[0], (4, 2), (4, 3), seen[0][3])]
    assert seen[0][3].path == "0"  # inside the module's call
    with model[2].register_forward_hook(lambda module, args, out: out * 2):
        np.testing.assert_array_equal(model(x).data, plain.data * 2)
    handle.remove()
    handle.remove()  # a second time does nothing
    np.testing.assert_array_equal(model(x).data, plain.data)
    assert len(seen) == 2


def test_pre_hooks_see_the_arguments_and_may_change_them():
    model, x = net(), np.ones((4, 2))
    want = model(2 * x).data, model(3 * x).data
    one = model.register_forward_pre_hook(lambda module, args: (2 * args[0],))
    np.testing.assert_array_equal(model(x).data, want[0])
    one.remove()
    model.register_forward_pre_hook(lambda module, args: 3 * args[0])  # the only argument
    model.register_forward_pre_hook(lambda module, args: None)
    np.testing.assert_array_equal(model(x).data, want[1])


def test_hooks_are_called_in_their_order_and_one_may_remove_itself():
    model, order = net(), []
    handles: Any = []

    def once(module, args, output):
        order.append("once")
        handles[0].remove()

    handles.append(model.register_forward_hook(once))
    model.register_forward_hook(lambda *given: order.append("always"))
    model(np.ones((1, 2)))
    model(np.ones((1, 2)))
    assert order == ["once", "always", "always"]


def test_a_hook_s_error_leaves_the_scope_as_it_was():
    model = net()
    model.register_forward_hook(lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model(np.ones((1, 2)))
    assert modes.scope is None


def test_a_module_as_a_hook_is_no_part():
    model = net()
    model.register_forward_hook(nn.Module())
    assert len(list(model.modules())) == 4
    assert "Module()" not in repr(model)


def test_a_copy_keeps_the_hooks_and_the_handle_is_that_of_the_original():
    model, calls = net(), []
    handle = model.register_forward_hook(lambda *given: calls.append(1))
    other = copy.deepcopy(model)
    handle.remove()
    model(np.ones((1, 2)))
    assert not calls
    other(np.ones((1, 2)))
    assert calls


def test_apply_goes_from_the_parts_to_the_whole_and_to_each_once():
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, nn.Sequential(nn.ReLU(), shared))
    seen: Any = []
    assert model.apply(seen.append) is model
    assert seen == [shared, model[1][0], model[1], model]
    loop = nn.Module()
    vars(loop)["parent"] = vars(model[1])["up"] = model
    vars(model)["loop"] = loop
    seen.clear()
    model.apply(seen.append)
    assert len(seen) == len(set(seen)) == 5


# What it shows


def test_repr_shows_containers_and_puts_like_layers_together():
    model = nn.Module()
    vars(model).update(
        blocks=nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.ReLU(), nn.Tanh(), None, nn.ReLU()]),
        named=nn.ModuleDict(a=nn.ReLU(), b=nn.ReLU()),
        nested=[(nn.Tanh(),), {"x": [nn.Tanh()]}],
        numbers=[1, 2],
    )
    assert repr(model) == (
        "Module(\n"
        "  (blocks): ModuleList(\n"
        "    (0-2): 3 x ReLU()\n"
        "    (3): Tanh()\n"
        "    (5): ReLU()\n"
        "  )\n"
        "  (named): ModuleDict(\n"
        "    (a): ReLU()\n"
        "    (b): ReLU()\n"
        "  )\n"
        "  (nested): list(\n"
        "    (0): tuple(\n"
        "      (0): Tanh()\n"
        "    )\n"
        "    (1): dict(\n"
        "      (x): list(\n"
        "        (0): Tanh()\n"
        "      )\n"
        "    )\n"
        "  )\n"
        ")"
    )


def test_repr_is_pytorch_s():
    torch = pytest.importorskip("torch")

    def build(nn):
        return nn.Sequential(
            nn.Linear(2, 3), nn.GELU("tanh"), nn.Sequential(nn.Tanh(), nn.Softmax(dim=1))
        )

    assert repr(build(nn)) == repr(build(torch.nn))
    mine, theirs = nn.Module(), torch.nn.Module()
    vars(mine)["blocks"] = nn.ModuleList(nn.ReLU() for _ in range(3))
    theirs.blocks = torch.nn.ModuleList(torch.nn.ReLU() for _ in range(3))
    assert repr(mine) == repr(theirs)


def test_the_summary_of_a_model():
    config = models.GPTConfig(
        vocab_size=5, block_size=3, n_layer=1, n_head=1, n_embd=2, dropout=0.5
    )
    model = models.GPT(config)
    model.wpe.requires_grad_(False)
    ids = np.zeros((4, 3), int)
    table = model.summary(ids)
    assert repr(table) == str(table)
    assert str(table) == (
        "layer                          output shape          parameters  share\n"
        "GPT                            (4, 3, 5)\n"
        "  wte: Embedding               (4, 3, 2)                     10  10.6%\n"
        "  wpe: Embedding               (3, 2)                         6   6.4%\n"
        "  drop: Dropout                (4, 3, 2)\n"
        "  blocks.0: Block              (4, 3, 2)\n"
        "    ln_1: LayerNorm            (4, 3, 2)                      4   4.3%\n"
        "    attn: CausalSelfAttention  (4, 3, 2)\n"
        "      c_attn: Linear           (4, 3, 6)                     18  19.1%\n"
        "      c_proj: Linear           (4, 3, 2)                      6   6.4%\n"
        "      resid_dropout: Dropout   (4, 3, 2)\n"
        "    ln_2: LayerNorm            (4, 3, 2)                      4   4.3%\n"
        "    mlp: MLP                   (4, 3, 2)\n"
        "      c_fc: Linear             (4, 3, 8)                     24  25.5%\n"
        "      c_proj: Linear           (4, 3, 2)                     18  19.1%\n"
        "      dropout: Dropout         (4, 3, 2)\n"
        "  ln_f: LayerNorm              (4, 3, 2)                      4   4.3%\n"
        "  lm_head: Linear              (4, 3, 5)     tied to wte.weight\n"
        "total                                                        94\n"
        "of these frozen                                               6"
    )
    assert table.parameters == model.num_parameters()
    assert model.summary(ids, targets=ids).rows[0].shapes == ((4, 3, 5), ())


def test_a_summary_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 2))
    model[2].eval()
    model.train(True)
    model[2].training = False
    nn.manual_seed(0)
    first = nn.random.generator.random()
    nn.manual_seed(0)
    before = model.state_dict()
    model.summary(np.ones((1, 2)))
    assert nn.random.generator.random() == first
    assert [m.training for m in model.modules()] == [True, True, True, False]
    assert not any(module._after for module in model.modules())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(ValueError, match="linear of shapes"):
        model.summary(np.ones((1, 3)))
    assert model.training
    assert not any(module._after for module in model.modules())


def test_a_part_that_is_not_called_says_so():
    model = nn.Sequential(nn.Linear(2, 2))
    vars(model)["idle"] = nn.Linear(1, 1)
    model.forward = lambda x: model[0](x)  # type: ignore[method-assign]
    assert "idle: Linear  not called" in str(model.summary(np.ones((1, 2))))


def test_a_hook_may_see_keywords_and_change_them():
    class Scale(nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    model, seen = Scale(), []
    double = model.register_forward_pre_hook(
        lambda module, args, kwargs: (args, kwargs | {"by": 2 * kwargs["by"]}), with_kwargs=True
    )
    model.register_forward_pre_hook(lambda module, args: args[0] + 1)
    model.register_forward_hook(
        lambda module, args, kwargs, out: seen.append((args, kwargs, out)), with_kwargs=True
    )
    assert model(3.0, by=5.0) == 40
    assert seen == [((4.0,), {"by": 10.0}, 40.0)]
    double.remove()
    model.register_forward_pre_hook(lambda *given: None, with_kwargs=True)
    assert model(3.0, by=5.0) == 20
    model.register_forward_pre_hook(lambda *given: {}, with_kwargs=True)
    with pytest.raises(TypeError, match=r"the pair \(args, kwargs\), not a dict"):
        model(3.0, by=5.0)


@pytest.mark.parametrize("when", ["register_forward_pre_hook", "register_forward_hook"])
def test_a_hook_may_come_before_all_others(when):
    model, order = net(), []
    register = getattr(model, when)
    register(lambda *given: order.append("a"))
    register(lambda *given: order.append("b"))
    first = register(lambda *given: order.append("first"), prepend=True)
    model(np.ones((1, 2)))
    assert order == ["first", "a", "b"]
    first.remove()
    model(np.ones((1, 2)))
    assert order == ["first", "a", "b", "a", "b"]
