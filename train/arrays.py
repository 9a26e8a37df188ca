"""Arrays by name as the bytes of a safetensors file."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.errors import InputError, MissingExtra


def to_bytes(arrays: dict[str, Any]) -> bytes:
    """Arrays and numbers in the safetensors format."""
    whole = {name: np.array(array, order="C") for name, array in arrays.items()}
    return bytes(safetensors().save(whole))


def from_bytes(content: bytes, name: str) -> dict[str, np.ndarray]:
    """The arrays in a safetensors file."""
    library = safetensors()
    try:
        return dict(library.load(content))
    except library.SafetensorError as error:
        raise InputError(f"{name} is no safetensors file: {error}") from None


def safetensors() -> Any:
    """The library, where it is installed."""
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingExtra("safetensors", "a checkpoint", "train") from None
    return safetensors.numpy
