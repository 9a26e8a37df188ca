"""Functions that networks use, with PyTorch's names, argument order and `dim`.

The ops themselves are declared in `groundup.engine`, with numpy's `axis`. All of them take
Tensors, plain arrays, and object arrays of Values.
"""

from ...engine import (
    conv1d,
    conv2d,
    elu,
    gelu,
    l1_loss,
    linear,
    mse_loss,
    relu,
    selu,
    sigmoid,
    silu,
)
from .activations import leaky_relu, log_softmax, softmax, softplus, tanh
from .attention import scaled_dot_product_attention
from .given import integers
from .lookup import embedding
from .losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    kl_div,
    multi_margin_loss,
    nll_loss,
    smooth_l1_loss,
)
from .noise import dropout, dropout_mask
from .norms import layer_norm, rms_norm
from .pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from .positions import alibi_bias, alibi_slopes, rotary_embedding, sinusoidal_positions

__all__ = [
    "alibi_bias",
    "alibi_slopes",
    "avg_pool1d",
    "avg_pool2d",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "dropout",
    "dropout_mask",
    "elu",
    "embedding",
    "gelu",
    "hinge_loss",
    "huber_loss",
    "integers",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool1d",
    "max_pool2d",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "relu",
    "rms_norm",
    "rotary_embedding",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "sinusoidal_positions",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
