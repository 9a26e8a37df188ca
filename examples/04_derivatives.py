# %% [markdown]
# # 4. Derivatives of derivatives
#
# A gradient says which way is down. Its own derivative says how the slope changes on the way, and
# so how far to go. This lesson takes second derivatives: of one number, of a few, and of so many
# that they must never be written down.

# %%
import time
from pathlib import Path

import numpy as np

from groundup import viz
from groundup.engine import Tensor, grad, hessian, hvp, value_and_grad

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## The gradient is a graph too
#
# `grad` gives the slope of a function at a number. Hand it a Tensor, and the arithmetic of the
# rules is recorded like any other: the slope is a Tensor too, and remembers how it was made.

# %%
x = Tensor(0.5, requires_grad=True, name="x")
slope = grad(np.tanh)(x)
slope.name = "slope"
print(f"slope of tanh at {x:.1f}: {slope:.6f}, made by {slope.op}")

# %% [markdown]
# In the picture, all to the right of `tanh` was written by the backward pass: 1 · (1 − tanh²x).
# (`identity` is the variable that `grad` makes for itself.) The gradients (∂) are those of a
# second backward pass, through this picture. What it brings to x is the slope of the slope.

# %%
picture = viz.draw(slope)
print("drawn:", picture.render(outfile="graphs/04_derivatives.svg", cleanup=True))
picture

# %%
slope.backward()
t = np.tanh(0.5)
print(f"by a second backward pass {x.grad:.12f}")
print(f"by hand, −2t(1 − t²)      {-2 * t * (1 - t**2):.12f}")

# %% [markdown]
# `grad` takes a function and gives one, so it can be handed its own results.

# %%
by_hand = {
    "1 − t²": 1 - t**2,
    "−2t(1 − t²)": -2 * t * (1 - t**2),
    "(6t² − 2)(1 − t²)": (6 * t**2 - 2) * (1 - t**2),
    "(16t − 24t³)(1 − t²)": (16 * t - 24 * t**3) * (1 - t**2),
}
derivative = np.tanh
for order, (formula, expected) in enumerate(by_hand.items(), start=1):
    derivative = grad(derivative)
    print(f"derivative {order}: {derivative(0.5):+.12f}   {formula:>20} = {expected:+.12f}")

# %% [markdown]
# ## Newton's method
#
# Where is a function zero? Follow the tangent to where it is zero, and ask again there. The error
# is squared at each step: once near, the number of right digits doubles, until a float has no more.


# %%
def cube_less_two(x):
    return x**3 - 2


x, root = 1.0, 2 ** (1 / 3)
for step in range(6):
    print(f"step {step}: x = {x:.15f}, off by {abs(x - root):.0e}")
    value, slope = value_and_grad(cube_less_two)(x)
    x -= value / slope

# %% [markdown]
# Where is a function smallest? Where its slope is zero. So the same method on the slope: divide by
# the second derivative. eˣ − 3x is smallest where its slope eˣ − 3 is zero, at log 3.


# %%
def bowl(x):
    return np.exp(x) - 3 * x


x = 0.5
for step in range(6):
    print(f"step {step}: x = {x:.15f}, off by {abs(x - np.log(3)):.0e}")
    x -= grad(bowl)(x) / grad(grad(bowl))(x)

# %% [markdown]
# ## With several numbers
#
# Now the second derivatives are a matrix, the Hessian H, and dividing by them is solving H p = −g
# for the step p. The example is logistic regression: which side is a point on? One of its
# features is ten times as wide as the other, as happens with data that nobody has scaled.

# %%
rng = np.random.default_rng(0)
points = np.column_stack([np.ones(200), rng.normal(size=200), rng.normal(5, 10, size=200)])
side = np.where(points @ [0.5, 1.5, -0.2] + rng.logistic(size=200) > 0, 1.0, -1.0)


def loss(w):
    return np.mean(np.logaddexp(0, -side * (points @ w)))


w, lengths = np.zeros(3), []
for step in range(8):
    g = grad(loss)(w)
    lengths.append(np.linalg.norm(g))
    print(f"Newton, step {step}: loss {loss(w):.12f}, length of gradient {lengths[-1]:.0e}")
    w = w - np.linalg.solve(hessian(loss)(w), g)

# %% [markdown]
# Gradient descent has one step size for all directions. It must be small enough for the steepest,
# and then it creeps along the flattest. How much flatter that is, the eigenvalues of H say.

# %%
curvatures = np.linalg.eigvalsh(hessian(loss)(w))
print("curvatures at the bottom:", curvatures, "ratio", round(curvatures[-1] / curvatures[0]))

