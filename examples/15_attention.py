# %% [markdown]
# # 15. Attention: from a dictionary to many heads
#
# Attention is a look-up that has a gradient. This lesson begins with Python's own look-up and ends
# with the layer of the Transformer, a step at a time.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, softmax
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)
rng = np.random.default_rng(0)
nn.manual_seed(0)

# %% [markdown]
# ## A dictionary
#
# A query finds the key that equals it, and what comes out is that key's value. Written as products:
# keys are rows, `keys @ query` says how well each fits, and a weight of 1 picks its value.

# %%
ages = {"ada": 36.0, "alan": 41.0, "grace": 85.0}
keys = np.eye(3)  # a row for each name
values = np.array([[age] for age in ages.values()])
query = keys[1]  # "alan"
print("dictionary:", ages["alan"], "  products:", (keys @ query) @ values)

# %% [markdown]
# ## A soft one
#
# Equality has no slope, so nothing could be learned from a wrong answer. `softmax` in its place
# gives each key a share, and the answer is a mean of all values. The larger the scores, the harder
# the look-up; at last it is the dictionary again.

# %%
for sharpness in (0.0, 1.0, 3.0, 10.0):
    weights = softmax(sharpness * (keys @ query))
    print(f"scores × {sharpness:4}: weights {weights.round(3)}, answer {(weights @ values)[0]:.2f}")

# %% [markdown]
# Now a query that is off can be mended: its gradient says in which direction the answer changes.

# %%
q = Tensor([0.5, 1.0, 0.2], requires_grad=True, name="query")
k, v = Tensor(keys, name="keys"), Tensor(values, name="values")
weights = softmax(k @ q)
answer = (weights @ v)[0]
weights.name, answer.name = "weights", "answer"
picture = viz.draw(answer)
print("drawn:", picture.render(outfile="graphs/15_attention.svg", cleanup=True))
answer.backward()
print("to be told a higher age, ask more like:", q.grad.round(2))
picture

# %% [markdown]
# ## Why the scores are divided by √d
#
# A product of two vectors of d random numbers has variance d. So wide keys make large scores, one
# weight takes all, and softmax has no slope left. Divided by √d the scores are alike at any width.

# %%
for d in (4, 64, 1024):
    q, k = rng.standard_normal((1000, 1, d)), rng.standard_normal((1000, 10, d))
    scores = q @ k.swapaxes(1, 2)
    raw, scaled = (softmax(s).max(axis=-1).mean() for s in (scores, scores / np.sqrt(d)))
    print(f"d = {d:4}: the largest of 10 weights is {raw:.2f} on average, and scaled {scaled:.2f}")

# %% [markdown]
# ## A mask: nobody reads the future
#
# A score of −∞ is a weight of 0. Whatever happens to the last token, those before don't notice.

# %%
x = rng.standard_normal((4, 8))
changed = np.vstack([x[:3], 100 * x[3:]])
before, after = (F.scaled_dot_product_attention(s, s, s, is_causal=True) for s in (x, changed))
print("who changed:", (np.abs(before - after).max(axis=1) > 0).tolist())

# %% [markdown]
# ## Many heads
#
# One softmax gives one mean. Whoever has to read two places, and tell them apart, needs two heads.
# The task: at each position say which token came just before, and which one before that.


# %%
class Reader(nn.Module):
    def __init__(self, heads, tokens=6, length=10, width=32):
        self.what = nn.Embedding(tokens, width)
        self.where = nn.LearnedPositionalEmbedding(length, width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.guess = nn.Linear(width, 2 * tokens)
        nn.init.reseed(self, 0)

    def forward(self, ids):
        x = self.where(self.what(ids))  # (B, T, C)
        y, _ = self.attention(x, x, x, is_causal=True, need_weights=False)
        return self.guess(y).reshape(*ids.shape, 2, -1)  # (B, T, 2, tokens)


def learn(heads, steps=200):
    model, rng = Reader(heads), np.random.default_rng(0)
    optimizer = nn.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        ids = rng.integers(0, 6, (32, 10))
        wanted = np.stack(
            [ids[:, 1:-1], ids[:, :-2]], axis=-1
        )  # one and two before position 2, 3, …
        logits = model(ids)[:, 2:]
        loss = F.cross_entropy(logits.reshape(-1, 6), wanted.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, loss, np.mean(logits.data.argmax(axis=-1) == wanted)


for heads in (1, 2):
    model, loss, right = learn(heads)
    print(f"{heads} head{'s' * (heads > 1)}: loss {loss.item():.3f}, right {right:.0%}")

# %% [markdown]
# The weights are in the graph. From each position, how far back does each head look?

# %%
(weights,) = viz.attention_weights(loss).values()  # (B, H, T, T)
T = weights.shape[-1]
back = np.arange(T)[:, None] - np.arange(T)
for head, mean in enumerate(weights.mean(axis=0)):
    far = (mean[2:] * back[2:]).sum(axis=-1)
    print(f"head {head}: {far.mean():.2f} back on average, its largest weight {mean[2:].max():.2f}")

# %% [markdown]
# Heads may share keys and values, which is what large models do to keep less of them: here four
# heads of queries read from two (`enable_gqa`, Ainslie et al., 2023).

# %%
q, kv = rng.standard_normal((4, 5, 8)), rng.standard_normal((2, 5, 8))
print(F.scaled_dot_product_attention(q, kv, kv, is_causal=True, enable_gqa=True).shape)

# %% [markdown]
# ## Where it came from
#
# Before the Transformer, a recurrent network read a sentence and another one wrote its translation,
# asking at each word which states of the first to look at. Scores were made by a small network
# (Bahdanau et al., 2015), or by a product (Luong et al., 2015).

# %%
writer, reader = rng.standard_normal((1, 1, 6)), rng.standard_normal((1, 5, 8))
for layer in (nn.AdditiveAttention(6, 8), nn.MultiplicativeAttention(6, 8)):
    context, weights = layer(writer, reader)
    print(
        f"{type(layer).__name__:23}: reads {context.shape}, weights {weights.data[0, 0].round(2)}"
    )
