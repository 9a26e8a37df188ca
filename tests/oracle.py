"""Layers held against PyTorch's, from one declaration each.

    @parity("Linear")
    def linear(draw):
        n, m = draw.sides(2, 1, 4)
        options = {"in_features": n, "out_features": m, "bias": draw.boolean()}
        return Trial(options, (draw.array((*draw.shape(max_dims=2), n)),))

says which options and inputs a layer is tried with; `draw` chooses, as it does for the samples of
an op. Declarations stand in the files beside this one that are called oracle_*.py. From them

- `test_nn_parity.py` holds outputs, gradients of inputs and parameters, and buffers against
  PyTorch's layer, against the same layer on Values, and, where PyTorch is not installed, against
  the figures that are stored in parity.npz;
- `python docs/parity.py` writes the page docs/parity.md, and those figures.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groundup import nn
from groundup.engine import Tensor, Value, values
from groundup.engine.samples import POSITIVE, SMALL, Domain, Draw, RandomDraw

try:
    import torch
except ImportError:  # then the stored figures serve
    torch = None

HERE = Path(__file__).parent
STORED = HERE / "parity.npz"
SEEDS = range(4)  # of the trials that are stored
TOLERANCE = 1e-9


class Trial(NamedTuple):
    """How a layer is made and called once.

    Attributes:
        options: of its constructor. Arrays among them are tensors in PyTorch.
        inputs: what it is called with: arrays (those of floats have gradients), None, lists,
            numbers.
        training: or in evaluation.
        keywords: what it is called with by name.
    """

    options: dict[str, Any]
    inputs: tuple[Any, ...]
    training: bool = True
    keywords: dict[str, Any] = {}  # noqa: RUF012 (never written to)


@dataclass(eq=False)
class Parity:
    """A declaration; see `parity`."""

    name: str
    sample: Callable[[Draw], Trial]
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    note: str

    def drawn(self, draw: Draw) -> tuple[Trial, dict[str, np.ndarray]]:
        """One trial, and numbers for all parameters and buffers."""
        trial = self.sample(draw)
        layer = self.ours(**trial.options)
        buffers = dict(layer.named_buffers())
        state = {
            name: drawn_state(draw, array, POSITIVE if name in buffers else SMALL)
            for name, array in layer.state_dict().items()
        }
        return trial, state


def drawn_state(draw: Draw, array: np.ndarray, domain: Domain) -> np.ndarray:
    if array.dtype.kind != "f":
        return np.full(array.shape, draw.integer(0, 3), array.dtype)
    return draw.array(array.shape, domain)


PARITIES: dict[str, Parity] = {}


def parity(
    name: str,
    ours: Callable[..., Any] | None = None,
    theirs: Callable[..., Any] | None = None,
    note: str = "",
) -> Callable[[Callable[[Draw], Trial]], Callable[[Draw], Trial]]:
    """Declare trials of a layer: the decorated function makes one from choices.

    Args:
        name: of the layer, in the table and, if no builder is given, in `nn` and `torch.nn`.
        ours, theirs: what builds the layer from the options. For `theirs` write a function, since
            `torch` may be None while the declarations are read.
        note: for the page, where something is to be said.
    """

    def declare(sample: Callable[[Draw], Trial]) -> Callable[[Draw], Trial]:
        build = ours or getattr(nn, name)
        oracle = theirs or (lambda **options: getattr(torch.nn, name)(**options))
        PARITIES[name] = Parity(name, sample, build, oracle, note)
        return sample

    return declare


def declared() -> dict[str, Parity]:
    """All declarations, those of each file in the order in which they stand there."""
    for path in sorted(HERE.glob("oracle_*.py")):
        importlib.import_module(path.stem)
    return PARITIES


# What comes of a trial


@dataclass
class Figures:
    """Outputs, gradients and state after the call, as plain arrays in float64."""

    outputs: list[np.ndarray]
    gradients: dict[str, np.ndarray]
    state: dict[str, np.ndarray] = field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, np.ndarray]]:
        yield from ((f"output {i}", array) for i, array in enumerate(self.outputs))
        yield from ((f"gradient of {name}", array) for name, array in self.gradients.items())
        yield from ((f"{name} afterwards", array) for name, array in self.state.items())

    def flat(self) -> np.ndarray:
        parts = [np.ravel(array).astype(float) for _, array in self.named()]
        return np.concatenate([np.zeros(0), *parts])


def each(change: Callable[[np.ndarray], Any], arg: Any) -> Any:
    """An argument with every array in it changed."""
    if isinstance(arg, list | tuple):
        return type(arg)(each(change, item) for item in arg)
    if isinstance(arg, dict):
        return {key: each(change, item) for key, item in arg.items()}
    return change(arg) if isinstance(arg, np.ndarray) else arg


def results(out: Any) -> list[Any]:
    """The arrays in a result, which may be one, or several in tuples, lists and dicts."""
    if isinstance(out, dict):
        out = list(out.values())
    if isinstance(out, list | tuple):
        return [part for item in out for part in results(item)]
    return [] if out is None else [out]


def seed_of(shape: tuple[int, ...]) -> np.ndarray:
    """A gradient to begin with that is not the same everywhere, so that rows do not cancel."""
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)


def weighted(part: Any, seed: np.ndarray) -> Any:
    """One number, from which to go back; a result may be a bare Value."""
    return (part * seed).sum() if seed.ndim else part * float(seed)


def figures_of(layer: Any, trial: Trial, leaf: Callable[[np.ndarray], Any]) -> Figures:
    """What a layer of ours makes of a trial, on Tensors or on arrays of Values."""
    leaves: list[Any] = []

    def as_input(array: np.ndarray) -> Any:
        if array.dtype.kind != "f":
            return array
        leaves.append(leaf(array))
        return leaves[-1]

    layer.train(trial.training).zero_grad()
    out = layer(*each(as_input, trial.inputs), **each(as_input, trial.keywords))
    outputs = results(out)
    total = sum(weighted(part, seed_of(np.shape(part))) for part in outputs)
    if getattr(total, "requires_grad", False):  # of nothing at all it is the number 0
        total.backward()
    gradients = {f"input {i}": gradient_of(x) for i, x in enumerate(leaves)}
    gradients |= {name: gradient_of(array) for name, array in layer._arrays().items()}
    return Figures([numbers_of(part) for part in outputs], gradients, layer.state_dict())


def numbers_of(out: Any) -> np.ndarray:
    if isinstance(out, Tensor | Value):
        return np.asarray(out.data)
    if out.dtype == object:
        return np.array([value.data for value in out.flat], float).reshape(out.shape)
    return np.asarray(out)


def gradient_of(leaf: Any) -> np.ndarray:
    if isinstance(leaf, Tensor):
        return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
    return np.array([value.grad for value in leaf.flat], float).reshape(leaf.shape)


def loaded(case: Parity, trial: Trial, state: Any) -> Any:
    layer = case.ours(**trial.options).to(np.float64)
    layer.load_state_dict(state)
    return layer


def ours(case: Parity, trial: Trial, state: Any) -> Figures:
    """What our layer computes, in float64."""
    layer = loaded(case, trial, state)
    return figures_of(layer, trial, lambda array: Tensor(array, requires_grad=True))


def on_scalars(case: Parity, trial: Trial, state: Any) -> Figures:
    """What it computes number by number, in the scalar engine."""
    return figures_of(loaded(case, trial, state).to_scalars(), trial, values)


def oracle_of(case: Parity, trial: Trial) -> Any:
    """PyTorch's layer as it starts."""
    return case.theirs(**each(torch.tensor, trial.options))


