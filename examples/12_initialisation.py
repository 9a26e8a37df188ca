# %% [markdown]
# # 12. Where weights start
#
# Before it has learned anything, a network is a product of random matrices. If each of them shrinks
# what it is given, fifty of them leave nothing, of the signal on the way forward and of the
# gradient on the way back. How large the weights must be, so that neither happens, takes two lines
# of algebra. This lesson derives it, measures it, and trains from a bad start and from good ones.

# %%
import math
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor
from groundup.nn import functional as F
from groundup.nn import init

Path("graphs").mkdir(exist_ok=True)
rng = np.random.default_rng(0)

# %% [markdown]
# ## The law
#
# A unit computes z = Σ wᵢ xᵢ over its n inputs (the *fan-in*). Let the weights be independent, of
# mean 0 and variance σ². Then all mixed terms of z² are 0 on average, and what is left is
#
#     E[z²] = n σ² E[x²],    and after a relu half of it,    E[relu(z)²] = n σ² E[x²] / 2.
#
# So σ² = 1/n keeps the size, and before relus σ² = 2/n (He et al., 2015). A gradient goes back
# through the same matrix transposed, over m outputs (the *fan-out*): it wants 1/m. Between the two,
# 2 / (n + m) is the middle way (Glorot and Bengio, 2010).

# %%
x = rng.normal(size=(1000, 200))
for variance, name in ((1 / 200, "1/n"), (2 / 200, "2/n")):
    z = x @ rng.normal(scale=math.sqrt(variance), size=(200, 300))
    print(f"σ² = {name}: E[z²] = {np.mean(z**2):.3f}, E[relu(z)²] = {np.mean(F.relu(z) ** 2):.3f}")

# %% [markdown]
# ## Thirty layers
#
# A start is a function that gives a weight its numbers, in place; `nn.init` has the usual ones, by
# PyTorch's names. `nn.Linear`'s own is uniform in ±1/√n, whose variance is 1/(3n).

# %%
STARTS = {
    "std 0.01": lambda weight: init.normal_(weight, std=0.01),
    "std 0.3": lambda weight: init.normal_(weight, std=0.3),
    "nn.Linear's": lambda weight: weight,
    "Xavier": init.xavier_normal_,
    "Kaiming": lambda weight: init.kaiming_normal_(weight, nonlinearity="relu"),
    "orthogonal": init.orthogonal_,
    "orthogonal · √2": lambda weight: init.orthogonal_(weight, gain=init.calculate_gain("relu")),
}


class Deep(nn.Module):
    """Layers of one width. It gives what is before and after each."""

    def __init__(self, start, activation, depth=30, width=64):
        self.activation = activation
        self.layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
        for layer in self.layers:
            start(layer.weight)
        init.reseed(self, 0)

    def forward(self, x):
        stream = [x]
        for layer in self.layers:
            stream.append(self.activation(layer(stream[-1])))
        return stream


def mean_square(x):
    return float(np.mean(np.square(x)))


inputs, direction = rng.normal(size=(2, 128, 64))


def measured(start, activation):
    """Mean squares of the signal after 1, 10 and 30 layers, and of the gradient after 20 and before
    the first, as shares of that at the output."""
    model = Deep(start, activation).to(np.float64)
    stream = model(Tensor(inputs, requires_grad=True))
    for x in stream:
        x.retain_grad()
    np.sum(stream[-1] * direction).backward()
    signal = [mean_square(stream[i].data) for i in (1, 10, 30)]
    return signal + [mean_square(stream[i].grad) / mean_square(stream[30].grad) for i in (20, 0)]


for name, activation in {"no bend": lambda x: x, "relu": F.relu, "tanh": np.tanh}.items():
    print(f"{name:9} signal after    1        10        30    gradient at 20         0")
    for start_name, start in STARTS.items():
        *signal, middle, first = (f"{number:8.0e}" for number in measured(start, activation))
        print(f"    {start_name:15}", *signal, "       ", middle, first, sep="  ")

# %% [markdown]
# Without a bend and with relus each row is a factor to the power of the depth, and the law says
# which. Without a bend std 0.01 is 64 · 0.0001 = 0.0064 a layer, std 0.3 is 5.8, nn.Linear's 1/3,
# Xavier's 1; with relus half of each, and then Kaiming's is 1. Both ways alike, since the layers
# are square.
#
# A tanh holds below 1 what is too large, so the signal looks well from the front. The gradient does
# not. Call √n σ the *gain* of a start: a layer multiplies lengths by it, before the tanh. Kaiming's
# is √2, and the gradient grows; with std 0.3 it is 2.4, and the gradient explodes; with Xavier's,
# 1, signal and gradient fade slowly, and with less at a run. Between vanishing and exploding the
# edge is at a gain of 1 (Poole et al., 2016).
#
# Two layers that start too small, drawn: the numbers shrink from card to card, and the gradients on
# their way back.

