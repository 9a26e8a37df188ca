# %% [markdown]
# # 13. A recurrent network, and why it forgets
#
# A recurrent network reads a sequence one step at a time, and keeps what it has seen in a state h:
# h' = tanh(W_ih x + b_ih + W_hh h + b_hh). The same weights at every step, so it takes sequences of
# any length. To learn that something at the start matters at the end, a gradient must come back
# through all the steps between. This lesson measures how much of it arrives.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, Value
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## Unrolled
#
# The smallest one has one number for a state, and one weight. Taken four times it is a graph like
# any other, four layers deep. Edges are as wide as the gradient that flows: towards the first step
# it gets thinner.

# %%
w = Value(0.8, name="w")
inputs = [Value(number, name=f"x{t}") for t, number in enumerate((0.9, -0.4, 0.7, 1.1))]
h = inputs[0].tanh()
for x in inputs[1:]:
    h = (x + w * h).tanh()
h.name = "h"
picture = viz.draw(h)
print("drawn:", picture.render(outfile="graphs/13_rnn_forgets.svg", cleanup=True))
picture

# %%
h.backward()
for x in inputs:
    print(f"the gradient at {x.name} is {x.grad:.4f}")

# %% [markdown]
# ## How much comes back
#
# `nn.RNN` is that loop over a whole batch, (T, B, input_size). The length of the gradient of the
# last state with respect to the input at each step says how much the network could learn from it.
# How W_hh starts decides the rest: here it is a rotation, times a gain.

# %%
T, B, SIZE = 40, 16, 32
nn.manual_seed(0)
rng = np.random.default_rng(0)


def comes_back(layer):
    """The length of the last output's gradient at each input: T numbers, the first step's first."""
    x = Tensor(np.random.default_rng(1).normal(size=(T, B, layer.input_size)), requires_grad=True)
    layer(x)[0][-1].sum().backward()
    return np.linalg.norm(x.grad, axis=(1, 2))


def rotating(gain, nonlinearity="tanh"):
    layer = nn.RNN(8, SIZE, nonlinearity=nonlinearity).to(np.float64)
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(SIZE, SIZE)))
    layer.weight_hh_l0.data = gain * rotation
    return layer


def told(name, lengths):
    shown = "   ".join(f"{back} back {lengths[T - 1 - back]:8.1e}" for back in (0, 5, 10, 20, 39))
    print(f"{name:16} {shown}")


arrived = {f"gain {gain}": comes_back(rotating(gain)) for gain in (0.5, 0.9, 1.1)}
arrived["PyTorch's start"] = comes_back(nn.RNN(8, SIZE).to(np.float64))
for name, lengths in arrived.items():
    told(name, lengths)
backwards = {name: lengths[::-1] for name, lengths in arrived.items()}
figure = viz.curves(backwards, log=True, ylabel="gradient, so many steps back")
figure.savefig("graphs/13_gradients.svg")

# %% [markdown]
# Straight lines on a logarithmic scale. At each step back the gradient is multiplied by W_hhᵀ and
# by tanh's slopes, 1 − h². A rotation keeps lengths: what is left is the gain times, roughly, the
# mean slope, and that at every step anew (Hochreiter, 1991; Bengio et al., 1994).

# %%
for gain in (0.5, 0.9, 1.1):
    layer, lengths = rotating(gain), arrived[f"gain {gain}"]
    out, _ = layer(np.random.default_rng(1).normal(size=(T, B, 8)))
    slope = np.mean(1 - out.data**2)
    measured = (lengths[5] / lengths[35]) ** (1 / 30)
    print(f"gain {gain}: measured × {measured:.3f} per step, gain · mean slope {gain * slope:.3f}")

# %% [markdown]
# relu's slope is 1 or 0: about half of the numbers let nothing through, and a gain of 2 is more
# than that takes away. Then the gradient explodes, hence `nn.clip_grad_norm_`.

# %%
for gain in (1.0, 2.0):
    told(f"relu, gain {gain}", comes_back(rotating(gain, "relu")))

# %% [markdown]
# ## What that does
#
# The task: say at the end what the first of T random bits was. Chance is one half.


# %%
class FirstBit(nn.Module):
    def __init__(self, layer):
        self.layer, self.head = layer, nn.Linear(layer.hidden_size, 2)

    def forward(self, x):
        out, _ = self.layer(x)
        return self.head(out[-1])


def bits(length, batch):
    values = rng.integers(0, 2, size=(length, batch))
    first = np.zeros((length, batch))
    first[0] = 1  # says which one matters
    return np.stack([2.0 * values - 1, first], axis=-1), values[0]


def learned(layer, length, steps=250):
    model = FirstBit(layer)
    optimizer = nn.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        x, first = bits(length, 16)
        optimizer.zero_grad()
        F.cross_entropy(model(x), first).backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    x, first = bits(length, 400)
    return np.mean(model(x).data.argmax(axis=-1) == first)


nn.manual_seed(0)
for length in (5, 10, 30):
    print(f"{length:2} steps: an RNN is right in {learned(nn.RNN(2, 12), length):.0%} of cases")

# %% [markdown]
# ## What helps
#
# An LSTM (Hochreiter and Schmidhuber, 1997) keeps a second state c, to which a step adds:
# c' = f · c + i · g. On its way back along c the gradient is multiplied by the forget gate f alone.
# Where the network begins with f near 1, it arrives (Gers et al., 2000).


# %%
def remembering(inputs, size):
    layer = nn.LSTM(inputs, size)
    layer.bias_ih_l0.data = np.repeat([0.0, 4.0, 0.0, 0.0], size)  # of i, f, g, o; σ(4) = 0.98
    return layer


told("RNN", comes_back(nn.RNN(8, SIZE)))
told("LSTM", comes_back(nn.LSTM(8, SIZE)))
told("LSTM, f near 1", comes_back(remembering(8, SIZE)))
print(f"30 steps: that LSTM is right in {learned(remembering(2, 12), 30):.0%} of cases")

# %% [markdown]
# What its gates do at each step is the next lesson.
