"""Modules, layers, losses, initialisation, optimisers and schedules.

Class names, argument names, parameter names and defaults are PyTorch's.
"""

from . import functional, init
from .activation import GELU, ReLU, Softmax, Tanh
from .clip import clip_grad_norm_
from .container import ModuleDict, ModuleList, Sequential
from .dropout import Dropout
from .embedding import Embedding
from .linear import Linear
from .module import Module
from .normalization import LayerNorm
from .optim import SGD, AdamW, Optimizer
from .parameter import Parameter
from .random import manual_seed
from .schedule import warmup_cosine

__all__ = [
    "GELU",
    "SGD",
    "AdamW",
    "Dropout",
    "Embedding",
    "LayerNorm",
    "Linear",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Optimizer",
    "Parameter",
    "ReLU",
    "Sequential",
    "Softmax",
    "Tanh",
    "clip_grad_norm_",
    "functional",
    "init",
    "manual_seed",
    "warmup_cosine",
]
