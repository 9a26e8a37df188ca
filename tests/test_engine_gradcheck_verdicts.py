"""What gradcheck says: kinks and rounding are not mistakes, and mistakes get their likely cause."""

import inspect
from typing import Any

import numpy as np
import pytest

from groundup import nn
from groundup.engine import Tensor, Value, detect_anomaly, grad, hessian, jvp, op, relu
from groundup.engine.check import GradientError, gradcheck
from groundup.engine.op import TABLE
from groundup.models import GPT, GPTConfig


@pytest.fixture
def declare():
    """`op`, for one test."""
    made: list = []

    def declared(*vjps):
        def decorate(definition):
            made.append(op(*vjps)(definition))
            return made[-1]

        return decorate

    yield declared
    for fn in made:
        del TABLE[fn]


def refused(f, *xs) -> Any:
    with pytest.raises(GradientError) as caught:
        gradcheck(f, *xs)
    return caught.value


# What passes


@pytest.mark.parametrize(("f", "x"), [
    (grad(lambda x: (np.sin(x) * x).sum()), [0.5, 1.0]),
    (hessian(lambda x: (x**3).sum()), [0.5, 1.0]),
    (lambda x: x**1.5, [0.0]),
    (np.log, [1e-9]),
    (np.sin, [1e6]),
    (lambda x: x + 1e8, [1.0]),
    (lambda x: (2 * x, None, [x.sum()]), [1.0, 2.0]),
    (lambda x: jvp(np.sin, (x,), (np.ones(1),))[1], [1.0]),
])  # fmt: skip
def test_right_gradients_pass_where_slopes_are_hard_to_find(f, x):
    assert gradcheck(f, np.array(x))


@pytest.mark.parametrize(("f", "xs", "notes"), [
    (relu, [[0.0, 1.0]],
     ["input 0 at index (0,) is on a kink: slopes 0 and 1, and the gradient 0 lies between them"]),
    (np.maximum, [[2.0, 1.0], [2.0, 5.0]],
     ["input 0 at index (0,) is on a kink: slopes 0 and 1, and the gradient 1 lies between them",
      "input 1 at index (0,) is on a kink: slopes 0 and 1, and the gradient 0 lies between them"]),
    (lambda x: np.abs(x) + 0.5 * x, [[0.0]], []),  # central differences are right by symmetry
    (lambda x: np.where(x > 0, 3 * x, x), [[0.0]],
     ["input 0 at index (0,) is on a kink: slopes 1 and 3, and the gradient 1 lies between them"]),
])  # fmt: skip
def test_a_kink_is_noted(f, xs, notes):
    passed = gradcheck(f, *map(np.array, xs))
    assert passed
    assert list(passed.notes) == notes
    assert repr(passed) == "\n  ".join(["True", *notes])


def test_rounding_to_float32_is_noted():
    passed = gradcheck(lambda x: np.sin(x.astype(np.float32)), np.array([0.3, 1.0]))
    assert passed
    assert any("is known to ±" in note for note in passed.notes)
    passed = gradcheck(np.sin, np.ones(2, np.float32))
    assert passed.notes == ("checked in float64, though inputs are float32",)
    assert not gradcheck(np.sin, np.ones(2)).notes


# What does not


def test_a_gradient_outside_of_both_slopes_is_no_kink_s(declare):
    @declare(lambda g, out, a: np.where(a == 0, 2 * g, g * np.sign(a)))
    def size(a):
        return abs(a)

    assert gradcheck(size, np.array([1.0, -2.0]))
    error = refused(size, np.array([1.0, 0.0]))
    assert (error.kind, error.index, error.analytic) == ("kink", (1,), 2)
    assert "-1 from the left and 1 from the right" in str(error)


@pytest.mark.parametrize(("f", "x"), [(np.sqrt, 0.0), (lambda a: np.floor(a) * a, 2.0)])
def test_what_has_no_slope_is_a_matter_of_precision(f, x):
    error = refused(f, np.array([x]))
    assert (error.kind, error.input, error.index) == ("precision", 0, (0,))
    assert "do not settle" in str(error)


