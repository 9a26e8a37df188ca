"""Schedulers: what sets an optimiser's rates by the step. PyTorch's answers, to these and to any
options and chains, are in test_nn_optim_parity.py."""

import copy
import math
import pickle

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor, Value
from groundup.nn import schedule


def optimizer(*rates, kind=nn.SGD):
    return kind([{"params": [nn.Parameter([1.0])], "lr": rate} for rate in rates])


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
    "CosineAnnealingWarmRestarts": lambda opt: nn.CosineAnnealingWarmRestarts(opt, 2, 2, 0.01),
    "OneCycleLR": lambda opt: nn.OneCycleLR(opt, [0.3, 0.4], 20),
    "SequentialLR": lambda opt: nn.SequentialLR(
        opt, [nn.LinearLR(opt, 0.1, 1.0, 5), nn.CosineAnnealingLR(opt, 6, 0.01)], [5]
    ),
    "a sequence with momentum": lambda opt: nn.SequentialLR(
        opt, [nn.LinearLR(opt, 0.1, 1.0, 5), nn.OneCycleLR(opt, (0.3, 0.4), 20)], [10]
    ),
    "ChainedScheduler": lambda opt: nn.ChainedScheduler(
        [nn.ExponentialLR(opt, 0.9), nn.CosineAnnealingLR(opt, 6, 0.01), nn.LinearLR(opt)]
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
    kept = copy.deepcopy((late, latest))
    pickled = pickle.loads(pickle.dumps(kept))
    schedulers = scheduler, again, latest, kept[1], pickled[1]
    for _ in range(8):
        for each in schedulers:
            assert settings_of(each.optimizer) == settings_of(first)
            assert each.get_last_lr() == [group["lr"] for group in first.param_groups]
        for each in schedulers:
            each.step()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (nn.LambdaLR, {"lr_lambda": schedule.exponential(0.7)}),
        (nn.ConstantLR, {"total_iters": 8}),
        (nn.LinearLR, {"total_iters": 12}),
        (nn.StepLR, {"step_size": 4}),
        (nn.MultiStepLR, {"milestones": [2, 8, 9]}),
        (nn.ExponentialLR, {"gamma": 0.9}),
        (nn.CosineAnnealingLR, {"T_max": 8}),
        (nn.CosineAnnealingWarmRestarts, {"T_0": 2, "T_mult": 2}),
        (nn.OneCycleLR, {"max_lr": 0.3, "total_steps": 20}),
    ],
)
def test_a_schedule_goes_on_with_the_optimiser_s_state_alone(kind, settings):
    first, other = optimizer(0.3, 0.1), optimizer(7.0, 8.0)
    with pytest.raises(ValueError, match=r"last_epoch=7 .* the groups have no \"initial_lr\""):
        kind(first, **settings, last_epoch=7)
    scheduler = kind(first, **settings)
    for _ in range(8):
        scheduler.step()
    other.load_state_dict(first.state_dict())
    again = kind(other, **settings, last_epoch=7)
    for _ in range(8):
        for here, there in zip(settings_of(other), settings_of(first), strict=True):
            assert here == pytest.approx(there)
        assert again.last_epoch == scheduler.last_epoch
        assert again.get_last_lr() == pytest.approx(scheduler.get_last_lr(), rel=1e-12)
        scheduler.step()
        again.step()


def test_a_group_that_comes_later_is_scheduled_from_its_own_rate():
    opt = optimizer(0.4)
    scheduler = nn.ExponentialLR(opt, 0.5)
    opt.add_param_group({"params": [nn.Parameter([1.0])], "lr": 1.0})
    scheduler.step()
    assert scheduler.get_last_lr() == [0.2, 0.5]


