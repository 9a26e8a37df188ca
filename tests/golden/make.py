"""The graphs whose DOT sources are kept in this folder; `python tests/golden/make.py` writes them
anew. Their numbers are sums of powers of two, or of float64 where nothing cancels, so that no digit
shown hangs on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Tensor, Value, no_grad, relu
from groundup.engine.modes import Scope, mode

FOLDER = Path(__file__).parent


def expression() -> Value:
    """a is used twice, so two gradients meet in it."""
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    return (a * b + a + 10) * 0.5


def shared_weight() -> Tensor:
    """One layer, called twice."""
    fc = with_simple_numbers(nn.Linear(2, 2))
    x = Tensor([[-2.0, 3.0]], name="x")
    out: Tensor = fc(relu(fc(x))).sum()
    return out


def unreached() -> Tensor:
    """Each way in which no gradient reaches a node, and one that is zero."""
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    flat = Tensor([1.0, 0.0], requires_grad=True, name="flat")
    zero = Tensor([4.0, 4.0], requires_grad=True, name="zero")
    frozen = nn.Parameter([0.5, 0.25], requires_grad=False, name="frozen")
    x = Tensor([3.0, 5.0], name="x")
    with no_grad():
        quiet = w * 2
    terms = [w * quiet, w * w.detach(), w * frozen, w * x, w * (x * 2), zero * 0.0]
    terms += [w * (x > 4.0), w * Tensor([1, 2], name="counts"), np.where(flat, w, 0.0)]
    return np.sum(np.stack(terms))


def uncomputed() -> Tensor:
    """No pass can run: the root is no single number."""
    return Tensor([1.0, 2.0], requires_grad=True, name="w") * 2


def mlp() -> Any:
    """Two layers of Tensors, every node drawn; one of them is frozen."""

    class MLP(nn.Module):
        def __init__(self) -> None:
            self.fc1, self.fc2 = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.fc2(relu(self.fc1(x)))

    net = with_simple_numbers(MLP())
    net.fc1.bias.requires_grad_(False)
    return np.mean(net(Tensor([[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]], name="x")) ** 2)


def gpt() -> Any:
    """A GPT of two blocks, closed to its modules."""
    config = models.GPTConfig(vocab_size=7, block_size=4, n_layer=2, n_head=2, n_embd=4)
    model = models.GPT(config).to(np.float64)
    for parameter in model.parameters():
        parameter.data = np.cos(np.arange(parameter.size) * 3.0).reshape(parameter.shape)
    model.wpe.requires_grad_(False)
    ids = np.array([[1, 2, 3, 4], [0, 5, 6, 1]])
    return model(ids, ids[:, ::-1].copy())[1]


def hostile() -> Value:
    """Names that mean something to DOT, to XML or to Graphviz."""
    names = (r"\N", "<b>&amp;</b>", '"quoted"', "{x|y}", "a\nb", "\u202e😀")
    named = [Value(1.0, name=name) for name in names]
    with mode(scope=Scope("]]>", "</TABLE>", None)):
        return named[0] * named[1] * named[2] + named[3] * named[4] * named[5]


def with_simple_numbers(module: Any) -> Any:
    """The module in float64, its parameters counted up in sixteenths and round again."""
    for parameter in module.to(np.float64).parameters():
        places = np.arange(parameter.size).reshape(parameter.shape)
        parameter.data = (places * 5 % 16 - 7) / 16
    return module


def sources() -> Iterator[tuple[Path, str]]:
    """Where each source is kept, and what it is now."""
    for graph in (expression, shared_weight, unreached, uncomputed, mlp, gpt, hostile):
        picture = viz.draw(graph(), collapse=graph is gpt, boxes=25)
        yield FOLDER / f"{graph.__name__}.gv", picture.source


if __name__ == "__main__":
    for path, source in sources():
        path.write_text(source, encoding="utf-8", newline="\n")
        print(path)