def test_noise_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"other numbers when it runs again.*\.eval\(\)"):
        gradcheck(lambda x: x * rng.random(), np.ones(1))
    with pytest.raises(ValueError, match="other numbers when it runs again"):
        gradcheck(nn.Dropout(0.5), np.ones(20))


C = np.array([[1.0, 2.0], [3.0, 5.0]])
WRONG: list[Any] = [
    (lambda g, out, a: -2 * a * g, lambda a: a * a, "the sign is wrong"),
    (lambda g, out, a: a * g, lambda a: a * a, "a factor of 2 is missing"),
    (lambda g, out, a: g * C, lambda a: np.swapaxes(a, -1, -2) * C, "a transpose is missing"),
    (lambda g, out, a: g * 0, lambda a: 3 * a, "no gradient arrives: .data, .item(), detach()"),
    (lambda g, out, a: g * np.nan, lambda a: 3 * a, "the gradient is no finite number"),
    (lambda g, out, a: g, lambda a: np.swapaxes(a * 1, -1, -2), "a transpose"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "definition", "cause"), WRONG)
def test_a_wrong_rule_gets_its_likely_cause(declare, rule, definition, cause):
    wrong = declare(rule)(definition)
    error = refused(wrong, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert error.kind == "wrong rule"
    assert error.cause.startswith(cause)
    assert f"Likely: {error.cause}." in str(error)


@pytest.mark.parametrize(("f", "slope", "x"), [
    (np.log, lambda a: 1.5 / a, 1e-9),
    (np.abs, lambda a: 1.5 * np.sign(a), 1e-9),
    (lambda a: np.sin(1e6 * a), lambda a: 1.5e6 * np.cos(1e6 * a), 0.3),
])  # fmt: skip
def test_the_cause_is_read_off_the_slope_that_was_found(declare, f, slope, x):
    wrong = declare(lambda g, out, a: g * slope(a))(lambda a: f(a))
    assert refused(wrong, np.array([x])).cause.startswith("a factor of 0.66")


def test_large_outputs_that_hide_a_slope_are_no_wrong_rule():
    assert gradcheck(lambda x: x + 1e12, np.ones(1))


def test_a_mean_where_a_sum_belongs(declare):
    @declare(lambda g, out, a, b: g, lambda g, out, a, b: np.mean(g, axis=0))
    def shifted(a, b):
        return a + b

    error = refused(shifted, np.ones((3, 2)), np.ones(2))
    assert (error.op, error.input) == ("shifted", 1)
    assert error.cause.startswith("input (2,) is broadcast to (3, 2)")
    assert "must sum over axis (0,), and takes a mean" in error.cause


@pytest.mark.parametrize("x", [2.0, np.array(2.0), Tensor(2.0)])
def test_a_wrong_rule_of_a_single_number(declare, x):
    @declare(lambda g, out, a: 3 * g)
    def twice(a):
        return a * 2

    error = refused(twice, x)
    assert (error.op, error.index, error.analytic) == ("twice", (), 3)
    assert error.numeric == pytest.approx(2)


def line_of(f) -> str:
    return f"{__file__}:{inspect.getsourcelines(f)[1]}"


def test_the_user_s_line_is_named(declare):
    @declare(lambda g, out, a: g * a)
    def squared(a):
        return a * a

    def inside(x):
        return squared(x)

    error = refused(lambda x: np.exp(inside(x)), np.array([0.5]))
    file, line = line_of(inside).rsplit(":", 1)
    assert error.line == f"{file}:{int(line) + 1}"
    assert f"Called at {error.line}." in str(error)
    assert (error.op, error.input, error.index) == ("squared", 0, (0,))


def test_a_rule_of_a_wrong_shape_is_named(declare):
    @declare(lambda g, out, a: np.ones(5))
    def strange(a):
        return a * 3

    error = refused(lambda x: np.exp(strange(x * 2)), np.array([1.0, 2.0]))
    assert error.op == "strange"
    assert error.line.startswith(f"{__file__}:")
    for part in ("share of shape (5,)", error.line, "0 = [2., 4.]", "a sum over some axes"):
        assert part in str(error)


def test_a_gradient_that_is_lost_between_ops():
    error = refused(lambda x: x * x.detach(), np.array([2.0]))
    assert (error.kind, error.analytic) == ("wrong rule", 2)
    assert error.numeric == pytest.approx(4)
    assert "lost between them: by .data, .item(), detach()" in str(error)


# Models


class Scale(nn.Module):
    def __init__(self, how=lambda x, w: x * w):
        super().__init__()
        self.w = nn.Parameter(np.array([1.0, 2.0], np.float32))
        self.how = how

    def forward(self, x):
        return self.how(x, self.w)


def arrays(model):
    return [parameter._data for parameter in model.parameters()]


def test_a_parameter_that_is_lost_is_found():
    model = Scale(lambda x, w: x * w.data)
    before = arrays(model)
    error = refused(model, np.array([3.0, 4.0]))
    assert (error.input, error.index, error.analytic) == ("w", (0,), 0)
    assert error.numeric == pytest.approx(3)
    assert all(a is b for a, b in zip(arrays(model), before, strict=True))


def test_the_layer_that_called_a_wrong_op_is_named(declare):
    @declare(lambda g, out, a: 2 * g)
    def same(a):
        return a * 1

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.Sequential(Scale(), Scale(lambda x, w: same(x) * w))
            self.head = Scale()

        def forward(self, x):
            return self.head(self.blocks(x))

    model = Model()
    before = arrays(model)
    error = refused(model, np.array([3.0, 4.0]))
    assert error.op == "same"
    assert f"Called at {error.line} in blocks.1." in str(error)
    assert all(a is b for a, b in zip(arrays(model), before, strict=True))
    model.blocks, model.head = nn.Sequential(), Scale(lambda x, w: same(x) * w)
    error = refused(model, np.array([3.0, 4.0]))
    assert f"Called at {error.line} in head." in str(error)


def test_a_whole_gpt_and_its_parameters_stay_as_they_were():
    nn.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=5, block_size=3, n_layer=1, n_head=2, n_embd=4))
    before = arrays(model)
    passed = gradcheck(model, np.array([[0, 1, 2]]), np.array([[1, 2, 3]]))
    assert passed.notes == ("checked in float64, though inputs are float32",)
    assert all(a is b for a, b in zip(arrays(model), before, strict=True))
    assert all(p.dtype == np.float32 and p.grad is None for p in model.parameters())


