"""Every layer equals PyTorch's: outputs, gradients, state; and its own on scalars."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from groundup.engine.check.strategies import draws
from groundup.engine.samples import RandomDraw
from oracle import (
    SEEDS,
    STORED,
    TOLERANCE,
    Replay,
    declared,
    difference,
    largest_difference,
    loaded,
    on_scalars,
    oracle_of,
    ours,
    theirs,
    torch,
)

every_layer = pytest.mark.parametrize("case", declared().values(), ids=declared())
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def examples(count):
    return settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow])


@needs_torch
@every_layer
@examples(60)
@given(draw=draws())
def test_outputs_gradients_and_state_equal_pytorch_s(case, draw):
    trial, state = case.drawn(draw)
    expected, given_state = theirs(case, trial, state)
    layer = loaded(case, trial, given_state)
    back = layer.state_dict()
    assert back.keys() == given_state.keys()
    for name, array in back.items():
        np.testing.assert_array_equal(array, given_state[name].numpy(), name, strict=True)
    apart, where = largest_difference(ours(case, trial, given_state), expected)
    assert apart <= TOLERANCE, f"{where}: {apart:.3g} apart in {trial}"


@needs_torch
@every_layer
def test_parameters_are_in_pytorch_s_order(case):
    """An optimiser's state counts them."""
    trial, _ = case.drawn(RandomDraw(0))
    here, there = case.ours(**trial.options), oracle_of(case, trial)
    names = [name for name, _ in here.named_parameters()]
    assert names == [name for name, _ in there.named_parameters()]


@every_layer
@examples(15)
@given(draw=draws())
def test_a_layer_of_scalars_gives_the_same(case, draw):
    trial, state = case.drawn(draw)
    apart, where = largest_difference(on_scalars(case, trial, state), ours(case, trial, state))
    assert apart <= TOLERANCE, f"{where}: {apart:.3g} apart in {trial}"


@every_layer
def test_figures_of_pytorch_are_met_without_it(case):
    with np.load(STORED) as stored:
        for seed in SEEDS:
            draw = Replay(stored[f"{case.name}.{seed}.chosen"])
            figures = ours(case, *case.drawn(draw)).flat()
            apart = difference(figures, stored[f"{case.name}.{seed}.figures"])
            assert apart <= TOLERANCE, f"trial {seed}: python docs/parity.py stores new figures"
