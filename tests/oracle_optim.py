"""How optimisers and schedules are tried against PyTorch's: 50 steps with options drawn at random;
see `oracle.py`, whose words these are.

An optimiser moves three parameters in two groups with settings of their own; compared are the
parameters after every step and, at the end, all that it keeps. Of a schedule the rates of both
groups are compared at every step, and momentum where it is cycled. At one step a rate is changed by
hand; at one ours, optimiser and scheduler, is copied, pickled, or made anew and told its state.
"""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np

from groundup import nn
from groundup.engine.samples import Draw
from oracle import Figures, Recorder, Trial, torch

STEPS = 50
STORED = Path(__file__).with_name("parity_optim.npz")
SEEDS = range(4)

Options = dict[str, Any]


@dataclass(eq=False)
class Descent:
    """A declaration: an optimiser, and the settings that it is tried with."""

    name: str
    sample: Callable[[Draw], Options]
    shapes: tuple[tuple[int, ...], ...] = ((3, 2), (4,), ())
    note: str = ""

    def drawn(self, draw: Draw) -> tuple[Trial, None]:
        options = self.sample(draw)
        # Values far from 0 and signs of both kinds, so that no slope vanishes by chance.
        return Trial(options, tuple(draw.array(shape) for shape in self.shapes)), None


@dataclass(eq=False)
class Course:
    """A declaration: a schedule, and the settings that it is tried with."""

    name: str
    sample: Callable[[Draw], Options]
    note: str = ""

    def drawn(self, draw: Draw) -> tuple[Trial, None]:
        options = self.sample(draw)
        changed, broken = draw.integer(0, STEPS + 20), draw.integer(0, STEPS - 1)
        return Trial(options, (changed, broken, draw.choice([*WAYS]))), None


DESCENTS: dict[str, Descent] = {}
COURSES: dict[str, Course] = {}


def descent(name: str, **more: Any) -> Callable[[Any], Any]:
    def declare(sample: Callable[[Draw], Options]) -> Any:
        DESCENTS[name] = Descent(name, sample, **more)
        return sample

    return declare


def course(name: str, **more: Any) -> Callable[[Any], Any]:
    def declare(sample: Callable[[Draw], Options]) -> Any:
        COURSES[name] = Course(name, sample, **more)
        return sample

    return declare


# Optimisers


@descent("SGD")
def sgd(draw: Draw) -> Options:
    momentum = draw.choice((0.0, 0.5, 0.9))
    nesterov = momentum > 0 and draw.boolean()
    dampening = 0.0 if nesterov else draw.choice((0.0, 0.3))
    return shared(draw) | {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}


@descent("RMSprop")
def rmsprop(draw: Draw) -> Options:
    return shared(draw) | {
        "alpha": draw.choice((0.5, 0.9, 0.99)),
        "eps": draw.choice((1e-8, 1e-3)),
        "momentum": draw.choice((0.0, 0.9)),
        "centered": draw.boolean(),
    }


@descent("Adagrad")
def adagrad(draw: Draw) -> Options:
    return shared(draw) | {
        "lr_decay": draw.choice((0.0, 0.1)),
        "initial_accumulator_value": draw.choice((0.0, 0.1)),
        "eps": draw.choice((1e-10, 1e-3)),
    }


def adams(draw: Draw) -> Options:
    return shared(draw) | {
        "betas": draw.choice(((0.9, 0.999), (0.5, 0.9), (0.0, 0.99))),
        "eps": draw.choice((1e-8, 1e-3)),
        "amsgrad": draw.boolean(),
    }


descent("Adam")(adams)
descent("AdamW")(adams)


