# %% [markdown]
# # 17. Residual paths and norms: how depth was made to work
#
# A Transformer's layer adds what it makes to what it was given, and brings numbers to one size.
# This lesson measures what each of the two does, on the way forward and on the way back.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, relu
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)
rng = np.random.default_rng(0)

# %% [markdown]
# ## A path around
#
# Where a number is used twice, its gradients add up. One part goes through the layer and is changed
# there; the other goes around it and is not. However bad the layer is, the second part arrives.

# %%
x = Tensor([[1.0, 2.0]], requires_grad=True, name="x")
w = Tensor([[0.1, 0.0], [0.0, -0.1]], requires_grad=True, name="w")
y = x + relu(x @ w)
loss = np.sum(y)
y.name, loss.name = "stream", "loss"
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/17_residuals_and_norms.svg", cleanup=True))
loss.backward()
print("gradient of x:", x.grad[0], "= 1 around the layer, and the rest through it")
picture

# %% [markdown]
# ## Forward: how large is the signal?
#
# Fifty layers, five ways. Their weights start so that each layer makes of a mean square of 1
# another one of 1 (He et al., 2015).


# %%
class Deep(nn.Module):
    """Layers of one width. It gives all of the stream, from the input to the output."""

    def __init__(self, kind, depth=50, width=64):
        self.kind = kind
        self.layers = [nn.Linear(width, width) for _ in range(depth)]
        self.norms = [nn.LayerNorm(width) for _ in range(depth)]
        # What is added fifty times is to be as large, together, as what was there.
        gain = 1 / np.sqrt(depth) if "scaled" in kind else 1.0
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=gain * np.sqrt(2 / width))

    def forward(self, x):
        stream = [x]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            if self.kind == "plain":
                x = layer(relu(x))
            elif self.kind == "around":
                x = x + layer(relu(x))
            elif self.kind == "norm after":
                x = norm(x + layer(relu(x)))
            else:
                x = x + layer(relu(norm(x)))
            stream.append(x)
        return stream


def mean_square(x):
    return float(np.mean(np.square(x, dtype=np.float64)))


nn.manual_seed(0)
inputs = rng.standard_normal((256, 64)).astype(np.float32)
target = rng.standard_normal((256, 64))
streams = {}
print("layer                       0        10        25        50")
for kind in ("plain", "around", "norm after", "norm before", "norm before, scaled"):
    streams[kind] = Deep(kind)(Tensor(inputs, requires_grad=True))
    print(f"{kind:19}", *(f"{mean_square(streams[kind][i].data):9.2g}" for i in (0, 10, 25, 50)))

# %% [markdown]
# With nothing but a way around, each layer adds as much as there is: the mean square doubles fifty
# times. A norm after each sum holds it at 1. A norm before each part lets each add 1, so the stream
# grows like the depth; if weights start smaller by the root of that, as GPT-2's do
# (`nn.init.scaled_normal_`), the whole stack only doubles it.
#
# ## Backward: how large is the gradient?
#
# Its mean square, as a share of that at the output.

# %%
print("layer                       0        10        25        50")
for kind, stream in streams.items():
    for x in stream:
        x.retain_grad()
    np.sum(stream[-1] * target).backward()
    shares = (mean_square(stream[i].grad) / mean_square(stream[-1].grad) for i in (0, 10, 25, 50))
    print(f"{kind:19}", *(f"{share:9.2g}" for share in shares))

# %% [markdown]
# ## Before or after?
#
# The paper of 2017 has the norm after the sum, where it lies on the path. It holds both directions
# near 1, but to make room for what is added, each norm halves what was there (in mean squares): of
# the input itself nothing is left at the output. With the norm before, the path is free.

# %%
for kind in ("norm after", "norm before", "norm before, scaled"):
    first, last = streams[kind][0].data, streams[kind][-1].data
    cosine = np.sum(first * last) / np.linalg.norm(first) / np.linalg.norm(last)
    print(f"{kind:19} of the input is left in the output (cosine): {cosine:.2f}")

# %% [markdown]
# Deep stacks with the norm before learn from the first step; those with the norm after want a slow
# start (Xiong et al., 2020). Here are both as PyTorch has them: twelve Transformer layers that
# learn to say a sequence backwards, at full speed at once.


# %%
class Backwards(nn.Module):
    def __init__(self, norm_first, tokens=8, length=8, width=32, depth=12):
        self.embed = nn.Embedding(tokens, width)
        self.where = nn.LearnedPositionalEmbedding(length, width)
        options = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, **options)
        norm = nn.LayerNorm(width) if norm_first else None
        self.stack = nn.TransformerEncoder(layer, depth, norm)
        self.head = nn.Linear(width, tokens)
        nn.init.reseed(self, 0)

    def forward(self, ids):
        return self.head(self.stack(self.where(self.embed(ids))))  # (B, T, tokens)


def learn(norm_first, steps=60):
    model, rng = Backwards(norm_first), np.random.default_rng(0)
    optimizer = nn.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(steps):
        ids = rng.integers(0, 8, (16, 8))
        loss = F.cross_entropy(model(ids).reshape(-1, 8), ids[:, ::-1].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


print(f"a blind guess costs {np.log(8):.2f}")
for norm_first in (False, True):
    losses = learn(norm_first)
    steps = " → ".join(f"{np.mean(losses[i : i + 5]):.2f}" for i in (0, 20, 40, 55))
    print(f"norm {'before' if norm_first else 'after ':6}: loss {steps}")
