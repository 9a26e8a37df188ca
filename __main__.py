"""The command line: a thin face of the rooms."""

from __future__ import annotations

import argparse
import importlib.util
import os
import pkgutil
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__

# The rooms are imported by the commands that need them, so that --help is quick and a missing
# extra troubles only who asked for it.
if TYPE_CHECKING:
    from . import train


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 is well; 1 a check that failed; 2 something given that cannot be used, with one sentence on
    stderr; 130 Ctrl-C and 143 a termination, after saving; 141 that nobody reads on (`| head`).
    A bug keeps its traceback.
    """
    args = parser().parse_args(argv)
    if isinstance(sys.stdout, TextIOWrapper):
        # A model may write what the terminal cannot show: then a "?" stands for it.
        sys.stdout.reconfigure(errors="replace")
    try:
        status = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered has nowhere to go either; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        sentence = user_error(error)
        if sentence is None:
            raise
        print(f"groundup: {sentence}", file=sys.stderr)
        return 2
    return int(status)


def use_one_thread() -> None:
    """Keep numpy's matrix products in one thread, unless the user's environment says otherwise.

    The products of a small GPT are done before a second thread has woken up, and on a busy
    machine each waits for a thread that has no core: a step of the default model took 79 ms
    with one thread and 264 ms with two, on two shared cores.
    """
    if "numpy" not in sys.modules and "OMP_NUM_THREADS" not in os.environ:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def user_error(error: Exception) -> str | None:
    """What to tell the user about an error that is not a bug, None about one that is."""
    from .train import InputError, MissingExtra

    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, InputError | MissingExtra | OSError | FloatingPointError):
        return str(error)
    return None


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    top = argparse.ArgumentParser(
        prog="groundup", description="From one number to a trained Transformer, in one engine."
    )
    top.add_argument("--version", action="version", version=f"groundup {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Any, name: str, what: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what)
        sub.set_defaults(run=run)
        return sub

    sub = command(run_tour, "tour", "the guided tour, which writes a report (about two minutes)")
    sub.add_argument("--out", type=Path, default=Path("groundup-tour"), metavar="FOLDER")
    sub.add_argument("--quick", action="store_true", help="everything smaller: a look alone")
    watchable(sub)

    sub = command(run_train, "train", "train a GPT to write like a text")
    sub.add_argument("--text", metavar="FILE", help="UTF-8 (default: Python's language reference)")
    sub.add_argument("--out", type=Path, default=Path("groundup-model"), metavar="FOLDER")
    sub.add_argument("--resume", action="store_true", help="go on with the training in FOLDER")
    for option, kind, what in TRAIN_OPTIONS:
        sub.add_argument(option, type=kind, metavar="N", help=what)
    watchable(sub)

    sub = command(run_sample, "sample", "let a trained model write")
    sub.add_argument("folder", type=Path, metavar="FOLDER")
    sub.add_argument("--prompt", help="what to continue (default: a new line)")
    sub.add_argument("-n", type=int, default=500, help="how many characters (default: 500)")
    sub.add_argument("--temperature", type=float, default=0.8, help="0 is no chance (default: 0.8)")
    sub.add_argument("--top-k", type=int, help="draw among the likeliest so many only")
    sub.add_argument("--seed", type=int, help="the same seed writes the same text")

    sub = command(run_draw, "draw", "run a script and draw its graphs")
    sub.add_argument("script", type=Path, metavar="FILE.py")
    sub.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="OUT",
        help="a folder for a picture of each backward pass (default: graphs), or a picture's "
        "name, such as out.svg, for the newest result that the script leaves in a variable",
    )
    sub.add_argument(
        "--zoom",
        action="store_true",
        help="write a page instead (default: zoom.html) in which every box opens, down to the "
        "scalars: of the last backward pass, or of the newest result if there was none",
    )

    sub = command(run_step, "step", "run a script and step through its backward passes")
    sub.add_argument("script", type=Path, metavar="FILE.py")
    sub.add_argument(
        "args", nargs="*", metavar="ARGS", help="for the script; after -- if they have dashes"
    )
    sub.add_argument(
        "-o", dest="out", type=Path, metavar="OUT", help="the page (default: step.html)"
    )
    sub.add_argument("--text", action="store_true", help="in the terminal, and no page without -o")
    sub.add_argument(
        "--limit", type=int, default=2000, metavar="N", help="steps in all (default: 2000)"
    )

    sub = command(run_check, "check", "hold derivatives against finite differences")
    sub.add_argument(
        "function",
        nargs="?",
        metavar="MODULE:NAME",
        help="an op, a function or a layer of yours, of float arrays (default: every op of the "
        "engine)",
    )
    sub.add_argument(
        "--shape",
        dest="shapes",
        type=shape,
        action="append",
        default=[],
        metavar="3,4",
        help="of an input of it; once for each (default: any that broadcast)",
    )

    sub = command(run_bench, "bench", "measure it against its rivals (in a clone alone)")
    sub.add_argument("filters", nargs="*", metavar="FILTER", help="a part of a row's name")
    sub.add_argument("--rounds", type=int, default=15, metavar="N", help="turns of each contender")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    sub.add_argument("--write", action="store_true", help="write the table into its page")
    sub.add_argument("--microgpt", type=Path, metavar="FILE", help="your copy of microgpt.py")
    sub.add_argument("--profile", action="store_true", help="where the time of a GPT's step goes")
    sub.add_argument("--growth", action="store_true", help="how time grows; draws growth.svg")
    return top


# Defaults stand in GPTConfig, TrainConfig and `train_config`: a resumed training keeps its own.
TRAIN_OPTIONS = [
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


def watchable(sub: argparse.ArgumentParser) -> None:
    """The options of a command whose backward passes can be watched."""
    sub.add_argument(
        "--viz",
        type=Path,
        metavar="FOLDER",
        help="watch the backward passes: a picture of every Nth, and index.html with the loss and "
        "the gradient norms of all, to be opened while it runs. A step is then one graph in one "
        "thread",
    )
    sub.add_argument(
        "--viz-every",
        type=int,
        default=20,
        metavar="N",
        help="(default: 20: a picture takes about as long as two steps of the default model)",
    )


@contextmanager
def watched(args: argparse.Namespace) -> Iterator[None]:
    """A block whose backward passes go where --viz says, or GROUNDUP_VIZ, or nowhere."""
    if args.viz_every < 1:
        from .train import InputError

        raise InputError(f"--viz-every is at least 1, not {args.viz_every}")
    if args.viz is None and not os.environ.get("GROUNDUP_VIZ"):
        yield
        return
    from . import viz  # which looks for GROUNDUP_VIZ itself

    with viz.watch(args.viz, every=args.viz_every) if args.viz else nullcontext():
        yield


def run_tour(args: argparse.Namespace) -> int:
    use_one_thread()
    from .tour import run

    with watched(args):
        return run(args.out, quick=args.quick)


def run_train(args: argparse.Namespace) -> int:
    if (args.width or 128) <= 256 or args.threads != 1:
        use_one_thread()  # of BLAS, for each of ours
    from . import train

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
    from . import train

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
    from . import models, nn, train

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
    from .train import InputError

    if state.config is None or state.optimizer is None:
        raise InputError(f"{args.out} holds a model alone, without the state of its training")
    for name, asked in asked_sizes(args).items():
        saved = getattr(state.model.config, name)
        if asked != saved:
            raise InputError(
                f"{name} {asked} is asked for, but the model in {args.out} has {saved}"
            )
    state.config = train_config(args, state.config)
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


def run_sample(args: argparse.Namespace) -> int:
    from . import train

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
    )
    print(args.prompt or "", end="")
    for i in ids:
        print(state.tokenizer.decode([i]), end="", flush=True)
    print()
    return 0


def run_draw(args: argparse.Namespace) -> int:
    from . import viz
    from .train import InputError

    if not args.script.is_file():
        raise FileNotFoundError(f"there is no file {args.script}")
    out = args.out or Path("zoom.html" if args.zoom else "graphs")
    if args.zoom:
        if out.suffix != ".html":
            raise InputError(f"a page is an .html, not {out}")
        with viz.last_pass() as last:
            variables = run_script(args.script)
        node = last.restored() or newest_result(variables)
        print("Open", viz.zoom(node, out, seed=last.seed))
        return 0
    if out.suffix not in ("", ".svg", ".png"):
        raise InputError(f"a picture is an .svg or a .png, not {out.suffix}")
    if not out.suffix:
        with viz.watch(out):
            run_script(args.script)
        return 0
    node = newest_result(run_script(args.script))
    print("Drawn in", viz.draw(node).render(outfile=out, cleanup=True))
    return 0


def run_step(args: argparse.Namespace) -> int:
    from .train import InputError
    from .viz.stepper.script import Passes

    if not args.script.is_file():
        raise FileNotFoundError(f"there is no file {args.script}")
    if args.limit < 1:
        raise InputError(f"--limit {args.limit} is a count of steps, 1 or more")
    out = args.out or (None if args.text else Path("step.html"))
    title = f"Step by step: {args.script.name}" if out else ""
    passes, ended = Passes(args.limit, title, args.text), None
    try:
        with passes.watching():
            run_script(args.script, *args.args)
    except BaseException as error:  # noqa: BLE001  (what it did until then is shown all the same)
        ended = error
    if out and passes.shown:
        print("Written:", passes.write(out))
    if passes.shown:
        print(passes)
    if isinstance(ended, Exception):
        show_error(ended, args.script)
        return 1
    if ended is not None and (not isinstance(ended, SystemExit) or ended.code):
        raise ended
    if not passes.count:
        raise InputError(f"{args.script} makes no backward pass: call .backward() on its result")
    if not passes.shown:
        raise InputError(" ".join(passes.notes))
    return 0


def show_error(error: Exception, script: Path) -> None:
    """An error in a script as Python shows it, which knows nothing of who ran it."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != str(script):
        trace = trace.tb_next
    sys.stdout.flush()
    traceback.print_exception(error.with_traceback(trace))


