"""What a notebook shows: one rich representation, and of Values and Tensors by request alone."""

from typing import Any

import numpy as np
import pytest

from groundup import nn, viz
from groundup.engine import Tensor, Value, no_grad
from groundup.engine.graph import Node


@pytest.fixture
def shown():
    """What Jupyter and marimo are handed of a node while `viz.notebook` is on."""
    viz.notebook()
    yield lambda node: node._repr_mimebundle_(include=None, exclude=None)
    viz.notebook(False)


def test_values_and_tensors_are_shown_as_pictures_by_request(shown):
    a = Value(2.0, name="a")
    loss = a * a
    assert shown(loss) == viz.draw(loss)._repr_mimebundle_()
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    for node in (w * 2, (w * 2).sum(), nn.Parameter([1.0]) * 2):
        (kind,) = shown(node)
        assert kind == "image/svg+xml"
    assert w.grad is None
    assert a.grad == 0.0


def test_what_has_no_graph_is_shown_as_text(shown):
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    with no_grad():
        constant = w * 2
    for node in (w, constant, (w * 2).detach(), Tensor([1.0]) * 2, Value(1.0, name="a")):
        assert shown(node) == {"text/plain": repr(node)}


def test_a_large_graph_is_shown_collapsed(shown):
    x = Value(1.0, name="x")
    for _ in range(1000):
        x = x * 0.999 + 0.001
    assert "1,984 ops" in shown(x)["image/svg+xml"].replace("\xa0", " ")


def test_by_default_and_afterwards_a_notebook_shows_text():
    for _ in range(2):
        viz.notebook(False)  # also where it was not on
        assert not hasattr(Value(1.0) * 2, "_repr_mimebundle_")
        assert not hasattr(Tensor(np.ones(2)), "_repr_mimebundle_")
        viz.notebook()
        viz.notebook()
        assert hasattr(Value(1.0), "_repr_mimebundle_")
    viz.notebook(False)
    assert not [name for name in vars(Node) if name.startswith("_repr")]


def test_a_notebook_may_ask_for_another_kind(shown):
    (kind,) = (Value(1.0) * 2)._repr_mimebundle_(include=["image/png"])
    assert kind == "image/png"


@pytest.mark.parametrize("include", [None, ["text/plain"], ["image/png"], ["image/svg+xml"]])
@pytest.mark.parametrize("exclude", [None, ["text/plain"], ["image/svg+xml"]])
def test_it_gets_no_kind_that_it_did_not_ask_for(shown, include, exclude):
    pytest.importorskip("matplotlib")
    loss = Value(1.0, name="a") * 2
    things: tuple[Any, ...] = (loss, viz.draw(loss), Value(1.0), viz.curves({"loss": [1.0, 2.0]}))
    for one in things:
        kinds = one._repr_mimebundle_(include=include, exclude=exclude)
        assert set(kinds) <= set(include or kinds)
        assert not set(kinds) & set(exclude or ())
