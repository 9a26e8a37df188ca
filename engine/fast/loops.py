"""All loops: each does in one pass over memory what numpy does in many.

`compiled` has looked at the arrays: all of one width, float32 or float64, C-contiguous, and the
kernels hand them over flat or as rows, (n, C). A loop writes into the arrays it is given last.
NaN and infinities go through as in numpy.
"""

from .gates import lstm_backward, lstm_cell, lstm_open
from .powers import (
    cross_entropy_backward,
    gelu,
    gelu_backward,
    log_softmax,
    softmax,
    softmax_backward,
)
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
    "adam",
    "add_rows",
    "cross_entropy_backward",
    "gelu",
    "gelu_backward",
    "layer_norm",
    "layer_norm_backward",
    "log_softmax",
    "lstm_backward",
    "lstm_cell",
    "lstm_open",
    "rms_norm",
    "rms_norm_backward",
    "softmax",
    "softmax_backward",
    "square_norm",
]
