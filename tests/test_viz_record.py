"""`viz.record`: what is kept of activations and gradients, and what is said of them."""

from typing import Any

import numpy as np
import pytest

from groundup import models, nn, viz
from groundup.engine import Tensor, Value, no_grad, relu
from groundup.engine.graph import walk
from groundup.viz.plots.recorder import Recorder
from groundup.viz.plots.spread import magnitudes, spread
from groundup.viz.theme import LIGHT

X = np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32)


def deep(n=6, scale=1.0, bend=nn.Tanh):
    """n pairs of a linear layer and a bend, the weights scaled."""
    nn.manual_seed(0)
    net = nn.Sequential(*[layer for _ in range(n) for layer in (nn.Linear(8, 8), bend())])
    for parameter in net.parameters():
        parameter.data *= scale
    return net


def recorded(net, passes=3, x=X, **options):
    with viz.record(**options) as log:
        for _ in range(passes):
            np.mean(net(x) ** 2).backward()
    return log


def test_what_is_kept_is_of_the_outputs_of_the_calls():
    net = deep(2)
    hidden, x = {}, X
    for i, layer in enumerate(net):
        hidden[str(i)] = x = layer(x)
    loss: Any = np.mean(x**2)
    grads = dict(walk(loss, loss.seed()))
    (one,) = recorded(net, 1).passes
    assert list(one.parts) == ["Sequential", "0", "1", "2", "3"]
    assert [one.parts[name].kind for name in "0123"] == ["Linear", "Tanh", "Linear", "Tanh"]
    assert {one.parts[name].around for name in "0123"} == {"Sequential"}
    for name, node in hidden.items():
        part = one.parts[name]
        assert part.data.norm == pytest.approx(np.linalg.norm(node.data))
        assert (part.data.low, part.data.high) == (node.data.min(), node.data.max())
        expected = np.histogram(node.data, len(part.data.counts))[0]
        assert part.data.counts.tolist() == expected.tolist()
        assert part.grad.norm == pytest.approx(np.linalg.norm(grads[node]))
        assert part.grad.high == pytest.approx(np.log10(np.abs(grads[node]).max()))
    assert one.parts["Sequential"].data == one.parts["3"].data


def test_it_changes_neither_the_gradients_nor_the_modes():
    plain, watched = deep(), deep()
    np.mean(plain(X) ** 2).backward()
    recorded(watched, 1)
    for p, q in zip(plain.parameters(), watched.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad, q.grad)
    with viz.record() as log:
        pass
    np.mean(plain(X) ** 2).backward()
    assert log.count == 0


def test_records_nest_and_stand_beside_a_watch(tmp_path):
    net = deep(1)
    with viz.record() as outer, viz.watch(tmp_path, quiet=True) as watcher:
        with viz.record() as inner:
            np.mean(net(X) ** 2).backward()
        np.mean(net(X) ** 2).backward()
    assert (outer.count, inner.count, watcher.passes) == (2, 1, 2)
    assert inner.passes[0].parts["0"].data.norm == outer.passes[0].parts["0"].data.norm


def test_every_and_keep_bound_what_is_kept():
    log = recorded(deep(1), 10, every=3, keep=2)
    assert [one.number for one in log.passes] == [7, 10]
    assert log.count == 10
    for options in ({"every": 0}, {"keep": 0}):
        with pytest.raises(ValueError, match="counts, 1 or more"), viz.record(**options):
            pass