def theirs(case: Parity, trial: Trial, state: Any) -> tuple[Figures, dict[str, Any]]:
    """What PyTorch's layer computes in float64, and its state dict before the call."""
    layer = oracle_of(case, trial).double().train(trial.training)
    layer.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    leaves: list[Any] = []

    def as_input(array: np.ndarray) -> Any:
        tensor = torch.tensor(array, requires_grad=array.dtype.kind == "f")
        leaves.extend([tensor] * tensor.requires_grad)
        return tensor

    with warnings.catch_warnings(action="ignore", category=UserWarning):
        # Of a mean that is not the one to take for a divergence, of a copy that padding makes.
        out = layer(*each(as_input, trial.inputs), **each(as_input, trial.keywords))
    outputs = results(out)
    total = sum((part * torch.tensor(seed_of(part.shape))).sum() for part in outputs)
    if torch.is_tensor(total) and total.requires_grad:
        total.backward()
    named = {f"input {i}": x for i, x in enumerate(leaves)} | dict(layer.named_parameters())
    gradients = {
        name: (torch.zeros_like(x) if x.grad is None else x.grad).numpy()
        for name, x in named.items()
    }
    after = {name: tensor.numpy() for name, tensor in layer.state_dict().items()}
    return Figures([part.detach().numpy() for part in outputs], gradients, after), before


# How far apart


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest |ours − theirs|, as a share of |theirs| where that is above 1; infinite where
    shapes differ, or one is no number and the other is."""
    if ours.shape != theirs.shape:
        return np.inf
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    with np.errstate(invalid="ignore"):
        apart = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
    apart = np.where(same, 0, apart)
    return float(np.max(np.where(np.isnan(apart), np.inf, apart), initial=0))


def largest_difference(one: Figures, other: Figures) -> tuple[float, str]:
    """The largest difference in a trial, and where it is."""
    there = dict(other.named())
    here = dict(one.named())
    if here.keys() != there.keys():
        return np.inf, f"only one has {', '.join(here.keys() ^ there.keys())}"
    apart = [(difference(array, there[name]), name) for name, array in here.items()]
    return max(apart, default=(0.0, "nothing"))


# The stored figures


class Recorder(RandomDraw):
    """Takes note of what it chose, so that another numpy, which may draw otherwise, can replay."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.chosen: list[int] = []

    def integer(self, low: int, high: int) -> int:
        self.chosen.append(super().integer(low, high))
        return self.chosen[-1]

    def integers(self, count: int, low: int, high: int, distinct: bool) -> np.ndarray:
        several = super().integers(count, low, high, distinct)
        self.chosen.extend(several.tolist())
        return several


class Replay(Draw):
    """Chooses what was chosen then."""

    def __init__(self, chosen: np.ndarray) -> None:
        self.chosen = iter(chosen.tolist())

    def integer(self, low: int, high: int) -> int:
        return next(self.chosen)

    def integers(self, count: int, low: int, high: int, distinct: bool) -> np.ndarray:
        return np.array([next(self.chosen) for _ in range(count)], np.int64)


def store() -> None:
    """Write PyTorch's figures for a few trials of each layer."""
    arrays: dict[str, np.ndarray] = {}
    for case in declared().values():
        for seed in SEEDS:
            draw = Recorder(seed)
            figures, _ = theirs(case, *case.drawn(draw))
            arrays[f"{case.name}.{seed}.chosen"] = np.array(draw.chosen, np.int16)
            arrays[f"{case.name}.{seed}.figures"] = figures.flat()
    np.savez_compressed(STORED, **arrays)  # type: ignore[arg-type]
