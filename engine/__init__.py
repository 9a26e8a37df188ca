"""The engine: a graph of numbers or arrays, and its derivatives."""

from .anomaly import detect_anomaly
from .derivatives import grad, hessian, jacobian, jvp, value_and_grad, vjp
from .graph import enable_grad, no_grad, walk
from .op import Kernel, constant, declare, op
from .ops.activation import elu, erf, gelu, leaky_relu, relu, selu, sigmoid, silu, softplus
from .ops.index import topk
from .ops.linalg import linear
from .ops.network import cross_entropy, layer_norm, scaled_dot_product_attention
from .ops.reduce import log_softmax, logsumexp, softmax
from .ops.shape import embedding
from .ops.special import digamma, lgamma, polygamma
from .ops.window import avg_pool, conv1d, conv2d, max_pool
from .tensor import Tensor
from .value import Value

__all__ = [
    "Kernel",
    "Tensor",
    "Value",
    "avg_pool",
    "constant",
    "conv1d",
    "conv2d",
    "cross_entropy",
    "declare",
    "detect_anomaly",
    "digamma",
    "elu",
    "embedding",
    "enable_grad",
    "erf",
    "gelu",
    "grad",
    "hessian",
    "jacobian",
    "jvp",
    "layer_norm",
    "leaky_relu",
    "lgamma",
    "linear",
    "log_softmax",
    "logsumexp",
    "max_pool",
    "no_grad",
    "op",
    "polygamma",
    "relu",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "topk",
    "value_and_grad",
    "vjp",
    "walk",
]