# The loss is nowhere more curved than this, and with 1 / it descent can never overshoot.
steepest = np.linalg.eigvalsh(points.T @ points)[-1] / (4 * len(points))
slow, steps = np.zeros(3), 0
while np.linalg.norm(g := grad(loss)(slow)) > 1e-6:
    slow, steps = slow - g / steepest, steps + 1
newton = next(step for step, length in enumerate(lengths) if length < 1e-6)
print(f"to a gradient below 1e-6: {newton} steps of Newton, {steps:,} of gradient descent")

# %% [markdown]
# ## Without the matrix
#
# The Hessian of n numbers has n² entries: for a model of a million, eight terabytes. But H v, the
# Hessian times one vector, is the gradient of one number, the slope along v. `hvp` computes it for
# the price of a few gradients, and conjugate gradients (Hestenes and Stiefel, 1952) solves
# H p = −g with nothing but such products.


# %%
def conjugate_gradients(product, b, tolerance=1e-10):
    """p with product(p) = b, and how many products it took."""
    p, rest = np.zeros_like(b), b
    direction, count = rest, 0
    while np.linalg.norm(rest) > tolerance * np.linalg.norm(b):
        bent = product(direction)
        far = (rest @ rest) / (direction @ bent)
        p, left = p + far * direction, rest - far * bent
        direction = left + (left @ left) / (rest @ rest) * direction
        rest, count = left, count + 1
    return p, count


many = rng.normal(size=(1000, 400))
label = np.where(many @ rng.normal(size=400) + 10 * rng.logistic(size=1000) > 0, 1.0, -1.0)


def wide_loss(w):
    return np.mean(np.logaddexp(0, -label * (many @ w))) + 0.01 * np.sum(w**2)


def newton_step(w):
    return conjugate_gradients(lambda v: hvp(wide_loss, w, v), -grad(wide_loss)(w))


w = np.zeros(400)
began = time.perf_counter()
p, count = newton_step(w)
print(f"{count} products H v, {time.perf_counter() - began:.2f} s")
began = time.perf_counter()
full = hessian(wide_loss)(w)
direct = np.linalg.solve(full, -grad(wide_loss)(w))
print(f"all {full.size:,} entries of H, {time.perf_counter() - began:.2f} s")
print(f"the two steps differ by {np.max(np.abs(p - direct)):.0e}")

# %%
for step in range(7):
    p, count = newton_step(w)
    length = np.linalg.norm(grad(wide_loss)(w))
    print(f"Newton, step {step}: length of gradient {length:.0e}, {count} products")
    w = w + p

# %% [markdown]
# ## How a network's loss is curved
#
# Two inputs, four tanh neurons, one output: 17 weights in one vector, and a task that needs the
# hidden layer (are both inputs of the same sign?). An eigenvector of H is a direction, its
# eigenvalue the curvature of the loss along it.

# %%
inputs = rng.uniform(-1, 1, size=(60, 2))
wanted = np.sign(inputs[:, 0] * inputs[:, 1])


def network_loss(w):
    hidden = np.tanh(inputs @ w[:8].reshape(2, 4) + w[8:12])
    return np.mean((hidden @ w[12:16] + w[16] - wanted) ** 2)


w = rng.normal(size=17)
curvatures, directions = np.linalg.eigh(hessian(network_loss)(w))
print("at the start:", np.array2string(curvatures, precision=3, suppress_small=True))

# %% [markdown]
# Some curvatures are negative: there the loss bends downwards. Newton would walk to the top of
# that bend, which is why networks are not trained by his method as it stands.
#
# The largest one limits gradient descent. Along its direction a step multiplies the distance from
# the bottom by 1 − lr · λ. From lr = 2/λ on that is below −1, and descent swings ever wider.

# %%
for _ in range(5000):
    w = w - 0.1 * grad(network_loss)(w)
curvatures, directions = np.linalg.eigh(hessian(network_loss)(w))
print("after descent:", np.array2string(curvatures, precision=3, suppress_small=True))
flat = np.sum(np.abs(curvatures) < curvatures[-1] / 100)
print(f"{flat} of 17 directions are less than a hundredth as curved as the most curved one")

# %%
sharpest, along = curvatures[-1], directions[:, -1]
for lr in (1.9 / sharpest, 2.1 / sharpest):
    moved = w + 1e-4 * along
    for _ in range(20):
        moved = moved - lr * grad(network_loss)(moved)
    said = 1e-4 * (1 - lr * sharpest) ** 20
    print(f"lr = {lr * sharpest:.1f}/λ: from 1e-4 to {(moved - w) @ along:.1e}, by λ {said:.1e}")