# Misuse


@pytest.mark.parametrize("f", [lambda x: None, lambda x: {"a": x}])
def test_a_function_that_gives_no_node(f):
    assert gradcheck(lambda x: np.ones(3), np.ones(1))  # a constant's gradient is 0
    with pytest.raises(TypeError, match=r"gradcheck: .* not a Tensor"):
        gradcheck(f, np.ones(1))


def test_values_and_the_debugging_mode():
    assert gradcheck(lambda a, b: a % b + a.sigmoid(), Value(7.5), Value(2.0))
    with detect_anomaly():
        assert gradcheck(lambda x: np.exp(x).sum(), np.ones(2))


def test_a_function_without_a_finite_number_is_not_called_right(declare):
    wrong = declare(lambda g, out, a: -g / a)(lambda a: np.log(a - 10))
    with np.errstate(all="ignore"):
        for f, x in ((np.log, [-1.0]), (np.exp, [800.0]), (wrong, [1.0, 2.0])):
            with pytest.raises(GradientError, match="no finite number") as caught:
                gradcheck(f, np.array(x))
            assert caught.value.kind == "precision"
        passed = gradcheck(np.log, np.array([-1.0, 2.0]))
    assert "not checked" in passed.notes[-1]


@pytest.mark.parametrize("seed", range(20))
def test_rounding_to_float32_inside_is_no_wrong_rule_and_hides_none(declare, seed):
    x = np.random.default_rng(seed).normal(size=4)
    assert gradcheck(lambda x: np.tanh(x.astype(np.float32)), x)
    wrong = declare(lambda g, out, a: g * (1 - out))(lambda a: np.tanh(a))
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda x: wrong(x.astype(np.float32)), x)
    assert caught.value.kind == "wrong rule"
