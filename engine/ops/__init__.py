"""The op declarations, by kind. Importing this package fills the table."""

# ruff: noqa: F401, I001
from . import constants, elementwise, activation, special, density  # each number by itself
from . import shape, index, reduce, softmax, also  # arrays
from . import products, linalg, matrix, norm  # vectors and matrices
from . import (
    window,
    convolution,
    pooling,
    norms,
    attention,
    recurrent,
    loss,
)  # layers of networks, and what they are trained by
