# %% [markdown]
# # 5. Writing your own op, and proving it
#
# A function made of numpy's differentiates as it stands, so most functions need nothing. An *op* of
# your own is for the rest: a shorter rule, a faster one, or one node in the picture instead of
# many. A wrong rule does not crash. It only learns badly. So this lesson proves each one.

# %%
import time
from pathlib import Path

import numpy as np

from groundup import viz
from groundup.engine import Kernel, Tensor, Value, cross_entropy, grad, op, relu, silu, vjp
from groundup.engine.check import GradientError, check_op, gradcheck
from groundup.engine.op import TABLE
from groundup.engine.samples import POSITIVE, REAL, RandomDraw, elementwise
from groundup.engine.value_array import values
from groundup.viz.rules import rules

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## Definition, rules, samples
#
# Gemma 2 keeps its logits within ±cap: they pass through cap · tanh(x / cap), which is nearly x
# while x is small. The body of the function is the definition. Above it stands one rule for each
# argument. A rule is handed g, the gradient of the result, then the result and the arguments, and
# gives the argument's share. `samples` says which inputs are valid, so that others can test it.


# %%
@op(
    lambda g, out, x, cap: g * (1 - (out / cap) ** 2),
    lambda g, out, x, cap: g * (out - x * (1 - (out / cap) ** 2)) / cap,
    samples=elementwise(REAL, POSITIVE),
)
def soft_cap(x, cap):
    """cap · tanh(x / cap)."""
    return cap * np.tanh(x / cap)


# %% [markdown]
# The rules are numpy code. On arrays they compute, on names they write themselves down, and on
# Tensors they are recorded. So derivatives of derivatives need no other rule.

# %%
print("written down:", rules(TABLE[soft_cap]))


def composed(x):
    return 2.0 * np.tanh(x / 2.0)


ours, theirs = soft_cap, composed
for order in range(1, 5):
    ours, theirs = grad(ours), grad(theirs)
    print(f"derivative {order}: {ours(0.7, 2.0):+.12f}, by tanh's own rule {theirs(0.7):+.12f}")

# %% [markdown]
# The definition runs on single Values too. There it is a graph of divide, tanh and multiply, whose
# gradients owe nothing to our rules, and they are the same.

# %%
logits = Tensor([4.0, 1.0, -2.0], requires_grad=True, name="logits")
cap = Tensor(2.0, requires_grad=True, name="cap")
capped = soft_cap(logits, cap)
loss = cross_entropy(capped, 0)
capped.name, loss.name = "capped", "loss"
loss.backward()

one_by_one, its_cap = values(logits.data), Value(2.0)
cross_entropy(soft_cap(one_by_one, its_cap), 0).backward()
print("on a Tensor:", logits.grad, cap.grad)
print("on Values:  ", np.array([value.grad for value in one_by_one]), its_cap.grad)

# %% [markdown]
# On Tensors it is one card. The 4 is far beyond the cap, and hardly any gradient gets back to it.

# %%
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/05_your_own_op.svg", cleanup=True))
picture

# %% [markdown]
# ## The proof
#
# `gradcheck` moves every number of the inputs you give it. `check_op` draws the inputs from
# `samples`: scalars, empty arrays, and shapes that broadcast. Its second order checks the gradient
# of the gradient.

# %%
print("gradcheck:", gradcheck(soft_cap, logits, cap))
for seed in range(40):
    check_op(soft_cap, RandomDraw(seed), order=1 + seed % 2)
print("check_op: 40 random calls, half of them at second order")

# %% [markdown]
# As a property test it is three lines. Hypothesis looks for an input that fails, and then for the
# smallest such input. `operands` are arrays that broadcast against each other, `calls` would be
# whole calls as `samples` draws them, `arrays` are single arrays. The deadline is off because no
# test should fail for being slow.

# %%
try:
    from hypothesis import given, settings

    from groundup.engine.check.strategies import operands
except ModuleNotFoundError:
    print("property test left out: it needs hypothesis (pip install hypothesis)")
else:

    @settings(deadline=None)
    @given(operands(REAL, POSITIVE))
    def test_soft_cap(xs):
        gradcheck(soft_cap, *xs)

    test_soft_cap()
    print("hypothesis: no counterexample found")

