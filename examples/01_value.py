# %% [markdown]
# # 1. One number that remembers
#
# A neural network learns by asking, for each of its numbers: if this one were a little larger,
# would the result be better or worse, and by how much? The answer is a *gradient*. This lesson
# finds gradients for single numbers. Everything after it, up to a Transformer, is the same idea.
#
# Run it as a script (`python examples/01_value.py`), or open it as a notebook: each `# %%` begins
# a cell.

# %%
from pathlib import Path

from groundup import viz
from groundup.engine import Value, grad, walk
from groundup.engine.check import gradcheck
from groundup.viz.rules import contributions

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# A `Value` holds one float. Arithmetic with Values gives Values, and each result remembers the op
# and the arguments it was made from. That is the *graph*.

# %%
a = Value(0.5, name="a")
b = Value(-3.0, name="b")

product = a * b
total = product + a
loss = total.tanh()

product.name, total.name, loss.name = "a·b", "a·b + a", "loss"
print(f"loss = {loss:.4f}, made by {loss.op} from {[arg.name for arg in loss.args]}")

# %% [markdown]
# ## Backward
#
# Walk from the loss back to the inputs, newest first. Each step hands its gradient to the
# arguments, multiplied by the op's *local* derivative. Where two paths meet, at `a`, they add.

# %%
for node, gradient in walk(loss, 1.0):
    print(f"∂loss/∂({node.name}) = {gradient:.4f}")
    for given in contributions(node, gradient):
        print(f"    to {given.arg.name}: {given.rule}, here {given.numbers} = {given.share:.4f}")

# %% [markdown]
# `backward()` does this walk and adds each gradient to `.grad`.

# %%
loss.backward()
print(f"a.grad = {a.grad:.4f}, b.grad = {b.grad:.4f}")

# %% [markdown]
# The picture shows both directions: values flow to the right, gradients (∂) came back from there.
# In a notebook the last line of a cell shows it; here it is written to a file as well.

# %%
picture = viz.draw(loss)
print("drawn:", picture.render(outfile="graphs/01_value.svg", cleanup=True))
picture

# %% [markdown]
# ## Is it right?
#
# Ask the function itself: move `a` a little to each side and look at the slope. `gradcheck` does
# that for every input, and would say where a gradient is wrong.


# %%
def expression(a, b):
    return (a * b + a).tanh()


h = 1e-5
slope = (expression(Value(0.5 + h), b) - expression(Value(0.5 - h), b)) / (2 * h)
print(f"by the slope {slope:.6f}, by backward {a.grad:.6f}")
print("gradcheck:", gradcheck(expression, Value(0.5), Value(-3.0)))

# %% [markdown]
# ## Learning
#
# Follow the gradient downhill: a number times itself is smallest at zero, and this finds it
# without being told. A graph is used once: after `data` has changed it is made anew.

# %%
x = Value(3.0, name="x")
for step in range(5):
    x.zero_grad()
    y = (x - 1) ** 2
    y.backward()
    print(f"step {step}: x = {x.data:.4f}, (x − 1)² = {y:.4f}, gradient {x.grad:.4f}")
    x.data -= 0.4 * x.grad

# %% [markdown]
# The rules are made of the same arithmetic, so a gradient can be differentiated again.

# %%
cube = lambda v: v**3  # noqa: E731
second, third = grad(grad(cube)), grad(grad(grad(cube)))
print(f"x³ at 2: slope {grad(cube)(2.0)}, its slope {second(2.0)}, and its {third(2.0)}")