def run_script(path: Path, *args: str) -> dict[str, Any]:
    """Run a script as python would, and return its variables."""
    sys.path.insert(0, str(path.resolve().parent))
    sys.argv[:] = [str(path), *args]
    return runpy.run_path(str(path), run_name="__main__")


def newest_result(variables: dict[str, Any]) -> Any:
    """The node among a script's variables that was made last."""
    from .engine import Tensor, Value
    from .train import InputError

    nodes = [x for x in variables.values() if isinstance(x, Value | Tensor) and x.op]
    if not nodes:
        raise InputError("the script leaves no result of an op in a variable: nothing to draw")
    return max(nodes, key=lambda node: node.born)


def run_check(args: argparse.Namespace) -> int:
    if args.function or args.shapes:
        return check_one(args.function, args.shapes)
    from .engine.check import check_table
    from .engine.op import TABLE

    began, count, wrong = time.perf_counter(), 0, []
    for op, error in bar(check_table(), len(TABLE)):
        count += 1
        if error is not None:
            wrong.append(op.name)
            print(f"{op.name}: {error}\n", flush=True)
    print(
        f"{count} ops against finite differences, on 20 random inputs each, at first and second "
        f"order, in {time.perf_counter() - began:.0f} s: "
        + (f"{len(wrong)} wrong: {', '.join(wrong)}." if wrong else "all right.")
    )
    return 1 if wrong else 0


