# %% [markdown]
# # 16. Positions: what attention cannot know by itself
#
# Attention takes a set: it asks what is there, not where. This lesson shows that order is lost,
# then four ways to say it, then which of them still work on sequences longer than any before.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)
rng = np.random.default_rng(0)


def shades(matrix):
    """Small numbers light, large ones dark."""
    low, high = matrix.min(), matrix.max()
    steps = ((matrix - low) / (high - low) * 4.999).astype(int)
    print("\n".join("  " + "".join(" ░▒▓█"[step] * 2 for step in row) for row in steps))


# %% [markdown]
# ## Order is lost
#
# Of the same words in another order, each gets what it got before.

# %%
nn.manual_seed(0)
words = dict(zip(("dog", "bites", "man"), rng.standard_normal((3, 8)), strict=True))
layer = nn.MultiheadAttention(8, 2).to(np.float64)
for sentence in ("dog bites man", "man bites dog"):
    x = np.stack([words[word] for word in sentence.split()])
    out, _ = layer(x, x, x)
    of_dog = out.data[sentence.split().index("dog")]
    print(f"{sentence}: dog becomes {of_dog[:3].round(6)}")

# %% [markdown]
# ## 1. A vector learned for each place
#
# The simplest: a second embedding, added to the first. BERT and GPT-2 have it. It knows as many
# places as its table has rows.

# %%
learned = nn.LearnedPositionalEmbedding(32, 8)
print(learned(np.zeros((5, 8))).shape, "and of 33:", end=" ")
try:
    learned(np.zeros((33, 8)))
except ValueError as error:
    print(error)

# %% [markdown]
# ## 2. Clocks
#
# The Transformer's authors added sines and cosines: pairs of hands that turn, each slower than the
# one before. A row is a place; nothing is learned, and no place is the last.

# %%
shades(F.sinusoidal_positions(np.arange(12), 24, base=100.0))

# %% [markdown]
# Places close together look alike, whichever they are: their products depend on the distance.

# %%
clocks = F.sinusoidal_positions(np.arange(12), 32)
shades(clocks @ clocks.T)

# %% [markdown]
# ## 3. Turning queries and keys
#
# Rotary embeddings turn each pair of numbers of a query by its place, and of a key by its own. Then
# a score has the difference of two angles in it: the distance, and nothing else.

# %%
q, k = (Tensor(rng.standard_normal((1, 4)), requires_grad=True, name=name) for name in "qk")
rotary = nn.RotaryEmbedding(4)
for at in (0, 7, 1000):
    score = (rotary(q, offset=at + 3) @ rotary(k, offset=at).T)[0, 0]
    print(f"query at {at + 3:4}, key at {at:4}: score {score.item():+.9f}")
score.name = "score"
picture = viz.draw(score)
print("drawn:", picture.render(outfile="graphs/16_positions.svg", cleanup=True))
picture

# %% [markdown]
# ## 4. What is far counts for less
#
# ALiBi gives no place at all: it takes from each score the distance, times a slope of each head's
# own. The first head hardly sees further than its neighbours, the last one far back.

# %%
same = np.zeros((4, 12, 1))  # four heads; all scores alike
weights = F.scaled_dot_product_attention(same, same, np.eye(12), nn.ALiBi(4)(12), is_causal=True)
for head in (0, 3):
    print(f"head {head}: the last of 12 looks at", weights[head, -1].round(2))

# %% [markdown]
# ## Compared
#
# The task: in a sequence of blanks and a few letters, say at each place what the last letter was.
# Content says what a letter is, position which is the last. Trained on 16 places, asked on 16 and
# on 64.


# %%
class Reader(nn.Module):
    """One layer of attention, with positions of a kind."""

    def __init__(self, kind, letters=4, width=32, heads=4, longest=16):
        self.kind, self.heads = kind, heads
        self.embed = nn.Embedding(letters + 1, width)
        self.learned = nn.LearnedPositionalEmbedding(longest, width)
        self.clocks = nn.SinusoidalPositionalEmbedding(width)
        self.rotary, self.alibi = nn.RotaryEmbedding(width // heads), nn.ALiBi(heads)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, letters)
        nn.init.reseed(self, 0)

    def forward(self, ids):
        B, T = ids.shape
        x = self.embed(ids)  # (B, T, C)
        if self.kind in ("learned", "clocks"):
            x = getattr(self, self.kind)(x)
        q, k, v = self.qkv(x).reshape(B, T, 3, self.heads, -1).transpose(2, 0, 3, 1, 4)
        if self.kind == "rotary":
            q, k = self.rotary(q), self.rotary(k)  # (B, H, T, D)
        bias = self.alibi(T) if self.kind == "ALiBi" else None
        y = F.scaled_dot_product_attention(q, k, v, bias, is_causal=True)
        return self.out(y.swapaxes(1, 2).reshape(B, T, -1))  # (B, T, letters)


def sequences(rng, T, B=24):
    """Ids, 0 for a blank, and the last letter up to each place, −100 where there was none."""
    ids = np.where(rng.random((B, T)) < 0.25, rng.integers(1, 5, (B, T)), 0)
    last = np.maximum.accumulate(np.where(ids > 0, np.arange(T), -1), axis=1)
    return ids, np.where(last < 0, -100, np.take_along_axis(ids, last, 1) - 1)


def right(model, T):
    try:
        ids, last = sequences(np.random.default_rng(1), T, 50)
        return f"{np.mean((model(ids).data.argmax(-1) == last)[last >= 0]):.0%}"
    except ValueError:
        return "—"


print("positions   16 places  64 places")
for kind in ("none", "learned", "clocks", "rotary", "ALiBi"):
    model, rng = Reader(kind), np.random.default_rng(0)
    optimizer = nn.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        ids, last = sequences(rng, 16)
        loss = F.cross_entropy(model(ids).reshape(-1, 4), last.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{kind:10}  {right(model, 16):>9}  {right(model, 64):>9}")
