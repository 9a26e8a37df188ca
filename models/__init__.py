"""Whole networks, one file each."""

from .bigram import Bigram
from .gpt import GPT, GPTConfig
from .mlp import MLP

__all__ = ["GPT", "MLP", "Bigram", "GPTConfig"]
