"""Plots by matplotlib, of the extra `report`, which is imported when the first one is drawn."""

from .lines import curves
from .maps import attention
from .recorder import record
from .surfaces import surface
from .weights import attention_weights

__all__ = ["attention", "attention_weights", "curves", "record", "surface"]