def test_a_group_that_comes_later_needs_settings_of_its_own():
    opt = optimizer(0.4)
    all_alike = nn.LambdaLR(opt, schedule.exponential(0.5))
    one_each = nn.LambdaLR(opt, [schedule.exponential(0.5)])
    cycle = nn.OneCycleLR(opt, [1.0], 5)
    opt.add_param_group({"params": [nn.Parameter([1.0])], "lr": 1.0})
    all_alike.step()
    assert all_alike.get_last_lr() == [0.2, 0.5]
    with pytest.raises(ValueError, match="lr_lambda is one for all groups or one for each: here a"):
        one_each.step()
    with pytest.raises(ValueError, match=r"OneCycleLR: max_lr is one .* are 2 groups, not 1"):
        cycle.step()


def rates(opt, *schedulers, steps=6):
    """The first group's rate now and after each step of all schedulers."""
    seen = []
    for _ in range(steps):
        seen.append(opt.param_groups[0]["lr"])
        for scheduler in schedulers:
            scheduler.step()
    return pytest.approx(seen, rel=1e-6)


def test_a_second_schedule_sets_out_from_the_rates_of_now():
    opt = optimizer(0.4)
    for _ in range(3):
        nn.ExponentialLR(opt, 0.5).step()
    assert nn.ConstantLR(opt, 0.5).get_last_lr() == [0.025]
    opt = optimizer(0.1)
    nn.ExponentialLR(opt, 0.9)
    opt.param_groups[0]["lr"] = 0.7
    assert rates(opt, nn.ExponentialLR(opt, 0.9), steps=3) == [0.7, 0.63, 0.567]


def test_schedules_that_are_stepped_in_turn_multiply():
    opt = optimizer(0.1)
    both = nn.ExponentialLR(opt, 0.9), nn.StepLR(opt, 3, 0.5)
    assert rates(opt, *both) == [0.1, 0.09, 0.081, 0.03645, 0.032805, 0.0295245]
    assert both[0].get_last_lr() != both[1].get_last_lr() == [opt.param_groups[0]["lr"]]


def test_a_rate_that_is_changed_by_hand_stays_changed():
    opt = optimizer(0.1)
    scheduler = nn.StepLR(opt, 2, 0.5)
    scheduler.step()
    opt.param_groups[0]["lr"] = 1.0
    assert rates(opt, scheduler, steps=4) == [1.0, 0.5, 0.5, 0.25]


def test_a_sequence_cycles_momentum_too():
    opt = nn.SGD([nn.Parameter([1.0])], lr=0.1, momentum=0.9)
    parts = [nn.LinearLR(opt, 0.1, total_iters=3), nn.OneCycleLR(opt, 1.0, total_steps=9)]
    scheduler, momenta = nn.SequentialLR(opt, parts, [3]), []
    for _ in range(8):
        momenta.append(opt.param_groups[0]["momentum"])
        scheduler.step()
    assert momenta == pytest.approx(
        [0.95, 0.95, 0.95, 0.95, 0.8863, 0.8506, 0.8601, 0.8794], abs=1e-4
    )


def test_a_sequence_restarts_above_its_floor():
    opt = optimizer(0.3)
    parts = [nn.ConstantLR(opt, 0.5), nn.CosineAnnealingLR(opt, 2, 0.1)]
    scheduler = nn.SequentialLR(opt, parts, [2])
    assert rates(opt, scheduler) == [0.15, 0.15, 0.3, 0.2, 0.1, 0.2]


def test_a_sequence_takes_up_groups_that_come_later():
    opt = optimizer(0.4)
    parts = [nn.ConstantLR(opt, 0.5), nn.ExponentialLR(opt, 0.5)]
    opt.add_param_group({"params": [nn.Parameter([1.0])], "lr": 1.0})
    scheduler = nn.SequentialLR(opt, parts, [2])
    assert scheduler.get_last_lr() == [0.2, 0.5]
    opt.add_param_group({"params": [nn.Parameter([1.0])], "lr": 3.0})
    for _ in range(3):
        scheduler.step()
    assert scheduler.get_last_lr() == [0.2, 0.5, 1.5]


def test_sequences_and_chains_lie_in_each_other():
    opt = optimizer(0.4)
    inner = nn.SequentialLR(opt, [nn.ConstantLR(opt, 0.5), nn.ConstantLR(opt, 1.0)], [1])
    chain = nn.ChainedScheduler([nn.ConstantLR(opt, 0.25, 2), nn.ExponentialLR(opt, 0.5)], opt)
    scheduler = nn.SequentialLR(opt, [inner, chain], [3])
    assert rates(opt, scheduler) == [0.2, 0.4, 0.4, 0.1, 0.05, 0.1]


