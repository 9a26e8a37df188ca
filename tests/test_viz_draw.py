"""`viz.draw`: what a picture says of a graph, and that it leaves the graph alone."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from groundup import models, nn, viz
from groundup.engine import Tensor, Value, cross_entropy, no_grad
from groundup.engine.graph import walk
from groundup.viz import scheme
from groundup.viz.summary import norm_of
from groundup.viz.theme import THEMES, theme_of

SVG = "{http://www.w3.org/2000/svg}"


def cards(picture):
    """The texts of each node of the rendered picture, in the order of their ids."""
    found = {}
    for group in ET.fromstring(picture.pipe("svg")).iter(f"{SVG}g"):
        if group.get("class") == "node":
            texts = ["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
            shown = [text.replace("\xa0", " ").strip() for text in texts]
            number = int(group.findtext(f"{SVG}title", "").removeprefix("n"))
            found[number] = [text for text in shown if text]
    return [found[key] for key in sorted(found)]


def said(picture):
    """All the text of the picture, by single spaces."""
    return " ".join(" ".join(ET.fromstring(picture.pipe("svg")).itertext()).split())


def edges(picture):
    """(tail, head, attributes) of each edge of the source."""
    return re.findall(r"^\t+(n\d+) -> (n\d+)(.*)$", picture.source, re.M)


def expression():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    return (a * b + 10).tanh(), a, b


def test_an_expression_shows_names_ops_values_and_gradients():
    loss, _, _ = expression()
    assert cards(viz.draw(loss)) == [
        ["a", "parameter", "2.000", "∂ -0.004023"],
        ["b", "parameter", "-3.000", "∂ 0.002682"],
        ["a · b", "multiply", "-6.000", "∂ 0.001341"],
        ["10", "constant"],
        ["+", "add", "4.000", "∂ 0.001341"],
        ["loss", "tanh", "0.9993", "∂ 1.000"],
    ]
    assert [edge[:2] for edge in edges(viz.draw(loss))] == [
        ("n1", "n3"), ("n2", "n3"), ("n3", "n5"), ("n4", "n5"), ("n5", "n6"),
    ]  # fmt: skip


def test_a_node_used_twice_is_one_card_with_an_edge_for_each_use():
    a = Value(3.0, name="a")
    b = a * a
    picture = viz.draw(b * a)
    assert [card[0] for card in cards(picture)].count("a") == 1
    assert [edge[:2] for edge in edges(picture)] == [
        ("n1", "n2"),
        ("n1", "n2"),
        ("n2", "n3"),
        ("n1", "n3"),
    ]


def test_tensors_show_small_arrays_in_full_and_large_ones_summed_up():
    rng = np.random.default_rng(0)
    w = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="w")
    x = Tensor(np.arange(20.0).reshape(10, 2), name="x")
    found = {card[0]: card for card in cards(viz.draw((x @ w).sum()))}
    numbers = ["1.000", "2.000", "3.000", "4.000", "90.00", "90.00", "100.0", "100.0"]
    assert sorted(found["w"]) == sorted(["w", "parameter", "∂", "(2, 2)", *numbers])
    assert found["x"] == [
        "x",
        "input",
        "min",
        "mean",
        "max",
        "data",
        "0",
        "9.500",
        "19.00",
        "(10, 2)",
        "no ∂: requires_grad=False",
    ]
    assert {"min", "mean", "max", "(10, 2)", "∂", "matmul"} <= set(found["x @ w"])
    targets = rng.integers(0, 2, 10)
    assert cards(viz.draw(cross_entropy(x @ w, targets)))[-2][:2] == ["targets", "input"]


def test_every_gradient_shown_is_that_of_the_walk():
    x = Value(0.5, name="x")
    y = x
    for i in range(20):
        y = (y * 1.1 + x).tanh()
        y.name = f"y{i}"
    grads = {node.name: grad for node, grad in walk(y, 1.0)}
    shown = {card[0]: text for card in cards(viz.draw(y)) for text in card if text[0] == "∂"}
    for name in ("x", "y0", "y10", "y19"):
        assert float(shown[name][2:]) == pytest.approx(grads[name], rel=1e-3), name


def test_grad_is_neither_read_nor_touched():
    loss, a, b = expression()
    before = viz.draw(loss).source
    loss.backward()
    a.grad = 99.0
    w = Tensor([1.0, 2.0], requires_grad=True)
    viz.draw((w * w).sum())
    assert viz.draw(loss).source == before
    assert a.grad == 99.0
    assert w.grad is None
    assert b.grad == pytest.approx(0.002682, rel=1e-3)


def test_where_no_pass_can_run_the_picture_says_so():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    x = Tensor([1.0, 2.0], name="x")
    picture = viz.draw(w * x)
    assert "No gradients: shape (2,) is not one number." in said(picture)
    shown = {card[0]: card[-1] for card in cards(picture)}
    assert shown == {"w": "∂ ?", "x": "no ∂: requires_grad=False", "output": "∂ ?"}
    # Of x alone it is sure that nothing will flow.
    assert ["dashed" in edge[2] for edge in edges(picture)] == [False, True]
    assert "?" not in said(viz.draw(w * x, seed=np.ones(2)))

    a = Value(1.0, name="a")
    loss = (a * 2).exp()
    a.data = 5.0
    assert "'a' (leaf, shape ()) was changed after" in said(viz.draw(loss))
    assert "No gradients: this is a constant." in said(viz.draw(Value(1.0, requires_grad=False)))


def test_a_zero_gradient_and_none_at_all_look_different():
    dead, x = Value(-2.0, name="dead"), Value(3.0, name="x", requires_grad=False)
    picture = viz.draw(dead.relu() * 5 + x)
    found = {card[0]: card for card in cards(picture)}
    assert found["dead"][-1] == "∂ 0"
    assert found["x"] == ["x", "input", "3.000", "no ∂: requires_grad=False"]
    dashed = [edge for edge in edges(picture) if "dashed" in edge[2]]
    assert len(dashed) == 2  # from 5 and from x


def no_grad_product(w):
    with no_grad():
        return w * 2


@pytest.mark.parametrize(
    ("constant", "why"),
    [
        (no_grad_product, "made under no_grad"),
        (lambda w: w.detach(), "detached"),
        (lambda w: Tensor([5.0, 6.0]) * 2, "made of constants"),
        (lambda w: w > 1.5, "a comparison or a mask"),
        (lambda w: Tensor([3, 4]), "integers"),
        (lambda w: np.array([3, 4]), "integers"),
        (lambda w: Tensor([0.0, 0.0]), "requires_grad=False"),
        (lambda w: np.array([0.0, 0.0]), "a plain array"),
        (lambda w: nn.Parameter([0.0, 0.0], requires_grad=False), "frozen"),
    ],
)
def test_what_no_gradient_can_reach_says_why(constant, why):
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    picture = viz.draw((w * constant(w)).sum())
    reasons = [text for card in cards(picture) for text in card if "no ∂" in text]
    assert reasons == [f"no ∂: {why}"]


def test_values_say_why_too():
    a = Value(2.0, name="a")
    with no_grad():
        square = a * a
    shown = said(viz.draw(a * square + a.detach() + (a > 1) * a))
    assert "-" not in shown.replace("->", "")
    assert "4.000 constant no ∂: made under no_grad" in shown
    assert "a constant 2.000 no ∂: detached" in shown
    assert "True comparison" in shown


def test_a_parameter_that_is_used_only_where_an_op_is_flat_says_so():
    w, flat = Tensor([1.0, 0.0], True, "w"), Tensor([1.0, 0.0], True, "flat")
    by_name = {card[0]: card for card in cards(viz.draw(np.where(flat * 1.0, w, 0.0).sum()))}
    assert by_name["flat"][-1] == "no ∂: flat on every way"
    assert by_name["flat · 1"][-1] == "no ∂: flat on every way"
    assert "∂" in by_name["w"]


def test_kinds_are_told_apart_by_shape():
    w, x = nn.Parameter([1.0], name="w"), Tensor([1.0], name="x")
    frozen = nn.Parameter([1.0], requires_grad=False, name="frozen")
    picture = viz.draw((w * x * frozen + Tensor([1.0]).detach()).sum())
    shapes = {}
    for line in re.findall(r"^\tn\d+ \[.*$", picture.source, re.M):
        name = re.findall("<B>(.*?)</B>", line)[0]
        drawn = dict(re.findall(r'(shape|style|peripheries)=("[^"]*"|\w+)', line))
        shapes[name] = " ".join(value.strip('"') for _, value in sorted(drawn.items()))
    assert shapes.pop("constant") == "plain"
    assert shapes.pop("w") == "cylinder filled"
    assert shapes.pop("frozen") == "cylinder filled,dashed"
    assert shapes.pop("x") == "note filled"
    assert shapes.pop("loss") == "2 box rounded,filled"
    assert {*shapes.values()} == {"box rounded,filled"}  # the ops


def test_where_gradients_meet_each_edge_says_what_it_adds():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    picture = viz.draw(a * b + a)
    labels = [re.findall(r"∂ [-+.\d]+", edge[2]) for edge in edges(picture)]
    assert labels == [["∂ -3.000"], [], [], ["∂ +1.000"]]  # a to a·b, b, a·b to +, a to +
    assert "∂ -2.000" in cards(picture)[0]
    w = Tensor([3.0, 4.0], requires_grad=True, name="w")
    labels = [re.findall(r"\|∂\| [-+.\d]+", edge[2]) for edge in edges(viz.draw((w * w).sum()))]
    assert labels == [["|∂| 5.000"], ["|∂| 5.000"], []]


@pytest.mark.parametrize(
    ("graph", "word"),
    [
        (lambda x: x.log() - x.log(), "gradient is NaN"),
        (lambda x: (x + 1) * 1e-12, "gradient vanished"),
        (lambda x: (x + 1) * 1e9, "gradient exploded"),
        (lambda x: x.log(), "gradient is infinite"),
    ],
)
def test_what_goes_wrong_is_said_and_red(graph, word):
    picture = viz.draw(graph(Value(0.0, name="x")))
    assert word in said(picture)
    assert THEMES["light"].alarm in picture.source
    assert THEMES["light"].alarm not in viz.draw(expression()[0]).source


def test_the_more_gradient_flows_the_wider_the_edge():
    loss, _, _ = expression()
    widths = {}
    for tail, head, attributes in edges(viz.draw(loss)):
        for width in re.findall(r"penwidth=([\d.]+)", attributes):
            widths[tail, head] = float(width)
    assert widths["n1", "n3"] > widths["n2", "n3"] > widths["n3", "n5"]
    assert all(1 <= width <= 4 for width in widths.values())


def test_an_array_used_twice_is_one_card():
    mask = np.array([1.0, 0.0])
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    picture = viz.draw((w * mask + mask).sum())
    assert [card[0] for card in cards(picture)].count("array") == 1
    assert sum("dashed" in edge[2] for edge in edges(picture)) == 2


def test_the_same_graph_gives_the_same_picture():
    assert viz.draw(expression()[0]).pipe("svg") == viz.draw(expression()[0]).pipe("svg")


def test_parameters_are_called_by_their_paths():
    config = models.GPTConfig(vocab_size=7, block_size=4, n_layer=2, n_head=2, n_embd=4)
    model, ids = models.GPT(config), np.array([[1, 2, 3, 4]])
    titles = {card[0] for card in cards(viz.draw(model(ids, ids)[1], collapse=False))}
    assert {name for name, _ in model.named_parameters()} <= titles
    assert "blocks.1.attn.c_attn.weight" in titles

    alone = nn.Linear(2, 1)
    x = Tensor(np.ones((1, 2), np.float32), name="x")
    assert [card[0] for card in cards(viz.draw(alone(x).sum()))][:3] == ["weight", "bias", "x"]
    alone.weight = nn.Parameter(np.ones((1, 2), np.float32))  # in the place of another
    assert "weight" in [card[0] for card in cards(viz.draw(alone(x).sum()))]


def luminance(colour):
    channels = [c / 255 for c in bytes.fromhex(colour[1:])]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_every_text_can_be_read(name):
    theme = theme_of(name)
    # Captions and frames, and what edges add.
    pairs = [(theme.background, text) for text in (theme.ink, theme.quiet, theme.gradient)]
    for kind, card in theme.cards.items():
        pairs += [(card.fill, text) for text in (card.ink, card.quiet, card.gradient)]
        if kind != "loss":
            pairs.append((card.fill, theme.alarm))
    poor = {pair: contrast(*pair) for pair in pairs if contrast(*pair) < 4.5}
    assert not poor


def test_the_dark_theme_is_dark():
    picture = viz.draw(expression()[0], theme="dark")
    assert THEMES["dark"].background in picture.source
    assert THEMES["light"].background not in picture.source


def test_each_light_colour_has_one_dark_twin():
    pairs = zip(*(list(scheme.colours(THEMES[name])) for name in ("light", "dark")), strict=True)
    assert all(scheme.twins()[light.lower()] == dark.lower() for light, dark in pairs)


def test_the_theme_auto_leaves_the_choice_to_the_reader(tmp_path):
    big = (Tensor(np.arange(100.0), requires_grad=True) * 2).sum()  # with heat strips
    auto = viz.draw(big, theme="auto")
    assert auto.source == viz.draw(big).source
    drawn = auto.pipe("svg", encoding="utf-8")
    used = set(re.findall('(?:fill|stroke)="(#[0-9a-f]+)"', drawn.partition("</style>")[2]))
    assert {"#111827", "#b3541e"} < used <= set(scheme.twins())
    assert drawn.replace(scheme.style(), "") == viz.draw(big).pipe("svg", encoding="utf-8")
    assert auto.pipe("svg") == drawn.encode()
    auto.render(outfile=tmp_path / "auto.svg")
    assert (tmp_path / "auto.svg").read_text(encoding="utf-8") == drawn
    assert auto.pipe("png").startswith(b"\x89PNG")


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="theme='blue'"):
        viz.draw(Value(1.0), theme="blue")
    with pytest.raises(ValueError, match="boxes=0 is a count"):
        viz.draw(Value(1.0) * 2, boxes=0)
    with pytest.raises(TypeError, match="not ndarray"):
        viz.draw(np.ones(3))  # type: ignore[arg-type]


def test_a_nan_is_marked_where_it_arrives():
    x = Value(-1.0, name="x")
    source = viz.draw(x.log() * x).source
    assert source.count("value NaN") == 2  # the log, and the product it went into


def test_a_root_called_loss_says_so_once():
    loss = (Value(2.0) * 3).tanh()
    loss.name = "loss"
    assert "tanh · loss" not in viz.draw(loss).source


@pytest.mark.parametrize("numbers", [
    np.full(40, 1.0) + np.arange(40) % 2 * 2.3e-16,  # two neighbours
    np.full(40, 5e-324),
])  # fmt: skip
def test_a_strip_of_numbers_that_a_histogram_refuses(numbers):
    x = Tensor(numbers, requires_grad=True, name="x")
    assert "min" in said(viz.draw((x * 1.0).sum()))


@pytest.mark.parametrize(
    ("dtype", "least"), [(np.float16, 6e-8), (np.float32, 1e-30), (np.float64, 1e-200)]
)
def test_a_gradient_whose_square_is_no_float_is_not_0(dtype, least):
    x = Tensor(np.ones(30, dtype), requires_grad=True, name="x")
    loss = (x * dtype(least)).sum()
    loss.backward()
    exact = float(x.grad[0]) * 30**0.5
    assert norm_of(x.grad) == pytest.approx(exact)
    source = viz.draw(loss).source
    assert ("gradient vanished" in source) == (exact < 1e-8)