def test_a_second_call_of_a_module_has_a_name_of_its_own():
    class Twice(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return self.fc(self.fc(x))

    (one,) = recorded(Twice(), 1).passes
    assert list(one.parts) == ["Twice", "fc", "fc (2)"]


def test_a_pass_that_breaks_is_noted_and_the_error_goes_on():
    def breaks(root, steps):
        for i, step in enumerate(steps):
            if i == 2:
                raise ZeroDivisionError
            yield step

    from groundup.engine.modes import mode

    log = Recorder()
    with mode(observers=(breaks, log)), pytest.raises(ZeroDivisionError):
        np.mean(deep(1)(X) ** 2).backward()
    (one,) = log.passes
    assert one.parts["0"].grad is None


# What is said


def test_nothing_is_said_of_a_healthy_net():
    assert recorded(deep(6, 1.5)).findings() == []
    nn.manual_seed(0)
    mlp = models.MLP([8, 32, 32, 1])
    assert recorded(mlp, 12).findings() == []
    model = models.GPT(models.GPTConfig(12, 8, n_layer=3, n_head=2, n_embd=16))
    ids = np.arange(16).reshape(2, 8) % 12
    with viz.record() as log:
        for _ in range(3):
            model(ids, ids)[1].backward()
    assert log.findings() == []
    assert repr(log).endswith("nothing wrong found")


def test_vanishing_gradients():
    (said,) = recorded(deep(12, 0.1)).findings()
    start, end = "gradients shrink ", "-fold from Linear 22 to Linear 0 (vanishing)"
    assert said.startswith(start)
    assert said.endswith(end)
    net = deep(12, 0.1)
    log = recorded(net)
    parts = log.passes[-1].parts
    ratio = parts["22"].grad.rms / parts["0"].grad.rms
    assert float(said.removeprefix(start).removesuffix(end)) == pytest.approx(ratio, rel=0.5)


def test_exploding_gradients():
    said = recorded(deep(12, 20, nn.ReLU)).findings()[0]
    assert said.startswith("gradients grow ")
    assert said.endswith("-fold from ReLU 23 to ReLU 1 (exploding)")


def test_one_module_with_a_vanished_gradient():
    net = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    with viz.record() as log:
        (np.mean(net(X) ** 2) * 1e-12).backward()
    assert any(one.startswith("Tanh 1: its gradient has vanished") for one in log.findings())


def test_dead_units():
    net: Any = models.MLP([8, 10, 1])
    net.layers[0].bias.data[:6] = -100.0
    log = recorded(net, 12)
    (said,) = log.findings()
    assert said.startswith("relu after layers.0: 60 % of its 10 units were 0 for every input in ")
    assert said.endswith("the last 10 recorded passes (dead)")
    assert (log.alive["relu after layers.0"] == 0).sum() == 6


def test_units_that_lived_lately_are_not_dead():
    net: Any = models.MLP([8, 10, 1])
    with viz.record() as log:
        for i in range(15):
            net.layers[0].bias.data[:] = 0.0 if i == 8 else -100.0
            np.mean(net(X) ** 2).backward()
    assert log.findings() == []  # pass 9 is among the last 10
    assert set(log.alive["relu after layers.0"]) == {9}


def test_two_relus_of_one_module_are_two():
    class Two(nn.Module):
        def forward(self, x):
            return relu(relu(x * w) - 100)

    w = Tensor(np.ones(8, np.float32), requires_grad=True)
    log = recorded(Two(), 2)
    assert list(log.alive) == ["relu in Two", "relu in Two (2)"]
    assert [one.split(":")[0] for one in log.findings()] == ["relu in Two (2)"]


@pytest.mark.parametrize(("bend", "share"), [(nn.Tanh, 1.0), (None, 1.0)])
def test_saturation(bend, share):
    class Sigmoid(nn.Module):
        def forward(self, x):
            return nn.functional.sigmoid(x)

    net = nn.Sequential(nn.Linear(8, 4), (bend or Sigmoid)(), nn.Linear(4, 1))
    net[0].bias.data[:] = [9.0, -9.0, 9.0, 9.0]
    net[0].weight.data *= 0.1
    log = recorded(net)
    name = f"{'tanh' if bend else 'sigmoid'} after 0"
    assert log.passes[-1].saturated == {name: share}
    assert f"{name}: 100 % of its results lie where it is flat" in log.findings()[-1]
    assert "(saturated)" in log.findings()[-1]


def test_no_number_since_which_pass_and_where_first():
    net = deep(3)
    with viz.record() as log, np.errstate(all="ignore"):
        for i in range(6):
            if i == 3:
                net[2].weight.data[0] = np.nan
            np.mean(net(X) ** 2).backward()
    assert log.findings() == ["Linear 2: its activations are NaN since pass 4"]


def test_a_gradient_that_is_no_number():
    class Root(nn.Module):
        def forward(self, x):
            return np.sqrt(x)

    net: Any = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), Root())
    net[0].bias.data[:] = -100.0  # so that the root is taken of 0
    with viz.record() as log, np.errstate(all="ignore"):
        for _ in range(2):
            net(X).sum().backward()
    assert log.findings() == ["ReLU 1: its gradient is infinite since pass 1"]


def test_what_it_cannot_judge():
    log = recorded(deep(1), 0)
    assert log.findings() == ["No backward pass ran, so there is nothing to judge."]
    scalar = nn.Linear(2, 1).to_scalars()
    with viz.record() as log:
        scalar(np.ones((1, 2)))[0, 0].backward()
        (Value(2.0) * 3).backward()
        (Tensor(2.0, requires_grad=True) * 3).backward()
    assert log.findings() == [
        "Of 3 backward passes none went through a module of Tensors: there is nothing to judge."
    ]
    with pytest.raises(ValueError, match=r"nothing to plot\. Of 3 backward passes none"):
        log.plot()


# Spreads


