# %% [markdown]
# # 11. Activations: what bends, and what comes back through the bend
#
# Without something between them two linear layers are one: (x A) B = x (A B). The activation bends,
# and that is why depth is worth anything. But each gradient on its way back is multiplied by the
# activation's slope, and a slope of 0 lets nothing through. This lesson looks at the slopes of the
# usual ones, at what ten layers of each do, and at two ways in which units stop learning.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, grad
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)

ACTIVATIONS = {
    "sigmoid": F.sigmoid,
    "tanh": np.tanh,
    "relu": F.relu,
    "leaky relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
}

# %% [markdown]
# ## Slopes
#
# sigmoid and tanh are flat on both sides, sigmoid at its steepest has a slope of 1/4. relu has 0 or
# 1 and nothing else. The others are relu with something done about the zero.

# %%
places = (-5.0, -1.0, 0.0, 1.0, 5.0)
print("slope at   ", *(f"{x:8.0f}" for x in places))
for name, activation in ACTIVATIONS.items():
    print(f"{name:11}", *(f"{grad(activation)(x):8.4f}" for x in places))

# %% [markdown]
# One number through five of them, in a picture: an arrow is as wide as the gradient that came back
# through it. At −1.5 relu gives nothing back, and gelu's and silu's slopes are below 0.

# %%
x = Tensor(-1.5, requires_grad=True, name="x")
bent = [ACTIVATIONS[name](x) for name in ("sigmoid", "tanh", "relu", "gelu", "silu")]
total = np.sum(np.stack(bent))
total.name = "sum"
picture = viz.draw(total)
print("drawn:", picture.render(outfile="graphs/11_activations.svg", cleanup=True))
picture

# %% [markdown]
# ## Ten layers
#
# The same weights for all, of variance 1 / width, so that a layer without a bend would keep the
# size of what it is given. Measured are the signal's mean square after ten layers, how much of that
# still tells one input from another (the variance over inputs), and the gradient's mean square at
# the input, as a share of that at the output.


# %%
class Deep(nn.Module):
    """Layers of one width, an activation after each. It gives what is before and after each."""

    def __init__(self, activation, depth=10, width=64):
        self.activation = activation
        self.layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=1 / np.sqrt(width))
        nn.init.reseed(self, 0)

    def forward(self, x):
        stream = [x]
        for layer in self.layers:
            stream.append(self.activation(layer(stream[-1])))
        return stream


def mean_square(x):
    return float(np.mean(np.square(x, dtype=np.float64)))


rng = np.random.default_rng(0)
inputs, direction = rng.standard_normal((2, 256, 64)).astype(np.float32)
print("               signal  of inputs   gradient")
for name, activation in ACTIVATIONS.items():
    first, *_, last = Deep(activation)(Tensor(inputs, requires_grad=True))
    last.retain_grad()
    np.sum(last * direction).backward()
    numbers = (
        mean_square(last.data),
        mean_square(last.data - last.data.mean(axis=0)),
        mean_square(first.grad) / mean_square(last.grad),
    )
    print(f"{name:11}", *(f"{number:10.0e}" for number in numbers))

# %% [markdown]
# sigmoid's signal looks healthy and is not: about 1/2 from every unit, whatever the input. With
# tanh, whose slope at 0 is 1, most is left. relu halves the mean square at each layer: 2⁻¹⁰ is a
# thousandth. gelu and silu are relus when inputs are large and x/2 when they are small, so as the
# signal shrinks they shrink it faster. That part can be mended by larger weights: it is the subject
# of the next lesson. The flat parts cannot.
#
# ## Dead relus
#
# A unit that is below 0 for every input gives 0, has a slope of 0, and gets no gradient that could
# bring it back. A few steps that are too large are enough. `viz.record` watches a training and says
# what is wrong with it.


# %%
class Net(nn.Module):
    def __init__(self, activation):
        self.activation = activation
        self.layers = [nn.Linear(8, 64), nn.Linear(64, 64)]
        self.head = nn.Linear(64, 1)
        nn.init.reseed(self, 0)

    def forward(self, x):
        for layer in self.layers:
            x = self.activation(layer(x))
        return self.head(x)


