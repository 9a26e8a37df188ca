# %% [markdown]
# # 14. An LSTM's gates, watched
#
# An LSTM keeps a cell c, and has three gates, numbers from 0 to 1 that it computes at each step: i
# lets something in, f keeps what is there, o lets it be seen.
#
#     c' = f · c + i · g        h' = o · tanh(c')
#
# This lesson trains the smallest one there is, a single cell, and looks at what the gates do.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Tensor, sigmoid
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## The task
#
# At each step come a value, +1 or −1, and a mark, 0 or 1. The answer is the value of the latest
# step that was marked. Everything between is to be ignored, for as long as it takes.

# %%
rng = np.random.default_rng(0)


def batch(steps, size):
    value = rng.choice([-1.0, 1.0], size=(steps, size))
    mark = (rng.random((steps, size)) < 0.25).astype(float)
    mark[0] = 1
    latest = np.maximum.accumulate(np.where(mark, np.arange(steps)[:, None], 0))
    return np.stack([value, mark], axis=-1), np.take_along_axis(value, latest, axis=0)


class Memory(nn.Module):
    def __init__(self):
        self.lstm, self.head = nn.LSTM(input_size=2, hidden_size=1), nn.Linear(1, 1)

    def forward(self, x):
        out, _ = self.lstm(x)  # (T, B, 1)
        return self.head(out)[..., 0]


nn.manual_seed(0)
model = Memory()
optimizer = nn.AdamW(model.parameters(), lr=3e-2)
for step in range(301):
    x, answer = batch(steps=12, size=32)
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), answer)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step:3}: loss {loss.item():.4f}")


def right(model):
    """In how many of the cases, in sequences five times as long as those it was trained on."""
    x, answer = batch(steps=60, size=200)
    return np.mean(np.sign(model(x).data) == answer)


print(f"{model.lstm.num_parameters()} numbers hold one bit: right in {right(model):.0%} of cases")

# %% [markdown]
# ## One step, drawn
#
# `nn.LSTMCell` has the same weights, and takes one step. Here it has just seen a marked −1, and a
# marked +1 comes. (That c is above 0 for −1 is this network's own choice.) The way from c to c'
# meets nothing but a product with f, which is near 0 here, and a sum.

# %%
cell = nn.LSTMCell(2, 1)
cell.load_state_dict({k.removesuffix("_l0"): w for k, w in model.lstm.state_dict().items()})
state = cell(np.array([-1.0, 1.0], np.float32))
before = tuple(Tensor(part.data, requires_grad=True) for part in state)
before[0].name, before[1].name = "h", "c"
h, c = cell(Tensor(np.array([1.0, 1.0], np.float32), name="x"), before)
h.name, c.name = "h'", "c'"
picture = viz.draw(h)
print("drawn:", picture.render(outfile="graphs/14_lstm_gates.svg", cleanup=True))
picture

# %% [markdown]
# ## The gates over time
#
# The sums that go into the gates are in four parts, i, f, g and o. A sigmoid makes them gates.

# %%
x, answer = batch(steps=24, size=1)
h = c = np.zeros((1, 1))
seen = {name: [] for name in "ifoc"}
print("value mark    i     f     g     o       c  answer")
for (value, mark), wanted in zip(x[:, 0], answer[:, 0], strict=True):
    from_x, from_h = cell.products(np.array([[value, mark]]), h)
    i, f, g, o = (from_x + from_h).data[0]
    h, c = cell(np.array([[value, mark]]), (h, c))
    gates = {"i": sigmoid(i), "f": sigmoid(f), "o": sigmoid(o), "c": c.item()}
    for name, number in gates.items():
        seen[name].append(float(number))
    print(
        f"{value:+5.0f} {'  *' if mark else '   '} {gates['i']:7.2f}{gates['f']:6.2f}"
        f"{np.tanh(g):6.2f}{gates['o']:6.2f} {gates['c']:+7.2f} {wanted:+7.0f}"
    )
steps = np.arange(24)
lines = {name: (steps, seen[name]) for name in "ifo"}
viz.curves(lines, ylabel="gate").savefig("graphs/14_gates.svg")
viz.curves({"c": (steps, seen["c"])}, ylabel="cell").savefig("graphs/14_cell.svg")

# %% [markdown]
# At a mark f falls to 0, the cell is emptied, and i · g writes the new value. Between marks f is
# high, and what the cell loses is given back: i · g has the sign of what is there.

# %%
marked = x[:, 0, 1] > 0
for name in "if":
    gate = np.array(seen[name])
    print(f"{name}: {gate[marked].mean():.2f} at marks, {gate[~marked].mean():.2f} between them")

# %% [markdown]
# ## Which gate does the work?
#
# Stuck open, and stuck shut: a large number, or its negative, is added to one gate's bias.

# %%
weights = model.state_dict()
for place, name in ((0, "i, what is let in"), (1, "f, what is kept"), (3, "o, what is seen")):
    broken = {}
    for stuck, by in (("open", 50.0), ("shut", -50.0)):
        changed = {key: array.copy() for key, array in weights.items()}
        changed["lstm.bias_ih_l0"][place] += by
        model.load_state_dict(changed)
        broken[stuck] = right(model)
    print(f"{name:18}", *(f"{stuck}: right in {share:.0%}" for stuck, share in broken.items()))
model.load_state_dict(weights)
