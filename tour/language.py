"""A small GPT learns to write like a text, and its gradients are proven first."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .. import models, nn, viz
from .. import train as training
from ..engine.check.findings import Options, derivatives
from .report import Page, Report, Section, curves, picture
from .say import say, title

MARGIN = 0.2  # nats below the bigram's loss, the goal
PATIENCE = 60.0  # seconds; until then a model that is there already goes on learning


def train(report: Report, quick: bool = False) -> None:
    title("4. A Transformer that learns to write")
    text = training.reference_text()
    tokenizer = training.CharTokenizer.from_text(text)
    train_ids, val_ids = training.split(tokenizer.encode(text))
    if quick:
        train_ids, val_ids = train_ids[:20_000], val_ids[:2_000]
    nn.manual_seed(0)
    sizes: Any = {"n_layer": 4, "n_head": 4, "n_embd": 128, "block_size": 64}
    if quick:
        sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 16}
    model = models.GPT(models.GPTConfig(vocab_size=tokenizer.vocab_size, **sizes))
    say(
        f"The text is Python’s own language reference, {len(text):,} characters, "
        f"{tokenizer.vocab_size} different ones.\n"
        f"The model is a GPT of {sizes['n_layer']} layers, {sizes['n_head']} heads, "
        f"{sizes['n_embd']} wide, that sees {sizes['block_size']} characters: "
        f"{model.num_parameters():,} parameters."
    )
    config = training.TrainConfig(
        steps=20 if quick else 500,
        batch_size=12,
        lr=3e-3,
        warmup=5 if quick else 100,
        eval_every=10 if quick else 50,
        eval_windows=20 if quick else 200,
        threads=training.usable_cores(),
    )
    ids, targets = next(training.batches(train_ids, sizes["block_size"], 12, config.seed))
    prove(report, model, ids[:2], targets[:2])
    report.write()
    learn(report, model, tokenizer, (train_ids, val_ids), config, quick)


def prove(report: Report, model: Any, ids: np.ndarray, targets: np.ndarray) -> None:
    """Hold each parameter's gradient, at the first step, against a finite difference."""
    title("5. Its gradients, held against finite differences")
    say("Each parameter is moved a little in random directions, before any training.")
    wide = copy.deepcopy(model).to(np.float64)
    _, loss = wide(ids, targets)
    loss.backward()
    figure = picture(loss, "gpt", "One step of the GPT, by module, with the gradients that flow")
    zoom = Page("gpt-zoom.html", "The same step, in boxes that open down to numbers", height=820)
    viz.zoom(loss, report.folder / zoom.name)
    names = {parameter: name for name, parameter in wide.named_parameters()}
    along = derivatives(lambda: wide(ids, targets)[1], [*names], Options(max_elements=0))
    rows = []
    for one in along:
        numeric = one.quick()
        rows.append((names[one.leaf], one.analytic, numeric, abs(one.analytic - numeric)))
    name, analytic, numeric, worst = max(rows, key=lambda row: row[3])
    scale = max(abs(row[1]) for row in rows)
    verdict = "They are right" if worst <= 1e-6 * scale + 1e-9 else "They are NOT right"
    say(
        f"{verdict}: of {len(names)} parameters {name} differs most, {analytic:.10f} by the engine "
        f"and {numeric:.10f} by finite differences."
    )
    shown = sorted(rows, key=lambda row: -row[3])[:8]
    report.add(
        Section(
            "The Transformer’s gradients, held against finite differences",
            f"""
            Before it learns anything: is the gradient of this whole model right? Each of its
            {len(names)} parameters is moved a little along random directions, forward and back,
            in float64, and the loss’s slope compared with what backward says.

            {verdict}. The largest differences:
            """,
            table=(
                ("parameter", "by the engine", "by finite differences", "difference"),
                [(n, f"{a:+.9f}", f"{b:+.9f}", f"{d:.1e}") for n, a, b, d in shown],
            ),
            figures=[figure],
            pages=[zoom],
        )
    )


def learn(
    report: Report, model: Any, tokenizer: Any, ids: Any, config: Any, quick: bool = False
) -> None:
    train_ids, val_ids = ids
    baseline = training.bigram_loss(train_ids, val_ids, tokenizer.vocab_size)
    goal = baseline - MARGIN
    title("6. Training")
    say(
        f"Counting pairs of characters achieves {baseline:.3f} nats per character on text that "
        f"was not trained on. The goal is {goal:.3f}, {MARGIN} below."
    )
    before = sample(model, tokenizer)
    history = training.fit(
        model,
        train_ids,
        val_ids,
        config,
        stop_when=lambda history: history.best <= goal and history.seconds >= PATIENCE,
    )
    final = training.validation_loss(model, val_ids, model.config.block_size)
    after = sample(model, tokenizer)
    if final <= goal:
        outcome = (
            f"reached: {final:.3f} on all of the validation text, {baseline - final:.3f} below"
        )
    elif quick:
        outcome = f"MISSED, as in so quick a look it must be: {final:.3f}, not {goal:.3f}"
    else:
        outcome = f"MISSED: {final:.3f} on all of the validation text, where {goal:.3f} was wanted"
    summary = f"After {history.step} steps and {history.seconds:.0f} s the goal is {outcome}."
    say(f"{summary}\n\nBefore, it wrote:\n\n{indented(before)}")
    say(f"\nNow it writes:\n\n{indented(after)}")
    report.add(
        Section(
            "A Transformer that learns to write",
            f"""
            A GPT of {model.num_parameters():,} parameters reads Python’s language reference and
            learns to guess the next character. Counting pairs of characters achieves
            {baseline:.3f} nats per character on text that was not trained on; the goal was
            {MARGIN} below that.

            {summary}
            """,
            figures=[
                curves(
                    history,
                    "loss",
                    "The loss by step, what counting pairs achieves, and the learning rate",
                    ylabel="nats per character",
                    level=("bigram", baseline),
                    lr=True,
                    smooth=10,
                )
            ],
            samples=[("Before training", before), ("After training", after)],
        )
    )
    if history.interrupted:
        raise KeyboardInterrupt


def sample(model: Any, tokenizer: Any, n: int = 300) -> str:
    """What the model writes after an empty line."""
    start = tokenizer.encode("\n")
    return tokenizer.decode(list(training.generate(model, start, n, temperature=0.8, seed=0)))


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())
