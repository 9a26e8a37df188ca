"""Zoom: what opens into what, bounded before layout, with the numbers of the engine all the way."""

import math
from typing import Any

import numpy as np
import pytest

from groundup import engine, models, nn, viz
from groundup.engine import Tensor, Value
from groundup.engine.checkpoint import checkpoint
from groundup.engine.graph import ancestry, walk
from groundup.viz.scene import outline
from groundup.viz.zoomer.boxes import gradient_words
from groundup.viz.zoomer.definitions import definition_of, has_definition
from groundup.viz.zoomer.opening import Opening as Opener
from groundup.viz.zoomer.regions import MEMBERS, Tree
from groundup.viz.zoomer.views import STUBS

Opening: Any = Opener


def gpt_loss(n_layer=2):
    nn.manual_seed(0)
    config = models.GPTConfig(vocab_size=17, block_size=8, n_layer=n_layer, n_head=2, n_embd=8)
    ids = np.random.default_rng(0).integers(0, 17, (2, 8))
    return models.GPT(config)(ids, ids[::-1].copy())[1]


def mlp_loss():
    nn.manual_seed(0)
    x = Tensor(np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32), name="x")
    return (models.MLP([3, 5, 5, 1], "tanh")(x) ** 2).mean()


def scalar_loss():
    nn.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(3, 3))
    return (models.MLP([3, 5, 4, 1], "tanh").to_scalars()(x) ** 2).sum()


def chain(length):
    x = Value(1.0, name="x")
    for _ in range(length // 2):
        x = x * 0.999 + 0.001
    return x


def tangle(length):
    """Values without modules, each made of any two before it."""
    draw = np.random.default_rng(0)
    made = [Value(float(x), name=f"w{i}") for i, x in enumerate(draw.normal(size=300))]
    for _ in range(length):
        i, j = draw.integers(0, len(made), 2)
        made.append(made[i] * 0.5 + made[j] if i % 2 else (made[i] - made[j]).tanh())
    return sum(made[1:], made[0])


def by_title(opening, *titles):
    """The view that is reached by opening these, one in the other."""
    here = 0
    for title in titles:
        (here,) = [i for i, v in enumerate(opening.views) if v.up == here and v.title == title]
    return opening.views[here]


# What opens into what


def test_a_transformer_opens_as_a_dozen_boxes_and_down_to_scalars():
    opening = Opening(gpt_loss(4))
    titles = [card.title for card in opening.views[0].view.plan.cards]
    assert titles == [
        "wte.weight", "ids", "wte", "ids", "wpe", "+", "Block × 4", "ln_f", "lm_head", "targets",
        "loss",
    ]  # fmt: skip
    inside = ("Block × 4", "blocks.2", "attn", "scaled_dot_product_attention", "softmax")
    assert by_title(opening, *inside).elements
    assert all(view.up < i for i, view in enumerate(opening.views))


@pytest.mark.parametrize("loss", [gpt_loss, mlp_loss, scalar_loss])
def test_every_op_can_be_reached_and_stands_in_one_view(loss):
    root = loss()
    opening = Opening(root)
    shown = [
        node
        for opened in opening.views
        if opened.view and opened.view.tree.root is root
        for _, node in opened.view.ops()
    ]
    assert sorted(n.born for n in shown) == [n.born for n in ancestry(root) if n.op is not None]
    for opened in opening.views:
        for card in opened.view.plan.cards if opened.view else ():
            single = card.border and card.border[0].op is not None and not card.inside
            tensor = single and isinstance(card.border[0], Tensor)
            if card.inside or (tensor and card not in opened.view.stubs()):
                assert card in opened.opens


def test_equal_blocks_in_a_row_fold_and_look_alike():
    opening = Opening(gpt_loss(3))
    (row,) = [card for card in opening.views[0].view.plan.cards if card.title == "Block × 3"]
    copies = [by_title(opening, "Block × 3", f"blocks.{i}") for i in range(3)]
    outlines = {outline(opening.scene(copy)) for copy in copies}
    # What goes out of them is called otherwise: → blocks.1, → blocks.2, → ln_f.
    assert len(outlines) == 2
    box = opening.scene(opening.views[0]).boxes[opening.views[0].view.plan.cards.index(row)]
    norms = [opening.found.norm(next(iter(copy.view.going.values()))) for copy in copies]
    assert [text for _, text, _ in box.rows] == [gradient_words(np.array([n])) for n in norms]
    assert [part for *_, part in box.rows] == [n / max(norms) for n in norms]


@pytest.mark.parametrize("factor", [np.nan, np.inf, 0.0])
def test_equal_blocks_may_have_gradients_that_are_no_numbers(factor, tmp_path):
    loss = gpt_loss(3) * factor
    opening = Opening(loss)
    (rows,) = [box.rows for box in opening.scene(opening.views[0]).boxes if box.rows]
    assert {part for *_, part in rows} == {0.0 if factor == 0 else 1.0}
    assert viz.zoom(loss, tmp_path / "zoom.html").exists()


def test_many_copies_say_the_first_and_the_last():
    opening = Opening(gpt_loss(20))
    boxes = opening.scene(opening.views[0]).boxes
    (rows,) = [box.rows for box in boxes if box.title == "Block × 20"]
    assert [title for title, *_ in rows] == [
        *(f"blocks.{i}" for i in range(6)), "… 9 more", *(f"blocks.{i}" for i in range(15, 20)),
    ]  # fmt: skip


def test_blocks_that_differ_do_not_fold():
    fc = [nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)]
    opening = Opening(nn.Sequential(*fc)(Tensor(np.ones((2, 4), np.float32))).sum())
    titles = [card.title for card in opening.views[0].view.plan.cards]
    assert "Linear × 2" in titles
    assert "Linear × 3" not in titles


