"""Curves, attention maps and loss surfaces: the numbers they show are the engine's."""

import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from groundup import models, nn, train, viz
from groundup.engine import Tensor, Value, scaled_dot_product_attention, softmax
from groundup.engine.errors import MissingExtra
from groundup.viz.escape import NO_BREAK, visible
from groundup.viz.plots.landscape import Landscape, like, together
from groundup.viz.plots.lines import apart
from groundup.viz.plots.smoothing import smoothed
from groundup.viz.theme import DARK, LIGHT

HOSTILE = ["$x^", "<b>&", "a\nb", " ", "", "語", "😀", "שלום", "\N{RIGHT-TO-LEFT OVERRIDE}x", r"\N"]


def line(axes, name):
    """The points of the line of that name."""
    (found,) = [one for one in axes.lines if one.get_label() == name]
    return found.get_xydata()


def words(figure):
    """All texts of a figure."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


# What all plots share

W = Value(2.0)
PLOTS = {
    "curves": lambda **how: viz.curves({"a $x$": [3.0, 2.0]}, **how),
    "attention": lambda **how: viz.attention(logits(), **how),
    "surface": lambda **how: viz.surface(lambda: W**2, [W], directions=1, points=3, **how),
}


def gpt(layers=2, heads=2):
    nn.manual_seed(0)
    return models.GPT(models.GPTConfig(12, 8, layers, heads, 8))


def logits(T=5, **sizes):
    return gpt(**sizes)(np.arange(2 * T).reshape(2, T) % 12)[0]


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_the_same_each_time_and_in_both_themes(name):
    light, again, dark = PLOTS[name]().svg(), PLOTS[name]().svg(), PLOTS[name](theme="dark").svg()
    assert light == again
    assert LIGHT.ink.lower() in light
    assert DARK.ink.lower() in dark
    assert DARK.background.lower() in dark
    with pytest.raises(ValueError, match="theme='sepia'"):
        PLOTS[name](theme="sepia")


@pytest.mark.parametrize(
    "name", [*HOSTILE, "\ud800", "\x00\x1b", "\ufffe", "x" * 10_000, "_private"]
)
def test_any_name_of_a_line_is_shown(name, tmp_path):
    texts = {"ylabel": name, "xlabel": name, "level": (name, 1.5), "marks": (name, [1])}
    figure = viz.curves({name: [2.0, 1.0], "b": [1.0]}, **texts)
    ElementTree.fromstring(figure.svg())
    figure.savefig(tmp_path / "a.png")
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert shown.count(visible(name, 28) or NO_BREAK) == 3


def test_many_lines_have_room_for_their_names():
    figure = viz.curves({f"line {i}": [1.0, 2.0] for i in range(40)})
    figure.svg()
    inches = figure.get_size_inches()[1]
    places = [text.get_position()[1] for text in figure.axes[0].texts[::2]]
    assert len(places) == 40
    assert (max(places) - min(places)) * figure.axes[0].get_position().height < 1
    assert inches > 6


def test_a_logarithmic_scale_needs_a_number_above_0():
    with pytest.raises(ValueError, match="log=True is for values above 0"):
        viz.curves({"a": [-1.0, 0.0]}, log=True)


@pytest.mark.parametrize("name", PLOTS)
def test_the_settings_of_whoever_uses_matplotlib_are_neither_used_nor_changed(name):
    import matplotlib

    plain = PLOTS[name]().svg()
    with matplotlib.rc_context({"lines.linewidth": 9, "text.color": "red", "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        assert PLOTS[name]().svg() == plain
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", PLOTS)
def test_a_notebook_is_given_one_representation(name):
    figure = PLOTS[name]()
    rich = [n for n in dir(figure) if n.startswith("_repr_") and getattr(figure, n) is not None]
    assert rich == ["_repr_mimebundle_"]
    bundle = figure._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"] == figure.svg()


@pytest.mark.parametrize("name", PLOTS)
def test_without_matplotlib_one_sentence_says_what_to_install(name, monkeypatch):
    for module in [m for m in sys.modules if m.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "groundup.viz.plots.figure", raising=False)
    wanted = (
        rf"viz.{name} needs the package matplotlib: pip install matplotlib \(the extra `report`"
    )
    with pytest.raises(MissingExtra, match=wanted):
        PLOTS[name]()


def test_importing_viz_leaves_matplotlib_alone():
    code = "import sys, groundup.viz; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_figure_can_be_saved_as_matplotlib_has_it(tmp_path):
    from matplotlib.figure import Figure

    figure = viz.curves({"a": [3.0, 2.0]})
    assert isinstance(figure, Figure)
    for suffix in ("png", "svg", "pdf"):
        figure.savefig(tmp_path / f"a.{suffix}")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == figure.svg()


# Curves


def history():
    return train.History(
        steps=[1, 2, 3, 4], losses=[4.0, 3.0, 2.5, 2.25], lrs=[0.1, 0.2, 0.1, 0.05],
        times=[1.0] * 4, val_steps=[0, 2, 4], val_losses=[4.1, 3.2, 2.4],
    )  # fmt: skip


def test_curves_show_a_history():
    figure = viz.curves(history(), lr=True, level=("bigram", 2.6), ylabel="nats")
    losses, rate = figure.axes
    assert line(losses, "training").tolist() == [[1, 4.0], [2, 3.0], [3, 2.5], [4, 2.25]]
    assert line(losses, "validation").tolist() == [[0, 4.1], [2, 3.2], [4, 2.4]]
    assert line(losses, "bigram")[:, 1].tolist() == [2.6, 2.6]
    assert line(rate, "learning rate").tolist() == [[1, 0.1], [2, 0.2], [3, 0.1], [4, 0.05]]
    said = words(figure)
    assert {"training", "validation", "bigram", "nats", "step", "2.25", "2.4"} <= set(said)


@pytest.mark.parametrize("log", [False, True])
def test_each_line_is_named_where_it_ends(log):
    figure = viz.curves({"a": [1.0, 9.0], "b": [9.0, 1.0]}, level=("c", 4.0), log=log, lr=[1.0])
    axes = figure.axes[0]
    figure.draw_without_rendering()
    ends = {}
    for name in "abc":
        (text,) = [text for text in axes.texts if text.get_text() == name]
        _, pixel = text.get_transform().transform(text.get_position())
        ends[name] = axes.transData.inverted().transform((0, pixel))[1]
    assert ends == pytest.approx({"a": 9.0, "b": 1.0, "c": 4.0})


def test_curves_show_lines_by_name():
    figure = viz.curves({"$a$": [1.0, 2.0], "b": ([5, 9], np.array([3.0, np.nan]))}, log=True)
    (axes,) = figure.axes
    assert line(axes, "$a$").tolist() == [[1, 1.0], [2, 2.0]]
    assert line(axes, "b")[0].tolist() == [5, 3.0]
    assert axes.get_yscale() == "log"
    assert "$a$" in words(figure)
    assert ">$a$<" in figure.svg()  # and not an italic a


def looks(axes):
    """(name, colour, width) of each line that has a name, the lowest first."""
    named = [one for one in axes.lines if not one.get_label().startswith("_")]
    return [(one.get_label(), one.get_color(), one.get_linewidth()) for one in named]


def test_validation_is_drawn_over_training():
    (training, grey, wide), (validation, blue, narrow) = looks(viz.curves(history()).axes[0])
    assert (training, validation) == ("training", "validation")
    assert (grey, blue) == (LIGHT.edge, LIGHT.cards["parameter"].line)
    assert wide > 2 * narrow
    many = {"validation": ([1, 200], [2.0, 1.0]), "training": np.linspace(2, 1, 200)}
    (first, _, thin), (_, _, width) = looks(viz.curves(many).axes[0])
    assert first == "training"  # the lowest, though it was given last
    assert thin < width


@pytest.mark.parametrize(("count", "wide"), [(3, 2.0), (200, 1.0)])
def test_lines_that_are_equals_look_alike(count, wide):
    lines = {name: np.linspace(2, 1, count) for name in "abcd"}
    drawn = looks(viz.curves(lines).axes[0])
    assert [name for name, _, _ in drawn] == list(lines)
    assert len({colour for _, colour, _ in drawn}) == 4
    assert {width for _, _, width in drawn} == {wide}


def test_any_line_may_lie_under_the_others():
    drawn = looks(viz.curves({"a": [2.0, 1.0], "b": [2.0, 1.0]}, under="b").axes[0])
    assert [name for name, _, _ in drawn] == ["b", "a"]
    assert drawn[0][1:] == (LIGHT.edge, 5.0)


def test_curves_say_what_their_steps_are_and_mark_some():
    figure = viz.curves({"a": [1.0, 2.0, 3.0]}, xlabel="steps back", marks=("told", [3, 1]))
    (axes,) = figure.axes
    places = [np.asarray(one.get_xdata())[0] for one in axes.lines if one.get_label() == "_mark"]
    assert places == [1, 3]
    assert {"steps back", "told"} <= set(words(figure))
    assert "step" not in words(figure)
    assert "told" not in words(viz.curves({"a": [1.0]}, marks=("told", [])))


def test_curves_by_hand_take_a_learning_rate_too():
    _, rate = viz.curves({"a": [1.0, 2.0]}, lr=[0.5, 0.25]).axes
    assert line(rate, "learning rate").tolist() == [[1, 0.5], [2, 0.25]]


def test_smoothing_leaves_the_line_behind_and_sparse_lines_alone():
    noisy = np.linspace(4, 2, 200) + np.random.default_rng(0).normal(0, 0.1, 200)
    (axes,) = viz.curves({"a": noisy, "b": ([0, 100, 200], [4.0, 3.0, 2.0])}, smooth=10).axes
    assert line(axes, "_a")[:, 1].tolist() == noisy.tolist()
    smooth = line(axes, "a")[:, 1]
    assert np.abs(smooth - np.linspace(4, 2, 200)).max() < 0.1
    assert np.abs(np.diff(smooth)).mean() < 0.3 * np.abs(np.diff(noisy)).mean()
    assert line(axes, "b")[:, 1].tolist() == [4.0, 3.0, 2.0]


def test_smoothing_is_a_local_line_by_weighted_least_squares():
    steps = np.array([0.0, 1, 2, 5, 6])
    values = np.array([3.0, 1.0, np.nan, 2.0, 4.0])
    found, known = smoothed(steps, values, 2.0), np.isfinite(values)
    for i in np.flatnonzero(known):
        root = np.exp(-np.abs(steps - steps[i]) / 4)[known]  # of the weight
        a = np.stack([np.ones(4), steps[known] - steps[i]], axis=1) * root[:, None]
        expected = np.linalg.lstsq(a, values[known] * root, rcond=None)[0][0]
        assert found[i] == pytest.approx(expected)
    assert np.isnan(found[2])
    assert smoothed(np.array([3.0]), np.array([7.0]), 2.0).tolist() == [7.0]


def test_labels_move_apart_only_where_they_touch():
    assert apart([0.0, 0.5, 1.0], 0.2) == [0.0, 0.5, 1.0]
    moved = apart([0.5, 0.5, 0.55, 0.9], 0.1)
    assert np.diff(moved).min() == pytest.approx(0.1)
    assert moved[3] == 0.9


@pytest.mark.parametrize(
    ("given", "options", "error"),
    [
        ({}, {}, "no point to draw"),
        (train.History(), {}, "no point to draw"),
        ({"a": ([1, 2, 3], [1.0])}, {}, "'a' has steps .3,. and values .1,."),
        ("loss", {}, "a training's History, or lines by name, not str"),
        ({"a": [1.0]}, {"lr": True}, "lr=True is for a training's History"),
        ({"a": [1.0]}, {"smooth": -1}, "smooth=-1"),
    ],
)
def test_curves_of_what_is_none(given, options, error):
    with pytest.raises((ValueError, TypeError), match=error):
        viz.curves(given, **options)


# Attention


def test_attention_weights_are_those_of_the_pass():
    model, ids = gpt(), np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    seen: dict[int, np.ndarray] = {}
    forward = type(model.blocks[0].attn).forward

    def watched(self, x):
        B, T, C = x.shape
        q, k, _ = self.c_attn(x).reshape(B, T, 3, self.n_head, C // self.n_head).transpose(
            2, 0, 3, 1, 4
        )  # fmt: skip
        scores = (q @ k.swapaxes(-1, -2)).data / np.sqrt(C // self.n_head)
        seen[len(seen)] = softmax(np.where(np.tri(T) > 0, scores, -np.inf))
        return forward(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model.blocks[0].attn), "forward", watched)
        _, loss = model(ids, ids)
    found = viz.attention_weights(loss)
    assert list(found) == ["blocks.0.attn", "blocks.1.attn"]
    for i, weights in enumerate(found.values()):
        assert weights.shape == (2, 2, 4, 4)
        np.testing.assert_allclose(weights, seen[i], rtol=1e-5)
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)
        assert np.all(weights[..., np.triu(np.ones((4, 4)), 1) > 0] == 0)


def test_attention_runs_in_a_frozen_module_with_a_mask_and_dropout():
    x = Tensor(np.eye(3), requires_grad=True)
    mask = np.array([[True, False, True], [True, True, False], [False, False, False]])
    q = Tensor(np.eye(3))
    out = scaled_dot_product_attention(q, q, x, mask, np.zeros((3, 3)))
    (weights,) = viz.attention_weights(out.sum()).values()
    assert weights.shape == (1, 1, 3, 3)
    np.testing.assert_allclose(weights.sum(-1), [[[1, 1, 0]]])
    assert np.all(weights[0, 0][~mask] == 0)


def test_a_module_called_twice_has_two_maps():
    attn = gpt().blocks[0].attn
    x = Tensor(np.ones((1, 3, 8), np.float32), requires_grad=True)
    found = viz.attention_weights((attn(x) + attn(x)).sum())
    assert list(found) == ["attention", "attention (2)"]


def maps(figure):
    """The weights of each map, masked where it may not look."""
    return [image.get_array() for axes in figure.axes for image in axes.images]


def test_attention_shows_every_layer_and_head_over_the_tokens():
    out = logits()
    tokens = ["The", " cat", "\n", "$x$", "語"]
    figure = viz.attention(out, tokens, item=1)
    shown, found = maps(figure), viz.attention_weights(out)
    assert len(shown) == 4
    expected = [weights[1, head] for weights in found.values() for head in range(2)]
    for map_, weights in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(map_.data, weights)
        np.testing.assert_array_equal(map_.mask, np.triu(np.ones((5, 5)), 1) > 0)
    assert {"head 0", "head 1", "blocks.0.attn", "The", "␣cat", "↵", "$x$", "語"} <= set(
        words(figure)
    )


def test_attention_of_one_layer_and_head():
    out = logits()
    weights = viz.attention_weights(out)["blocks.1.attn"][0, 1]
    for layer in (1, -1, "blocks.1.attn"):
        (map_,) = maps(viz.attention(out, layer=layer, head=1))
        np.testing.assert_array_equal(map_.data, weights)


def test_attention_over_any_text(tmp_path):
    figure = viz.attention(logits(5), HOSTILE[:5])
    assert all(token in figure.svg() for token in ("$x^", "&lt;b&gt;&amp;", "a↵b", "␣", "∅"))
    viz.attention(logits(5), HOSTILE[5:]).savefig(tmp_path / "a.png")  # no font has them all


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"tokens": "abc"}, "3 tokens for 5 positions"),
        ({"tokens": "abcde", "keys": "ab"}, "2 keys for 5 positions"),
        ({"layer": 2}, "no layer 2 of 2"),
        ({"layer": "mlp"}, "no layer 'mlp'; there are blocks.0.attn, blocks.1.attn"),
        ({"head": 2}, "no head 2 of 2"),
        ({"item": 5}, "no item 5 of 2"),
    ],
)
def test_attention_that_is_not_there(options, error):
    with pytest.raises((IndexError, ValueError), match=error):
        viz.attention(logits(), **options)


def test_where_no_attention_is():
    with pytest.raises(ValueError, match=r"no scaled_dot_product_attention .* outside no_grad"):
        viz.attention_weights(Value(1.0) + 1)
    with pytest.raises(TypeError, match="a loss or logits, not int"):
        viz.attention(1)  # type: ignore[arg-type]


# Surfaces


def bowl():
    nn.manual_seed(0)
    w = nn.Parameter(np.array([[3.0, 4.0], [0.6, 0.8]]))
    b = nn.Parameter(np.array([1.0]))
    return w, b, lambda: (w * w).sum() + (b * b).sum()


def test_a_surface_is_the_loss_along_its_directions():
    w, b, f = bowl()
    d1, d2 = [np.eye(2), np.zeros(1)], [np.zeros((2, 2)), np.ones(1)]
    figure = viz.surface(f, [w, b], directions=[d1, d2], points=5, span=2.0)
    (shown,) = maps(figure)[:1]
    steps = np.linspace(-2, 2, 5)
    w0, b0 = w.data.copy(), b.data.copy()
    expected = [
        [np.sum((w0 + x * np.eye(2)) ** 2) + np.sum((b0 + y) ** 2) for x in steps] for y in steps
    ]
    np.testing.assert_allclose(shown, expected)
    assert f"here: {26 + 1:g}" in words(figure)
    (here,) = line(figure.axes[0], "here")
    assert here.tolist() == [0, 0]


def test_a_curve_along_one_direction():
    w, b, f = bowl()
    figure = viz.surface(f, [w, b], directions=[[w.data, b.data]], points=3)
    assert line(figure.axes[0], "loss").tolist() == [[-1, 0.0], [0, 27.0], [1, 4 * 27.0]]


def test_random_directions_are_as_long_as_each_filter():
    w, b, f = bowl()
    land = Landscape(f, [w, b])
    land.random(2, seed=0)
    for direction, bias in land.directions[:2]:
        np.testing.assert_allclose(np.linalg.norm(direction, axis=1), [5, 1])
        assert bias.tolist() == [0]
    land.random(2, seed=0)
    assert np.array_equal(together(land.directions[0]), together(land.directions[2]))
    assert abs(like(np.array(0.3), np.array(-2.0))) == 2
    assert like(np.zeros((2, 2)), np.ones((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_vectors_alone_are_moved():
    w = Tensor([3.0, 4.0], requires_grad=True)
    land = Landscape(lambda: w.sum(), [w])
    land.random(1, seed=0)
    assert np.linalg.norm(land.directions[0][0]) == pytest.approx(5)


def test_values_too():
    a, b = Value(2.0), Value(-1.0)
    figure = viz.surface(lambda: a * a + b * b, [a, b], directions=1, points=3)
    assert line(figure.axes[0], "loss")[1].tolist() == [0, 5.0]
    assert (a.data, b.data) == (2.0, -1.0)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_parameters_are_put_back_whatever_happens(error):
    w, b, f = bowl()
    loss, arrays = f(), (w.data, b.data)
    before, calls = [array.copy() for array in arrays], iter(range(7))

    def fails():
        if next(calls) == 5:
            raise error
        return f()

    with pytest.raises(error):
        viz.surface(fails, [w, b], points=5)
    assert w.data is arrays[0]
    assert b.data is arrays[1]
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))
    loss.backward()  # which refuses where data was changed


def test_a_path_lies_where_the_snapshots_are():
    w, b, f = bowl()
    d1, d2 = [np.eye(2), np.zeros(1)], [np.zeros((2, 2)), np.ones(1)]
    path = [[w.data - 3 * np.eye(2), b.data + 0.5], [w.data + np.eye(2)[::-1], b.data]]
    figure = viz.surface(f, [w, b], directions=[d1, d2], path=path, points=3)
    assert line(figure.axes[0], "path").ravel() == pytest.approx([-3, 0.5, 0, 0])
    assert figure.axes[0].get_xlim()[0] == pytest.approx(-3.3)


def test_the_directions_in_which_a_path_spreads_most():
    w, b, f = bowl()
    away = np.array([[2.0, 0.0], [0.0, 0.0]])
    path = [[w.data + t * away, b.data + 0.1 * t * (1 - t)] for t in (1.0, 0.5, 0.0)]
    figure = viz.surface(f, [w, b], directions="path", path=path, points=3)
    trail = line(figure.axes[0], "path")
    assert np.abs(trail[:, 0]).tolist() == pytest.approx([1, 0.5, 0], abs=1e-3)
    assert "100 % of the path lies along here" in words(figure)


def test_where_the_loss_is_no_number():
    w, b, f = bowl()
    figure = viz.surface(lambda: f() * (np.nan if w.data[0, 0] > 3.1 else 1), [w, b], points=5)
    assert maps(figure)[0].mask.any()
    figure.svg()


def test_a_loss_that_cannot_be_drawn():
    w, b, f = bowl()
    with pytest.raises(ValueError, match="NaN or infinite everywhere"):
        viz.surface(lambda: np.nan, [w], points=3)
    with pytest.raises(ValueError, match="log=True is for losses above 0; the least is -"):
        viz.surface(lambda: -f(), [w, b], points=3, log=True)


def test_the_scale_is_logarithmic_where_losses_differ_much():
    w = Value(0.0)
    curve = viz.surface(lambda: np.exp(w), [w], directions=[[np.array(9.0)]], points=5)
    assert curve.axes[0].get_yscale() == "log"
    curve = viz.surface(lambda: w * w + 1, [w], directions=[[np.array(1.0)]], points=5)
    assert curve.axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"directions": 3}, "directions=3 is 1, 2"),
        ({"directions": "path"}, "needs the snapshots"),
        ({"directions": [[np.ones(3)]]}, r"a direction has an array for each parameter.*\(3,\)"),
        ({"path": [[np.ones(3)]]}, "a snapshot of the path has an array"),
        ({"points": 1}, "points=1"),
        ({"span": 0}, "span=0"),
    ],
)
def test_surfaces_of_what_is_none(options, error):
    w, b, f = bowl()
    with pytest.raises(ValueError, match=error):
        viz.surface(f, [w, b], **options)


def test_a_loss_is_one_number_and_parameters_are_nodes():
    w, _, _ = bowl()
    with pytest.raises(ValueError, match=r"one number, the loss, not shape \(2, 2\)"):
        viz.surface(lambda: w * 1, [w])
    with pytest.raises(TypeError, match="parameters are Tensors or Values"):
        viz.surface(lambda: 1.0, [np.ones(3)])
    with pytest.raises(TypeError, match="parameters are Tensors or Values"):
        viz.surface(lambda: 1.0, [])