def test_a_copy_has_an_optimiser_of_its_own():
    for make in MADE.values():
        opt = optimizer(0.3, 0.1)
        scheduler = make(opt)
        before = settings_of(opt)
        twin = copy.deepcopy(scheduler)
        for _ in range(7):
            twin.step()
        assert settings_of(opt) == before != settings_of(twin.optimizer)


def test_warm_restarts_may_be_told_where_they_are():
    scheduler = nn.CosineAnnealingWarmRestarts(optimizer(0.1), 4)
    seen = []
    for epoch in (0, 0.5, 1.75, 4.5, 9):
        scheduler.step(epoch)
        seen += scheduler.get_last_lr()
    assert seen == pytest.approx([0.1, 0.096194, 0.059755, 0.096194, 0.085355], abs=1e-6)
    assert scheduler.last_epoch == 9


def test_a_scheduler_of_one_s_own_says_its_rates():
    class Harmonic(nn.LRScheduler):
        def __init__(self, optimizer, power, last_epoch=-1):
            self.power = power
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base / (1 + self.last_epoch) ** self.power for base in self.base_lrs]

    opt = optimizer(1.0)
    scheduler = Harmonic(opt, 2)
    assert rates(opt, scheduler, steps=3) == [1.0, 1 / 4, 1 / 9]
    saved = scheduler.state_dict()
    assert {"power": 2, "last_epoch": 3}.items() <= saved.items()
    again = Harmonic(optimizer(7.0), 3)
    again.load_state_dict(saved)
    again.step()
    assert again.get_last_lr() == [1 / 25]
    again.optimizer.add_param_group({"params": [nn.Parameter([1.0])]})
    again.step()
    assert len(again.base_lrs) == 2
    assert saved["base_lrs"] == [1.0]  # a copy
    with pytest.raises(NotImplementedError, match="LRScheduler has no get_lr"):
        nn.LRScheduler(opt)


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
    for _ in range(11):
        a.step()
        b.step()
        assert a.get_last_lr() == b.get_last_lr()
    assert a.get_last_lr() == [pytest.approx(1 / 25 / 1e4)]
    assert one.param_groups[0]["momentum"] == 0
    assert two.param_groups[0]["momentum"] == 0.95


@pytest.mark.parametrize(
    ("settings", "last"),
    [
        ({}, [0.611262, 0.188258, 4e-6, 0.188258]),
        ({"anneal_strategy": "linear"}, [0.57143, 0.285717, 4e-6, -0.285709]),
        ({"pct_start": 1.0}, [0.52, 0.859411, 1.0]),
    ],
)
def test_the_end_of_a_cycle_is_pytorch_s(settings, last):
    cycle = nn.OneCycleLR(optimizer(1.0), 1.0, total_steps=5, **settings)
    for step in range(1, 6):
        cycle.step()
        if 2 <= step < 2 + len(last):
            assert cycle.get_last_lr() == pytest.approx([last[step - 2]], abs=1e-6)
    state = cycle.state_dict()
    with pytest.raises(ValueError, match=r"all 5 steps of the cycle were made: give it more total"):
        cycle.step()
    assert cycle.state_dict() == state


