"""Modules, layers, losses, initialisation, optimisers and schedules.

Class names, argument names, parameter names and defaults are PyTorch's. Examples in docstrings take
`from groundup.nn import *` and `import numpy as np`.
"""

from . import functional, init, schedule, utils
from .activation import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from .attention import AdditiveAttention, MultiplicativeAttention
from .batch_norm import BatchNorm1d, BatchNorm2d
from .clip import clip_grad_norm_, clip_grad_value_
from .container import ModuleDict, ModuleList, Sequential
from .convolution import Conv1d, Conv2d
from .dropout import Dropout
from .embedding import Embedding
from .identity import Flatten, Identity
from .linear import Linear
from .loss import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    MultiMarginLoss,
    NLLLoss,
    SmoothL1Loss,
)
from .module import Module
from .multihead import MultiheadAttention
from .normalization import LayerNorm, RMSNorm
from .optim import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    Muon,
    OneCycleLR,
    Optimizer,
    ReduceLROnPlateau,
    RMSprop,
    SequentialLR,
    StepLR,
    lr_scheduler,
)
from .parameter import Parameter
from .pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from .positions import (
    ALiBi,
    LearnedPositionalEmbedding,
    RotaryEmbedding,
    SinusoidalPositionalEmbedding,
)
from .random import manual_seed
from .recurrent import GRU, LSTM, RNN
from .recurrent_cell import GRUCell, LSTMCell, RNNCell
from .schedule import warmup_cosine
from .swiglu import SwiGLU
from .transformer import Transformer, TransformerDecoder, TransformerEncoder
from .transformer_layer import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "SGD",
    "ALiBi",
    "Adagrad",
    "Adam",
    "AdamW",
    "AdditiveAttention",
    "AvgPool1d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChainedScheduler",
    "ConstantLR",
    "Conv1d",
    "Conv2d",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "ExponentialLR",
    "Flatten",
    "GRUCell",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LRScheduler",
    "LSTMCell",
    "LambdaLR",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositionalEmbedding",
    "Linear",
    "LinearLR",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiMarginLoss",
    "MultiStepLR",
    "MultiheadAttention",
    "MultiplicativeAttention",
    "Muon",
    "NLLLoss",
    "OneCycleLR",
    "Optimizer",
    "Parameter",
    "RMSNorm",
    "RMSprop",
    "RNNCell",
    "ReLU",
    "ReduceLROnPlateau",
    "RotaryEmbedding",
    "Sequential",
    "SequentialLR",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositionalEmbedding",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "StepLR",
    "SwiGLU",
    "Tanh",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "clip_grad_norm_",
    "clip_grad_value_",
    "functional",
    "init",
    "lr_scheduler",
    "manual_seed",
    "schedule",
    "utils",
    "warmup_cosine",
]
