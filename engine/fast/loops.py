"""All loops: each does in one pass over memory what numpy does in many.

`compiled` has looked at the arrays: all of one width, float32 or float64, C-contiguous, and the
kernels hand them over flat or as rows, (n, C). A loop writes into the arrays it is given last.
NaN and infinities go through as in numpy.
"""

from .powers import (
    cross_entropy_backward,
    gelu,
    gelu_backward,
    log_softmax,
    softmax,
    softmax_backward,
)
from .recurrent import HAS_BLAS, back_through_time, cut_up, through_time
from .sums import (
    adam,
    add_rows,
    layer_norm,
    layer_norm_backward,
    rms_norm,
    rms_norm_backward,
    square_norm,
)

__all__ = [
    "HAS_BLAS",
    "adam",
    "add_rows",
    "back_through_time",
    "cross_entropy_backward",
    "cut_up",
    "gelu",
    "gelu_backward",
    "layer_norm",
    "layer_norm_backward",
    "log_softmax",
    "rms_norm",
    "rms_norm_backward",
    "softmax",
    "softmax_backward",
    "square_norm",
    "through_time",
]