def test_what_makes_no_sense():
    opt = optimizer(1.0, 1.0)
    wrong: list = [
        (lambda: nn.StepLR(opt, 0), "step_size is at least 1, not 0"),
        (lambda: nn.CosineAnnealingLR(opt, 0), "T_max is at least 1"),
        (lambda: nn.ExponentialLR(opt, -0.5), "gamma is not below 0"),
        (lambda: nn.ConstantLR(opt, math.nan), "factor is not below 0, not nan"),
        (lambda: nn.LinearLR(opt, total_iters=-1), "total_iters is not below 0"),
        (lambda: nn.LambdaLR(opt, [schedule.constant(1)]), "lr_lambda .* 2 groups, not 1"),
        (lambda: nn.SequentialLR(opt, [], []), "SequentialLR: at least one scheduler is needed"),
        (lambda: nn.ChainedScheduler([]), "ChainedScheduler: at least one scheduler is needed"),
        (lambda: nn.ChainedScheduler([nn.ReduceLROnPlateau(opt)]), "step it on its own"),
        (lambda: nn.ReduceLROnPlateau(opt, factor=1.0), "factor is below 1, not 1"),
        (lambda: nn.ReduceLROnPlateau(opt, mode="least"), "mode is min or max, not least"),
        (lambda: nn.ReduceLROnPlateau(opt, threshold_mode="no"), "is rel or abs, not no"),
        (lambda: nn.ReduceLROnPlateau(opt, min_lr=[0.1]), "min_lr .* 2 groups, not 1"),
        (lambda: nn.CosineAnnealingWarmRestarts(opt, 0), "T_0 is at least 1, not 0"),
        (lambda: nn.CosineAnnealingWarmRestarts(opt, 2, 0), "T_mult is at least 1, not 0"),
        (lambda: nn.SequentialLR(opt, [nn.StepLR(opt, 1)], [3]), "have 0 milestones .*, not 1"),
        (lambda: nn.SequentialLR(opt, [nn.StepLR(opt, 1)] * 3, [3, 2]), r"rise, unlike \[3, 2\]"),
        (lambda: nn.SequentialLR(optimizer(1.0), [nn.StepLR(opt, 1)], []), "another optimiser"),
        (lambda: nn.OneCycleLR(opt, 1.0), "say how long it is"),
        (lambda: nn.OneCycleLR(opt, 1.0, 5, pct_start=1.5), "pct_start is a share"),
        (lambda: nn.OneCycleLR(opt, 1.0, 5, anneal_strategy="sin"), "one of cos, linear, not sin"),
        (lambda: nn.OneCycleLR(opt, np.ones(3), 5), "max_lr .* 2 groups, not 3"),
        (lambda: nn.OneCycleLR(optimizer(1.0), 1.0, 5, base_momentum=(0.8, 0.7)), "base_momentum"),
        (lambda: nn.OneCycleLR(opt, 1.0, 5, div_factor=0), "div_factor is above 0, not 0"),
        (lambda: nn.OneCycleLR(opt, 1.0, 5, final_div_factor=0), "final_div_factor is above 0"),
        (
            lambda: nn.OneCycleLR(optimizer(1.0, kind=nn.Adagrad), 1.0, 5),
            "Adagrad has no momentum to cycle",
        ),
        (
            lambda: nn.StepLR(opt, 1).load_state_dict(nn.StepLR(optimizer(1.0), 1).state_dict()),
            "saved for 1 groups, here are 2",
        ),
        (lambda: nn.StepLR(opt, 1).load_state_dict({}), "StepLR: a saved state has last_epoch"),
        (
            lambda: nn.ChainedScheduler([nn.StepLR(opt, 1)] * 2).load_state_dict(
                nn.ChainedScheduler([nn.StepLR(opt, 1)]).state_dict()
            ),
            "saved for 1 schedulers, here are 2",
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
    assert nn.ExponentialLR(opt, 0.5).base_lrs == [0.5 / 25, 1.0 / 25]
    assert cycle.get_last_lr() == pytest.approx([0.475242, 0.950485], abs=1e-6)


def test_pytorch_s_names_lead_here():
    assert nn.lr_scheduler is nn.optim.lr_scheduler
    for name in nn.lr_scheduler.__all__:
        assert getattr(nn, name) is getattr(nn.optim, name) is getattr(nn.lr_scheduler, name)


def test_a_plateau_may_be_told_by_a_tensor():
    scheduler = nn.ReduceLROnPlateau(optimizer(1.0), patience=0)
    for loss in (Tensor(2.0), Value(1.0), np.float32(1.0)):
        scheduler.step(loss)
    assert scheduler.best == 1
    assert scheduler.get_last_lr() == [0.1]
