"""Optimisers and schedules take PyTorch's steps, in fifty steps with any options."""

import copy

import numpy as np
import pytest
from hypothesis import given

from groundup import nn
from groundup.engine.check.strategies import draws
from groundup.engine.samples import RandomDraw
from oracle import TOLERANCE, Replay, difference, largest_difference, torch
from oracle_optim import (
    CASES,
    COURSES,
    DESCENTS,
    SEEDS,
    STORED,
    WAYS,
    excerpt,
    groups,
    our_pair,
    rates,
    slope,
    their_pair,
    their_rates,
    told,
)

each = pytest.mark.parametrize(
    ("case", "ours", "theirs"), CASES, ids=[case.name for case, *_ in CASES]
)
every_optimiser = pytest.mark.parametrize("case", DESCENTS.values(), ids=DESCENTS)
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


@needs_torch
@each
@given(draw=draws())
def test_fifty_steps_are_pytorch_s(case, ours, theirs, draw):
    trial, _ = case.drawn(draw)
    apart, where = largest_difference(ours(case, trial), theirs(case, trial)[0])
    assert apart <= TOLERANCE, f"{where}: {apart:.3g} apart in {trial.options}"


@each
def test_figures_of_pytorch_are_met_without_it(case, ours, theirs):
    with np.load(STORED) as stored:
        for seed in SEEDS:
            trial, _ = case.drawn(Replay(stored[f"{case.name}.{seed}.chosen"]))
            apart = difference(excerpt(ours(case, trial)), stored[f"{case.name}.{seed}.figures"])
            assert apart <= TOLERANCE, f"trial {seed}: python docs/parity.py stores new figures"


@needs_torch
@every_optimiser
def test_defaults_are_pytorch_s(case):
    here = getattr(nn, case.name)([nn.Parameter(np.ones((2, 2)))]).param_groups[0]
    there = getattr(torch.optim, case.name)([torch.ones(2, 2)]).param_groups[0]
    assert {k: there[k] for k in here if k != "params"} == {
        k: v for k, v in here.items() if k != "params"
    }


@needs_torch
@every_optimiser
@pytest.mark.parametrize("seed", range(6))
def test_state_goes_over_from_pytorch_and_back(case, seed, monkeypatch):
    """Five steps there, five here, five there: as fifteen there."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    trial, _ = case.drawn(RandomDraw(seed))
    arrays = [array.copy() for array in trial.inputs]

    def there(arrays, state, first, steps):
        params = [torch.nn.Parameter(torch.tensor(array)) for array in arrays]
        optimizer = getattr(torch.optim, case.name)(groups(params, trial.options), **trial.options)
        if state:
            for kept in state["state"].values():
                kept.update({k: torch.tensor(v, dtype=torch.float64) for k, v in kept.items()})
            optimizer.load_state_dict(state)
        for step in range(first, first + steps):
            for i, p in enumerate(params):
                p.grad = torch.tensor(slope(i, step, p.detach().numpy()))
            optimizer.step()
        return [p.detach().numpy().copy() for p in params], copy.deepcopy(optimizer.state_dict())

    expected, _ = there(arrays, None, 0, 15)
    arrays, state = there(arrays, None, 0, 5)
    params = [nn.Parameter(array) for array in arrays]
    optimizer = getattr(nn, case.name)([{"params": params[:-1]}, {"params": params[-1:]}], lr=7.0)
    optimizer.load_state_dict(state)
    for step in range(5, 10):
        for i, p in enumerate(params):
            p.grad = slope(i, step, p.data)
        optimizer.step()
    arrays, _ = there([p.data for p in params], optimizer.state_dict(), 10, 5)
    for one, other in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


@needs_torch
@pytest.mark.parametrize("case", COURSES.values(), ids=COURSES)
@pytest.mark.parametrize("seed", range(6))
def test_a_schedule_goes_on_where_pytorch_s_is(case, seed):
    trial, _ = case.drawn(RandomDraw(seed))

    def ours(pair, fresh):
        return told(pair, lambda: our_pair(case, trial), first=0)

    mixed = rates(trial, lambda: their_pair(case, trial), dict.fromkeys(WAYS, ours))
    apart, where = largest_difference(mixed, their_rates(case, trial)[0])
    assert apart <= TOLERANCE, f"{where}: {apart:.3g} apart in {trial.options}"
