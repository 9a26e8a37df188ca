"""The third oracle: PyTorch, where it is installed, for every op of the table, in float64.

What it computes for each op stands in `twins.py`; random programs of many ops in `programs.py`.
"""

from typing import Any

import numpy as np
import pytest

from groundup import engine
from groundup.engine import Tensor, vjp
from groundup.engine.check.gradcheck import op_as_function
from groundup.engine.op import called
from groundup.engine.samples import RandomDraw

torch = pytest.importorskip("torch")

import programs  # noqa: E402
from twins import BY_TRIGAMMA, TWINS, WITHOUT, grads_of, house, in_one, in_torch, leaves_of  # noqa: E402

F = torch.nn.functional
HOUSE = house()  # now, before other tests declare ops of their own
every_op = pytest.mark.parametrize(
    "op", [pytest.param(op, id=op.name) for op in HOUSE if op.fn in TWINS]
)


def test_every_op_has_a_twin_or_a_reason():
    here = {op.fn for op in HOUSE}
    lacking = [called(fn) for fn in here - TWINS.keys() - WITHOUT.keys()]
    assert not lacking, f"give a twin in tests/twins.py to {', '.join(lacking)}"
    assert not TWINS.keys() & WITHOUT.keys()
    gone = [called(fn) for fn in (TWINS.keys() | WITHOUT.keys()) - here]
    assert not gone, f"no ops of the table, but with a twin or a reason: {', '.join(gone)}"
    assert all(WITHOUT.values())


def weights(shape):
    """A gradient to begin with that is not the same everywhere, so that rows do not cancel."""
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)


def sampled(op, seed):
    """One call, ours as a function of its leaves and theirs computed, and a name for messages."""
    args, kwargs = op.samples(RandomDraw(seed))
    call, leaves = op_as_function(op, args, kwargs)
    there = in_torch(args)
    options = {name: in_torch(value, leaves=False) for name, value in kwargs.items()}
    out = in_one(TWINS[op.fn](*there, **options))
    return (call, leaves), (out, leaves_of(there)), f"seed {seed}: {op}(*{args}, **{kwargs})"


def assert_equal(ours, theirs, name, rtol=1e-9, atol=1e-11):
    np.testing.assert_allclose(ours, theirs.numpy(force=True), rtol, atol, err_msg=name)


@every_op
def test_values_and_gradients_equal_pytorch_s(op):
    for seed in range(25):
        (call, leaves), (expected, there), name = sampled(op, seed)
        out, pullback = vjp(call, *leaves)
        assert np.shape(out) == expected.shape, name
        assert_equal(out, expected, name)
        start = weights(expected.shape)
        grads = grads_of(expected, there, torch.tensor(start))
        for one, other in zip(pullback(start), grads, strict=True):
            assert_equal(one, other, name)


@every_op
def test_second_derivatives_equal_pytorch_s(op):
    for seed in range(15):
        (call, leaves), (expected, there), name = sampled(op, seed)
        start = weights(expected.shape)

        def steepness(*xs, call=call, start=start):
            _, pullback = vjp(call, *xs)
            return sum((g * g).sum() for g in pullback(Tensor(start)))

        out, pullback = vjp(steepness, *leaves)
        grads = grads_of(expected, there, torch.tensor(start), recorded=True)
        total = sum((g * g).sum() for g in grads)
        assert_equal(out, total, name)
        rtol = 1e-7 if op.fn in BY_TRIGAMMA else 1e-9
        for one, other in zip(pullback(1.0), grads_of(total, there), strict=True):
            assert_equal(one, other, name, rtol)


def test_random_programs_equal_pytorch_s():
    tally = programs.check(seed=0, selected=range(150))
    assert not tally.wrong, "programs.py printed them, and says how to make them again"
    assert len(tally.uses) > 100  # of the ops, and nearly all with others behind them
    assert np.mean(tally.chains) > 4
    assert np.median(tally.slopes) > 0.1


def test_hessians_of_random_programs_equal_pytorch_s():
    assert not programs.check_curved(seed=0, selected=range(15)).wrong


# What no sample reaches: options for each axis, masks that broadcast, numbers on a kink, factors
# that are 0, logits that are −∞.