@descent(
    "Muon",
    shapes=((3, 2), (2, 4), (3, 3)),
    note="PyTorch's with its rounding to bfloat16 left out",
)
def muon(draw: Draw) -> Options:
    options = {
        "momentum": draw.choice((0.5, 0.95)),
        "nesterov": draw.boolean(),
        "ns_coefficients": draw.choice(((3.4445, -4.7750, 2.0315), (1.5, -0.5, 0.0))),
        "ns_steps": draw.choice((1, 5)),
        "eps": draw.choice((1e-7, 0.1)),
        "adjust_lr_fn": draw.choice((None, "original", "match_rms_adamw")),
    }
    settings = shared(draw)
    del settings["maximize"]
    return settings | options


def shared(draw: Draw) -> Options:
    return {
        "lr": draw.choice((0.001, 0.03)),
        "weight_decay": draw.choice((0.0, 0.1)),
        "maximize": draw.boolean(),
    }


def groups(params: list[Any], options: Options) -> list[Options]:
    """The last parameter has a rate of its own."""
    return [{"params": params[:-1]}, {"params": params[-1:], "lr": 2 * options["lr"]}]


def slope(i: int, step: int, data: Any) -> np.ndarray:
    """A gradient that is never the same."""
    return np.asarray(np.sin(data * (i + 1) + step) + data / 3)


def descend(optimizer: Any, params: list[Any], numbers: Any, gradient: Any) -> list[np.ndarray]:
    """All parameters after each step."""
    passed = []
    for step in range(STEPS):
        for i, p in enumerate(params):
            p.grad = gradient(slope(i, step, numbers(p)))
        optimizer.step()
        passed.append(np.concatenate([np.ravel(numbers(p)) for p in params]))
    return passed


def kept(state: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        f"{i}.{name}": np.asarray(array).astype(float)
        for i, each in sorted(state["state"].items())
        for name, array in sorted(each.items())
        if array is not None
    }


def our_descent(case: Descent, trial: Trial, _: None = None) -> Figures:
    params = [nn.Parameter(array) for array in trial.inputs]
    optimizer = getattr(nn, case.name)(groups(params, trial.options), **trial.options)
    passed = descend(optimizer, params, lambda p: p.data, lambda g: g)
    return Figures(passed, {}, kept(optimizer.state_dict()))


def their_descent(case: Descent, trial: Trial, _: None = None) -> tuple[Figures, None]:
    params = [torch.nn.Parameter(torch.tensor(array)) for array in trial.inputs]
    optimizer = getattr(torch.optim, case.name)(groups(params, trial.options), **trial.options)
    with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
        passed = descend(optimizer, params, lambda p: p.detach().numpy(), torch.tensor)
    return Figures(passed, {}, kept(optimizer.state_dict())), None


# Schedules


@course("LambdaLR")
def lambda_lr(draw: Draw) -> Options:
    return {"lr_lambda": draw.choice([*Lambda.made])}


@course("ConstantLR")
def constant_lr(draw: Draw) -> Options:
    return {"factor": draw.choice((0.1, 0.5, 1.0)), "total_iters": draw.choice((0, 1, 7, 60))}


@course("LinearLR")
def linear_lr(draw: Draw) -> Options:
    return {
        "start_factor": draw.choice((0.1, 1.0)),
        "end_factor": draw.choice((0.0, 0.5, 1.0)),
        "total_iters": draw.choice((0, 1, 7, 60)),
    }


@course("ExponentialLR")
def exponential_lr(draw: Draw) -> Options:
    return {"gamma": draw.choice((0.5, 0.9, 1.0))}


@course("StepLR")
def step_lr(draw: Draw) -> Options:
    return {"step_size": draw.choice((1, 3, 20)), "gamma": draw.choice((0.1, 0.5))}


@course("MultiStepLR")
def multi_step_lr(draw: Draw) -> Options:
    milestones = sorted(draw.integer(0, 30) for _ in range(draw.integer(0, 4)))
    return {"milestones": milestones, "gamma": draw.choice((0.1, 0.5))}


@course("CosineAnnealingLR")
def cosine_annealing_lr(draw: Draw) -> Options:
    return {"T_max": draw.choice((1, 2, 7, 30, 60)), "eta_min": draw.choice((0.0, 0.01, 0.5))}


