"""The op declarations, by kind. Importing this package fills the table."""

# ruff: noqa: F401
from . import (
    activation,
    also,
    constants,
    density,
    elementwise,
    index,
    linalg,
    loss,
    matrix,
    network,
    norm,
    products,
    reduce,
    shape,
    special,
    window,
)
