"""Schedules: functions of the step."""

import copy
import math
import pickle

import pytest

from groundup import nn
from groundup.nn import schedule


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


@pytest.mark.parametrize(
    "rate",
    [
        schedule.constant(2.0),
        schedule.linear(0.0, 1.0, 4),
        schedule.cosine(1.0, 0.1, 4),
        schedule.exponential(0.5),
        schedule.stairs(2, 0.5),
        schedule.inverse_sqrt(3),
        schedule.noam(16, 3),
        schedule.warm_up(3, schedule.exponential(0.5)),
        schedule.sequence([schedule.constant(1.0), schedule.stairs(2, 0.5)], [3]),
        schedule.product(schedule.constant(3.0), schedule.exponential(0.5)),
    ],
    ids=repr,
)
def test_schedules_are_values(rate):
    """They can be pickled, copied, compared and read."""
    told = eval(repr(rate), vars(schedule))
    for twin in (pickle.loads(pickle.dumps(rate)), copy.deepcopy(rate), told):
        assert twin == rate
        assert [twin(step) for step in range(9)] == [rate(step) for step in range(9)]
