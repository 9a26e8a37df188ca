"""Schedules: functions of the step, and what sets an optimiser's rates by them."""

import math

import numpy as np
import pytest

from groundup import nn
from groundup.nn import schedule


def optimizer(*rates, kind=nn.SGD):
    return kind([{"params": [nn.Parameter([1.0])], "lr": rate} for rate in rates])


# The functions


def test_warm_up_and_cosine_rise_to_the_peak_and_fall_to_the_floor():
    rates = [nn.warmup_cosine(step, 10, 50, peak=1.0, floor=0.1) for step in range(60)]
    assert rates[0] == pytest.approx(1 / 11)
    assert rates[10] == max(rates) == 1.0
    assert rates[30] == pytest.approx(0.55)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[50:] == [0.1] * 10


@pytest.mark.parametrize(("warmup", "total"), [(0, 0), (0, 1), (5, 5), (8, 5)])
def test_warm_up_and_cosine_at_their_edges(warmup, total):
    rates = [nn.warmup_cosine(step, warmup, total, peak=1.0) for step in range(10)]
    assert all(0 <= rate <= 1 for rate in rates)
    assert rates[total:] == [0.0] * (10 - total)


def test_warm_up_and_cosine_give_the_numbers_of_the_formula():
    """To the last bit: trainings go on that began with the formula."""
    for warmup, total in [(0, 1), (3, 20), (100, 1000), (7, 7), (8, 5)]:
        for step in range(total + 2):
            if step >= total:
                expected = 1e-4
            elif step < warmup:
                expected = 3e-3 * (step + 1) / (warmup + 1)
            else:
                fallen = (step - warmup) / (total - warmup)
                expected = 1e-4 + (3e-3 - 1e-4) * (1 + math.cos(math.pi * fallen)) / 2
            assert nn.warmup_cosine(step, warmup, total, 3e-3, 1e-4) == expected


def test_the_transformer_s_schedule_is_its_equation():
    d_model, warmup = 512, 4000
    rate = schedule.noam(d_model, warmup)
    for step in (1, 2, 1000, 3999, 4000, 4001, 100_000):
        expected = d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert rate(step - 1) == pytest.approx(expected, rel=1e-12)


def test_schedules_are_put_together():
    rate = schedule.sequence(
        [schedule.warm_up(3, schedule.constant(8.0)), schedule.linear(8.0, 0.0, 4)], [5]
    )
    assert [rate(step) for step in range(11)] == [2, 4, 6, 8, 8, 8, 6, 4, 2, 0, 0]
    both = schedule.product(rate, schedule.stairs(2, 0.5))
    assert [both(step) for step in (1, 2, 4)] == [4, 3, 2]


# What sets the rates

MADE = {
    "LambdaLR": lambda opt: nn.LambdaLR(opt, schedule.warm_up(3, schedule.exponential(0.9))),
    "a function for each group": lambda opt: nn.LambdaLR(
        opt, [schedule.constant(0.5), schedule.exponential(0.7)]
    ),
    "ConstantLR": lambda opt: nn.ConstantLR(opt, 0.3, 4),
    "LinearLR": lambda opt: nn.LinearLR(opt, 0.1, 0.7, 9),
    "StepLR": lambda opt: nn.StepLR(opt, 3, 0.3),
    "MultiStepLR": lambda opt: nn.MultiStepLR(opt, [2, 2, 9], 0.3),
    "ExponentialLR": lambda opt: nn.ExponentialLR(opt, 0.9),
    "CosineAnnealingLR": lambda opt: nn.CosineAnnealingLR(opt, 6, 0.01),
    "OneCycleLR": lambda opt: nn.OneCycleLR(opt, [0.3, 0.4], 20),
    "SequentialLR": lambda opt: nn.SequentialLR(
        opt, [nn.LinearLR(opt, 0.1, 1.0, 5), nn.CosineAnnealingLR(opt, 6, 0.01)], [5]
    ),
}


def settings_of(opt):
    return [{k: v for k, v in group.items() if k != "params"} for group in opt.param_groups]


@pytest.mark.parametrize("kind", [nn.SGD, nn.AdamW])
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_schedule_goes_on_exactly(make, kind):
    first = optimizer(0.3, 0.1, kind=kind)
    scheduler = make(first)
    for _ in range(8):
        scheduler.step()
    saved = first.state_dict(), scheduler.state_dict()

    other = optimizer(7.0, 8.0, kind=kind)  # made with other rates
    other.load_state_dict(saved[0])
    again = make(other)
    again.load_state_dict(saved[1])
    late = optimizer(7.0, 8.0, kind=kind)  # or in the other order
    latest = make(late)
    late.load_state_dict(saved[0])
    latest.load_state_dict(saved[1])
    for _ in range(8):
        assert settings_of(first) == settings_of(other) == settings_of(late)
        assert (
            scheduler.get_last_lr() == again.get_last_lr() == [g["lr"] for g in settings_of(first)]
        )
        for each in (scheduler, again, latest):
            each.step()


