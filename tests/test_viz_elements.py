"""Elements of results as scalars: cut out of large arrays, with the numbers of the engine."""

import itertools
from typing import Any

import numpy as np
import pytest

from groundup import engine, viz
from groundup.engine import Tensor
from groundup.engine.graph import ancestry, walk
from groundup.engine.op import TABLE
from groundup.engine.samples import RandomDraw
from groundup.engine.tensor import record
from groundup.viz.zoomer.boxes import gradient_words
from groundup.viz.zoomer.cutting import NEEDED, Closed, Cutter
from groundup.viz.zoomer.elements import Elements
from groundup.viz.zoomer.opening import Opening as Opener
from groundup.viz.zoomer.slices import SHOWN, folds, slice_of

Opening: Any = Opener


def by_title(opening, title):
    """The view that is opened from the first one by its box of that title."""
    return next(v for v in opening.views if v.up == 0 and v.title == title)


OPENED = [op for op in TABLE.values() if op.vjps is not None and not op.inline]


@pytest.mark.parametrize("op", OPENED, ids=str)
def test_the_elements_of_every_op_have_its_numbers_and_add_up_to_its_shares(op):
    for seed in range(4):
        args, kwargs = op.samples(RandomDraw(seed))
        args, kwargs = op.arguments(of_tensors(args), kwargs) if kwargs else (of_tensors(args), {})
        node = record(op, args, kwargs)
        if node.op is None:
            continue
        grad = np.random.default_rng(seed).normal(size=node.shape)
        totals: dict[Any, Any] = {}
        shares: dict[Any, Any] = {}
        several = Elements(node, grad)
        for index in np.ndindex(node.shape):
            element = several.open(index)
            assert element.root.data == pytest.approx(float(node.data[index]), rel=1e-7)
            assert element.grad == grad[index]
            grads = element.grads()
            for leaf, (given, where) in element.leaves.items():
                if leaf in grads:
                    totals.setdefault(given, np.zeros(given.shape))[where] += grads[leaf]
        for arg, share in node.shares(grad):
            shares[arg] = shares.get(arg, 0) + share
        for arg, share in shares.items():
            ours = totals.get(arg, np.zeros(arg.shape))
            np.testing.assert_allclose(ours, share, rtol=1e-6, atol=1e-8)


def of_tensors(args):
    if isinstance(args, list | tuple) and any(isinstance(x, np.ndarray | list) for x in args):
        return type(args)(map(of_tensors, args))
    floats = isinstance(args, np.ndarray) and args.dtype.kind == "f"
    return Tensor(args, requires_grad=True) if floats else args


DRAW = np.random.default_rng(0)


def tensor(*shape):
    return Tensor(DRAW.normal(size=shape), requires_grad=True)


@pytest.mark.parametrize(
    ("node", "needs"),
    [
        (tensor(5, 40) @ tensor(40, 6), 80),
        (tensor(30, 30) @ tensor(30, 30), 60),
        (tensor(3, 5, 40) @ tensor(40, 6), 80),
        (engine.linear(tensor(2, 5, 40), tensor(7, 40), tensor(7)), 81),
        (engine.softmax(tensor(8, 40)), 40),
        (engine.softmax(tensor(8, 40), axis=0), 8),
        (tensor(20, 30) + tensor(30), 2),
        (np.where(DRAW.normal(size=(30, 30)) > 0, tensor(4, 30, 30), -np.inf), 1),
        (np.tanh(tensor(300)), 1),
        (tensor(20, 30).sum(axis=1), 30),
        (tensor(20, 30).reshape(30, 20), 1),
        (tensor(20, 30).T, 1),
        (tensor(20, 30)[3:, ::2], 1),
        (np.concatenate([tensor(20, 5), tensor(20, 7)], axis=1), 1),
        (np.maximum(tensor(20, 30), 0.0), 1),
    ],
)
def test_an_element_is_cut_out_of_large_arrays(node, needs):
    grad = DRAW.normal(size=node.shape)
    several = Elements(node, grad)
    for part in (0.0, 0.5, 0.999):
        index = tuple(int(n * part) for n in node.shape)
        element = several.open(index)
        assert element.root.data == pytest.approx(node.data[index], rel=1e-12)
        assert sum(leaf in element.leaves for leaf in ancestry(element.root)) in (needs, needs + 1)
        assert len(element.leaves) <= needs + 2  # a plain number beside it


def test_a_row_that_the_mask_leaves_one_number_is_still_a_row():
    hidden = np.where(np.tri(40) > 0, tensor(40, 40), -np.inf)
    assert Cutter(engine.softmax(hidden)).follows == {0: [(0, 0)]}


def test_what_an_op_is_given_twice_is_one_number():
    x = tensor(3)
    element = Elements(x * x, np.ones(3)).open((1,))
    (leaf,) = (node for node in ancestry(element.root) if node.op is None)
    given, where = element.leaves[leaf]
    assert given is x
    assert where == (1,)
    assert element.grads()[leaf] == pytest.approx(2 * x.data[1])


def test_a_weight_of_ones_follows_its_own_axis():
    scaled = tensor(8, 8, 8) * Tensor(np.ones(8), requires_grad=True)
    assert Cutter(scaled).follows == {0: [(0, 0)], 1: [(0, 1)], 2: [(0, 2), (1, 0)]}


def test_all_of_an_axis_that_is_summed_is_there():
    total = tensor(30, 30).sum()
    assert len(Elements(total, np.ones(())).open(()).leaves) == 900


