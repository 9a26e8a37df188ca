# %% [markdown]
# # 16. Positions: what attention cannot know by itself
#
# Attention takes a set: it asks what is there, not where. This lesson shows that order is lost,
# then four ways to say it, then which of them still work on sequences longer than any before.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Value
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
# one before,
#
#     P[p, 2i] = sin(p / base^(2i / C)),    P[p, 2i + 1] = cos(p / base^(2i / C)).
#
# Nothing is learned, and no place is the last. Here is P, a row for each place and a column for
# each number. (The paper's base is 10,000. With 100 even the slowest hand moves in twelve places.)

# %%
shades(F.sinusoidal_positions(np.arange(12), 24, base=100.0))

# %% [markdown]
# The product of two rows is Σ cos((p − q) / base^(2i / C)), since sin a sin b + cos a cos b is
# cos(a − b). So it knows the distance p − q, and places close together are alike, whichever they
# are.

# %%
clocks = F.sinusoidal_positions(np.arange(12), 32)
shades(clocks @ clocks.T)

# %% [markdown]
# ## 3. Turning queries and keys
#
# Rotary embeddings (Su et al., 2021) take the numbers of a query in pairs, (a, b), and turn each
# pair by its place p, as the hand of a clock; those of a key by the key's own place:
#
#     a' = a cos θ − b sin θ,    b' = a sin θ + b cos θ,    θ = p / base^(2i / d).
#
# Two vectors that are turned by as much keep their product. So a score has the difference of two
# angles in it, the distance, and nothing else of the places.

# %%
q, k = rng.standard_normal((2, 1, 4))
rotary = nn.RotaryEmbedding(4)
for at in (0, 7, 1000):
    score = (rotary(q, offset=at + 3) @ rotary(k, offset=at).T)[0, 0]
    print(f"query at {at + 3:4}, key at {at:4}: score {score:+.9f}")

# %% [markdown]
# One pair of a query three places after its key, by hand: the turn is four products, and the score
# two more. The gradient comes back turned the other way.

# %%
a, b = Value(0.8, name="a"), Value(0.3, name="b")
cos, sin = np.cos(3.0), np.sin(3.0)
turned = a * cos - b * sin, a * sin + b * cos
turned[0].name, turned[1].name = "a'", "b'"
score = turned[0] * 0.5 + turned[1] * -0.7
score.name = "score"
score.backward()
assert np.isclose(complex(a.grad, b.grad), complex(0.5, -0.7) * np.exp(-3j))  # the other way
picture = viz.draw(score)
print("drawn:", picture.render(outfile="graphs/16_positions.svg", cleanup=True))
pair = nn.RotaryEmbedding(2)(np.array([[a.data, b.data]]), offset=3)  # (T, d) = (1, 2)
assert np.allclose(pair, [[one.data for one in turned]], rtol=1e-12)
picture

# %% [markdown]
# ## 4. What is far counts for less
#
# ALiBi (Press et al., 2022) gives no place at all. It takes the distance from each score, times a
# slope of each head's own,
#
#     softmax(q kᵀ / √d − mₕ (t − s)) v,    mₕ = 2^(−8h / H) for the heads h = 1 to H.
#
# Let all scores be alike, and see where the last of twelve looks.

# %%
same = np.zeros((4, 12, 1))
weights = F.scaled_dot_product_attention(same, same, np.eye(12), nn.ALiBi(4)(12), is_causal=True)
for head, slope in ((0, "1/4"), (3, "1/256")):
    near, far = weights[head, -1, 9:].sum(), weights[head, -1, :3].sum()
    print(f"slope {slope:5}: {near:.0%} of the weight on the last three, {far:.0%} on the first")

# %% [markdown]
# The first head looks at what is near, the last one at all alike.
#
# ## Compared
#
# The task: in a sequence of blanks and a few letters, say at each place what the last letter was.
# Content says what a letter is, position which is the last. Trained on 16 places, asked on 16 and
# on 64. In the first row is the best that can be said on average by who knows which letters there
# were, and not in which order.


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
        if self.kind == "rotary":  # q, k and v are (B, H, T, D) each, the heads as in lesson 15
            q, k = self.rotary(q), self.rotary(k)
        bias = self.alibi(T) if self.kind == "ALiBi" else None
        y = F.scaled_dot_product_attention(q, k, v, bias, is_causal=True)
        return self.out(y.swapaxes(1, 2).reshape(B, T, -1))  # (B, T, letters)


def sequences(rng, T, B=24):
    """Ids, 0 for a blank, and the last letter up to each place, −100 where there was none."""
    ids = np.where(rng.random((B, T)) < 0.25, rng.integers(1, 5, (B, T)), 0)
    last = np.maximum.accumulate(np.where(ids > 0, np.arange(T), -1), axis=1)
    return ids, np.where(last < 0, -100, np.take_along_axis(ids, last, 1) - 1)


def right(model, T):
    ids, last = sequences(np.random.default_rng(1), T, 50)
    try:
        return f"{np.mean((model(ids).data.argmax(-1) == last)[last >= 0]):.0%}"
    except ValueError:
        return "no such place"


def unordered(T):
    """How often the letter that was there most often is the last one; a letter itself is known."""
    ids, last = sequences(np.random.default_rng(1), T, 50)
    counts = np.cumsum(ids[..., None] == np.arange(1, 5), axis=1)  # (B, T, letters)
    share = counts.max(axis=-1) / np.maximum(counts.sum(axis=-1), 1)
    return f"{np.mean(np.where(ids > 0, 1, share)[last >= 0]):.0%}"


print("positions  16 places      64 places")
print(f"no order        {unordered(16):>4}  {unordered(64):>13}")
for kind in ("none", "learned", "clocks", "rotary", "ALiBi"):
    model, rng = Reader(kind), np.random.default_rng(0)
    optimizer = nn.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        ids, last = sequences(rng, 16)
        loss = F.cross_entropy(model(ids).reshape(-1, 4), last.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{kind:14}  {right(model, 16):>4}  {right(model, 64):>13}")

# %% [markdown]
# Without positions the network does as well as one can without order, and no better. With any of
# the four it is nearly always right, on as many places as it was trained on. On more, a learned
# vector is not there; clocks show times that no training has shown, and are no better than no
# order; rotary scores see distances that are new, and lose less. ALiBi has learned nothing of
# places that could be wrong: what is nearer counts for more at any distance.
