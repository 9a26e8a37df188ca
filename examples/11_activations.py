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
#     sigmoid(x) = 1 / (1 + exp(−x))
#     relu(x) = max(x, 0)        leaky relu(x) = max(x, 0.01 x)
#     elu(x) = x above 0, exp(x) − 1 below
#     gelu(x) = x · P(n < x), n drawn from a normal distribution (Hendrycks and Gimpel, 2016)
#     silu(x) = x · sigmoid(x)
#
# sigmoid and tanh are flat on both sides, and sigmoid at its steepest has a slope of 1/4. relu has
# 0 or 1 and nothing else. The others are relu with something done about the 0.

# %%
places = (-5.0, -1.0, 0.0, 1.0, 5.0)
print("slope at   ", *(f"{x:8.0f}" for x in places))
for name, activation in ACTIVATIONS.items():
    print(f"{name:11}", *(f"{grad(activation)(x):8.4f}" for x in places))

# %% [markdown]
# One number through five of them, in a picture: an arrow is as wide as the gradient that came back
# through it. At −1.5 relu gives nothing back, and gelu's and silu's slopes are below 0: they dip
# before they rise.

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
# tanh and elu, whose slope at 0 is 1, more is left than with the others, about a twentieth. relu
# halves the mean square at each layer, and 2⁻¹⁰ is a thousandth. gelu and silu are relus when
# inputs are large and x/2 when they are small, so as the signal shrinks they shrink it faster.
# relu, gelu and silu want larger weights, then, which is the subject of the next lesson. Here is
# what weights at the start cannot mend.
#
# ## Dead relus
#
# A unit that is below 0 for every input gives 0 and has a slope of 0: nothing comes back that could
# move it. One step that is too large can do that. Which units it hits is luck, so here we do it by
# hand: of 64 units every second one gets a bias of −3. How large are their biases' gradients,
# beside the others'? And how many units are below 0 for every input, before and after 300 steps?


# %%
class Net(nn.Module):
    def __init__(self, activation):
        self.inner, self.activation, self.head = nn.Linear(8, 64), activation, nn.Linear(64, 1)
        nn.init.reseed(self, 0)

    def forward(self, x):
        return self.head(self.activation(self.inner(x)))


def draw(count):
    """Points (count, 8), and what is to be learned of them (count, 1)."""
    x = rng.standard_normal((count, 8))
    return x, np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]


x, y = draw(256)


def train(model, steps, x=x, y=y):
    """The last loss, and what `viz.record`, which watches a training, finds wrong with it."""
    optimizer = nn.Adam(model.parameters(), lr=1e-2)
    with viz.record(every=5) as log:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = np.mean((model(x) - y) ** 2)
            loss.backward()
            optimizer.step()
    return loss.item(), log.findings() or ["nothing to find"]


found = {}
print("            gradient   below 0   after")
for name in ("relu", "leaky relu", "elu", "gelu"):
    model = Net(ACTIVATIONS[name])
    bias = model.inner.bias
    bias.data[::2] = -3.0
    np.mean((model(x) - y) ** 2).backward()
    share = np.abs(bias.grad[::2]).mean() / np.abs(bias.grad[1::2]).mean()
    before = np.all(model.inner(x).data < 0, axis=0).mean()
    _, found[name] = train(model, steps=300)
    after = np.all(model.inner(x).data < 0, axis=0).mean()
    print(f"{name:11} {share:8.1%} {before:9.0%} {after:7.0%}")
print("viz.record says:", *found["relu"])

# %% [markdown]
# A dead relu stays dead. A leaky one has a way back, but on it comes about a hundredth of what the
# others get, and few have returned. elu and gelu are less flat there, and more of theirs have.
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
        loss, findings = train(model, 300, scale * x)
        unseen = mean_square(model(scale * fresh).data - wanted)
        print(f"{name:7}, inputs × {scale:3}: loss {loss:.3f}, on unseen points {unseen:.3f}")
        print("   ", *findings)
print(f"always saying the mean costs {np.var(wanted):.3f}")

# %% [markdown]
# With inputs a hundred times as large the loss is no warning: sixty-four units that are switches,
# thrown at random, are enough to learn 256 points by heart. But of other points that says nothing,
# and it would be better to say the mean. The inputs were the same but for their unit of measure.
#
# ## A gate
#
# SwiGLU (Shazeer, 2020) is not a bend but a product: half of the layer computes numbers, the other
# half says how much of each passes,
#
#     SwiGLU(x) = (silu(x W₁) · (x W₃)) W₂.
#
# With three matrices instead of two, a narrower layer has as many numbers to learn. So let a
# product of two inputs be the task, which is fair to show the difference, and not to say which is
# better.

# %%
product, unseen = x[:, :1] * x[:, 1:2], fresh[:, :1] * fresh[:, 1:2]
for seed in range(3):
    relu = nn.Sequential(nn.Linear(8, 48, bias=False), nn.ReLU(), nn.Linear(48, 1, bias=False))
    swiglu = nn.SwiGLU(8, 25, out_features=1)
    for name, model in {"relu": relu, "SwiGLU": swiglu}.items():
        nn.init.reseed(model, seed)
        train(model, 100, y=product)
        loss = mean_square(model(fresh).data - unseen)
        numbers = model.num_parameters()
        print(f"seed {seed}: {name:6}, {numbers} numbers, on unseen points {loss:.3f}")

# %% [markdown]
# A relu layer needs many bends to imitate a product; to SwiGLU it is nearly what it is made of.
