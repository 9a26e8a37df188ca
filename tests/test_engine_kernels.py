"""Every kernel against its definition: in numpy and, where numba is installed, in loops."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup import nn
from groundup.engine import (
    Tensor,
    cross_entropy,
    embedding,
    fast,
    gelu,
    gru,
    layer_norm,
    linear,
    log_softmax,
    lstm,
    rms_norm,
    rnn,
    softmax,
    vjp,
)
from groundup.engine import scaled_dot_product_attention as attention
from groundup.engine.check.gradcheck import op_as_function
from groundup.engine.op import TABLE
from groundup.engine.ops.shape import scatter

inf, nan = np.inf, np.nan
SIZES = st.sampled_from([0, 1, 2, 3, 7, 16, 17, 31, 67])
SOME = st.sampled_from([1, 2, 3, 7, 16, 17, 31, 67])
LONG = st.sampled_from([1, 2, 3, 7, 17, 67, 130])  # attention takes 64 queries at a time
WIDTHS = [np.float32, np.float64]

LOOPS: Any = fast.load()
needs_loops = pytest.mark.skipif(
    LOOPS is None or not LOOPS.HAS_BLAS, reason="numba or SciPy is not installed, or left out"
)
ways = pytest.mark.parametrize("way", ["numpy", pytest.param("loops", marks=needs_loops)])
widths = pytest.mark.parametrize("width", WIDTHS)


@contextlib.contextmanager
def by(way):
    """Kernels in numpy alone, or in loops for arrays of any size but 0."""
    before, fast.SMALLEST = fast.SMALLEST, 1 if way == "loops" else sys.maxsize
    try:
        yield
    finally:
        fast.SMALLEST = before


# Valid calls of each op that has a kernel, and of two that have something of the kind


def of_gelu(draw, array):
    shape = draw(st.sampled_from([(), (0,), (3, 0), (1,), (67,), (7, 31), (2, 3, 17)]))
    return gelu, (array(*shape),), {"approximate": draw(st.sampled_from(["tanh", "none"]))}


def of_norm(draw, array):
    n, c = draw(SIZES), draw(SOME)
    fn = draw(st.sampled_from([layer_norm, rms_norm]))
    affine = [array(c) for _ in range(draw(st.integers(0, 2 if fn is layer_norm else 1)))]
    if len(affine) == 2 and draw(st.booleans()):
        affine[0] = None  # a bias without a weight
    return fn, (draw(st.sampled_from([array(n, c), array(2, n, c)])), *affine), {"eps": 1e-3}


def of_attention(draw, array):
    front, d = draw(st.sampled_from([(), (2,), (2, 3), (0,)])), 5
    t, s = draw(LONG), draw(LONG)
    q, k, v = array(*front, t, d), array(*front, s, d), array(*front, s, 3)
    noise = draw(st.sampled_from([None, np.maximum(array(*front, t, s), 0)]))
    masks = [None, None, array(t, s) > 0, array(t, s), array(2, t, s) > 0]
    mask = draw(st.sampled_from(masks[: 4 if front else 5]))
    options = {"is_causal": draw(st.booleans()), "scale": draw(st.sampled_from([None, 0.3]))}
    return attention, (q, k, v, mask, noise), options


def of_cross_entropy(draw, array):
    n, c = draw(SIZES), draw(SOME)
    scores = array(n, c)
    targets = np.arange(n) * 7 % c
    targets[::3] = draw(st.sampled_from([0, -100]))
    options = {
        "weight": draw(st.sampled_from([None, np.linspace(0, 2, c)])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.2])),
        "reduction": draw(st.sampled_from(["mean", "sum", "none"])),
    }
    return cross_entropy, (scores, targets), options


def of_linear(draw, array):
    front, n, m = draw(st.sampled_from([(), (7,), (2, 3), (0,)])), draw(SOME), draw(SOME)
    return linear, (array(*front, n), array(m, n), array(m)), {}


def of_embedding(draw, array):
    n, c = draw(SOME), draw(SOME)
    ids = np.arange(draw(SIZES)) * 5 % n
    return embedding, (array(n, c), draw(st.sampled_from([ids, ids[None]]))), {}


def of_softmax(draw, array):
    shape = draw(st.sampled_from([(), (1,), (7,), (0, 3), (7, 31), (17, 2, 3), (2, 3, 17, 5)]))
    axis = draw(st.integers(-max(len(shape), 1), max(len(shape), 1) - 1))
    return draw(st.sampled_from([softmax, log_softmax])), (array(*shape),), {"axis": axis}


def of_recurrent(draw, array):
    t, b, h = (
        draw(st.integers(1, 6)),
        draw(st.integers(0, 5)),
        draw(st.sampled_from([1, 2, 7, 8, 17])),
    )
    fn, gates, states = draw(st.sampled_from([(rnn, 1, 1), (lstm, 4, 2), (gru, 3, 1)]))
    bias = draw(st.sampled_from([array(gates * h), None]))
    live = draw(st.sampled_from([None, np.arange(t)[:, None] < 1 + np.arange(b) * 5 % t]))
    states = [array(b, h) for _ in range(states)]
    args = array(t, b, gates * h), *states, array(gates * h, h) / 4, bias, live, draw(st.booleans())
    return fn, args, {"nonlinearity": draw(st.sampled_from(["tanh", "relu"]))} if fn is rnn else {}


CASES = [
    *(of_gelu, of_norm, of_softmax, of_attention, of_cross_entropy, of_linear, of_embedding),
    of_recurrent,
]


def laid_out(array, layout):
    """The same numbers, somewhere else in memory."""
    if layout == "strided":
        return np.repeat(array[..., None], 2, axis=-1)[..., 0]
    array = np.array(array, order="F" if layout == "columns" else "C")
    array.flags.writeable = layout != "read-only"
    return array


def test_every_kernel_has_a_case_here():
    here = {gelu, layer_norm, rms_norm, softmax, log_softmax, attention, cross_entropy}
    here |= {rnn, lstm, gru}
    assert {op.fn for op in TABLE.values() if op.kernel} == here


@ways
@widths
@pytest.mark.parametrize("case", CASES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_kernel_equals_its_definition(case, width, way, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    fn, args, kwargs = case(data.draw, lambda *shape: np.asarray(rng.standard_normal(shape), width))
    layout = data.draw(st.sampled_from(["plain", "plain", "strided", "columns", "read-only"]))
    call, leaves = op_as_function(TABLE[fn], args, kwargs)
    with by("numpy"):  # a recorded gradient takes the definition, here in float64
        wide = [Tensor(leaf.astype(float)) for leaf in leaves]
        expected, recorded = vjp(call, *wide)
        seed = np.asarray(rng.standard_normal(expected.shape), width)
        shares = recorded(Tensor(np.asarray(seed, float)))
    with by(way):
        tensors = [Tensor(leaf, requires_grad=True) for leaf in leaves]
        for tensor, leaf in zip(tensors, leaves, strict=True):
            tensor._data = laid_out(leaf, layout)
        out = call(*tensors)
        out.backward(seed)
    assert_close(out.data, expected.data, width)
    for tensor, share, leaf in zip(tensors, shares, leaves, strict=True):
        assert_close(
            np.zeros(leaf.shape, width) if tensor.grad is None else tensor.grad, share, width
        )
        np.testing.assert_array_equal(tensor.data, leaf)  # and nothing of it was written over


def assert_close(found, expected, width):
    expected = getattr(expected, "data", expected)
    assert found.dtype == width
    assert found.shape == np.shape(expected)
    far = {np.float32: 3e-5, np.float64: 1e-12}[width] * max(1, np.max(np.abs(expected), initial=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=far)


# Sizes around those of vectors, and of blocks


def both_passes(fn, *args, **kwargs):
    """The result of an op and the shares of its arguments, by its kernel."""
    tensors = [Tensor(a, requires_grad=True) if a.dtype.kind == "f" else a for a in args]
    with np.errstate(all="ignore"):
        out = fn(*tensors, **kwargs)
        seed = np.cos(np.arange(out.size)).reshape(out.shape)
        out.backward(seed)
    return [out.data, *(t.grad for t in tensors if isinstance(t, Tensor))]


def calls(x):
    """Calls of all kernels on rows x, (n, C)."""
    n, c = x.shape
    weight, bias = np.linspace(0.5, 2, c).astype(x.dtype), np.linspace(-1, 1, c).astype(x.dtype)
    labels = np.arange(n) % c
    first, gates = x[:1], np.tile(x[:, None], (1, 1, 4))  # of a sequence as long as there are rows
    return [
        (gelu, (x,), {}),
        (gelu, (x,), {"approximate": "tanh"}),
        (layer_norm, (x, weight, bias), {}),
        (rms_norm, (x, weight), {}),
        (softmax, (x,), {}),
        (log_softmax, (x,), {"axis": 0}),
        (attention, (x, x[::-1].copy(), x), {"is_causal": True}),
        (attention, (x, x[::-1].copy(), x), {}),
        (cross_entropy, (x, labels), {"label_smoothing": 0.1}),
        (embedding, (x, labels[:, None] % n), {}),
        (linear, (x, x, np.ones(n, x.dtype)), {}),
        (lstm, (gates, first, first, np.tile(first / c, (4 * c, 1)), np.tile(bias, 4)), {}),
    ]


def assert_same_by_loops(x, rtol):
    for fn, args, kwargs in calls(x):
        with by("numpy"):
            expected = both_passes(fn, *args, **kwargs)
        with by("loops"):
            found = both_passes(fn, *args, **kwargs)
        for one, other in zip(found, expected, strict=True):
            scale = np.max(np.abs(other), initial=1, where=np.isfinite(other))
            np.testing.assert_allclose(
                one, other, rtol=rtol, atol=rtol * scale, err_msg=fn.__name__
            )


@needs_loops
@pytest.mark.parametrize(("width", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_loops_of_every_length(width, rtol):
    rng = np.random.default_rng(0)
    for n in range(1, 68):
        assert_same_by_loops(rng.standard_normal((n % 5 + 1, n)).astype(width), rtol)


@needs_loops
def test_the_loops_are_what_runs(monkeypatch):
    loops, ran = LOOPS, set()

    def watched(name, loop):
        def watch(*args):
            ran.add(name)
            return loop(*args)

        return watch

    names = {name for name in loops.__all__ if callable(getattr(loops, name))}
    for name in names:
        monkeypatch.setattr(loops, name, watched(name, getattr(loops, name)))
    with by("loops"):
        for fn, args, kwargs in calls(np.ones((3, 17), np.float32)):
            both_passes(fn, *args, **kwargs)
    assert ran == names - {"adam", "square_norm"}


@needs_loops
def test_loops_of_more_than_one_block():
    rng = np.random.default_rng(0)
    assert_same_by_loops(rng.standard_normal((263, 521)).astype(np.float32), 3e-5)


@needs_loops
@widths
@pytest.mark.parametrize("fn", [rnn, lstm, gru])
@pytest.mark.parametrize(("B", "H"), [(3, 64), (3, 200), (128, 151), (500, 70)])
def test_weights_that_loops_over_time_cut_up(fn, B, H, width):
    """A panel, several, those that are cut across as well, and a weight that stays whole."""
    gates, states = {rnn: (1, 1), lstm: (4, 2), gru: (3, 1)}[fn]
    rng = np.random.default_rng(0)
    shapes = (3, B, gates * H), *[(B, H)] * states, (gates * H, H), (gates * H,)
    args = [np.asarray(rng.standard_normal(shape), width) for shape in shapes]
    args[-2] /= width(H)
    live = np.arange(3)[:, None] < 1 + np.arange(B) % 3
    with by("numpy"):
        expected = both_passes(fn, *args, live=live)
    with by("loops"):
        found = both_passes(fn, *args, live=live)
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, width)


@needs_loops
@widths
def test_tanh_of_the_loops_is_exact_to_the_last_digits(width):
    """Near 0 too, where e^2x − 1 loses all of them."""
    x = np.concatenate([10.0 ** np.linspace(-30, 2, 3001), [0, np.inf, np.nan]]).astype(width)
    x = np.concatenate([x, -x])
    out = rnn(Tensor(x[None, None]), np.zeros((1, x.size)), np.zeros((x.size, x.size)))
    with by("loops"):
        again = rnn(Tensor(x[None, None]), np.zeros((1, x.size)), np.zeros((x.size, x.size)))
    exact = np.tanh(x.astype(np.longdouble))[None, None]
    for found in (out, again):
        np.testing.assert_allclose(found.data, exact, rtol=5 * np.finfo(width).eps)


@needs_loops
@widths
@pytest.mark.parametrize("numbers", [
    [nan], [inf], [-inf], [inf, -inf], [inf, inf], [nan, inf], [1e30, -1e30],
    [100.0, -100.0], [-0.0],
])  # fmt: skip
def test_infinities_and_nans_are_those_of_numpy(numbers, width):
    x = np.random.default_rng(0).standard_normal((5, 19)).astype(width)
    x[1, 3 : 3 + len(numbers)] = numbers
    x[3, : len(numbers)] = numbers
    if not np.isfinite(numbers).all():  # the mean of equal numbers is but nearly that number
        x[4] = numbers[0]
    for fn, args, kwargs in calls(x):
        if fn in (attention, lstm):  # products of infinities depend on how BLAS adds them up
            continue
        with by("numpy"):
            expected = both_passes(fn, *args, **kwargs)
        with by("loops"):
            found = both_passes(fn, *args, **kwargs)
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(np.isnan(one), np.isnan(other)), fn
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@ways
def test_attention_to_infinite_scores_and_to_nothing(way):
    q, v = np.ones((2, 3, 1)), np.array([[[1.0], [2.0], [4.0]]] * 2)
    k = np.array([[[0.0], [-inf], [nan]], [[-inf], [-inf], [0.0]]])
    with by(way):
        out = Tensor(q, requires_grad=True)
        weighed = attention(out, k, v, is_causal=True).data[..., 0]
    np.testing.assert_array_equal(weighed, [[1, 1, nan], [0, 0, 4]])


@needs_loops
@pytest.mark.parametrize(
    ("width", "digits", "low"), [(np.float32, 2e-7, -80), (float, 5e-16, -700)]
)
def test_exp_of_the_loops_is_exact_to_the_last_digits(width, digits, low):
    scores = np.linspace(low, 0, 10_007).astype(width)
    powers = scores.copy()
    LOOPS.softmax(powers.reshape(1, 1, -1), False)
    np.testing.assert_allclose(
        powers / powers[-1], np.exp(scores.astype(np.longdouble)), rtol=2 * digits
    )


def test_gelu_far_out_is_0_or_its_argument():
    for width in WIDTHS:
        a = np.array([-1e20, -1000, -50, 50, 1000, 1e20], width)
        for way in ("numpy", "loops"):
            with by(way):
                for kind in ("tanh", "none"):
                    out, slope = both_passes(gelu, a, approximate=kind)
                    assert out.tolist() == [0, 0, 0, 50, 1000, a[-1]]
                    np.testing.assert_allclose(slope, np.cos(np.arange(6)) * (a > 0), rtol=1e-6)


# Several threads


@ways
def test_two_threads_at_once(way):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((67, 129)).astype(np.float32) for _ in range(2)]
    start = threading.Barrier(2)

    def work(x):
        start.wait()
        return [[both_passes(fn, *a, **k) for fn, a, k in calls(x)] for _ in range(5)]

    with by(way):
        alone = [[both_passes(fn, *a, **k) for fn, a, k in calls(x)] for x in arrays]
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(work, arrays))
    for one, many in zip(alone, together, strict=True):
        for again in many:
            for expected, found in zip(one, again, strict=True):
                for a, b in zip(expected, found, strict=True):
                    np.testing.assert_array_equal(a, b)


FIRST_CALLS = """
import sys, threading
import numpy as np
from groundup.engine import Tensor, gelu
gelu(Tensor(np.ones(100)))
assert "numba" not in sys.modules, "a small program pays for what it does not use"
start, done = threading.Barrier(2), []
def work():
    start.wait()
    done.append(gelu(Tensor(np.ones(100_000, np.float32)), approximate="tanh").data)
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
for t in threads: t.join()
assert len(done) == 2 and all(abs(d - 0.841192).max() < 1e-6 for d in done)
print("numba" in sys.modules)
"""


@pytest.mark.parametrize("setting", ["1", "0"])
def test_loops_are_loaded_when_first_wanted(setting):
    env = {**os.environ, "GROUNDUP_FAST": setting}
    ran = subprocess.run(
        [sys.executable, "-c", FIRST_CALLS], env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    installed = importlib.util.find_spec("numba") is not None
    assert ran.stdout.strip() == str(installed and setting == "1")


WITHOUT_A_FOLDER = """
import numba.core.caching
import numpy as np
from groundup.engine import Tensor, gelu
numba.core.caching.CacheImpl._locator_classes = []  # as where none can be written
out = gelu(Tensor(np.ones(100_000, np.float32)), approximate="tanh").data
assert abs(out - 0.841192).max() < 1e-6
"""


@needs_loops
def test_loops_need_no_folder_to_keep_them_in():
    ran = subprocess.run([sys.executable, "-c", WITHOUT_A_FOLDER], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


# Which arrays fit


@needs_loops
def test_compiled_wants_large_plain_arrays():
    x = np.zeros(fast.SMALLEST, np.float32)
    assert fast.compiled(x)
    assert fast.compiled(x, None, x[:3])
    frozen = x.copy()
    frozen.flags.writeable = False
    assert not fast.compiled(x[1:])
    assert not fast.compiled(frozen)
    strided = np.repeat(x, 2)[::2]
    others: list[Any] = [strided, x.astype(float), x.astype(">f4"), frozen, 1.0, [1.0]]
    assert not any(fast.compiled(x, other) for other in others)
    kinds: list[Any] = [x.astype(int), x.astype(np.float16), x.astype(object), Tensor(x), 2.0]
    assert not any(map(fast.compiled, kinds))
    with by("loops"):
        assert fast.compiled(x[:1])
        assert not fast.compiled(x[:0])


@pytest.mark.parametrize("dtype", [np.float16, np.int8])
def test_a_norm_of_small_numbers_is_added_up_in_wider_ones(dtype):
    x = Tensor(np.arange(2000).reshape(2, 1000).astype(dtype) % 100 + 20)
    for norm in (layer_norm, rms_norm):
        np.testing.assert_allclose(norm(x).data, norm(x.data.astype(float)), rtol=2e-3, atol=2e-3)


@ways
def test_a_weight_that_does_not_fit_is_an_error(way):
    x = Tensor(np.ones((3, 4)), requires_grad=True)
    with by(way), pytest.raises(ValueError, match="one number for each on the last axis"):
        layer_norm(x, np.ones(5), np.ones(4))


# Rows added to a table


@ways
@settings(max_examples=40)
@given(n=SOME, c=SOME, ids=st.lists(st.integers(-100, 100), max_size=70))
def test_rows_are_added_once_for_each_name(way, n, c, ids):
    places = np.array(ids, int) % (2 * n) - n  # from −n to n − 1
    rows = np.random.default_rng(0).standard_normal((len(ids), c))
    expected = np.zeros((n, c))
    np.add.at(expected, places, rows)
    with by(way):
        np.testing.assert_allclose(scatter(rows, places, (n, c)), expected, rtol=1e-12, atol=1e-12)
        deep = scatter(rows[:, None], places[:, None], (n, c))[None]
        np.testing.assert_allclose(deep[0], expected, rtol=1e-12, atol=1e-12)


@ways
def test_a_row_that_is_not_there(way):
    with by(way), pytest.raises(IndexError):
        scatter(np.ones((2, 9)), np.array([0, 3]), (3, 9))


# The optimiser's loops


@needs_loops
@widths
def test_the_loop_of_adamw_is_nn_s(width):
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal(67), rng.standard_normal((4, 67))
    p: Any = nn.Parameter(start.astype(width))
    opt = nn.AdamW([p], lr=0.1, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.3)
    flat = start.astype(width)
    m, v = np.zeros_like(flat), np.zeros_like(flat)
    for step, g in enumerate(grads.astype(width), start=1):
        p.grad = g
        opt.step()
        LOOPS.adam(flat, g, m, v, 0.1, 0.8, 0.9, 1e-6, 0.0, 1 - 0.1 * 0.3, step)
        far = 1e-6 if width is np.float32 else 1e-14
        np.testing.assert_allclose(flat, p.data, rtol=far, atol=far)


@needs_loops
@widths
def test_the_square_of_a_norm(width):
    for n in range(68):
        g = np.random.default_rng(n).standard_normal(n).astype(width)
        assert LOOPS.square_norm(g) == pytest.approx(float(g.astype(float) @ g.astype(float)))
    big = np.full(1000, 1e30, width)  # whose squares are none in float32
    assert LOOPS.square_norm(big) == pytest.approx(1e63)
    assert np.isnan(LOOPS.square_norm(np.array([1, nan], width)))


@ways
@pytest.mark.parametrize("width", [np.float32, np.float64])
@pytest.mark.parametrize("top", [0.0, 1e4, 1e6, 3e8, -1e9])
def test_a_large_number_in_all_logits_changes_nothing(way, width, top):
    x = Tensor(np.full((3, 200), top, width), requires_grad=True)
    with by(way):
        loss = cross_entropy(x, np.zeros(3, int))
        loss.backward()
        assert loss.item() == pytest.approx(np.log(200), rel=1e-6)
        np.testing.assert_allclose(x.grad.sum(axis=1), 0, atol=1e-6)
        np.testing.assert_allclose(log_softmax(x).data, -np.log(200), rtol=1e-6)


@ways
@pytest.mark.parametrize("dtype", ["f2", ">f4", ">f8", "<f8", "f4"])
@pytest.mark.parametrize("axis", [0, 1])
def test_softmax_of_every_kind_of_float(way, dtype, axis):
    numbers = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 4.0]])
    grads = []
    for kind in (dtype, float):
        x = Tensor(numbers.astype(kind), requires_grad=True)
        with by(way):
            (softmax(x, axis=axis) * numbers).sum().backward()
        grads.append(x.grad.astype(float))
    np.testing.assert_allclose(grads[0], grads[1], atol=2e-3)


@pytest.mark.parametrize("axis", [None, (0, 1), (2, 0), ()])
@pytest.mark.parametrize("fn", [softmax, log_softmax])
def test_softmax_over_several_axes(fn, axis):
    numbers = np.random.default_rng(0).standard_normal((2, 3, 4))
    out, pull = vjp(lambda x: fn(x, axis=axis), numbers)
    powers = np.exp(numbers)
    expected = powers / powers.sum(axis=axis, keepdims=True)
    expected = np.log(expected) if fn is log_softmax else expected
    np.testing.assert_allclose(out, expected, rtol=1e-12)
    seed = np.cos(np.arange(24.0)).reshape(2, 3, 4)
    _, recorded = vjp(lambda x: fn(x, axis=axis), Tensor(numbers))
    np.testing.assert_allclose(pull(seed)[0], recorded(Tensor(seed))[0].data, rtol=1e-12)


def test_an_axis_that_is_not_there_is_named():
    for fn in (softmax, log_softmax):
        with pytest.raises(ValueError, match="axis 5 is out of bounds"):
            fn(Tensor(np.ones((2, 3))), axis=5)
