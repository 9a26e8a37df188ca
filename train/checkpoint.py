"""A model and its training, in a folder.

    config.json              what the model is, its tokenizer, how it was trained; see `files`
    model.safetensors        the weights, under PyTorch's names
    optimizer.safetensors    the optimiser's state, so that training goes on exactly
    history.json             the losses

Nothing in it is code: to load a checkpoint runs nothing that its author wrote.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import models, nn
from ..engine.errors import InputError
from .arrays import from_bytes, safetensors, to_bytes
from .described import from_fields, kind_of
from .files import read_file, read_index, write_together
from .history import History
from .loop import TrainConfig
from .tokenizer import CharTokenizer

CONFIG, WEIGHTS, STATE, HISTORY = (
    "config.json",
    "model.safetensors",
    "optimizer.safetensors",
    "history.json",
)
VERSION = 1

MODELS: dict[str, tuple[Any, Any]] = {"GPT": (models.GPT, models.GPTConfig)}
OPTIMIZERS: dict[str, Any] = {
    kind.__name__: kind for kind in (nn.SGD, nn.RMSprop, nn.Adagrad, nn.Adam, nn.AdamW, nn.Muon)
}


@dataclass
class Checkpoint:
    """What a folder held; `notes` is whatever JSON its writer put there."""

    model: Any
    tokenizer: CharTokenizer
    config: TrainConfig | None = None
    optimizer: nn.Optimizer | None = None
    history: History = field(default_factory=History)
    notes: dict[str, Any] = field(default_factory=dict)


def save(
    folder: str | Path,
    model: Any,
    tokenizer: CharTokenizer,
    *,
    config: TrainConfig | None = None,
    optimizer: nn.Optimizer | None = None,
    history: History | None = None,
    notes: dict[str, Any] | None = None,
) -> None:
    """Write a checkpoint into a folder, made if need be, in place of the one that is there.

    A crash at any moment leaves the old checkpoint or the new one, whole.

    Args:
        config, optimizer, history: what `fit` needs to go on; without, the model alone is saved.
        notes: anything in JSON's types, or numpy's numbers.

    Raises:
        TypeError: a kind of model or optimiser that a checkpoint does not know, or an optimiser of
            another model's parameters.
        InputError: the folder holds another program's config.json, or the tokenizer has more
            characters than the model has tokens.
        OSError: it cannot be written.
        MissingExtra: safetensors is not installed.
    """
    history = history or History()
    index = {
        "format": "groundup checkpoint",
        "version": VERSION,
        "model": {"kind": kind_of(model, MODELS), **asdict(model.config)},
        "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
        "tokenizer": tokenizer.to_json(),
        "step": history.step,
        "train": asdict(config) if config else None,
        "optimizer": None,
        "notes": notes or {},
    }
    check_vocabulary(model, tokenizer)
    files = {
        WEIGHTS: to_bytes(model.state_dict()),
        HISTORY: json.dumps(history.to_json()).encode(),
    }
    if optimizer:
        state = optimizer.state_dict()
        kind = kind_of(optimizer, OPTIMIZERS)
        index["optimizer"] = {"kind": kind, "param_groups": named_groups(model, optimizer)}
        each = state["state"].items()
        files[STATE] = to_bytes({f"{i}.{key}": kept[key] for i, kept in each for key in kept})
    write_together(Path(folder), CONFIG, index, files)


def load(folder: str | Path) -> Checkpoint:
    """Read what `save` wrote.

    Raises:
        FileNotFoundError: the folder or a file in it is not there.
        InputError: a file is truncated, damaged or of another version, or the files do not fit
            each other: says which, and names all that does not fit.
        MissingExtra: safetensors is not installed.
    """
    folder = Path(folder)
    index = read_index(folder, CONFIG)
    if index.get("format") != "groundup checkpoint" or index.get("version") != VERSION:
        raise InputError(
            f"{folder / CONFIG} is a {index.get('format', 'file of unknown format')}, version "
            f"{index.get('version')}; this groundup reads its own checkpoints of version {VERSION}"
        )
    try:
        return read(folder, index)
    except InputError as error:
        raise InputError(f"the checkpoint {folder} cannot be loaded: {error}") from error


def read(folder: Path, index: dict[str, Any]) -> Checkpoint:
    """The checkpoint that an index describes."""
    model = new_model(index.get("model"))
    tokenizer = CharTokenizer.from_json(index.get("tokenizer"))
    check_vocabulary(model, tokenizer)
    put_weights(model, from_bytes(read_file(folder, index, WEIGHTS), WEIGHTS))
    freeze(model, index.get("frozen") or [])
    history = History.from_json(json.loads(read_file(folder, index, HISTORY)))
    if len(history.steps) != index.get("step"):
        raise InputError(f"step {index.get('step')}, and a history of {len(history.steps)} steps")
    loaded = Checkpoint(model, tokenizer, history=history, notes=index.get("notes") or {})
    if index.get("train"):
        loaded.config = from_fields(TrainConfig, index["train"], "train")
    if index.get("optimizer"):
        state = from_bytes(read_file(folder, index, STATE), STATE)
        loaded.optimizer = old_optimizer(model, index["optimizer"], state)
    return loaded


def new_model(saved: Any) -> Any:
    """A model of the kind and sizes that the config names."""
    described = dict(saved) if isinstance(saved, dict) else {}
    kind = described.pop("kind", None)
    if kind not in MODELS:
        raise InputError(f"a model of kind {kind!r} is not known, only {', '.join(MODELS)}")
    build, config = MODELS[kind]
    return build(from_fields(config, described, f"model of kind {kind}"))


def check_vocabulary(model: Any, tokenizer: CharTokenizer) -> None:
    """Refuse ids that the model has no token for. It may have more, for a rounder size."""
    if tokenizer.vocab_size > model.config.vocab_size:
        raise InputError(
            f"the tokenizer has {tokenizer.vocab_size} characters and the model a vocabulary of "
            f"{model.config.vocab_size}"
        )


def put_weights(model: Any, arrays: dict[str, np.ndarray]) -> None:
    """Load saved weights, each in the width that it was saved in."""
    for name, parameter in model.named_parameters():
        if name in arrays and arrays[name].dtype.kind == "f":
            parameter.to_(arrays[name].dtype)
    try:
        model.load_state_dict(arrays)
    except ValueError as error:
        raise InputError(f"{WEIGHTS} and {CONFIG}: {error}") from error


def freeze(model: Any, names: list[str]) -> None:
    """Let no training change the parameters of these names."""
    named = dict(model.named_parameters())
    for name in names:
        if name not in named:
            raise InputError(f"frozen: the model has no parameter {name!r}")
        named[name].requires_grad_(False)


def named_groups(model: Any, optimizer: nn.Optimizer) -> list[dict[str, Any]]:
    """The optimiser's groups, their parameters by name."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = []
    for group in optimizer.param_groups:
        if any(parameter not in names for parameter in group["params"]):
            raise TypeError("the optimiser has parameters that are not the model's")
        groups.append({**group, "params": [names[parameter] for parameter in group["params"]]})
    return groups