@course("CosineAnnealingWarmRestarts")
def cosine_annealing_warm_restarts(draw: Draw) -> Options:
    return {
        "T_0": draw.choice((1, 2, 7, 60)),
        "T_mult": draw.choice((1, 2, 3)),
        "eta_min": draw.choice((0.0, 0.01)),
    }


@course("OneCycleLR")
def one_cycle_lr(draw: Draw) -> Options:
    return {
        "max_lr": draw.choice((0.5, [0.5, 0.1], (0.1, 0.5))),
        "total_steps": draw.choice((STEPS, STEPS + 1, 77)),
        "pct_start": draw.choice((0.0, 0.1, 0.3, 0.4, 0.7, 1.0)),
        "anneal_strategy": draw.choice(("cos", "linear")),
        "cycle_momentum": draw.boolean(),
        "base_momentum": draw.choice((0.85, [0.8, 0.7])),
        "max_momentum": draw.choice((0.95, (0.9, 0.99))),
        "div_factor": draw.choice((25.0, 4.0)),
        "three_phase": draw.boolean(),
    }


@course("ReduceLROnPlateau")
def reduce_lr_on_plateau(draw: Draw) -> Options:
    return {
        "mode": draw.choice(("min", "max")),
        "factor": draw.choice((0.1, 0.5)),
        "patience": draw.choice((0, 3, 10)),
        "threshold": draw.choice((0.0, 1e-4, 0.1)),
        "threshold_mode": draw.choice(("rel", "abs")),
        "cooldown": draw.choice((0, 4)),
        "min_lr": draw.choice((0.0, 0.01, [0.01, 0.1])),
        "eps": draw.choice((1e-8, 0.02)),
    }


PARTS = [
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "StepLR",
    "MultiStepLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "LambdaLR",
]


def parts(draw: Draw, once: str) -> list[tuple[str, Options]]:
    """A few schedulers, one of them perhaps that kind of which there is only one."""
    names = [draw.choice(PARTS) for _ in range(draw.integer(1, 3))]
    if draw.boolean():
        names[draw.integer(0, len(names) - 1)] = once
    return [(name, as_part(COURSES[name].sample(draw))) for name in names]


def as_part(options: Options) -> Options:
    """Without what PyTorch divides by, and without a floor, below which factors lead below 0."""
    others = {"total_iters": max(options.get("total_iters", 0), 1), "eta_min": 0.0}
    return options | {name: other for name, other in others.items() if name in options}


@course("SequentialLR", note="Any of the above, one-cycle once: PyTorch's share one max_lr")
def sequential_lr(draw: Draw) -> Options:
    schedulers = parts(draw, once="OneCycleLR")
    milestones = [draw.integer(1, 15) + 16 * i for i in range(len(schedulers) - 1)]
    return {"schedulers": schedulers, "milestones": milestones}


@course("ChainedScheduler", note="Any of the above")
def chained_scheduler(draw: Draw) -> Options:
    return {"schedulers": parts(draw, once="SequentialLR")}


class Lambda:
    """Functions of the step, by a name that can be shown."""

    made: ClassVar[dict[str, Callable[[float], float]]] = {
        "warm_up of cosine": nn.schedule.warm_up(7, nn.schedule.cosine(1.0, 0.1, 30)),
        "noam": nn.schedule.noam(16, 9),
        "product": nn.schedule.product(nn.schedule.stairs(9, 0.5), nn.schedule.exponential(0.9)),
    }


def started(name: str, optimizer: Any, options: Options, home: Any) -> Any:
    """A scheduler of ours or of PyTorch's."""
    options = dict(options, optimizer=optimizer)
    if "schedulers" in options:
        options["schedulers"] = [
            started(part, optimizer, its, home) for part, its in options["schedulers"]
        ]
    if name == "LambdaLR":
        options["lr_lambda"] = Lambda.made[options["lr_lambda"]]
    return getattr(home, name)(**options)


