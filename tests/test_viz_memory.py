"""A graph that was looked at dies with its last reference, before any cycle is collected."""

import gc
import weakref

import numpy as np
import pytest

from groundup import nn, viz
from groundup.engine import Tensor
from groundup.engine.graph import ancestry


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).tanh()
        return x


def watched(loss, folder):
    with viz.watch(folder, quiet=True):
        loss.backward()


def recorded(loss, _):
    with viz.record():
        loss.backward()


LOOKS = {
    "draw": lambda loss, _: viz.draw(loss, collapse=False).source,
    "draw collapsed": lambda loss, _: viz.draw(loss, collapse=True, boxes=6).source,
    "step": lambda loss, folder: viz.step(loss, folder / "step.html"),
    "zoom": lambda loss, folder: viz.zoom(loss, folder / "zoom.html"),
    "formula": lambda loss, _: viz.formula(loss, expand=True),
    "watch": watched,
    "record": recorded,
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_nothing_is_kept_alive(look, tmp_path):
    look(Tensor([[1.0]], requires_grad=True) @ Tensor([[2.0]]), tmp_path)  # imports what it needs
    net = nn.Sequential(Block(), nn.Linear(2, 1))
    gc.disable()
    try:
        loss = net(np.ones((3, 2), np.float32)).sum()
        refs = [weakref.ref(node) for node in ancestry(loss) if node.op is not None]
        look(loss, tmp_path)
        del loss
        assert [ref() for ref in refs if ref() is not None] == []
    finally:
        gc.enable()
