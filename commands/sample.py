"""`groundup sample`."""

from __future__ import annotations

import argparse
from pathlib import Path

WHAT = "let a trained model write"


def options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="FOLDER")
    sub.add_argument("--prompt", help="what to continue (default: a new line)")
    sub.add_argument("-n", type=int, default=500, help="how many characters (default: 500)")
    sub.add_argument("--temperature", type=float, default=0.8, help="0 is no chance (default: 0.8)")
    sub.add_argument("--top-k", type=int, help="draw among the likeliest so many only")
    sub.add_argument("--seed", type=int, help="the same seed writes the same text")


def run(args: argparse.Namespace) -> int:
    from .. import train

    state = train.load(args.folder)
    alphabet = state.tokenizer.alphabet
    prompt = args.prompt or ("\n" if "\n" in alphabet else alphabet[0])
    ids = train.generate(
        state.model,
        state.tokenizer.encode(prompt),
        args.n,
        temperature=args.temperature,
        top_k=args.top_k,
        seed=args.seed,
        vocab_size=state.tokenizer.vocab_size,
    )
    print(args.prompt or "", end="")
    for i in ids:
        print(state.tokenizer.decode([i]), end="", flush=True)
    print()
    return 0