# %%
small = Deep(STARTS["std 0.01"], np.tanh, depth=2)(Tensor(inputs, name="x"))[-1]
loss = np.sum(small)
loss.name = "loss"
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/12_initialisation.svg", cleanup=True))
picture

# %% [markdown]
# ## What an orthogonal matrix keeps
#
# The law speaks of means. A single direction fares better or worse than the mean, and layer by
# layer the differences multiply. A matrix turns directions and stretches them, by its singular
# values. An orthogonal matrix stretches none (Saxe et al., 2014). Here are those of the product of
# all thirty, which a network without a bend gives for the identity.

# %%
for name in ("Xavier", "orthogonal"):
    model = Deep(STARTS[name], lambda x: x).to(np.float64)
    product = model(np.eye(64))[-1].data  # W₁ᵀ W₂ᵀ … W₃₀ᵀ
    stretch = np.linalg.svd(product, compute_uv=False)
    print(f"{name:10}: most {stretch[0]:.2g}, median {np.median(stretch):.2g}", end=", ")
    print(f"share of directions that keep a tenth or more: {np.mean(stretch > 0.1):.0%}")

# %% [markdown]
# ## All the same
#
# Weights must differ at the start, not for size but because units that are equal get equal
# gradients and stay equal: a layer of sixteen is then one unit, sixteen times.

# %%
points = rng.normal(size=(64, 2))
product = points[:, :1] * points[:, 1:]
for name, start in (("constant", lambda w: init.constant_(w, 0.1)), ("Xavier", STARTS["Xavier"])):
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    for layer in (net[0], net[2]):
        start(layer.weight)
        init.zeros_(layer.bias)
    init.reseed(net, 0)
    optimizer = nn.AdamW(net.parameters(), lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        loss = np.mean((net(points) - product) ** 2)
        loss.backward()
        optimizer.step()
    different = len(np.unique(net[0].weight.data.round(4), axis=0))
    print(f"{name:8}: {different:2} different units after 200 steps, loss {loss.item():.3f}")

# %% [markdown]
# ## Trained
#
# Twenty layers of relus and a head, the same optimiser, the same data; only the start differs.


# %%
class Regression(nn.Module):
    def __init__(self, start, depth=20, width=32):
        self.layers = [nn.Linear(width, width) for _ in range(depth)]
        self.head = nn.Linear(width, 1)
        for layer in self.layers:
            start(layer.weight)
            init.zeros_(layer.bias)
        init.reseed(self, 0)

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(x)


points = rng.normal(size=(128, 32)).astype(np.float32)
wanted = np.abs(points[:, :1]) + points[:, 1:2]
print("loss at step          0      33      66      99")
for name, start in STARTS.items():
    model = Regression(start)
    optimizer = nn.SGD(model.parameters(), lr=0.02)
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = np.mean((model(points) - wanted) ** 2)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] > 1e6:
            break
    said = "".join(f"{loss:8.3f}" for loss in losses[::33])
    print(f"{name:15} {said if len(losses) == 100 else f'explodes in {len(losses)} steps'}")
print(f"always saying the mean costs {np.var(wanted):.3f}")

# %% [markdown]
# Whoever starts too small sees a loss that falls to that of the mean and stays there: no error, no
# NaN, nothing moves. That is what 2⁻²⁰ of a signal looks like, Xavier's under twenty relus. A path
# around each layer and a norm in it make a network forgive its start: see lesson 17.
#
# ## One seed, and what it moves
#
# Numbers drawn one after another depend on all that were drawn before: add a layer in front, and
# every layer behind it starts elsewhere, so that two models cannot be compared. `init.reseed` draws
# each parameter again from the seed and its own dotted name. The models of `groundup.models` call
# it last in their `__init__`, as those above did.


# %%
class Stack(nn.Module):
    def __init__(self, depth, embed=False):
        self.embed = nn.Linear(4, 4) if embed else None  # drawn first
        self.layers = [nn.Linear(4, 4) for _ in range(depth)]


def equal(one, other):
    return bool(np.all(one.data == other.data))


nn.manual_seed(0)
short = Stack(2)
nn.manual_seed(0)
long = Stack(3, embed=True)
pairs = list(zip(short.layers, long.layers, strict=False))
print("same numbers, drawn in order:", [equal(a.weight, b.weight) for a, b in pairs])
for model in (short, long):
    init.reseed(model, seed=0)
print("same numbers, after reseed:  ", [equal(a.weight, b.weight) for a, b in pairs])
