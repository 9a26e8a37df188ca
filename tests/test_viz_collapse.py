"""Large graphs: drawn by module, bounded before layout, and honest about what is hidden."""

import re
import time

import numpy as np
import pytest

from groundup import models, nn, viz
from groundup.engine import Tensor, Value
from groundup.engine.graph import ancestry, walk
from groundup.engine.modes import Scope, mode
from groundup.viz.drawing import BOXES, MANY, plan_of
from groundup.viz.gather import run_pass
from groundup.viz.nodes import is_parameter
from groundup.viz.summary import number


def gpt_loss(n_layer):
    config = models.GPTConfig(vocab_size=17, block_size=8, n_layer=n_layer, n_head=2, n_embd=8)
    model = models.GPT(config)
    ids = np.random.default_rng(0).integers(0, 17, (2, 8))
    return model, model(ids, ids[::-1].copy())[1]


def chain(length):
    x = start = Value(1.0, name="x")
    for _ in range(length // 2):
        x = x * 0.999 + 0.001
    return start, x


@pytest.mark.parametrize("n_layer", [1, 4, 12])
@pytest.mark.parametrize("boxes", [BOXES, 20, 200])
def test_what_is_shown_and_what_is_hidden_add_up(n_layer, boxes):
    model, loss = gpt_loss(n_layer)
    nodes = ancestry(loss)
    plan = plan_of(loss, collapse=True, boxes=boxes)
    hidden = [node for card in plan.cards for node in (*card.inside, *card.hides)]
    shown = [
        node
        for card in plan.cards
        if card.kind in ("op", "loss", "parameter", "input")
        for node in card.border
    ]
    assert sorted(node.born for node in hidden + shown) == [node.born for node in nodes]
    parameters = {node for node in hidden + shown if is_parameter(node)}
    assert sum(np.size(node.data) for node in parameters) == model.num_parameters()
    ops = sum(node.op is not None for node in nodes)
    assert f"GPT: {ops:,} ops, {model.num_parameters():,} parameters" in plan.caption[0]


def test_boxes_say_what_they_hide_and_which_shape_comes_out():
    _, loss = gpt_loss(2)
    picture = viz.draw(loss, collapse=True, boxes=25)
    text = re.sub("<[^>]+>|\xa0|&#160;", " ", picture.source)
    attention = 4 * 8 * 8 + 4 * 8
    assert re.search(
        rf"attn +CausalSelfAttention +\d+ ops · {attention} params +\(2, 8, 8\) +\|∂\|", text
    )
    assert re.search(r"blocks\.0 +Block", text)
    assert "subgraph cluster_" in picture.source


def test_a_tied_weight_is_drawn_once_with_both_its_users():
    _, loss = gpt_loss(2)
    plan, grads = plan_of(loss, collapse=True), dict(walk(loss, loss.seed()))
    tied = [card for card in plan.cards if card.title == "wte.weight"]
    assert len(tied) == 1
    users = [edge for edge in plan.edges if edge.tail is tied[0]]
    assert [edge.head.title for edge in users] == ["wte", "lm_head"]

    text = re.sub("<[^>]+>|\xa0", " ", viz.draw(loss, collapse=True).source)
    found = run_pass(plan)
    for edge in users:
        ((node, place),) = edge.uses
        (share,) = [s for arg, s in node.shares(grads[node]) if arg is tied[0].border[0]]
        assert found.flows[node, place] == pytest.approx(float(np.linalg.norm(share)))
        assert re.search(rf"from {edge.head.title} +\|∂\| {number(found.flows[node, place])}", text)


def test_a_weight_used_twice_lists_what_each_use_adds():
    fc = nn.Linear(3, 3)
    x = Tensor(np.ones((2, 3), np.float32), name="x")
    flat, closed = (viz.draw(fc(np.tanh(fc(x))).sum(), collapse=one) for one in (False, True))
    for picture in (flat, closed):
        assert picture.source.count("<B>weight</B>") == 1
    assert len(re.findall(r"-> .*\|∂\|", flat.source)) == 4  # two of the weight, two of the bias
    assert not re.findall(r"-> .*\|∂\|", closed.source)
    assert closed.source.count("from Linear") == 4


def test_a_frozen_module_says_so_where_it_is_closed():
    fc = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    fc[0].bias.requires_grad_(False)
    fc[1].requires_grad_(False)
    x = Tensor(np.ones((2, 3), np.float32), name="x")
    text = re.sub("<[^>]+>|\xa0", " ", viz.draw(fc(x).sum(), collapse=True).source)
    assert "12 params, 3 frozen" in text
    assert "8 params, frozen" in text


@pytest.mark.parametrize("n_layer", [4, 12, 40])
def test_few_boxes_remain(n_layer):
    _, loss = gpt_loss(n_layer)
    plan = plan_of(loss)
    assert len(plan.cards) <= BOXES + 8
    assert any(card.kind == "module" for card in plan.cards)


def test_a_gradient_at_a_border_is_that_of_the_output():
    _, loss = gpt_loss(2)
    plan = plan_of(loss, collapse=True, boxes=12)
    found = run_pass(plan)
    block = next(card for card in plan.cards if card.title == "blocks.0")
    (out,) = [node for node in block.border if node.op is not None]
    grads = dict(walk(loss, loss.seed()))
    assert found.norm(block) == pytest.approx(float(np.linalg.norm(grads[out])), rel=1e-6)


def test_small_graphs_are_flat_and_large_ones_are_not():
    assert all(not card.inside for card in plan_of(chain(MANY // 2)[1]).cards)
    assert any(card.inside for card in plan_of(chain(2 * MANY)[1]).cards)


def test_ten_thousand_ops_without_modules_fold():
    _, end = chain(10_000)
    started = time.perf_counter()
    picture = viz.draw(end)
    picture.pipe("svg")
    assert time.perf_counter() - started < 5
    assert "… 9,984 ops" in picture.source
    plan = plan_of(end)
    assert sum(len(card.inside) for card in plan.cards) == 9_984


def test_ten_thousand_leaves_fold_too():
    values = [Value(1.0, name=f"w{i}") for i in range(2000)]
    total = Value(0.0, name="start")
    for value in values:
        total = total + value
    for value in values:
        total = total * value
    plan = plan_of(total)
    assert len(plan.cards) < 2 * BOXES
    leaves = sum(len(card.hides) for card in plan.cards)
    assert leaves + sum(card.kind == "parameter" for card in plan.cards) == 2001


def test_many_leaves_that_several_boxes_share_fold():
    fc = nn.Linear(20, 20).to_scalars()
    x = np.ones((1, 20))
    plan = plan_of(fc(fc(x)).sum(), collapse=True)
    (folded,) = [card for card in plan.cards if card.kind == "folded"]
    assert folded.title == "… 420 parameters"
    assert len(folded.hides) == 420


def test_a_module_called_twice_is_two_boxes():
    fc = nn.Linear(3, 3)
    x = Tensor(np.ones((2, 3), np.float32), name="x")
    for loss in (fc(np.tanh(fc(x))).sum(), fc(fc(x)).sum()):
        plan = plan_of(loss, collapse=True)
        boxes = [card for card in plan.cards if card.kind == "module"]
        assert [card.word for card in boxes] == ["Linear", "Linear"]
    assert [card.kind for card in plan.cards].count("parameter") == 2  # shared by the two


def test_an_open_module_inside_a_module_is_a_frame_in_a_frame():
    top = Scope("net", "Net", None)
    with mode(scope=top):
        a = Value(1.0, name="a") * 2
        with mode(scope=Scope("net.part", "Part", top)):
            b = a + 1
    plan = plan_of(b * 3)
    assert [(frame.title, frame.word) for frame in plan.frames] == [
        ("net", "Net"),
        ("part", "Part"),
    ]
    assert plan.frames[1].around is plan.frames[0]
    assert plan.downwards


def test_what_goes_wrong_inside_a_closed_box_is_seen_from_outside():
    x = Value(0.0, name="x")
    with mode(scope=Scope("bad", "Bad", None)):
        y = (x.log() * 0.0).exp()
    with mode(scope=Scope("good", "Good", None)):
        z = (x + 1).exp()
    plan = plan_of(y + z, collapse=True)
    found = run_pass(plan)
    alarms = {card.title: found.alarm(card) for card in plan.cards if card.inside}
    assert alarms == {"bad": "is NaN inside", "good": ""}


def test_a_leaf_used_all_over_is_not_laid_out_for_minutes():
    a = b = Value(0.5, name="a")
    for _ in range(120):
        b = (b * a).tanh()
    assert viz.draw(b).source.count("ops") >= 1  # folded, though of fewer than 300 nodes
    flat = viz.draw(b, collapse=False)
    assert 'splines="line"' in flat.source or "splines=line" in flat.source
    assert flat.source.count("->") == 360
    assert "splines" not in viz.draw(a * a + 1).source
