"""Which edge each share of a backward pass goes through, and the rule that made it."""

from typing import Any
from unittest.mock import Mock

import numpy as np

from groundup import viz
from groundup.engine import Tensor, Value, checkpoint, declare
from groundup.engine.op import TABLE
from groundup.viz import rules
from groundup.viz.rules import contributions


def edges(node, grad=1.0):
    return [(c.place, c.rule, c.numbers, c.share) for c in contributions(node, grad)]


def test_an_argument_that_is_used_twice_has_two_edges():
    a = Value(3.0)
    assert edges(a * a) == [(0, "∂out · b", "1 · 3", 3.0), (1, "∂out · a", "1 · 3", 3.0)]


def test_what_was_not_chosen_has_no_edge():
    a: Any = Value(2.0)
    b: Any = Value(3.0)
    assert [edge[0] for edge in edges(np.maximum(a, b))] == [1]
    assert [edge[0] for edge in edges(np.maximum(a, a))] == [0]
    assert edges(np.where(False, a, a)) == [(1, "where(False, 0, ∂out)", "where(False, 0, 1)", 1.0)]


def test_the_axes_that_broadcasting_repeated():
    x = Tensor(np.ones((2, 4, 3)), requires_grad=True)
    y = Tensor(np.ones((4, 1)), requires_grad=True)
    assert [c.axes for c in contributions(x + y, np.ones((2, 4, 3)))] == [(), (0, 2)]


def test_each_part_of_a_list_has_a_rule_of_its_own():
    x = Tensor(np.ones((4, 3)), requires_grad=True)
    joined: Any = np.concatenate([x, np.ones((1, 3)), x])
    written = [c.rule for c in contributions(joined, np.ones((9, 3)))]
    assert written == ["reshape(∂out[0:4], (4, 3))", "reshape(∂out[5:9], (4, 3))"]


def test_the_rule_of_a_long_list_is_written_once(monkeypatch):
    symbols = Mock(wraps=rules.symbols)
    monkeypatch.setattr(rules, "symbols", symbols)
    xs = [Tensor(np.ones(2), requires_grad=True) for _ in range(50)]
    joined: Any = np.concatenate(xs)
    assert len(list(contributions(joined, np.ones(100)))) == 50
    assert symbols.call_count == 1


def cube(x):
    return x**3


def test_a_rule_that_no_name_goes_through(tmp_path):
    """One of a user's may do with arrays what it likes."""

    def plain(g, out, x):
        slope = np.zeros(x.shape)
        slope[...] = 3 * np.asarray(x) ** 2
        return (g * slope).astype(x.dtype)

    declare(cube, plain)
    try:
        x = Tensor([1.0, 2.0], requires_grad=True, name="x")
        loss = Tensor.interpret(cube, (x,), {}).sum()
        assert viz.step(loss, tmp_path / "step.html").exists()
        *_, last = viz.steps(loss)
        assert next(line.text + line.result for line in last.lines) == "the vjp of cube = [3, 12]"
    finally:
        del TABLE[cube]


def test_shares_in_an_order_of_their_own():
    """A checkpoint hands on as the walk inside it went, newest first."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = Tensor([3.0, 4.0], requires_grad=True)
    z = checkpoint(lambda x, y: np.exp(x * y), x, y)
    for c in contributions(z, np.ones(2)):
        np.testing.assert_array_equal(c.share, z.data * (y, x)[c.place].data)
    assert "No gradients" not in viz.draw(z.sum()).source
