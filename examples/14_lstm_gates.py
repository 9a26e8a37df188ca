# %% [markdown]
# # 14. An LSTM's gates, watched
#
# An LSTM keeps a cell c. At each step it computes what could be written, g, a number from −1 to 1,
# and three gates, numbers from 0 to 1: i lets g in, f keeps what is there, o lets it be seen.
#
#     i = sigmoid(W_i x + U_i h + b_i)        g = tanh(W_g x + U_g h + b_g)
#     f = sigmoid(W_f x + U_f h + b_f)        c' = f · c + i · g
#     o = sigmoid(W_o x + U_o h + b_o)        h' = o · tanh(c')
#
# This lesson trains the smallest one there is, a single cell, which has to keep a single bit. It
# passes its test. Then we look at what the gates do, and see that the test was too easy.

# %%
from pathlib import Path

import numpy as np

from groundup import nn, viz
from groundup.engine import Value, sigmoid
from groundup.nn import functional as F

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## The task
#
# At each step come a value, +1 or −1, and a mark, 0 or 1. The answer is the value of the latest
# step that was marked. Everything between is to be ignored, for as long as it takes.

# %%
rng = np.random.default_rng(0)


def batch(steps, size, marked=0.25, turns=0.5):
    """Inputs (T, B, 2) and answers (T, B). The value turns, and steps are marked, that often."""
    turned = np.where(rng.random((steps, size)) < turns, -1.0, 1.0)
    value = np.cumprod(turned, axis=0) * rng.choice([-1.0, 1.0], size)
    mark = rng.random((steps, size)) < marked
    mark[0] = True
    latest = np.maximum.accumulate(np.where(mark, np.arange(steps)[:, None], 0))
    return np.stack([value, mark], axis=-1), np.take_along_axis(value, latest, axis=0)


class Memory(nn.Module):
    def __init__(self):
        self.lstm, self.head = nn.LSTM(input_size=2, hidden_size=1), nn.Linear(1, 1)

    def forward(self, x):
        out, _ = self.lstm(x)  # (T, B, 1)
        return self.head(out)[..., 0]


def train(model, **task):
    optimizer = nn.AdamW(model.parameters(), lr=5e-2)
    for _ in range(300):
        x, answer = batch(size=32, **task)
        optimizer.zero_grad()
        F.mse_loss(model(x), answer).backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    x, answer = batch(steps=60, size=200)
    print(f"right in {np.mean(np.sign(model(x).data) == answer):.1%} of 12,000 random cases")


nn.manual_seed(0)
model = Memory()
train(model, steps=12)

# %% [markdown]
# ## The gates over time
#
# `nn.LSTMCell` has the same weights and takes one step. Its four sums, W x + U h + b, stand in the
# order i, f, g, o.


# %%
def watch(model, values, marks):
    """i, f, g, o and c at each step, (T, 5)."""
    cell = nn.LSTMCell(2, 1)
    cell.load_state_dict({k.removesuffix("_l0"): w for k, w in model.lstm.state_dict().items()})
    h, c, seen = np.zeros(1), np.zeros(1), []
    for x in np.stack([values, marks], axis=-1).astype(float):  # (2,)
        from_x, from_h = cell.products(x, h)
        i, f, g, o = (from_x + from_h).data
        h, c = cell(x, (h, c))
        seen.append([sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o), c.item()])
    return np.array(seen)


values = np.array([-1, 1, 1, -1, 1, 1, -1, -1, 1, -1])
marks = np.array([1, 0, 0, 0, 1, 0, 0, 0, 0, 1])
seen = watch(model, values, marks)
print("value mark    i     f     g     o    i·g      c")
for value, mark, (i, f, g, o, c) in zip(values, marks, seen, strict=True):
    gates = f"{i:7.2f}{f:6.2f}{g:+6.2f}{o:6.2f}"
    print(f"{value:+4d}   {' *'[mark]} {gates} {i * g:+6.2f} {c:+6.2f}")
print(f"f is {seen[marks == 1, 1].mean():.2f} at marks, {seen[marks == 0, 1].mean():.2f} between")

steps = np.arange(len(values))
lines = {name: (steps, seen[:, place]) for place, name in enumerate("ifgo") if name != "g"}
viz.curves(lines, ylabel="gate", marks=("marked", steps[marks == 1])).savefig("graphs/14_gates.svg")

# %% [markdown]
# At a mark f is near 0: the cell is emptied, and i · g writes. Between marks f is larger, and the
# cell keeps most of what it has. But f is not 1, and i · g is not 0.
#
# ## What the test did not ask
#
# For how many steps is a bit kept, if nothing is marked and the value is always the same?


# %%
MOST = 1000


def kept(model, told, then):
    """A bit is told, and then one value comes, again and again: when is the answer wrong first?"""
    x = np.full((1 + MOST, 1, 2), [then, 0.0])
    x[0] = told, 1.0
    wrong = np.sign(model(x).data[1:, 0]) != told
    return int(np.argmax(wrong)) if wrong.any() else MOST


def all_kept(model):
    cases = [(told, then) for told in (+1, -1) for then in (+1, -1)]
    steps = {case: kept(model, *case) for case in cases}
    for (told, then), count in steps.items():
        many = f"{count} steps" if count < MOST else f"{MOST} steps and more"
        print(f"told {told:+d}, then {then:+d} all the time: kept for {many}")
    return min(steps, key=steps.get), min(steps.values())


(told, then), soon = all_kept(model)
rare = (0.75 * 0.5) ** -soon
print(f"by chance {soon} unmarked {then:+d} in a row come once in {rare:.0e} steps")

# %% [markdown]
# Right in every random case, and wrong in a case that is too rare to be among them. Its first step,
# drawn: f takes a little from c, i · g does not give it back, and so it goes on. The same picture
# says why an LSTM learns at all: on its way back from c' to c the gradient meets a product with f,
# and nothing else.

# %%
run, once = np.array([told] + [then] * 60), np.array([1] + [0] * 60)
leaking = watch(model, run, once)
i, f, g, o = (Value(n, name=name) for n, name in zip(leaking[1], "ifgo", strict=False))
c = Value(leaking[0, -1], name="c")
after = f * c + i * g
h = o * after.tanh()
after.name, h.name = "c'", "h'"
assert abs(after.data - leaking[1, -1]) < 1e-6
picture = viz.draw(h)
print("drawn:", picture.render(outfile="graphs/14_lstm_gates.svg", cleanup=True))
picture

# %% [markdown]
# ## Asked for more
#
# The same network, trained further, on sequences of 200 steps in which value and bit seldom change.

# %%
train(model, steps=200, marked=0.01, turns=0.01)
_, later = all_kept(model)
print(f"the shortest: {soon} steps before, {later} now")

holding = watch(model, run, once)
cells = {"trained on 12 steps": leaking[:, -1], "and on 200": holding[:, -1]}
cells = {name: (np.arange(len(run)), c) for name, c in cells.items()}
figure = viz.curves(cells, ylabel="c", marks=("forgotten", [soon + 1]))
figure.savefig("graphs/14_cell.svg")
for name, numbers in (("before", leaking), ("now", holding)):
    i, f, g, _, c = numbers[1]
    print(f"{name:6} f = {f:.4f}, i·g = {i * g:+.4f}; c from {numbers[0, -1]:+.4f} to {c:+.4f}")

# %% [markdown]
# f is nearer to 1, c loses less at a step, and the bit is kept several times as long. (A sigmoid is
# never 1, so it still leaks.) A network learns to remember for as long as it was asked to, and a
# test shows no more than what it asks.
