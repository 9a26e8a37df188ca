# %% [markdown]
# # 8. Vanishing gradients, seen and mended
#
# Deep networks could not be trained for years, and the reason is one product: a gradient on its way
# back is multiplied at every layer. Factors below 1 leave nothing, factors above 1 leave too much.
# This lesson makes it happen, sees it, and mends it in three ways.

# %%
import math
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import relu

Path("graphs").mkdir(exist_ok=True)
rng = np.random.default_rng(0)
inputs = rng.normal(size=(64, 32))
targets = np.tanh(inputs[:, :4].sum(axis=1, keepdims=True))  # something that can be learned

# %% [markdown]
# ## Fourteen layers
#
# The network takes its activation, and how large its weights are at the start, as arguments.


# %%
class Deep(nn.Module):
    def __init__(self, activation, gain, depth=14, width=32, residual=False):
        self.layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
        self.head = nn.Linear(width, 1)
        self.activation, self.residual = activation, residual
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=gain / math.sqrt(width))

    def forward(self, x):
        for layer in self.layers:
            y = self.activation(layer(x))
            x = x + y if self.residual else y
        return self.head(x)


def one_pass(model, name):
    """A backward pass, the gradient of each layer's weight, and what is wrong in words."""
    with viz.record() as log:
        loss = np.mean((model(inputs) - targets) ** 2)
        loss.backward()
    norms = [float(np.linalg.norm(layer.weight.grad)) for layer in model.layers]
    print(f"{name:22} weights' gradients: first layer {norms[0]:.1e}, last layer {norms[-1]:.1e}")
    for finding in log.findings():
        print("    ", finding)
    return loss


# %% [markdown]
# A sigmoid's slope is 0.25 at most. Fourteen of them leave less than a hundred-millionth, whatever
# the weights; the first layers learn nothing.

# %%
nn.manual_seed(0)
vanished = one_pass(Deep(nn.functional.sigmoid, gain=1.0), "sigmoid")
vanished.name = "loss"
picture = viz.draw(vanished)
print("drawn:", picture.render(outfile="graphs/08_vanishing_gradients.svg", cleanup=True))
picture

# %% [markdown]
# Too large a start does the opposite.

# %%
exploded = one_pass(Deep(relu, gain=6.0), "relu, gain 6")

# %% [markdown]
# ## Mended
#
# 1. An activation with slope 1 and a start that fits it: relu halves the variance, so weights are
#    √2 times as large (He et al., 2015). At the end of so deep a stack many units are dead, though.
# 2. A path around each layer, on which the gradient is multiplied by nothing (He et al., 2016).
# 3. A norm before each layer, which a Transformer has as well: see lesson 3.

# %%
one_pass(Deep(relu, gain=math.sqrt(2)), "relu, gain √2")
one_pass(Deep(nn.functional.sigmoid, gain=1.0, residual=True), "sigmoid, with a way round")


# %% [markdown]
# ## Over time
#
# `viz.record` keeps what each layer's outputs and gradients look like at every backward pass, so
# the same can be asked of a whole training. `plot()` needs matplotlib.


# %%
def train(model, steps=40, lr=0.02):
    optimizer, losses = nn.SGD(model.parameters(), lr=lr, momentum=0.9), []
    with viz.record() as log:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = np.mean((model(inputs) - targets) ** 2)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses, log


for name, model in {
    "sigmoid": Deep(nn.functional.sigmoid, gain=1.0),
    "relu": Deep(relu, gain=math.sqrt(2)),
}.items():
    losses, log = train(model)
    worst = (log.findings() or ["nothing is wrong"])[0]
    print(f"{name:7} loss {losses[0]:.3f} → {losses[-1]:.3f}; {worst}")
    log.plot().savefig(f"graphs/08_{name}.svg")
