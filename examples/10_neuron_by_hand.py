# %% [markdown]
# # 10. A neuron by hand, then a network of them
#
# A neuron multiplies each input by a weight, adds all of it up, and bends the sum. A layer is
# several neurons side by side, and a multi-layer perceptron is several layers in a row. Here each
# is differentiated by hand first, with the chain rule and nothing else, and by the engine after
# that. The numbers are the same, and from then on nobody needs to do it by hand.

# %%
import math
from pathlib import Path

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Value

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## A neuron, forward
#
# Two inputs, and a loss that says how far the output is from what was wanted. Each line uses what
# the lines above it made.

# %%
x1, x2, wanted = 0.5, -1.0, 1.0
w1, w2, b = 0.8, 0.3, 0.1

s = w1 * x1 + w2 * x2 + b
y = math.tanh(s)
loss = (y - wanted) ** 2
print(f"s = {s:.4f}, y = {y:.4f}, loss = {loss:.4f}")

# %% [markdown]
# ## Backward
#
# The same lines from the last to the first. `d_y` is short for ∂loss/∂y: how much the loss grows
# when y does. By the chain rule that is the slope of one line times what is known of its result.
#
# - loss = (y − wanted)², whose slope is 2 (y − wanted)
# - y = tanh(s), whose slope is 1 − tanh²(s) = 1 − y²
# - s = w₁x₁ + w₂x₂ + b, whose slope in w₁ is x₁, in x₁ is w₁, and in b is 1

# %%
d_y = 2 * (y - wanted)
d_s = d_y * (1 - y**2)
by_hand = {"w1": d_s * x1, "w2": d_s * x2, "b": d_s, "x1": d_s * w1, "x2": d_s * w2}
for name, slope in by_hand.items():
    print(f"∂loss/∂{name} = {slope:+.4f}")

# %% [markdown]
# The slopes in w₁ and b are negative: more of them, and the loss falls. w₂ meets a negative input,
# so it should shrink; and as x₂ is twice as far from 0 as x₁, it matters twice as much.
#
# ## By the engine
#
# The forward lines once more, on Values. Nothing is said of slopes.

# %%
w1, w2, b = Value(w1, name="w1"), Value(w2, name="w2"), Value(b, name="b")
x1, x2 = Value(x1, name="x1"), Value(x2, name="x2")

s = w1 * x1 + w2 * x2 + b
y = s.tanh()
loss = (y - wanted) ** 2
s.name, y.name, loss.name = "s", "y", "loss"
loss.backward()

largest = max(abs(v.grad - by_hand[v.name]) for v in (w1, w2, b, x1, x2))
print(f"largest difference from the slopes by hand: {largest:.0e}")
assert largest < 1e-12

# %%
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/10_neuron_by_hand.svg", cleanup=True))
picture

# %% [markdown]
# Each step back with its rule: what came in, times the local slope. At y is `d_y`, at s is `d_s`.
# What has no name is called by its op and by when it was made: multiply₆ is the card w1 · x1, add₈
# the first +. (`viz.step` makes a page of it, to go through with the arrow keys.)

# %%
for step in viz.steps(loss):
    if step.phase == "backward":
        print(step)

# %% [markdown]
# ## What one neuron cannot do
#
# Exclusive or: is exactly one of two bits set? A neuron splits the plane along a straight line, and
# no line has (0, 1) and (1, 0) on one side and (0, 0) and (1, 1) on the other (Minsky and Papert,
# 1969). With a hidden layer it can be done. As arrays, N points at once:

# %%
points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (N, 2)
odd = np.array([[-1.0], [1.0], [1.0], [-1.0]])  # (N, 1)


def forward(p):
    """The loss, and what the way back needs."""
    s = points @ p["W1"].T + p["b1"]  # (N, H): each row of W1 (H, 2) is a neuron
    h = np.tanh(s)  # (N, H)
    y = h @ p["W2"].T + p["b2"]  # (N, 1): one neuron more, W2 (1, H), without a bend
    return np.mean((y - odd) ** 2), h, y


# %% [markdown]
# Backward there are three rules for y = x Wᵀ + b, all of them the neuron's, written for arrays:
#
# - to the input: each xₖ went into every neuron, times its weight, so d_x = d_y W
# - to the weights: each weight met its input at each of the N points, so d_W = d_yᵀ x, a sum over N
# - to the bias: it was added at each point, so d_b is the sum of d_y over N


# %%
def backward(p, h, y):
    """The gradient of each parameter, in its shape."""
    d_y = 2 * (y - odd) / len(points)  # (N, 1), of the mean of squares
    d_h = d_y @ p["W2"]  # (N, H)
    d_s = d_h * (1 - h**2)  # (N, H)
    return {
        "W1": d_s.T @ points,  # (H, 2)
        "b1": d_s.sum(axis=0),  # (H,)
        "W2": d_y.T @ h,  # (1, H)
        "b2": d_y.sum(axis=0),  # (1,)
    }


# %% [markdown]
# ## By the engine, on arrays and on numbers
#
# `models.MLP` is that network. `to_scalars()` makes a Value of each of its numbers.

# %%
nn.manual_seed(0)
model = models.MLP([2, 4, 1], activation="tanh").to(np.float64)
scalars = model.to_scalars()
names = ("W1", "b1", "W2", "b2")
by_numpy = {name: p.data.copy() for name, p in zip(names, model.parameters(), strict=True)}

loss, h, y = forward(by_numpy)
gradients = backward(by_numpy, h, y)
of_tensors = np.mean((model(points) - odd) ** 2)
of_values = np.mean((scalars(points) - odd) ** 2)
of_tensors.backward()
of_values.backward()
print(f"loss: {loss:.12f} by hand, {of_tensors:.12f} on Tensors, {of_values:.12f} on Values")

hand = np.concatenate([gradient.ravel() for gradient in gradients.values()])
tensors = np.concatenate([p.grad.ravel() for p in model.parameters()])
numbers = np.array([p.grad for p in scalars.parameters()])
for name, engine in (("Tensors", tensors), ("Values", numbers)):
    largest = np.max(np.abs(engine - hand))
    print(f"{hand.size} gradients on {name}, largest difference from those by hand: {largest:.0e}")
    assert largest < 1e-12

# %% [markdown]
# ## Trained, both
#
# Step against the gradient, three hundred times. By hand that is one line a parameter; `nn.SGD` is
# the same line.

# %%
optimizer = nn.SGD(model.parameters(), lr=0.2)
for step in range(301):
    loss, h, y = forward(by_numpy)
    for name, gradient in backward(by_numpy, h, y).items():
        by_numpy[name] -= 0.2 * gradient
    optimizer.zero_grad()
    of_tensors = np.mean((model(points) - odd) ** 2)
    of_tensors.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step:3}: loss {loss:.12f} by hand, {of_tensors:.12f} by the engine")

for point, said in zip(points, model(points).data[:, 0], strict=True):
    print(f"{point}: {said:+.2f}")

# %% [markdown]
# And one neuron alone, trained as long: its best is to say 0 everywhere, which costs 1.

# %%
neuron = nn.Linear(2, 1).to(np.float64)
optimizer = nn.SGD(neuron.parameters(), lr=0.2)
for _ in range(301):
    optimizer.zero_grad()
    loss = np.mean((np.tanh(neuron(points)) - odd) ** 2)
    loss.backward()
    optimizer.step()
print(f"one neuron: loss {loss:.4f}")
