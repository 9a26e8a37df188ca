# %% [markdown]
# # 2. The same idea on arrays
#
# A network has millions of numbers, and a Python object for each would be slow. A `Tensor` is one
# node over a whole array. Its ops are numpy's own functions, so numpy code differentiates as it
# stands, and its gradients are those that single Values would give.

# %%
import time
from pathlib import Path

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Tensor, hessian, jacobian, relu
from groundup.engine.check import gradcheck
from groundup.engine.op import TABLE
from groundup.viz.rules import rules

Path("graphs").mkdir(exist_ok=True)

# %%
x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="x")
w = Tensor([0.5, -1.0], requires_grad=True, name="w")

loss = np.sum(np.tanh(x @ w) ** 2)
loss.name = "loss"
loss.backward()
print("x.grad =", x.grad.tolist())
print("w.grad =", w.grad)

# %% [markdown]
# The rule of an op is numpy code as well. Run on names instead of arrays, it writes itself down.

# %%
for fn in (np.multiply, np.matmul, np.tanh, np.maximum):
    print(f"{fn.__name__:>9}:", ", ".join(f"∂{k} += {v}" for k, v in rules(TABLE[fn]).items()))

# %%
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/02_tensor.svg", cleanup=True))
picture

# %% [markdown]
# ## Broadcasting
#
# Where numpy stretches an array over another, one number is used many times. So it gets the sum
# of many gradients, in its own shape.

# %%
row = Tensor([10.0, 20.0], requires_grad=True)
(x.detach() * row).sum().backward()
print("row was used twice in each column:", row.grad)

# %% [markdown]
# ## A network, twice
#
# One model, two engines: `to_scalars()` makes every weight a Value of its own. Both learn the
# same, step by step; one of them is much faster.

# %%
nn.manual_seed(0)
on_tensors = models.MLP([2, 8, 1], activation="tanh").to(np.float64)
on_values = on_tensors.to_scalars()

rng = np.random.default_rng(0)
points = rng.uniform(-1, 1, size=(20, 2))
inside = np.where(np.hypot(*points.T) < 0.7, 1.0, -1.0)  # is it in the circle?


def hinge(model):
    return np.mean(relu(1 - inside * model(points)[:, 0]))


for name, model in [("Values ", on_values), ("Tensors", on_tensors)]:
    optimizer = nn.AdamW(model.parameters(), lr=0.05)
    began = time.perf_counter()
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = hinge(model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"{name}: loss {losses[0]:.6f} → {losses[-1]:.6f} in {time.perf_counter() - began:.3f} s")

# %% [markdown]
# ## Every derivative, checked
#
# `gradcheck` holds a function against finite differences; `jacobian` and `hessian` go further,
# with no rules but the ones above.

# %%
print("gradcheck:", gradcheck(lambda x, w: np.tanh(x @ w).sum(), x.data, w.data))
print("jacobian of squaring:\n", jacobian(lambda v: v**2)(w.data))
print("hessian of x₀²·x₁ at (1, 3):\n", hessian(lambda v: v[0] ** 2 * v[1])(np.array([1.0, 3.0])))