def check_one(path: str | None, shapes: list[tuple[int, ...]]) -> int:
    """Check a function of the user's, `mymodule:my_op`."""
    from .engine.check import GradientError, check_function
    from .train import InputError

    if not path:
        raise InputError("--shape is for a function of yours: groundup check mymodule:my_op")
    f = imported(path)
    try:
        check_function(f, *shapes)
    except GradientError as error:
        print(error)
        return 1
    except (ValueError, TypeError, IndexError) as error:
        advice = ". Say what it takes: --shape 3,4 for each input" if "shape" in str(error) else ""
        raise InputError(f"{path} on random arrays: {str(error).rstrip('.')}{advice}") from error
    print(f"{path}: right, on 20 random inputs.")
    return 0


def imported(path: str) -> Any:
    """What `module:name` says, looked for in the folder where the command runs too."""
    from .train import InputError

    sys.path.insert(0, os.getcwd())
    try:
        found = pkgutil.resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{path} can't be imported: {error}. Write module:name") from error
    if isinstance(found, type) or not callable(found):
        what = "a class: name an instance of it" if isinstance(found, type) else "no function"
        raise InputError(f"{path} is {what}")
    return found


def run_bench(args: argparse.Namespace) -> int:
    from .train import InputError

    folder = Path(__file__).parent / "benchmarks"
    if not (folder / "bench.py").is_file():
        raise InputError(
            "the benchmarks are no part of an installed groundup: run this in a clone of its "
            "repository"
        )
    bench = run_script(folder / "bench.py")
    if args.profile or args.growth:
        if args.filters or args.json or args.microgpt or (args.profile and args.growth):
            raise InputError("--profile and --growth stand alone: no rows, no --json, not together")
        return int(bench["profile"]() if args.profile else bench["growth"](args.write))
    done = bench["run"](args.filters, args.rounds, args.json, args.write, args.microgpt)
    return int(done)


def shape(text: str) -> tuple[int, ...]:
    """A shape as it is typed: 3,4.

    >>> shape("3,4"), shape("")
    ((3, 4), ())
    """
    return tuple(int(side) for side in text.split(",") if side)


def bar(steps: Iterable[Any], total: int) -> Iterable[Any]:
    """The steps, with a bar in a terminal, if rich is there to draw one."""
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        from rich.progress import track

        return track(steps, "Checking", total, transient=True)
    return steps


if __name__ == "__main__":
    sys.exit(main())
