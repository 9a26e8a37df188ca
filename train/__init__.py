"""Tokenizers, data, the training loop, checkpoints, generation and evaluation."""

from ..engine.errors import InputError, MissingExtra
from .checkpoint import Checkpoint, check_free, load, save
from .corpus import read_text, reference_text
from .data import batches, check_length, split
from .evaluate import bigram_loss, inference, validation_loss
from .generate import generate
from .history import History
from .loop import TrainConfig, fit, new_optimizer
from .memory import keep_freed_memory
from .parallel import accumulate, one_blas_thread, usable_cores
from .tokenizer import CharTokenizer

__all__ = [
    "CharTokenizer",
    "Checkpoint",
    "History",
    "InputError",
    "MissingExtra",
    "TrainConfig",
    "accumulate",
    "batches",
    "bigram_loss",
    "check_free",
    "check_length",
    "fit",
    "generate",
    "inference",
    "keep_freed_memory",
    "load",
    "new_optimizer",
    "one_blas_thread",
    "read_text",
    "reference_text",
    "save",
    "split",
    "usable_cores",
    "validation_loss",
]
