"""The debugging mode: it names the op and the line, forward and backward, and raw writes."""

import numpy as np
import pytest

from groundup.engine import Tensor, Value, cross_entropy, detect_anomaly, layer_norm, softmax

quiet = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def leaf(data):
    return Tensor(np.array(data, float), requires_grad=True)


@quiet
def test_the_first_infinity_names_its_op_and_line():
    x = leaf([1.0, 0.0])
    with detect_anomaly():
        y = x * 2
        with pytest.raises(
            FloatingPointError, match=r"-inf was born in log, .*anomaly.py:\d+, from \(2,\) min 0"
        ):
            np.log(y)


@quiet
def test_a_nan_that_is_passed_on_is_not_born_there():
    x = leaf([np.nan, 1.0])
    with detect_anomaly():
        y = x * 2  # it came in with x
        with pytest.raises(FloatingPointError, match="born in divide"):
            y[1] / 0.0
    assert np.log(leaf([0.0])).data[0] == -np.inf  # outside the mode nothing is refused


def test_masks_and_kernels_have_infinities_of_their_own():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    with detect_anomaly():
        masked = np.where(np.eye(2, dtype=bool), x, -np.inf)
        loss = cross_entropy(layer_norm(softmax(masked)), np.array([0, 1]))
        loss.backward()
    assert np.isfinite(x.grad).all()


@quiet
def test_born_in_the_backward_pass():
    x = leaf([0.0, 4.0])
    with detect_anomaly():
        loss = np.sqrt(x).sum()
        with pytest.raises(FloatingPointError, match="inf was born in the backward pass of sqrt"):
            loss.backward()
    assert x.grad is None


def test_values_too():
    v = Value(0.0)
    with detect_anomaly():
        with pytest.raises(FloatingPointError, match="-inf was born in log"):
            v.log()
        root = v.sqrt()
        with pytest.raises(FloatingPointError, match="backward pass of sqrt"):
            root.backward()


@pytest.mark.parametrize("write", [
    lambda x: x.data.__setitem__(0, 9.0), lambda x: x.data[:1].fill(9.0),
    lambda x: np.add(x.data, 1.0, out=x.data),
])  # fmt: skip
def test_a_raw_write_is_found_by_fingerprint(write):
    x = leaf([1.0, 2.0])
    with detect_anomaly():
        loss = (x * x).sum()
        write(x)
        with pytest.raises(RuntimeError, match=r"written into after multiply used it \(.*anomaly"):
            loss.backward()


def test_an_untouched_graph_runs_backward():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with detect_anomaly():
        loss = np.concatenate([x * y, y]).sum()
        loss.backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert y.grad.tolist() == [2.0, 3.0]
