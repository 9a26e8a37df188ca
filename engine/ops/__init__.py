"""The op declarations, by kind. Importing this package fills the table."""

from . import (
    activation,
    constants,
    density,
    elementwise,
    index,
    linalg,
    network,
    products,
    reduce,
    shape,
    special,
    window,
)

__all__ = [
    "activation",
    "constants",
    "density",
    "elementwise",
    "index",
    "linalg",
    "network",
    "products",
    "reduce",
    "shape",
    "special",
    "window",
]
