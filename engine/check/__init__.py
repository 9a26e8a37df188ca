"""Gradients held against finite differences."""

from .gradcheck import GradientError, gradcheck
from .table import check_op, check_table

__all__ = ["GradientError", "check_op", "check_table", "gradcheck"]