def old_optimizer(model: Any, saved: Any, state: dict[str, np.ndarray]) -> nn.Optimizer:
    """The optimiser of a model as it was."""
    kind = saved.get("kind") if isinstance(saved, dict) else None
    if kind not in OPTIMIZERS:
        raise InputError(f"an optimiser of kind {kind!r} is not known, only {list(OPTIMIZERS)}")
    named = dict(model.named_parameters())
    by_number = list(named.values())  # as older checkpoints call them
    each: dict[int, dict[str, Any]] = {}
    try:
        optimizer: nn.Optimizer = OPTIMIZERS[kind](
            {"params": [named[p] if isinstance(p, str) else by_number[p] for p in group["params"]]}
            for group in saved["param_groups"]
        )
        for place, array in state.items():
            number, name = place.split(".")
            each.setdefault(int(number), {})[name] = array
        # State is kept by a parameter's place in the optimiser, and groups by its name.
        places = optimizer.state_dict()["param_groups"]
        pairs = zip(saved["param_groups"], places, strict=True)
        groups = [{**kept, "params": own["params"]} for kept, own in pairs]
        optimizer.load_state_dict({"state": each, "param_groups": groups})
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{STATE} does not fit the model: {error}") from error
    return optimizer


def check_free(folder: str | Path) -> None:
    """Make sure that a new training can be saved here, before hours go into it.

    Raises:
        InputError: there is a checkpoint already, or another program's config.json, or a file.
        MissingExtra: safetensors is not installed.
        OSError: the folder cannot be made.
    """
    safetensors()
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the checkpoint")
    if (folder / CONFIG).exists():
        raise InputError(
            f"{folder} holds a {CONFIG} already: go on with that training with --resume, or name "
            "another folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