@pytest.mark.parametrize("root", [chain(10_000), tangle(4_000)], ids=["chain", "tangle"])
def test_a_flat_graph_is_bounded_before_layout_and_reachable(root):
    tree = Tree(root)
    opening = Opening(root)
    for opened in opening.views:
        assert len(opened.view.region.members) <= MEMBERS
        assert len(opened.view.stubs()) <= 2 * STUBS
        assert len(opened.view.plan.cards) < 4 * MEMBERS
    shown = {node for opened in opening.views for _, node in opened.view.ops()}
    assert len(shown) == len(tree.home)
    assert "all of them in" in opening.views[0].said[0]


def test_a_page_that_is_full_says_what_stays_closed(monkeypatch):
    monkeypatch.setattr("groundup.viz.zoomer.opening.BOXES", 100)
    opening = Opening(chain(5_000))
    assert opening.boxes < 200
    why = {said for opened in opening.views for said in opened.closed.values()}
    assert why == {"the page has 100 boxes already"}


def test_elements_of_later_ops_stay_closed_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("groundup.viz.zoomer.opening.ELEMENTS", 40)
    opening = Opening(gpt_loss())
    assert sum(len(opened.elements) for opened in opening.views) == 40 // 5
    why = {said for opened in opening.views for said in opened.closed.values()}
    assert why == {"the page has as many elements of other ops as it may"}


# The gradients at a border


def together(grads):
    return math.hypot(*(float(np.linalg.norm(np.ravel(grad))) for grad in grads))


@pytest.mark.parametrize("loss", [gpt_loss, mlp_loss, scalar_loss, lambda: chain(400)])
def test_a_closed_box_has_the_gradients_of_its_opened_view_and_of_the_engine(loss):
    root = loss()
    opening = Opening(root)
    engines = dict(walk(root, root.seed()))
    compared = 0
    for opened in opening.views:
        for card, number in opened.opens.items():
            inner = opening.views[number]
            if inner.view is None or inner.node is not None:
                continue
            out = list(inner.view.going)
            ends = any(op is root for op in inner.view.region.ops())
            out += [root] * ends
            closed = opening.found.norm(card)
            assert closed == pytest.approx(together(engines[node] for node in out), rel=1e-6)
            stubs = [opening.found.norm(stub) for stub in set(inner.view.going.values())]
            assert math.hypot(*stubs, ends) == pytest.approx(closed, rel=1e-9)
            compared += 1
    assert compared >= 3


@pytest.mark.parametrize("loss", [gpt_loss, mlp_loss, scalar_loss])
def test_what_a_region_hands_back_is_the_sum_of_its_shares(loss):
    root = loss()
    opening = Opening(root)
    engines = dict(walk(root, root.seed()))
    compared = 0
    for opened in opening.views:
        if opened.view is None or opened.node is not None:
            continue
        ops = set(opened.view.region.ops())
        for node in opened.view.coming:
            shares = (node_share for op in ops for node_share in op.shares(engines[op]))
            expected = sum(share for arg, share in shares if arg is node)
            handed = opening.found.handed[opened.view.region, node]
            np.testing.assert_allclose(handed, expected, rtol=1e-5, atol=1e-9)
            compared += 1
    assert compared > 1


def test_a_share_is_shown_beside_the_whole_gradient():
    root = gpt_loss(1)
    opening = Opening(root)
    block = by_title(opening, "blocks.0")
    attention = by_title(opening, "blocks.0", "ln_1")
    (stream,) = attention.view.coming
    assert stream in block.view.coming  # it goes on beside the norm, too
    boxes = {box.title: box for box in opening.scene(attention).boxes}
    handed = opening.found.handed[attention.view.region, stream]
    assert boxes["+"].right == gradient_words(handed)
    assert boxes["+"].small == f"of {gradient_words(opening.found.grads[stream])} in all"


def test_nothing_is_read_from_grad_or_written_there():
    root = mlp_loss()
    leaves = [node for node in ancestry(root) if node.op is None and node.requires_grad]
    for leaf in leaves:
        leaf.grad = np.full(leaf.shape, 7.0)
    Opening(root)
    assert all(np.all(leaf.grad == 7.0) for leaf in leaves)
    assert {node for node in ancestry(root) if node.grad is not None} == set(leaves)