# %% [markdown]
# ## Wrong on purpose
#
# Three usual mistakes. For each, `gradcheck` names op, input, element, both numbers and the line
# that called the op, and tries whether a usual mistake would explain the difference.


# %%
def wrong(function, *xs):
    try:
        gradcheck(function, *xs)
    except GradientError as error:
        print(error, end="\n\n")


@op(lambda g, out, x: g * relu(x))  # a forgotten factor: the slope of x² is 2x
def squared_relu(x):
    return relu(x) ** 2


wrong(lambda x: np.exp(-squared_relu(x)), np.array([-1.0, 0.5]))


# %%
@op(
    lambda g, out, x, bias: g,
    lambda g, out, x, bias: np.mean(g, axis=0),  # a mean: every row uses the bias, so it is a sum
)
def add_bias(x, bias):
    return x + bias


wrong(lambda x, bias: np.tanh(add_bias(x, bias)), np.ones((4, 3)), np.zeros(3))


# %%
@op(
    lambda g, out, x, weight: g @ weight,
    lambda g, out, x, weight: np.swapaxes(x, -1, -2) @ g,  # the transpose of what it should be
)
def project(x, weight):
    return x @ np.swapaxes(weight, -1, -2)


wrong(lambda x, w: relu(project(x, w)), np.array([[1.0, 2.0], [0.5, -1.0]]), np.eye(2))

# %% [markdown]
# The second rule could have been `g`, nothing more: a share that is as large as the result is
# summed over the axes that broadcasting had repeated.
#
# ## A kink is no mistake
#
# At 0, relu has slope 0 to the left and 1 to the right. Any number between them will do for
# descent, so `gradcheck` passes, and notes where that was.

# %%
passed = gradcheck(relu, np.array([-1.0, 0.0, 2.0]))
print("passed:", bool(passed))
print("noted: ", *passed.notes)

# %% [markdown]
# ## No rule at all
#
# Leave the rules out, and the op is differentiated through its definition, at any order. That is
# the safe choice. SwiGLU (Shazeer, 2020) is what most language models have between two layers.


# %%
@op(samples=elementwise(REAL, REAL))
def swiglu(x, gate):
    """x · silu(gate)."""
    return x * silu(gate)


print("gradcheck:", gradcheck(swiglu, np.array([[1.0, -2.0]]), np.array([[0.5], [3.0]])))

# %% [markdown]
# ## A kernel
#
# Where that is too slow, a `Kernel` gives a faster first derivative, on plain arrays, free to keep
# what it likes from the forward pass. The definition stays: it is what the kernel is held against,
# and what higher orders go through.


# %%
def forward(x, gate):
    share = 1 / (1 + np.exp(-gate))
    return x * gate * share, (x, gate, share)


def backward(g, saved):
    x, gate, share = saved
    flow = g * share
    return flow * gate, flow * x * (1 + gate * (1 - share))


@op(kernel=Kernel(forward, backward), samples=elementwise(REAL, REAL))
def fast_swiglu(x, gate):
    """x · silu(gate)."""
    return x * silu(gate)


rng = np.random.default_rng(0)
x, gate, g = rng.normal(size=(3, 500, 1000))
given_back = {}
for function in (swiglu, fast_swiglu):
    best = np.inf
    for _ in range(3):
        began = time.perf_counter()
        _, pullback = vjp(function, x, gate)
        given_back[function] = pullback(g)
        best = min(best, time.perf_counter() - began)
    print(f"{function.__name__:>11}: forward and backward in {best * 1000:.1f} ms")

pairs = zip(given_back[swiglu], given_back[fast_swiglu], strict=True)
print(f"their gradients differ by {max(np.max(np.abs(a - b)) for a, b in pairs):.0e}")
for seed in range(40):
    check_op(fast_swiglu, RandomDraw(seed), order=1 + seed % 2)
print("check_op: 40 random calls of the kernel and of its definition")

# %% [markdown]
# ## From the command line
#
# An op or a function that can be imported needs no script. In the folder of `mymodule.py`:
#
#     groundup check mymodule:my_op
#
# `groundup check` alone checks every op of the engine. More, for layers and whole models too, is in
# [docs/checking.md](../docs/checking.md).
