# %% [markdown]
# # 13. A recurrent network, and why it forgets
#
# A recurrent network reads a sequence one step at a time, and keeps what it has seen in a state h:
# h' = tanh(W_ih x + b_ih + W_hh h + b_hh). The same weights at every step, so it takes sequences of
# any length. To learn that something at the start matters at the end, a gradient must come back
# through all the steps between. This lesson measures how much of it arrives.

# %%
from itertools import pairwise
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## Unrolled
#
# The smallest one has one number for a state, and one weight: h' = tanh(x + w h). Taken three times
# it is a graph like any other, three layers deep, whose layers share their weight.


# %%
class Step(nn.Module):
    def __init__(self):
        self.w = nn.Parameter(0.8)

    def forward(self, x, h):
        return np.tanh(x + self.w * h)


step, states = Step(), [Tensor(0.0, name="h0")]
for t, number in enumerate((0.9, -0.4, 0.7), start=1):
    states.append(step(Tensor(number, name=f"x{t}"), states[-1]))
    states[-1].name = f"h{t}"
    states[-1].retain_grad()
picture = viz.draw(states[-1])
print("drawn:", picture.render(outfile="graphs/13_rnn_forgets.svg", cleanup=True))
picture

# %% [markdown]
# Each step back multiplies by w and by tanh's slope, w (1 − h²). That is below w, and w is the same
# at every step.

# %%
states[-1].backward()
for h, after in pairwise(states[1:]):
    factor = 0.8 * (1 - after.data**2)
    print(f"gradient of {h.name}: {h.grad:.4f} = {factor:.4f} · {after.grad:.4f}, {after.name}'s")
    assert np.isclose(h.grad, factor * after.grad)

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
backwards = {name: (np.arange(T), lengths[::-1]) for name, lengths in arrived.items()}
figure = viz.curves(backwards, log=True, ylabel="length of the gradient", xlabel="steps back")
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
        x, first = bits(length, 32)
        optimizer.zero_grad()
        F.cross_entropy(model(x), first).backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    x, first = bits(length, 400)
    return np.mean(model(x).data.argmax(axis=-1) == first)


nn.manual_seed(0)
for length in (5, 10, 50):
    print(f"{length:2} steps: an RNN is right in {learned(nn.RNN(2, 12), length):.0%} of cases")

# %% [markdown]
# ## What helps
#
# An LSTM (Hochreiter and Schmidhuber, 1997) has a second state c, to which a step adds. With the
# forget gate of Gers et al. (2000),
#
#     c' = f · c + i · g.
#
# On its way back along c the gradient is multiplied by f alone, and by no weight. If the network
# begins with f near 1, it arrives.


# %%
def remembering(inputs, size):
    layer = nn.LSTM(inputs, size)
    layer.bias_ih_l0.data = np.repeat([0.0, 6.0, 0.0, 0.0], size)  # of i, f, g, o
    return layer


blind = remembering(8, SIZE)
blind.weight_hh_l0.data = np.zeros_like(blind.weight_hh_l0.data)
told("RNN", comes_back(nn.RNN(8, SIZE)))
told("LSTM", comes_back(nn.LSTM(8, SIZE)))
told("LSTM, f near 1", comes_back(remembering(8, SIZE)))
told("   and W_hh = 0", comes_back(blind))
print(f"50 steps: that LSTM is right in {learned(remembering(2, 12), 50):.0%} of cases")

# %% [markdown]
# The last row is the way along c alone: f is the sigmoid of about 6, 0.998, and from 5 steps back
# on little more is lost. In the row above it the gates see h. Through them gradients come back as
# well, which are added to what comes along c, and here the sum grows with the distance.
#
# What the gates do at each step is the next lesson.