def test_where_no_gradients_are_it_says_why():
    constant = Opening(Tensor([1.0, 2.0], name="x") * 2)
    assert constant.views[0].said[1:] == ["No gradients: this is a constant."]
    x = Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    many = Opening(x * 2)
    assert many.views[0].said[1:] == ["No gradients: shape (2, 3) is not one number."]
    assert by_title(many, "x · 2").elements  # its numbers are there all the same
    seeded = Opening(x * 2, seed=np.full((2, 3), 0.5))
    assert seeded.found.grads[x].tolist() == [[1.0] * 3] * 2


# Definitions


@pytest.mark.parametrize("loss", [gpt_loss, mlp_loss])
def test_a_definition_has_the_numbers_of_its_op(loss):
    root = loss()
    opening = Opening(root)
    engines = dict(walk(root, root.seed()))
    compared = 0
    for opened in opening.views:
        node = opened.node
        if opened.view is None or node not in engines:
            continue
        inside = opened.view
        np.testing.assert_allclose(inside.tree.root.data, node.data, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(opening.found.grads[inside.tree.root], engines[node])
        shares = [share for _, share in node.shares(engines[node])]
        starts = [start for start in inside.coming if start.requires_grad]
        assert len(starts) == len(shares)
        for start, share in zip(starts, shares, strict=True):
            scale = np.abs(share).max()
            np.testing.assert_allclose(
                opening.found.grads[start], share, rtol=1e-3, atol=1e-5 * scale
            )
        compared += 1
    assert compared == sum(map(has_definition, engines))


def test_a_definition_calls_its_arguments_by_their_names_and_says_how_close_it_is():
    node = gpt_loss(1)
    inside = definition_of(node)
    assert [start.name for start in inside.starts] == ["logits"]
    x = Tensor(np.random.default_rng(0).normal(size=(4, 5)), requires_grad=True)
    joined = np.stack([x, x * 2])
    assert [s.name for s in definition_of(joined).starts] == ["arrays[0]", "arrays[1]"]
    assert "to the last digit" in definition_of(joined).said
    norm = engine.layer_norm(Tensor(x.data.astype(np.float32), requires_grad=True))
    assert "differs: by at most" in definition_of(norm).said or definition_of(norm).apart == 0


def test_a_recomputed_part_opens_into_what_it_computes_again():
    w = Tensor(np.ones((3, 3)), requires_grad=True, name="w")
    x = Tensor(np.eye(3), requires_grad=True, name="x")
    root = checkpoint(lambda x: np.tanh(x @ w), x * 2).sum()
    opening = Opening(root)
    (inside,) = [v for v in opening.views if v.node is not None and v.view is not None]
    assert [node.op.name for _, node in inside.view.ops()] == ["matmul", "tanh"]
    assert opening.found.grads[w] == pytest.approx(dict(walk(root, root.seed()))[w])


# The last pass of a script


@pytest.mark.parametrize("in_place", [True, False])
def test_the_last_pass_is_seen_as_it_was_though_a_step_followed(in_place):
    w = Tensor(np.full(3, 2.0), requires_grad=True, name="w")
    with viz.last_pass() as last:
        for _ in range(2):
            loss = (w * w * w).sum()
            loss.backward()
            seen = w.data.copy(), w.grad.copy()
            w.zero_grad()
            if in_place:
                w.data -= 0.5
            else:
                w.data = w.data - 0.5
    assert Opening(loss).found.trouble
    opening = Opening(last.restored(), last.seed)
    assert opening.found.trouble == ""
    np.testing.assert_array_equal(w.data, seen[0])
    np.testing.assert_allclose(opening.found.grads[w], seen[1])


def test_the_last_pass_may_have_read_an_array_that_none_may_write():
    x = Tensor([1.0, 2.0], requires_grad=True)
    constant: Any = np.broadcast_to(Tensor([3.0]), 2)
    assert not constant.data.flags.writeable
    with viz.last_pass() as last:
        (x * constant).sum().backward()
    assert Opening(last.restored(), last.seed).found.trouble == ""


# The page


def test_the_same_graph_gives_the_same_bytes(tmp_path):
    pages = [viz.zoom(gpt_loss(), tmp_path / f"{i}.html").read_bytes() for i in range(2)]
    assert pages[0] == pages[1]


def test_not_a_node_is_said(tmp_path):
    with pytest.raises(TypeError, match="zoom: a Value or a Tensor, not float"):
        viz.zoom(1.0, tmp_path / "page.html")  # type: ignore[arg-type]


def test_it_works_without_a_renderer(tmp_path, monkeypatch):
    monkeypatch.setattr("groundup.viz.renderer.renderer", lambda: None)
    page = viz.zoom(mlp_loss(), tmp_path / "page.html").read_text(encoding="utf-8")
    assert '"points"' not in page
    assert "layers.0" in page
