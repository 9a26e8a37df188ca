"""The op declarations, by kind. Importing this package fills the table."""

from . import constants, elementwise, linalg, network, reduce, shape

__all__ = ["constants", "elementwise", "linalg", "network", "reduce", "shape"]
