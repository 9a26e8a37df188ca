"""The engine: a graph of numbers or arrays, and its derivatives."""

from . import random
from .anomaly import detect_anomaly
from .checkpoint import checkpoint
from .derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .graph import walk
from .modes import enable_grad, no_grad
from .op import Kernel, constant, declare, op
from .ops.activation import elu, erf, gelu, leaky_relu, relu, selu, sigmoid, silu, softplus
from .ops.attention import scaled_dot_product_attention
from .ops.class_loss import cross_entropy, multi_margin_loss, nll_loss, soft_cross_entropy
from .ops.convolution import conv1d, conv2d
from .ops.density import (
    bernoulli_log_prob,
    beta_log_prob,
    categorical_log_prob,
    dirichlet_log_prob,
    exponential_log_prob,
    gamma_log_prob,
    gumbel_log_prob,
    normal_log_prob,
)
from .ops.index import topk
from .ops.linalg import linear
from .ops.loss import (
    binary_cross_entropy_with_logits,
    hinge_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
)
from .ops.norms import layer_norm, rms_norm
from .ops.pooling import avg_pool, max_pool
from .ops.recurrent import gru, lstm, rnn
from .ops.shape import embedding
from .ops.softmax import log_softmax, logsumexp, softmax
from .ops.special import digamma, lgamma, polygamma
from .saved import saved
from .tensor import Tensor
from .value import Value
from .value_array import values

# fmt: off
__all__ = [
    "Kernel", "Tensor", "Value", "avg_pool", "bernoulli_log_prob", "beta_log_prob",
    "binary_cross_entropy_with_logits", "categorical_log_prob", "checkpoint", "constant",
    "conv1d", "conv2d", "cross_entropy", "declare", "detect_anomaly", "digamma",
    "dirichlet_log_prob", "elu", "embedding", "enable_grad", "erf", "exponential_log_prob",
    "gamma_log_prob", "gelu", "grad", "gru", "gumbel_log_prob", "hessian", "hinge_loss",
    "huber_loss", "hvp", "jacobian", "jvp", "kl_div", "l1_loss", "layer_norm", "leaky_relu",
    "lgamma", "linear", "log_softmax", "logsumexp", "lstm", "max_pool", "mse_loss",
    "multi_margin_loss", "nll_loss", "no_grad", "normal_log_prob", "op", "polygamma", "random",
    "relu", "rms_norm", "rnn", "saved", "scaled_dot_product_attention", "selu", "sigmoid",
    "silu", "soft_cross_entropy", "softmax", "softplus", "topk", "value_and_grad", "values",
    "vjp", "walk",
]
