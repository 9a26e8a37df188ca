# %% [markdown]
# # 9. One attention head, from the Transformer down to a scalar
#
# A Transformer is made of modules, a module of ops, an op of products and sums of single numbers.
# Each level is exact: the same forward, the same gradient. This lesson goes down all of them.

# %%
from pathlib import Path

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Tensor, Value, softmax, walk

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## The whole model, and a page to zoom into it

# %%
nn.manual_seed(0)
text = "to be or not to be"
alphabet = sorted(set(text))
ids = np.array([[alphabet.index(c) for c in text]])
config = models.GPTConfig(
    vocab_size=len(alphabet), block_size=len(text), n_layer=2, n_head=2, n_embd=8
)
model = models.GPT(config)
optimizer = nn.AdamW(model.parameters(), lr=1e-2)
for _ in range(60):
    optimizer.zero_grad()
    _, loss = model(ids[:, :-1], ids[:, 1:])
    loss.backward()
    optimizer.step()
_, loss = model(ids[:, :-1], ids[:, 1:])
loss.name = "loss"
print(f"loss {loss.item():.3f} after 60 steps on {len(text)} characters")
print("page:", viz.zoom(loss, "graphs/09_attention_head.html"))

# %% [markdown]
# ## Who looks at whom
#
# Attention's weights are in the graph, since a node remembers how it was made: they are read off
# it, for every layer and head. Row t is a query: how much of each earlier token it takes.

# %%
for path, weights in viz.attention_weights(loss).items():
    print(path, weights.shape, "each row sums to", weights.sum(axis=-1).min().round(6))
viz.attention(loss, tokens=text[:-1]).savefig("graphs/09_attention.svg")

# %% [markdown]
# ## One head as three lines
#
# softmax(q kᵀ / √d) v. Four tokens, two numbers each.

# %%
rng = np.random.default_rng(1)
q, k, v = (Tensor(rng.normal(size=(4, 2)), requires_grad=True, name=n) for n in "qkv")
weights = softmax(q @ k.T / np.sqrt(2.0))
head = weights @ v
out = np.sum(head * head)
weights.name, head.name, out.name = "weights", "head", "loss"
picture = viz.draw(out)
print("drawn:", picture.render(outfile="graphs/09_attention_head.svg", cleanup=True))
out.backward()
picture

# %% [markdown]
# ## Its first number, as a scalar graph
#
# The rows of the head by hand, on Values: products, sums, exponentials. Nothing else is in it.


# %%
def values(x, name):
    return [[Value(n, name=f"{name}[{i}, {j}]") for j, n in enumerate(r)] for i, r in enumerate(x)]


Q, K, V = values(q.data, "q"), values(k.data, "k"), values(v.data, "v")


def row(i):
    scores = [(Q[i][0] * key[0] + Q[i][1] * key[1]) / 2**0.5 for key in K]
    powers = [score.exp() for score in scores]
    total = sum(powers)
    return [sum(p / total * value[c] for p, value in zip(powers, V, strict=True)) for c in (0, 1)]


scalar = sum(number * number for i in range(4) for number in row(i))
scalar.backward()
print(f"loss {out.item():.12f} on arrays, {scalar.data:.12f} on numbers")
print(f"q[0, 0]: {q.grad[0, 0]:+.12f} and {Q[0][0].grad:+.12f}")

# %% [markdown]
# ## One weight's way back
#
# One element of one op is a graph that fits on a page. Step through it.

# %%
one = row(0)[0]
one.name = "head[0, 0]"
print(len(list(walk(one, 1.0))), "nodes behind one number of one head")
print("page:", viz.step(one, "graphs/09_one_number.html"))
