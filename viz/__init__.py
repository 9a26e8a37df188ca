"""Pictures: a graph drawn with its gradients, and every backward pass drawn as it runs.

With GROUNDUP_VIZ=folder in the environment, importing this draws every backward pass of the
process into that folder.
"""

import os

from .drawing import draw
from .expression import formula
from .notebook import notebook
from .watching import watch, watch_always

__all__ = ["draw", "formula", "notebook", "watch"]

if _folder := os.environ.get("GROUNDUP_VIZ"):
    watch_always(_folder)
