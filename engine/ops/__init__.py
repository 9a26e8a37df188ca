"""The op declarations, by kind. Importing this package fills the table."""

from . import activation, constants, elementwise, linalg, network, reduce, shape

__all__ = ["activation", "constants", "elementwise", "linalg", "network", "reduce", "shape"]
