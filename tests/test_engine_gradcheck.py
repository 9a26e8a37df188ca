"""gradcheck finds what is wrong, says where, and the table cannot hold an unchecked op."""

import numpy as np
import pytest

from groundup.engine import Tensor, Value, no_grad, op
from groundup.engine.check import GradientError, check_op, check_table, gradcheck
from groundup.engine.op import TABLE
from groundup.engine.samples import REAL, RandomDraw, elementwise


@pytest.fixture
def wrong():
    """An op whose rule forgets a factor, in the table for one test."""

    @op(lambda g, out, a: g * a, samples=elementwise(REAL))
    def squared(a):
        return a * a

    yield squared
    del TABLE[squared]


def test_names_op_input_index_and_both_numbers(wrong):
    with pytest.raises(GradientError) as caught:
        gradcheck(wrong, np.array([[0.5, 2.0]]))
    error = caught.value
    assert (error.op, error.input) == ("squared", 0)
    assert error.index in [(0, 0), (0, 1)]
    assert np.isclose(error.numeric, 2 * error.analytic)
    for part in ("squared", "input 0", str(error.index), f"{error.analytic:.10g}"):
        assert part in str(error)


def test_names_the_op_inside_a_function(wrong):
    with pytest.raises(GradientError, match="squared") as caught:
        gradcheck(lambda x, y: np.exp(wrong(x) * y).sum(), np.array([0.5]), np.array([1.0]))
    assert caught.value.op == "squared"


def test_an_unneeded_input_is_checked_too():
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda x, y: x * y.detach(), np.array([1.0]), np.array([2.0]))
    assert caught.value.input == 1


def test_large_inputs_by_random_projection(wrong):
    rng = np.random.default_rng(0)
    assert gradcheck(lambda x: np.tanh(x).sum(), rng.normal(size=(40, 50)), max_elements=5)
    with pytest.raises(GradientError):
        gradcheck(wrong, rng.normal(size=(40, 50)), max_elements=0)


def test_takes_arrays_floats_tensors_values_and_integers():
    assert gradcheck(np.multiply, 2.0, np.array([1.0, 2.0]))
    assert gradcheck(lambda a, b: a * b, Value(2.0), Value(3.0))
    assert gradcheck(lambda a: (a * a).sum(), Tensor(np.array([1, 2], np.float32)))
    assert gradcheck(lambda x, i: x[i], np.array([1.0, 2.0]), np.array([0, 0]))
    with pytest.raises(ValueError, match="no input of floats"):
        gradcheck(np.multiply, 1, 2)


@pytest.mark.parametrize("x", [2.0, np.float32(2), np.float64(2), np.ones(2, np.float32)])
def test_takes_floats_of_every_width_and_records_under_no_grad(x, wrong):
    with no_grad():
        gradcheck(lambda v: np.exp(v) * v, x)
        with pytest.raises(GradientError, match="squared"):
            gradcheck(wrong, x)
        check_op(TABLE[np.exp], RandomDraw(0), order=2)
        with pytest.raises(GradientError, match="lost between them"):
            gradcheck(no_grad(lambda v: np.exp(v)), x)


def test_every_op_has_samples_and_none_of_ours_is_exempt():
    for row in TABLE.values():
        assert row.samples is not None, row
        assert not (row.exempt and row.vjps is None), row


def test_check_table_reports_what_is_wrong(wrong):
    with pytest.raises(GradientError):
        check_op(TABLE[wrong], RandomDraw(1))
    errors = dict(check_table(samples=4))
    assert errors.pop(TABLE[wrong]) is not None
    assert not any(errors.values())
    assert len(errors) == len(TABLE) - 1


def test_an_op_without_samples_is_no_op_that_can_be_checked():
    @op(lambda g, out, a: g)
    def unsampled(a):
        return a

    try:
        with pytest.raises(ValueError, match="samples"):
            check_op(TABLE[unsampled], RandomDraw())
    finally:
        del TABLE[unsampled]
