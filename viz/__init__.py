"""Pictures: a graph drawn with its gradients, opened down to its scalars, every backward pass as
it runs, and plots.

With GROUNDUP_VIZ=folder in the environment, importing this draws every backward pass of the
process into that folder; GROUNDUP_VIZ_EVERY and GROUNDUP_VIZ_KEEP are `watch`'s `every` and `keep`.
"""

import os

from .drawing import draw
from .expression import formula
from .notebook import notebook
from .plots import attention, attention_weights, curves, record, surface
from .stepper.stepping import step
from .stepper.steps import steps
from .watcher.watching import watch, watch_always
from .zoomer.last_pass import last_pass
from .zoomer.zooming import zoom

__all__ = [
    "attention", "attention_weights", "curves", "draw", "formula", "last_pass", "notebook",
    "record", "step", "steps", "surface", "watch", "zoom",
]  # fmt: skip

if os.environ.get("GROUNDUP_VIZ"):
    watch_always(os.environ)
