"""`groundup train`."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .watched import use_one_thread, watchable, watched

if TYPE_CHECKING:
    from .. import train

WHAT = "train a GPT to write like a text"

# Defaults stand in GPTConfig, TrainConfig and `train_config`: a resumed training keeps its own.
OPTIONS = [
    ("--steps", int, "training steps in all (default: 1000)"),
    ("--layers", int, "blocks of the GPT (default: 4)"),
    ("--heads", int, "attention heads in a block (default: 4)"),
    ("--width", int, "numbers that stand for one character (default: 128)"),
    ("--block", int, "how many characters it sees (default: 64)"),
    ("--batch", int, "windows of text in a step (default: 12)"),
    ("--lr", float, "highest learning rate (default: 0.001)"),
    ("--seed", int, "weights and batches follow from it (default: 0)"),
    (
        "--threads",
        int,
        "threads, each with a part of a step's batch (default: one a core, up to 4)",
    ),
]


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--text", metavar="FILE", help="UTF-8 (default: Python's language reference)")
    sub.add_argument("--out", type=Path, default=Path("groundup-model"), metavar="FOLDER")
    sub.add_argument("--resume", action="store_true", help="go on with the training in FOLDER")
    for option, kind, what in OPTIONS:
        sub.add_argument(option, type=kind, metavar="N", help=what)
    watchable(sub)


def run(args: argparse.Namespace) -> int:
    if (args.width or 128) <= 256 or args.threads != 1:
        use_one_thread()  # of BLAS, for each of ours
    from .. import train

    if args.threads is None and not args.resume:
        args.threads = train.usable_cores()
    resumed = train.load(args.out) if args.resume else None
    source = args.text or (resumed.notes.get("text") if resumed else None)
    text = train.read_text(source) if source else train.reference_text()
    state = resumed_state(args, resumed) if resumed else new_state(args, text)
    model, tokenizer = state.model, state.tokenizer
    config = state.config or train.TrainConfig()
    state.notes["text"] = str(Path(source).resolve()) if source else None

    ids = tokenizer.encode(text)
    train_ids, val_ids = train.split(ids)
    block = model.config.block_size
    train.check_length(train_ids, block, "training")
    train.check_length(val_ids, block, "validation")
    if resumed is None:
        train.check_free(args.out)
    baseline = train.bigram_loss(train_ids, val_ids, tokenizer.vocab_size)
    shape = model.config
    print(
        f"Text: {source or 'Python’s own language reference'}, {len(text):,} characters, "
        f"{tokenizer.vocab_size} different ones.\n"
        f"Model: a GPT with {shape.n_layer} layers of {shape.n_head} heads, {shape.n_embd} wide, "
        f"that sees {block} characters: {model.num_parameters():,} parameters.\n"
        f"To beat: {baseline:.3f} nats per character, what counting pairs of characters achieves "
        "on the last tenth of the text, which is not trained on.\n"
        f"Steps {state.history.step + 1} to {config.steps}, {config.batch_size} windows of text "
        f"in each, {config.threads} thread{'s' * (config.threads > 1)}. Ctrl-C saves and ends.",
        flush=True,
    )
    with watched(args), termination_as_interrupt() as terminated:
        train.fit(
            model,
            train_ids,
            val_ids,
            config,
            optimizer=state.optimizer,
            history=state.history,
            callback=lambda _: save(args.out, state),
        )
        save(args.out, state)
    if state.history.interrupted:
        print(f"Stopped after step {state.history.step}, and saved in {args.out}.")
        print("Go on: groundup train --resume --out", args.out)
        return 143 if terminated() else 130
    loss = state.history.val_losses[-1]
    print(
        f"Validation loss {loss:.3f}: {abs(baseline - loss):.3f} "
        f"{'below' if loss < baseline else 'above'} the bigram's.\n"
        f"Saved in {args.out}. Let it write: groundup sample {args.out}"
    )
    return 0


def save(folder: Path, state: train.Checkpoint) -> None:
    from .. import train

    train.save(
        folder,
        state.model,
        state.tokenizer,
        config=state.config,
        optimizer=state.optimizer,
        history=state.history,
        notes=state.notes,
    )


def new_state(args: argparse.Namespace, text: str) -> train.Checkpoint:
    """An untrained model for a text, and how to train it."""
    from .. import models, nn, train

    tokenizer = train.CharTokenizer.from_text(text)
    sizes: dict[str, Any] = {"n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 64}
    sizes |= asked_sizes(args)
    config = train_config(args, train.TrainConfig())
    config = replace(config, warmup=min(config.warmup, config.steps // 10))
    nn.manual_seed(config.seed)
    try:
        model = models.GPT(models.GPTConfig(vocab_size=tokenizer.vocab_size, **sizes))
    except ValueError as error:
        raise train.InputError(str(error)) from error
    return train.Checkpoint(model, tokenizer, config, train.new_optimizer(model, config))


def resumed_state(args: argparse.Namespace, state: train.Checkpoint) -> train.Checkpoint:
    """A saved training, with what is asked for anew."""
    from ..train import InputError

    if state.config is None or state.optimizer is None:
        raise InputError(f"{args.out} holds a model alone, without the state of its training")
    for name, asked in asked_sizes(args).items():
        saved = getattr(state.model.config, name)
        if asked != saved:
            raise InputError(
                f"{name} {asked} is asked for, but the model in {args.out} has {saved}"
            )
    saved, state.config = state.config, train_config(args, state.config)
    if state.config.lr != saved.lr:
        for group in state.optimizer.param_groups:  # the highest rate of each
            group["initial_lr"] = group.get("initial_lr", saved.lr) * state.config.lr / saved.lr
    if state.config.steps <= state.history.step:
        raise InputError(
            f"the training in {args.out} has made its {state.history.step} steps: ask for more "
            f"with --steps"
        )
    return state


def asked_sizes(args: argparse.Namespace) -> dict[str, Any]:
    """The sizes of a GPT that the command line gives, under GPTConfig's names."""
    sizes = {
        "n_layer": args.layers,
        "n_head": args.heads,
        "n_embd": args.width,
        "block_size": args.block,
    }
    return {name: given for name, given in sizes.items() if given is not None}


def train_config(args: argparse.Namespace, config: train.TrainConfig) -> train.TrainConfig:
    """A config with what the command line says instead."""
    options = {
        "steps": args.steps,
        "batch_size": args.batch,
        "lr": args.lr,
        "seed": args.seed,
        "threads": args.threads,
    }
    return replace(config, **{name: given for name, given in options.items() if given is not None})


@contextmanager
def termination_as_interrupt() -> Iterator[Any]:
    """A block in which SIGTERM acts as Ctrl-C. Yields a function that says whether it came."""
    came = False

    def interrupt(*_: Any) -> None:
        nonlocal came
        came = True
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGTERM, before)
