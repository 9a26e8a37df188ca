"""Pictures: a graph drawn with its gradients, every backward pass as it runs, and plots.

With GROUNDUP_VIZ=folder in the environment, importing this draws every backward pass of the
process into that folder; GROUNDUP_VIZ_EVERY and GROUNDUP_VIZ_KEEP are `watch`'s `every` and `keep`.
"""

import os

from .drawing import draw
from .expression import formula
from .notebook import notebook
from .plots import attention, attention_weights, curves, record, surface
from .stepping import step
from .steps import steps
from .watching import watch, watch_always

__all__ = [
    "attention", "attention_weights", "curves", "draw", "formula", "notebook", "record", "step",
    "steps", "surface", "watch",
]  # fmt: skip

if os.environ.get("GROUNDUP_VIZ"):
    watch_always(os.environ)
