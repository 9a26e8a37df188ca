# %% [markdown]
# # 7. Where gradients meet, they add
#
# The step of a backward pass that is missed most often: a number that is used twice gets two
# gradients, and they add. Forget the sum and everything still runs. It only learns wrongly. This
# lesson watches the moment at which it happens.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, Value

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## Two paths
#
# `a` goes into the product and into the sum. Move it a little, and the loss moves for two reasons.

# %%
a, b = Value(0.5, name="a"), Value(-3.0, name="b")
loss = a * b + a
loss.name = "loss"
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/07_where_gradients_meet.svg", cleanup=True))
picture

# %% [markdown]
# Step by step. The walk is newest first, so `a` is reached only when all that used it is done: its
# sum is whole before anything behind it is asked.

# %%
for step in viz.steps(loss):
    print(step)

# %% [markdown]
# The same as a page, to be stepped through with the arrow keys.

# %%
print("page:", viz.step(loss, "graphs/07_where_gradients_meet.html"))

# %% [markdown]
# ## By hand, and by moving it
#
# ∂(a·b)/∂a is b, and ∂a/∂a is 1: together b + 1.

# %%
h = 1e-6
slope = ((0.5 + h) * -3.0 + (0.5 + h) - ((0.5 - h) * -3.0 + (0.5 - h))) / (2 * h)
loss.backward()
print(f"by backward {a.grad}, by hand {b.data + 1}, by moving a {slope:.6f}")

# %% [markdown]
# ## Once more without zeroing
#
# `.grad` adds up as well, over backward passes, until it is zeroed. That is how a large batch is
# made of small ones, and what is forgotten in the loop of one's first training.

# %%
for _ in range(2):
    (a * b + a).backward()
    print("a.grad:", a.grad)
a.zero_grad()
print("after zero_grad():", a.grad)

# %% [markdown]
# ## Broadcasting is using again
#
# One bias added to every row is one number used many times. So its gradient is a sum over the rows,
# and that sum is the only difference between b + b + b and a broadcast b.

# %%
x = np.arange(6.0).reshape(3, 2)
bias = Tensor([0.1, -0.2], requires_grad=True, name="bias")
total = np.sum((x + bias) ** 2)
total.name = "loss"
total.backward()
each_row = 2 * (x + bias.data)
print("each row's share:\n", each_row)
print("bias.grad:", bias.grad, "= their sum", each_row.sum(axis=0))

# %% [markdown]
# ## A weight that is tied
#
# A language model may read tokens with the table that it writes them with. It is one parameter: it
# is drawn once, and each use has an arrow with its own contribution.

# %%
nn.manual_seed(0)
table = nn.Embedding(5, 3)
hidden = np.tanh(table(np.array([1, 2, 4])))  # (3, 3)
logits = hidden @ table.weight.T  # (3, 5)
loss = nn.functional.cross_entropy(logits, np.array([2, 4, 0]))
loss.name = "loss"
print("drawn:", viz.draw(loss).render(outfile="graphs/07_tied.svg", cleanup=True))