def draw(count):
    """Points (count, 8), and what is to be learned of them (count, 1)."""
    x = rng.standard_normal((count, 8))
    return x, np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]


x, y = draw(256)


def train(model, optimizer, steps, x=x, y=y):
    with viz.record(every=5) as log:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = np.mean((model(x) - y) ** 2)
            loss.backward()
            optimizer.step()
    return loss.item(), log.findings() or ["nothing to find"]


for name, rate in (("relu", 0.05), ("relu", 0.7), ("leaky relu", 0.7)):
    model = Net(ACTIVATIONS[name])
    train(model, nn.SGD(model.parameters(), lr=rate), steps=10)
    loss, findings = train(model, nn.SGD(model.parameters(), lr=0.05), steps=140)
    print(f"{name:10}, 10 steps at rate {rate:4}, then 140 at 0.05: loss {loss:.3f}")
    print("   ", *findings)

# %% [markdown]
# The large steps ended long before the passes that are judged, and the units are still
# dead. Leaky relu has a slope of 0.01 there, so its units have a way back.
#
# ## Saturated sigmoids
#
# tanh and sigmoid fail by size. Someone forgets to scale the inputs (pixels from 0 to 255, prices
# in cents), and the first layer's units are thrown to where they are flat.

# %%
fresh, wanted = draw(500)
for name in ("tanh", "sigmoid"):
    for scale in (1, 100):
        model = Net(ACTIVATIONS[name])
        optimizer = nn.AdamW(model.parameters(), lr=1e-2)
        loss, findings = train(model, optimizer, 150, scale * x)
        unseen = mean_square(model(scale * fresh).data - wanted)
        print(f"{name:7}, inputs × {scale:3}: loss {loss:.3f}, on unseen points {unseen:.3f}")
        print("   ", *findings)
print(f"always saying the mean costs {np.var(wanted):.3f}")

# %% [markdown]
# Nothing vanished so far that the loss stopped falling, and that is the trap: a saturated unit is a
# switch, and sixty-four random switches are enough to learn 256 points by heart. What it learned
# says nothing of other points. The inputs were the same but for their unit of measure.
#
# ## Smooth ones, and gates
#
# GELU (Hendrycks and Gimpel, 2016) and SiLU weigh x by how likely it is to pass: x · Φ(x) and
# x · σ(x). So they have a slope everywhere, and a second one, unlike relu. Both dip below 0:

# %%
grid = np.linspace(-4, 0, 4001)
for name in ("gelu", "silu"):
    lowest = grid[np.argmin(ACTIVATIONS[name](grid))]
    slope = grad(ACTIVATIONS[name])
    print(f"{name} is lowest at {lowest:.3f}; slope there {slope(lowest):+.0e}, at 0 {slope(0.0)}")
    print(f"    second derivative at 0: {grad(slope)(0.0):.4f}, of relu: {grad(grad(F.relu))(0.0)}")

# %% [markdown]
# SwiGLU (Shazeer, 2020) goes on from there: half of the layer computes numbers, the other half says
# how much of each passes, silu(x W₁) · (x W₃). With three matrices instead of two, a narrower layer
# has as many numbers to learn. What it gains is a product: a relu net needs many bends to imitate
# one. So let a product of two inputs be the task, which is fair to show the difference, and not to
# say which of them is better.

# %%
product, unseen = x[:, :1] * x[:, 1:2], fresh[:, :1] * fresh[:, 1:2]
for seed in range(3):
    relu = nn.Sequential(nn.Linear(8, 48, bias=False), nn.ReLU(), nn.Linear(48, 1, bias=False))
    for name, model in {"relu": relu, "SwiGLU": nn.SwiGLU(8, 25, out_features=1)}.items():
        nn.init.reseed(model, seed)
        train(model, nn.AdamW(model.parameters(), lr=1e-2), 100, y=product)
        loss = mean_square(model(fresh).data - unseen)
        print(
            f"seed {seed}: {name:6}, {model.num_parameters()} numbers, on unseen points {loss:.3f}"
        )
