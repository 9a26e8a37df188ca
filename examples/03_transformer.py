# %% [markdown]
# # 3. A Transformer that learns to write
#
# A language model guesses the next character. This one is a GPT like those that people talk to,
# only smaller: the same embedding, attention, layer norms and residual paths, on the engine of
# the first two lessons, and every gradient can be looked at.

# %%
from pathlib import Path

import numpy as np

from groundup import models, nn, train, viz

Path("graphs").mkdir(exist_ok=True)

# %% [markdown]
# ## Text as numbers
#
# The text is one that every Python carries: its own language reference. Each character gets a
# number. The last tenth is kept aside, to see whether the model has learned or only remembers.

# %%
text = train.reference_text()
tokenizer = train.CharTokenizer.from_text(text)
train_ids, val_ids = train.split(tokenizer.encode(text))
print(f"{len(text):,} characters, {tokenizer.vocab_size} different ones")
print("encoded:", tokenizer.encode("def f(x):").tolist())

# %% [markdown]
# ## The model
#
# `models/gpt.py` is one page. `print(model)` shows how it is nested.

# %%
nn.manual_seed(0)
config = models.GPTConfig(
    vocab_size=tokenizer.vocab_size, block_size=32, n_layer=2, n_head=2, n_embd=32
)
model = models.GPT(config)
print(model.blocks[0])
print(f"{model.num_parameters():,} parameters")

# %% [markdown]
# It reads a batch of windows, and at every position guesses what follows. Before any training
# each character is about equally likely, so the loss is near log(vocabulary).

# %%
ids, targets = next(train.batches(train_ids, block_size=32, batch_size=8, seed=0))
logits, loss = model(ids, targets)
print(f"logits {logits.shape}, loss {loss.item():.3f}")
print(f"log(vocabulary) {np.log(config.vocab_size):.3f}")

# %% [markdown]
# Its backward pass, by module. Edges are as wide as the gradient that flows through them.

# %%
loss.name = "loss"
picture = viz.draw(loss, collapse=True)
print("drawn:", picture.render(outfile="graphs/03_transformer.svg", cleanup=True))
picture

# %% [markdown]
# ## Training
#
# `train/loop.py` has no secrets: a batch, forward, backward, clip, step. A hundred steps are a
# taste; `groundup tour` trains a larger one until it beats counting pairs of characters.

# %%
baseline = train.bigram_loss(train_ids, val_ids, tokenizer.vocab_size)
settings = train.TrainConfig(
    steps=100, batch_size=8, lr=5e-3, warmup=10, eval_every=50, eval_windows=50
)
history = train.fit(model, train_ids, val_ids, settings)
print(f"validation loss {history.val_losses[0]:.3f} → {history.val_losses[-1]:.3f}")
print(f"counting pairs of characters: {baseline:.3f}")

# %% [markdown]
# And it writes. Not well yet.

# %%
start = tokenizer.encode("The ")
written = train.generate(model, start, 120, temperature=0.8, top_k=20, seed=0)
print("The " + tokenizer.decode(list(written)))

# %% [markdown]
# ## The same Transformer on single numbers
#
# `to_scalars()` makes each weight a `Value`. A tiny GPT is a few thousand of them; the loss and
# the gradients are those of the arrays.

# %%
tiny_config = models.GPTConfig(vocab_size=5, block_size=4, n_layer=1, n_head=2, n_embd=4)
tiny = models.GPT(tiny_config).to(np.float64)
scalars = tiny.to_scalars()
ids, targets = np.array([[0, 1, 2]]), np.array([[1, 2, 3]])
_, tensor_loss = tiny(ids, targets)
_, scalar_loss = scalars(ids, targets)
scalar_loss.backward()
tensor_loss.backward()
query = next(iter(scalars.parameters()))
print(f"loss {tensor_loss.item():.12f} on arrays, {scalar_loss.item():.12f} on numbers")
print(f"{query.name}: {tiny.wte.weight.grad[0, 0]:+.12f} and {query.grad:+.12f}")
