# %% [markdown]
# # 17. Residual paths and norms: how depth was made to work
#
# A Transformer's layer adds what it makes to what it was given, and brings numbers to one size.
# Lesson 12 showed that a deep network without either has to start with weights of just one size.
# Here are thirty layers five ways, each from a start that is too small, one that fits, and one that
# is too large: what arrives forward, what comes back, and what is learned.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, Value, relu

Path("graphs").mkdir(exist_ok=True)
rng = np.random.default_rng(0)

# %% [markdown]
# ## A path around
#
# Where a number is used twice, its gradients add up. One part goes through the layer and is changed
# there; the other goes around it and is not. However bad the layer is, the second part arrives.

# %%
x, w = Value(2.0, name="x"), Value(0.1, name="w")
y = x + relu(w * x)
y.name = "stream"
picture = viz.draw(y)
print("drawn:", picture.render(outfile="graphs/17_residuals_and_norms.svg", cleanup=True))
y.backward()
print(f"gradient of x: {x.grad} = 1 around the layer, and {w.data} through it")
picture

# %% [markdown]
# ## Five ways
#
# With x for the stream and f for a layer, relu and weights:
#
#     plain        x = f(x)
#     norm         x = f(norm(x))
#     path         x = x + f(x)
#     norm after   x = norm(x + f(x))      the Transformer of 2017
#     norm before  x = x + f(norm(x))      GPT-2, and nearly all since
#
# norm is `nn.LayerNorm`: each row minus its mean, divided by its deviation. (What it can learn, a
# factor and a shift, is left out here.)


# %%
class Deep(nn.Module):
    """Layers of one width, and a head. `stream` gives what is before and after each layer."""

    def __init__(self, kind, size=1.0, depth=30, width=32):
        self.kind = kind
        self.layers = [nn.Linear(width, width) for _ in range(depth)]
        self.norms = [nn.LayerNorm(width, elementwise_affine=False) for _ in range(depth)]
        self.head = nn.Linear(width, 1)
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=size * np.sqrt(2 / width))  # 1 is Kaiming's
            nn.init.zeros_(layer.bias)
        nn.init.reseed(self, 0)

    def stream(self, x):
        stream = [x]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            if self.kind == "plain":
                x = layer(relu(x))
            elif self.kind == "norm":
                x = layer(relu(norm(x)))
            elif self.kind == "path":
                x = x + layer(relu(x))
            elif self.kind == "norm after":
                x = norm(x + layer(relu(x)))
            else:
                x = x + layer(relu(norm(x)))
            stream.append(x)
        return stream

    def forward(self, x):
        return self.head(self.stream(x)[-1])


KINDS = ("plain", "norm", "path", "norm after", "norm before")
SIZES = {"small": 1 / np.sqrt(6), "fitting": 1.0, "large": 2.0}  # small: as nn.Linear starts

# %% [markdown]
# ## Forward and back
#
# Three numbers of each: the signal's mean square after thirty layers; how much of it tells one
# input from another, and is not the same for all; and the gradient's mean square at the input, as a
# share of that at the output.


# %%
def mean_square(x):
    return float(np.mean(np.square(x)))


inputs, direction = rng.standard_normal((2, 128, 32))
print("                        signal  of inputs  gradient")
for kind in KINDS:
    for name, size in SIZES.items():
        stream = Deep(kind, size).to(np.float64).stream(Tensor(inputs, requires_grad=True))
        first, last = stream[0], stream[-1]
        last.retain_grad()
        np.sum(last * direction).backward()
        signal = mean_square(last.data)
        apart = mean_square(last.data - last.data.mean(axis=0)) / signal
        back = mean_square(first.grad) / mean_square(last.grad)
        print(f"{kind:12} {name:8} {signal:9.0e} {apart:10.0%} {back:9.0e}")

# %% [markdown]
# - plain: a factor to the power of thirty, both ways: 1/6, 1 or 4 (lesson 12).
# - norm: each layer begins at one size again, so the signal is what a single layer makes of it, and
#   a gradient comes back. But little of the signal tells inputs apart: they have grown alike.
# - path: what came in goes on, and nothing vanishes. But each layer adds to it, and the factors are
#   1 + 1/6, 1 + 1 and 1 + 4.
# - both: nothing vanishes or explodes, from any start. With the norm after the sum the stream stays
#   at 1. With the norm before the layer, each adds as much as the others, so the stream grows like
#   the depth and not like a power; and more of it tells inputs apart than with the norm alone.
#
# ## Trained
#
# The loss after 80 steps, as a share of what it costs to say the mean, from the three starts.

# %%
points = inputs.astype(np.float32)
wanted = np.abs(points[:, :1]) + points[:, 1:2]


def learn(model, steps=80):
    optimizer = nn.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = np.mean((model(points) - wanted) ** 2)
        if loss.item() > 1e4:
            return "explodes"
        loss.backward()
        optimizer.step()
    return f"{loss.item() / np.var(wanted):.3f}"


print(" " * 12, *(f"{name:>9}" for name in SIZES))
for kind in KINDS:
    print(f"{kind:12}", *(f"{learn(Deep(kind, size)):>9}" for size in SIZES.values()))

# %% [markdown]
# plain learns from the start that fits, and from no other. A path alone learns from the small
# start, where plain stood still, and explodes from the others. A norm alone learns from the large
# start, and hardly from the small one: behind a norm the size of the weights changes nothing (the
# column "of inputs" is the same for all three), but a step turns small weights further than large
# ones. With both it learns from each.
#
# ## Before or after?
#
# Last, what is left of the input itself in the output: the cosine of the angle between the two.

# %%
ways = {"norm after": 1.0, "norm before": 1.0, "norm before, scaled": 1 / np.sqrt(30)}
for name, size in ways.items():
    stream = Deep(name.split(",")[0], size).to(np.float64).stream(inputs)
    last = stream[-1].data
    cosine = np.sum(inputs * last) / np.linalg.norm(inputs) / np.linalg.norm(last)
    print(f"{name:20} signal {mean_square(last):5.1f}, cosine {cosine:+.2f}")

# %% [markdown]
# A norm after the sum shrinks what was there to make room for what is added, thirty times, and of
# the input nothing is left. With the norm before, the path is free from end to end, and some of it
# is. The last row starts as GPT-2 does: weights of the layers that add are smaller by the root of
# their number, so that all of them together add about as much as was there
# (`nn.init.scaled_normal_`).
