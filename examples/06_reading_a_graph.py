# %% [markdown]
# # 6. Reading a graph
#
# A picture of a backward pass says at a glance what a table of numbers hides: who is a parameter,
# where the gradient flows, where it does not, and why. This lesson draws a few and reads them.

# %%
from pathlib import Path

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Tensor, Value, cross_entropy, no_grad

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## Who is who
#
# A parameter is a cylinder: something kept. An input leans. A constant is bare text. An op is a
# rounded box, and the loss, where the walk back begins, is dark. Shape says it as well as colour,
# so a picture printed in grey can still be read.
#
# Each card has its value on the left and its gradient, ∂, on the right. An arrow goes the way the
# numbers went, and is as wide as the gradient that came back through it.

# %%
w, b = Value(0.8, name="w"), Value(-0.2, name="b")
x = Value(1.5, name="x", requires_grad=False)
loss = ((w * x + b).tanh() - 1.0) ** 2
loss.name = "loss"
print("text: ", viz.formula(loss))
print("LaTeX:", viz.formula(loss).latex)
viz.draw(loss)

# %% [markdown]
# The picture ran a backward pass for itself. `.grad` is as it was: nothing has been added to it.

# %%
print("w.grad after the picture:", w.grad)
loss.backward()
print("w.grad after backward():  ", round(w.grad, 4))

# %% [markdown]
# ## Where no gradient flows
#
# Three kinds of nothing. A gradient that is 0 reached its node, and says that the loss does not
# move. A constant cannot have one, and its card says why: made under `no_grad`, detached, integers,
# a comparison. And a picture in which no pass could run has question marks, and a line that says
# what stood in the way.

# %%
a = Tensor([1.0, -2.0, 3.0], requires_grad=True, name="a")
with no_grad():
    scale = a * 2
scale.name = "scale"
dead = Tensor([-1.0, -2.0, -3.0], requires_grad=True, name="dead")
mixed = np.sum(np.where(a.data > 0, a, 0.0) * scale + a.detach() + np.maximum(dead, 0.0) * a)
mixed.name = "loss"
picture = viz.draw(mixed)
print("drawn:", picture.render(outfile="graphs/06_reading_a_graph.svg", cleanup=True))
picture

# %% [markdown]
# ## Arrays
#
# A small array is shown in full. A larger one shows its smallest, mean and largest number and a
# strip: how its numbers are spread between them. Names of parameters are where they lie in the
# model.

# %%
nn.manual_seed(0)
model = models.MLP([4, 16, 3])
points = np.random.default_rng(0).normal(size=(8, 4))
loss = cross_entropy(model(points), np.arange(8) % 3)
loss.name = "loss"
print("drawn:", viz.draw(loss).render(outfile="graphs/06_mlp.svg", cleanup=True))

# %% [markdown]
# ## When something is wrong
#
# Red has one meaning: a gradient that is NaN, has vanished or has exploded. Here a sigmoid is so
# far out that nothing comes back.

# %%
u = Value(25.0, name="u")
far = (u.sigmoid() - 0.5) ** 2
far.name = "loss"
print("drawn:", viz.draw(far).render(outfile="graphs/06_vanished.svg", cleanup=True))
far.backward()
print(f"u.grad = {u.grad:.3g}")

# %% [markdown]
# ## Too large to draw
#
# Above some hundred nodes a picture shows modules. To look inside, take `viz.zoom`: a page in which
# each box opens into its parts, down to single numbers.

# %%
config = models.GPTConfig(vocab_size=20, block_size=8, n_layer=3, n_head=2, n_embd=8)
gpt = models.GPT(config)
_, loss = gpt(np.array([[3, 1, 4, 1, 5]]), np.array([[1, 4, 1, 5, 9]]))
loss.name = "loss"
print("page:", viz.zoom(loss, "graphs/06_gpt.html"))
viz.draw(loss)