Pair = tuple[Any, Any]  # an optimiser and its scheduler


def told(pair: Pair, fresh: Callable[[], Pair], first: int) -> Pair:
    """Another pair with the state of this one; the optimiser is told first, or the scheduler."""
    other = fresh()
    states = [each.state_dict() for each in pair]
    for place in (first, 1 - first):
        other[place].load_state_dict(states[place])
    return other


WAYS: dict[str, Callable[[Pair, Callable[[], Pair]], Pair]] = {
    "as it is": lambda pair, fresh: pair,
    "copied": lambda pair, fresh: copy.deepcopy(pair),
    "pickled": lambda pair, fresh: pickle.loads(pickle.dumps(pair)),
    "told, optimiser first": lambda pair, fresh: told(pair, fresh, 0),
    "told, scheduler first": lambda pair, fresh: told(pair, fresh, 1),
}


def rates(trial: Trial, fresh: Callable[[], Pair], ways: Mapping[str, Any]) -> Figures:
    """All rates and momenta of each step."""
    passed = []
    changed, broken, way = trial.inputs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's, which use one another in ways they warn of
        pair = fresh()
        for step in range(STEPS):
            optimizer, scheduler = pair
            if step:
                optimizer.step()
                plateau = "patience" in trial.options
                scheduler.step(*[np.sin(step**2) + 1 / step] * plateau)
            settings = [(group["lr"], group["betas"][0]) for group in optimizer.param_groups]
            passed.append(np.array([*scheduler.get_last_lr(), *np.ravel(settings)]))
            if step == changed:
                optimizer.param_groups[0]["lr"] = 0.7
            if step == broken and ways:
                pair = ways[way](pair, fresh)
    return Figures(passed, {})


def our_pair(case: Course, trial: Trial) -> Pair:
    params = [nn.Parameter(np.ones(1)) for _ in range(3)]
    optimizer = nn.AdamW(groups(params, {"lr": 0.3}), lr=0.3)
    return optimizer, started(case.name, optimizer, trial.options, nn.lr_scheduler)


def their_pair(case: Course, trial: Trial) -> Pair:
    params = [torch.nn.Parameter(torch.ones(1)) for _ in range(3)]
    optimizer = torch.optim.AdamW(groups(params, {"lr": 0.3}), lr=0.3)
    return optimizer, started(case.name, optimizer, trial.options, torch.optim.lr_scheduler)


def our_rates(case: Course, trial: Trial, _: None = None) -> Figures:
    return rates(trial, lambda: our_pair(case, trial), WAYS)


def their_rates(case: Course, trial: Trial, _: None = None) -> tuple[Figures, None]:
    return rates(trial, lambda: their_pair(case, trial), {}), None


# The stored figures

KINDS: tuple[tuple[dict[str, Any], Any, Any], ...] = (
    (DESCENTS, our_descent, their_descent),
    (COURSES, our_rates, their_rates),
)
CASES = [(case, ours, theirs) for cases, ours, theirs in KINDS for case in cases.values()]


def excerpt(figures: Figures) -> np.ndarray:
    """What is stored: every tenth step, and what is kept at the end."""
    return Figures(figures.outputs[9::10], {}, figures.state).flat()


def store() -> None:
    """Write PyTorch's figures for a few trials of each."""
    arrays: dict[str, np.ndarray] = {}
    for case, _, theirs in CASES:
        for seed in SEEDS:
            draw = Recorder(seed)
            figures, _ = theirs(case, *case.drawn(draw))
            arrays[f"{case.name}.{seed}.chosen"] = np.array(draw.chosen, np.int16)
            arrays[f"{case.name}.{seed}.figures"] = excerpt(figures)
    np.savez_compressed(STORED, **arrays)  # type: ignore[arg-type]
