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
values = np.array([*ages.values()])
query = keys[1]  # "alan"
print("dictionary:", ages["alan"], "  products:", (keys @ query) @ values)

# %% [markdown]
# ## A soft one
#
# Equality has no slope, so nothing could be learned from a wrong answer. In its place
#
#     softmax(s)ₖ = exp(sₖ) / Σⱼ exp(sⱼ)
#
# makes of the scores s = keys @ query a share for each key, and the answer is a mean of all values.
# The larger the scores, the sharper the look-up; at last it is the dictionary again.

# %%
for scale in (0.0, 1.0, 3.0, 10.0):
    weights = softmax(scale * (keys @ query))
    print(f"scores × {scale:4}: weights {weights.round(3)}, answer {weights @ values:.2f}")

# %% [markdown]
# Now a query that is off can be mended: its gradient says in which direction the answer changes.

# %%
q = Tensor([0.5, 1.0, 0.2], requires_grad=True, name="query")
k, v = Tensor(keys, name="keys"), Tensor(values, name="values")
weights = softmax(k @ q)
answer = weights @ v
weights.name, answer.name = "weights", "answer"
picture = viz.draw(answer)
picture.attr("graph", rankdir="TB")  # top down, as its cards are wide
print("drawn:", picture.render(outfile="graphs/15_attention.svg", cleanup=True))
answer.backward()
print("to be told a higher age, ask more like:", q.grad.round(2))
picture

# %% [markdown]
# ## Queries, keys and values that are learned
#
# In a network nobody writes keys by hand. Each token is a vector, a row of x (T, C), and three
# learned matrices make of it what it asks, what it answers to, and what it tells:
#
#     q = x W_Qᵀ,    k = x W_Kᵀ,    v = x W_Vᵀ,    attention(q, k, v) = softmax(q kᵀ / √d) v.
#
# Row t of q kᵀ holds the scores of query t with every key, so the softmax is along the last axis. d
# is the width of q and k; of the root in a moment. `nn.MultiheadAttention` with one head is that,
# and a fourth matrix, W_O, for what comes out. (It has biases, too, which begin as 0.)


# %%
def attention(q, k, v):
    """q (…, T, d), k (…, S, d), v (…, S, e): what each query reads, (…, T, e)."""
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])  # (…, T, S)
    return softmax(scores, axis=-1) @ v


def matrices(layer):
    return *np.split(layer.in_proj_weight.data, 3), layer.out_proj.weight.data  # (C, C) each


T, C = 5, 8
x = rng.standard_normal((T, C))
layer = nn.MultiheadAttention(C, num_heads=1).to(np.float64)
W_Q, W_K, W_V, W_O = matrices(layer)
by_hand = attention(x @ W_Q.T, x @ W_K.T, x @ W_V.T) @ W_O.T  # (T, C)
apart = np.abs(by_hand - layer(x, x, x)[0].data).max()
print(f"one head, by hand and by nn.MultiheadAttention: {apart:.0e} apart")
assert apart < 1e-12

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
changed = np.vstack([x[:-1], 100 * x[-1:]])
before, after = (F.scaled_dot_product_attention(s, s, s, is_causal=True) for s in (x, changed))
print("who changed:", (np.abs(before - after).max(axis=1) > 0).tolist())

# %% [markdown]
# ## Heads
#
# One softmax gives one mean. Whoever has to read two places, and tell them apart, needs two heads.
# A head takes a slice of q, of k and of v, D = C / H numbers wide, and reads by itself. What the
# heads have read stands side by side, C numbers again, and W_O mixes it:
#
#     concat(attention(q₁, k₁, v₁), …, attention(q_H, k_H, v_H)) W_Oᵀ.
#
# So a head costs nothing: the matrices are those of before.

# %%
H, D = 2, C // 2
layer = nn.MultiheadAttention(C, num_heads=H).to(np.float64)
W_Q, W_K, W_V, W_O = matrices(layer)
q, k, v = x @ W_Q.T, x @ W_K.T, x @ W_V.T  # (T, C) each
heads = [attention(q[:, i : i + D], k[:, i : i + D], v[:, i : i + D]) for i in range(0, C, D)]
by_hand = np.concatenate(heads, axis=-1) @ W_O.T  # H times (T, D), (T, C)

# Or all at once: the slices become an axis, and it goes to the front, as products want it.
q, k, v = (part.reshape(T, H, D).swapaxes(0, 1) for part in (q, k, v))  # (H, T, D) each
at_once = attention(q, k, v).swapaxes(0, 1).reshape(T, C) @ W_O.T

by_layer = layer(x, x, x)[0].data
apart = max(np.abs(out - by_layer).max() for out in (by_hand, at_once))
print(f"two heads, by hand, at once, and by nn.MultiheadAttention: {apart:.0e} apart")
assert apart < 1e-12

# %% [markdown]
# ## What two heads can do
#
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
        wanted = np.stack([ids[:, 1:-1], ids[:, :-2]], axis=-1)  # of positions 2, 3, …
        logits = model(ids)[:, 2:]
        loss = F.cross_entropy(logits.reshape(-1, 6), wanted.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss, np.mean(logits.data.argmax(axis=-1) == wanted)


for heads in (1, 2):
    loss, right = learn(heads)
    print(f"{heads} head{'s' * (heads > 1)}: loss {loss.item():.3f}, right {right:.0%}")

# %% [markdown]
# The weights are in the graph. From each position, how far back does each head look?

# %%
(weights,) = viz.attention_weights(loss).values()  # (B, H, T, T)
T = weights.shape[-1]
back = np.arange(T)[:, None] - np.arange(T)
for head, mean in enumerate(weights.mean(axis=0)):
    far = (mean[2:] * back[2:]).sum(axis=-1)
    print(f"head {head}: {far.mean():.2f} back on average")

# %% [markdown]
# Nobody told them: each head took one of the two questions.
#
# ## Where it came from, where it went
#
# Before the Transformer (Vaswani et al., 2017) a recurrent network read a sentence and another one
# wrote its translation, asking at each word which states of the first to look at. A key's score was
# vᵀ tanh(W q + U k), a small network (Bahdanau et al., 2015; `nn.AdditiveAttention`), or qᵀ W k, a
# product (Luong et al., 2015; `nn.MultiplicativeAttention`). Large models of today let several
# heads of queries share one head of keys and values, which keeps less of them (Ainslie et al.,
# 2023; `enable_gqa=True`).