rng = np.random.default_rng(0)
ANY = rng.normal(size=(3, 4))
WEIGHT = rng.normal(size=4)
KINKS = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
NOUGHTS = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [2.0, 1.0, 3.0]])
CUBE = rng.normal(size=(3, 3, 4))
PICTURES = rng.normal(size=(2, 2, 5, 4))
FILTERS = rng.normal(size=(4, 1, 2, 3))
HEADS = rng.normal(size=(3, 2, 2, 4, 3))  # q, k and v, each (batch, heads, time, size)
PADDING = np.array([[True] * 4, [True, True, False, False]])[:, None, None]
WINDOW: Any = {"stride": (2, 1), "padding": (1, 0)}
TARGETS = np.array([0, 1, 3])
INFINITE = np.array([[0.5, -np.inf, 1.0], [2.0, 0.0, -np.inf]])

CASES = {
    "conv2d, each axis": (
        lambda x, w: engine.conv2d(x, w, **WINDOW, dilation=(2, 1), groups=2),
        lambda x, w: F.conv2d(x, w, **WINDOW, dilation=(2, 1), groups=2),
        *(PICTURES, FILTERS),
    ),
    "max_pool, each axis": (
        lambda x: engine.max_pool(x, (3, 2), **WINDOW),
        lambda x: F.max_pool2d(x, (3, 2), **WINDOW),
        PICTURES,
    ),
    "avg_pool, each axis": (
        lambda x: engine.avg_pool(x, (3, 2), **WINDOW),
        lambda x: F.avg_pool2d(x, (3, 2), **WINDOW),
        PICTURES,
    ),
    "attention of heads, padded": (
        lambda q, k, v: engine.scaled_dot_product_attention(q, k, v, PADDING, scale=0.3),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, torch.tensor(PADDING), scale=0.3),
        *HEADS,
    ),
    "layer_norm, eps": (
        lambda x, w: engine.layer_norm(x, w, eps=0.1),
        lambda x, w: F.layer_norm(x, (4,), w, eps=0.1),
        *(ANY, WEIGHT),
    ),
    "cross_entropy, another ignored": (
        lambda x: engine.cross_entropy(x, TARGETS, ignore_index=3),
        lambda x: F.cross_entropy(x, torch.tensor(TARGETS), ignore_index=3),
        ANY,
    ),
    "index of arrays and slices": (
        lambda x: x[[0, 2, 0], 1:, [1, 1, 3]],
        lambda x: x[[0, 2, 0], 1:, [1, 1, 3]],
        CUBE,
    ),
    "einsum of a diagonal and dots": (
        lambda a, b: np.einsum("ii...,i->...", a, b),
        lambda a, b: torch.einsum("ii...,i->...", a, b),
        *(CUBE, NOUGHTS[0]),
    ),
    "tensordot, named axes": (
        lambda a, b: np.tensordot(a, b, ([1, 2], [0, 1])),
        lambda a, b: torch.tensordot(a, b, ([1, 2], [0, 1])),
        *(CUBE, ANY),
    ),
    "prod of noughts": (
        lambda x: np.prod(x, axis=1),
        lambda x: torch.prod(x, 1),
        NOUGHTS,
    ),
    "cumprod of noughts": (
        lambda x: np.cumprod(x, axis=1),
        lambda x: torch.cumprod(x, 1),
        NOUGHTS,
    ),
    "softmax, −∞": (engine.softmax, lambda x: torch.softmax(x, -1), INFINITE),
    "logsumexp, large": (
        lambda x: engine.logsumexp(x, axis=0),
        lambda x: torch.logsumexp(x, 0),
        1000 * KINKS,
    ),
    "relu, kink": (engine.relu, F.relu, KINKS),
    "leaky_relu, kink": (engine.leaky_relu, F.leaky_relu, KINKS),
    "elu, kink": (engine.elu, F.elu, KINKS),
    "abs, kink": (np.abs, torch.abs, KINKS),
    "clip, kink": (lambda x: np.clip(x, -1, 1), lambda x: torch.clip(x, -1, 1), KINKS),
    "square and cube": (lambda x: x**2 * x**3, lambda x: x**2 * x**3, KINKS),
}


@pytest.mark.parametrize("name", CASES)
def test_what_no_sample_reaches_equals_pytorch_s(name):
    ours, theirs, *data = CASES[name]
    there = [torch.tensor(x, requires_grad=True) for x in data]
    expected = theirs(*there)
    out, pullback = vjp(ours, *data)
    start = weights(expected.shape)
    assert_equal(out, expected, name)
    grads = grads_of(expected, there, torch.tensor(start))
    for one, other in zip(pullback(start), grads, strict=True):
        assert_equal(one, other, name)