def test_a_spread_is_shared_out_between_edges():
    one = spread(np.arange(100.0))
    edges = np.array([-10.0, 0.0, 49.5, 99.0, 200.0])
    np.testing.assert_allclose(one.within(edges), [0, 0.5, 0.5, 0], atol=0.02)
    assert one.quantile(0.5) == pytest.approx(49.5, abs=1)
    assert spread(np.full(5, 3.0)).within(np.array([0.0, 2.0, 4.0])).tolist() == [0, 1]
    empty = spread(np.zeros((0, 3)))
    assert empty.within(edges).tolist() == [0, 0, 0, 0]
    assert (empty.size, empty.norm) == (0, 0)


def test_of_a_large_array_a_sample_is_kept_and_the_length_of_all():
    large = np.random.default_rng(1).normal(size=(500, 200))
    one = spread(large)
    assert one.counts.sum() == 2**14
    assert one.size == 100_000
    assert one.norm == pytest.approx(np.linalg.norm(large))
    assert one.quantile(0.5) == pytest.approx(0, abs=0.05)
    large[3, 7] = np.nan
    assert np.isnan(spread(large).norm)


def test_magnitudes_are_of_what_is_not_zero():
    one = magnitudes(np.array([0.0, -1e-3, 1e3]))
    assert (one.low, one.high, one.counts.sum(), one.size) == (-3, 3, 2, 3)
    assert not magnitudes(np.zeros(3)).counts.any()
    broken = spread(np.array([1.0, np.inf, np.nan, 3.0]))
    assert np.isnan(broken.norm)
    assert (broken.low, broken.high) == (1, 3)


# The picture


def strips(figure):
    return [axes.images[0].get_array() for axes in figure.axes]


def test_the_picture_has_a_row_for_each_part():
    log = recorded(deep(2), 5)
    figure = log.plot()
    shares = strips(figure)
    assert len(shares) == 2 * 4
    for share in shares:
        assert share.shape[1] == 5
        assert np.all(share.data.sum(axis=0) > 0.9)  # all but a hundredth on each side
        assert np.all(share.data.sum(axis=0) <= 1 + 1e-9)
    *_, low, high = figure.axes[0].images[0].get_extent()
    part = log.passes[0].parts["0"].data
    assert shares[0].data[:, 0] == pytest.approx(part.within(np.linspace(low, high, 65)))
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == [
        "0\nLinear", "1\nTanh", "2\nLinear", "3\nTanh",
    ]  # fmt: skip


def test_the_picture_of_one_module():
    model = models.GPT(models.GPTConfig(12, 8, n_layer=2, n_head=2, n_embd=8))
    with viz.record() as log:
        model(np.ones((1, 4), int), np.ones((1, 4), int))[1].backward()
    rows = [axes.get_ylabel().split("\n")[0] for axes in log.plot("blocks.1").axes[::2]]
    assert rows == ["blocks.1.ln_1", "blocks.1.attn", "blocks.1.ln_2", "blocks.1.mlp"]
    rows = [axes.get_ylabel().split("\n")[0] for axes in log.plot().axes[::2]]
    assert rows == ["wte", "wpe", "blocks.0", "blocks.1", "ln_f", "lm_head"]
    with pytest.raises(ValueError, match=r"no module 'mlp' with parts; there are GPT, blocks\.0"):
        log.plot("mlp")


def test_the_picture_says_what_is_wrong():
    net = deep(3)
    net[0].weight.data[0] = np.nan
    with np.errstate(all="ignore"):
        figure = recorded(net).plot()
    assert figure.get_suptitle() == "Linear 0: its activations are NaN since pass 1"
    assert LIGHT.alarm.lower() in figure.svg()


def test_of_many_parts_some_are_shown_and_it_says_so():
    figure = recorded(deep(20), 1).plot()
    assert len(figure.axes) == 2 * 24
    assert figure.axes[0].get_ylabel() == "0\nLinear"
    assert figure.axes[-2].get_ylabel() == "39\nTanh"
    assert "24 of 40 parts" in figure.axes[-2].get_xlabel()


def test_the_picture_is_the_same_each_time_in_both_themes():
    log = recorded(deep(2))
    assert log.plot().svg() == log.plot().svg()
    assert LIGHT.background.lower() not in log.plot(theme="dark").svg()


def test_hostile_names():
    name = "<b>$x$\n" * 9
    w = Tensor(np.ones(8, np.float32), requires_grad=True)
    kind = type(name, (nn.Module,), {"forward": lambda self, x: x * w})
    svg = recorded(kind(), 1).plot().svg()
    assert "&lt;b&gt;$x$↵" in svg
    assert "<b>" not in svg


def test_no_grad_leaves_nothing_to_see():
    with viz.record() as log, no_grad():
        deep(1)(X)
    assert log.count == 0


def test_activations_that_are_large_and_equal_have_a_plot():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for parameter in net.parameters():
        parameter.data = np.zeros(parameter.shape)
    net[1].bias.data = np.full(2, 1e30)
    with viz.record() as log:
        net(np.ones((1, 2), np.float32)).sum().backward()
    assert "activations" in log.plot().svg()