def test_a_group_that_comes_later_is_scheduled_from_its_own_rate():
    opt = optimizer(0.4)
    scheduler = nn.ExponentialLR(opt, 0.5)
    opt.add_param_group({"params": [nn.Parameter([1.0])], "lr": 1.0})
    scheduler.step()
    assert scheduler.get_last_lr() == [0.2, 0.5]


def test_a_second_schedule_sets_out_from_the_first_rates():
    opt = optimizer(0.4)
    for _ in range(3):
        nn.ExponentialLR(opt, 0.5).step()
    assert nn.ConstantLR(opt, 0.5).get_last_lr() == [0.2]
    again = optimizer(7.0)
    again.load_state_dict(opt.state_dict())  # which knows them too
    assert nn.ConstantLR(again, 0.25).get_last_lr() == [0.1]


def test_no_rounding_adds_up():
    opt = optimizer(1.0)
    scheduler = nn.LinearLR(opt, 0.1, 1.0, 10_000)
    for _ in range(10_000):
        scheduler.step()
    assert scheduler.get_last_lr() == [1.0]


def test_one_cycle_says_how_long_it_is_in_two_ways():
    one, two = optimizer(1.0), optimizer(1.0)
    a = nn.OneCycleLR(one, 1.0, total_steps=12, cycle_momentum=False)
    b = nn.OneCycleLR(two, 1.0, epochs=3, steps_per_epoch=4)
    for _ in range(20):
        a.step()
        b.step()
        assert a.get_last_lr() == b.get_last_lr()
    assert a.get_last_lr() == [pytest.approx(1 / 25 / 1e4)]
    assert one.param_groups[0]["momentum"] == 0
    assert two.param_groups[0]["momentum"] == 0.95


def test_what_makes_no_sense():
    opt = optimizer(1.0, 1.0)
    wrong: list = [
        (lambda: nn.StepLR(opt, 0), "step_size is at least 1, not 0"),
        (lambda: nn.CosineAnnealingLR(opt, 0), "T_max is at least 1"),
        (lambda: nn.ExponentialLR(opt, -0.5), "gamma is not below 0"),
        (lambda: nn.ConstantLR(opt, math.nan), "factor is not below 0, not nan"),
        (lambda: nn.LinearLR(opt, total_iters=-1), "total_iters is not below 0"),
        (lambda: nn.LambdaLR(opt, [schedule.constant(1)]), "1 functions for 2 groups"),
        (lambda: nn.SequentialLR(opt, [], []), "0 schedulers have 0 milestones"),
        (lambda: nn.SequentialLR(opt, [nn.StepLR(opt, 1)], [3]), "have 0 milestones .*, not 1"),
        (lambda: nn.SequentialLR(opt, [nn.StepLR(opt, 1)] * 3, [3, 2]), r"rise, unlike \[3, 2\]"),
        (lambda: nn.SequentialLR(optimizer(1.0), [nn.StepLR(opt, 1)], []), "another optimiser"),
        (lambda: nn.OneCycleLR(opt, 1.0), "say how long it is"),
        (lambda: nn.OneCycleLR(opt, 1.0, 5, pct_start=1.5), "pct_start is a share"),
        (lambda: nn.OneCycleLR(opt, 1.0, 5, anneal_strategy="sin"), "one of cos, linear, not sin"),
        (lambda: nn.OneCycleLR(opt, [1.0], 5), "1 rates for 2 groups"),
        (
            lambda: nn.OneCycleLR(optimizer(1.0, kind=nn.Adagrad), 1.0, 5),
            "Adagrad has no momentum to cycle",
        ),
        (
            lambda: nn.StepLR(opt, 1).load_state_dict(nn.StepLR(optimizer(1.0), 1).state_dict()),
            "saved for 1 groups, here are 2",
        ),
    ]
    for make, message in wrong:
        with pytest.raises(ValueError, match=message):
            make()
    parameter: object = nn.Parameter([1.0])
    with pytest.raises(TypeError, match="an optimiser, not a Parameter"):
        nn.StepLR(parameter, 1)  # type: ignore[arg-type]


def test_pytorch_s_state_is_taken():
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.3)
    their = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, 9)
    for _ in range(4):
        theirs.step()
        their.step()
    ours = optimizer(5.0)
    our = nn.CosineAnnealingLR(ours, 9)
    our.load_state_dict(their.state_dict())
    np.testing.assert_allclose(our.get_last_lr(), their.get_last_lr(), rtol=1e-9)


def test_a_cycle_s_first_rate_does_not_depend_on_when_it_is_read():
    opt = optimizer(1.0, 2.0)
    cycle = nn.OneCycleLR(opt, [0.5, 1.0], total_steps=10)
    for _ in range(3):
        cycle.step()
    assert cycle.base_lrs == [0.5 / 25, 1.0 / 25]  # as in PyTorch
    assert nn.ExponentialLR(opt, 0.5).get_last_lr() == [0.5 / 25, 1.0 / 25]
