"""Gradients held against finite differences."""

from .error import GradientError
from .gradcheck import gradcheck
from .table import check_function, check_op, check_table

__all__ = ["GradientError", "check_function", "check_op", "check_table", "gradcheck"]
