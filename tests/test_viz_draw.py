"""`viz.draw`: what a picture says of a graph, and that it leaves the graph alone."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from groundup import viz
from groundup.engine import Tensor, Value, cross_entropy, relu
from groundup.engine.graph import walk
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


def test_the_source_of_a_small_graph():
    a = Value(3.0, name="a")
    cell = '<TD ALIGN="LEFT"><FONT COLOR="{}">{}</FONT>{}</TD>'
    right = '<TD ALIGN="RIGHT">{}<FONT COLOR="{}">{}</FONT></TD>'
    table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{}</TABLE>'

    def row(left, gap_right):
        inside = f'<TR>{left}<TD WIDTH="12"></TD>{gap_right}</TR>'
        return f"<TR><TD>{table.format(inside)}</TD></TR>"

    space = "\xa0"
    first = row(
        cell.format("#111827", "<B>a</B>", ""), right.format(space, "#5B6270", "parameter")
    ) + row(cell.format("#111827", "3.000", space), right.format(space, "#B3541E", "∂ 6.000"))
    last = row(
        cell.format("#FFFFFF", "<B>loss</B>", ""), right.format(space, "#B6BCC8", "multiply")
    ) + row(cell.format("#FFFFFF", "9.000", space), right.format(space, "#F0A97A", "∂ 1.000"))
    look = "fontsize=12 nodesep=0.25 pad=0.2 rankdir=LR ranksep=0.5 style=rounded"
    blue = 'color="#3B6FD4" fillcolor="#EEF4FF" fontcolor="#111827"'
    dark = 'color="#111827" fillcolor="#111827" fontcolor="#FFFFFF"'
    box = 'shape=box style="rounded,filled"'
    plain = 'bgcolor="#FFFFFF" color="#C9CDD6" fontcolor="#111827" fontname=Helvetica'
    assert viz.draw(a * a).source.splitlines() == [
        "digraph groundup {",
        f"\tgraph [{plain} {look}]",
        '\tnode [fontname=Helvetica fontsize=12 height=0 margin="0.1,0.06" width=0]',
        '\tedge [arrowsize=0.6 color="#8B8F98"]',
        f"\tn1 [label=<{table.format(first)}> {blue} {box}]",
        f"\tn2 [label=<{table.format(last)}> {dark} {box}]",
        "\tn1 -> n2 [penwidth=2.50]",
        "\tn1 -> n2 [penwidth=2.50]",
        "}",
    ]


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
    picture = viz.draw(w * 2)
    assert "No gradients: shape (2,) is not one number." in said(picture)
    assert "∂" not in said(picture)
    assert "∂" in said(viz.draw(w * 2, seed=np.ones(2)))

    a = Value(1.0, name="a")
    loss = (a * 2).exp()
    a.data = 5.0
    assert "'a' (leaf, shape ()) was changed after" in said(viz.draw(loss))
    assert "No gradients: this is a constant." in said(viz.draw(Value(1.0, requires_grad=False)))


def test_a_zero_gradient_and_none_at_all_look_different():
    dead, x = Value(-2.0, name="dead"), Value(3.0, name="x", requires_grad=False)
    found = {card[0]: card for card in cards(viz.draw(dead.relu() * 5 + x))}
    assert found["dead"][-1] == "∂ 0"
    assert found["x"] == ["x", "input", "3.000"]
    frozen = Tensor([2.0], name="f")
    named = {
        card[0]: card for card in cards(viz.draw((relu(Tensor([1.0], True, "w")) * frozen).sum()))
    }
    assert not any("∂" in text for text in named["f"])
    dashed = [edge for edge in edges(viz.draw(dead.relu() * 5 + x)) if "dashed" in edge[2]]
    assert len(dashed) == 2  # from 5 and from x


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


def test_the_same_graph_gives_the_same_bytes():
    code = (
        "import numpy as np; from groundup import viz; from groundup.engine import *\n"
        "[Value(1.0) for _ in range({})]\n"
        "w = Tensor(np.arange(6.0).reshape(2, 3), True, 'w')\n"
        "loss = cross_entropy(w, np.array([0, 1])) + (w * w).sum()\n"
        "print(viz.draw(loss).source, viz.draw(loss, collapse=True).source)"
    )
    runs = set()
    for n in (1, 2):
        env = {**os.environ, "PYTHONHASHSEED": str(n), "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", code.format(n)]
        runs.add(subprocess.run(command, env=env, capture_output=True, check=True).stdout)
    assert len(runs) == 1
    loss, _, _ = expression()
    assert viz.draw(loss).pipe("svg") == viz.draw(loss).pipe("svg")


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


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="theme='blue'"):
        viz.draw(Value(1.0), theme="blue")
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