def test_what_stays_closed_says_why():
    many = tensor(NEEDED + 1).sum()
    with pytest.raises(Closed, match=f"one element of it needs {NEEDED + 1:,} numbers"):
        Elements(many, None).open(())

    @engine.op(lambda g, out, a: 2 * g)
    def lied(a):
        return a * 3

    with pytest.raises(Closed, match="do not agree"):
        Elements(lied(tensor(3)), None).open((0,))

    @engine.op(lambda g, out, a: 2 * g, exempt="it asks an oracle")
    def asked(a):
        return a * 2

    x = tensor(3)
    opening = Opening(asked(x).sum() + lied(x).sum())
    why = set(opening.views[0].closed.values())
    assert why == {
        "it asks an oracle",
        "its rules and the scalars behind an element do not agree",
    }

    @engine.op(lambda g, out, a: g / np.linalg.norm(a), samples=None)
    def tabled(a):
        return np.interp(a, [-9.0, 9.0], [-9.0, 9.0])

    with pytest.raises(Closed, match="does not run on scalars"):
        Elements(tabled(tensor(3)), None).open((0,))


@pytest.mark.parametrize("many", [10, 50, 512])
def test_a_long_sum_folds_in_its_middle_and_says_how_much(many):
    x, w = tensor(3, many), tensor(many, 4)
    node = x @ w
    opening = Opening(node.sum())
    element = Elements(node, np.ones(node.shape)).open((1, 2))
    scene = slice_of(element, "@", opening.found)
    assert len(scene.boxes) <= 40
    ops = sum(n.op is not None for n in ancestry(element.root))
    shown = sum(box.kind in ("op", "loss") for box in scene.boxes)
    said = (box.title.replace(",", "").split() for box in scene.boxes if box.title[0] == "…")
    hidden = [int(count) for _, count, *_ in said]
    assert shown + sum(hidden) == ops
    assert bool(hidden) == (ops > SHOWN)


def test_long_rows_fold_with_their_numbers():
    node = engine.softmax(tensor(3, 200))
    element = Elements(node, np.ones(node.shape)).open((1, 100))
    scene = slice_of(element, "softmax", Opening(node.sum()).found)
    titles = [box.title for box in scene.boxes]
    assert len(titles) < 50
    assert "… 195 of x" in titles
    assert "x[1, 100]" in titles  # which the element itself is made of


def test_what_repeats_nothing_is_bounded_too():
    matrix = tensor(4, 4)
    node = np.linalg.det(matrix)
    element = Elements(node, np.ones(())).open(())
    scene = slice_of(element, "det", Opening(node).found)
    assert len(scene.boxes) <= 90
    assert any(box.title.startswith("… ") for box in scene.boxes)


def test_folds_lose_nothing_and_keep_the_order():
    for kinds in ("aaaa" * 20, "ab" * 30, "abc" * 9 + "d" * 30, "abcdefghij" * 3):
        parts = list(folds(kinds))
        assert sorted(itertools.chain(*parts)) == list(range(len(kinds)))
        assert [part[0] for part in parts] == sorted(part[0] for part in parts)


def test_the_number_and_the_shares_of_a_slice_are_the_engines():
    x, w = tensor(3, 4), tensor(4, 5)
    node = x @ w
    loss = (node * node).sum()
    opening = Opening(loss)
    grads = dict(walk(loss, loss.seed()))
    scene = slice_of(Elements(node, grads[node]).open((1, 2)), "@", opening.found)
    boxes = {box.title: box for box in scene.boxes}
    assert boxes["@[1, 2]"].left == viz.summary.number(node.data[1, 2])
    assert boxes["@[1, 2]"].right == gradient_words(grads[node][1, 2])
    share = grads[node][1, 2] * w.data[3, 2]
    assert boxes["a[1, 3]"].right == gradient_words(share)
    assert boxes["a[1, 3]"].small == f"of {gradient_words(grads[x][1, 3])} in all"


# Which elements


def test_elements_can_be_asked_for():
    x = tensor(20, 30)
    node = np.exp(x)
    particular = Opening(node.sum(), elements={node: [(0, 3), (-1, 2)]})
    assert list(by_title(particular, "exp").elements) == [(0, 3), (19, 2)]
    more = Opening(node.sum(), elements=100)
    assert len(by_title(more, "exp").elements) == 100
    assert len(by_title(Opening(node.sum()), "exp").elements) == 6
    with pytest.raises(IndexError, match=r"\(0, 30\), but that result has shape \(20, 30\)"):
        Opening(node.sum(), elements={node: [(0, 30)]})


def test_elements_of_a_definition_are_those_of_its_last_op():
    x = tensor(4, 5)
    node = engine.layer_norm(x)
    opening = Opening(node.sum(), elements={node: [(2, 3)]})
    (inside,) = (v for v in opening.views if v.node is node)
    (root,) = (v for v in opening.views if v.node is inside.view.tree.root)
    assert list(root.elements) == [(2, 3)]


def test_elements_of_what_is_not_there_are_refused():
    x = tensor(4)
    node = np.exp(x)
    with pytest.raises(ValueError, match="which is no Tensor made in this graph"):
        Opening(node.sum(), elements={x: [0]})
    with pytest.raises(ValueError, match="'exp', which is no Tensor"):
        Opening(node.sum(), elements={"exp": [0]})
    with pytest.raises(ValueError, match="elements=-1 is a count"):
        Opening(node.sum(), elements=-1)
    for neither in (2.5, "all", [(0, 1)]):
        with pytest.raises(TypeError, match="is a count, or"):
            Opening(node.sum(), elements=neither)
    assert Opening(node.sum(), elements=np.int64(1)).choice.most == 1


def test_all_elements_of_a_small_result_open():
    node = np.exp(tensor(4, 4))
    opened = by_title(Opening(node.sum()), "exp")
    assert list(opened.elements) == list(np.ndindex(4, 4))
    assert "all 16 open" in opened.said[0]
