"""Draw the pictures of the README anew: `.venv/bin/python docs/pictures.py`."""

from pathlib import Path

import numpy as np

from groundup import models, nn, viz
from groundup.engine import Value

a, b = Value(0.5, name="a"), Value(-3.0, name="b")
expression = (a * b + a).tanh()

nn.manual_seed(0)
config = models.GPTConfig(vocab_size=65, block_size=64, n_layer=1, n_head=4, n_embd=128)
ids = np.random.default_rng(0).integers(0, 65, size=(12, 65))
_, gpt = models.GPT(config)(ids[:, :-1], ids[:, 1:])
gpt.name = "loss"

for name, node, collapse in [("expression", expression, False), ("gpt", gpt, True)]:
    for theme, suffix in [("light", ""), ("dark", "-dark")]:
        path = Path(__file__).parent / f"{name}{suffix}.svg"
        viz.draw(node, theme=theme, collapse=collapse).render(outfile=path, cleanup=True)
        print(path)
