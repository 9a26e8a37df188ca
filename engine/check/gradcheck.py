"""Is a gradient right? Ask the function itself: (f(x + h) − f(x − h)) / 2h."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from ..anomaly import Lines
from ..arguments import ARRAYS, each, is_list
from ..graph import Node, ancestry, describe, nodes, tick
from ..modes import enable_grad, mode, no_grad
from ..op import TABLE, Op, interpreter
from ..shares import Misfit
from ..tensor import Tensor
from ..value import Value
from .cause import likely_cause
from .error import brief, demand_finite, error, misshapen, noted
from .findings import Options, derivatives, findings, moved, numbers
from .slopes import slopes

LOST = (
    "Every op inside is right by itself, so the gradient is lost between them: by .data, .item(), "
    "detach(), no_grad(), or an array made of a Tensor."
)


class Passed(int):
    """True, with notes: what was found on the way and is no error, such as a kink."""

    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "".join(["True", *(f"\n  {note}" for note in self.notes)])


def gradcheck(
    f: Callable[..., Any], *xs: Any,
    rtol: float = 1e-5, atol: float = 1e-6, max_elements: int = 200, seed: int = 0,
) -> Passed:  # fmt: skip
    """Hold every derivative of f at xs against finite differences, in float64.

    First each op that f records is checked by itself, in the order in which they ran, so that the
    first one that is wrong is named; then f as a whole, with respect to its inputs and to the
    parameters that it uses. Where a derivative differs from one central difference, slopes by
    many steps, from the left and from the right, say why.

    Args:
        f: a function or a model. It gives a Tensor or Value of any shape, or several.
        xs: arrays, floats, Tensors or Values; integers and booleans are handed on as they are.
        rtol, atol: a derivative may be off by atol + rtol · its size.
        max_elements: inputs up to this size are checked element by element; larger ones at that
            many random elements, and all together along random directions. Parameters that f
            uses are checked at three.
        seed: of what is random here.

    Returns:
        True, with `.notes` on kinks where the gradient lies between the two slopes, on float32
        inputs, and on slopes that rounding hides.

    Raises:
        GradientError: naming op, input, index and both numbers, the line that called the op, and
            the likely mistake.
        ValueError: f gives other numbers when it runs again, or there is nothing to check.

    >>> gradcheck(lambda x: (x**2).sum(), np.array([1.0, 2.0]))
    True
    >>> from groundup.engine import relu
    >>> gradcheck(relu, np.array([0.0]))
    True
      input 0 at index (0,) is on a kink: slopes 0 and 1, and the gradient 0 lies between them
    """
    options = Options(rtol, atol, max_elements, seed)
    first = tick()
    starts = [as_node(x) for x in xs]

    def run() -> Any:
        return joined(f(*starts))

    inputs: dict[Any, Any] = {x: place for place, x in enumerate(starts) if isinstance(x, Node)}
    with enable_grad(), mode(witness=Lines()):
        root = run()
    parameters = {leaf: called(f, leaf) for leaf in captured(f, root, inputs, first)}
    notes = widths([*xs, *parameters])
    names = inputs | parameters
    if not names:
        raise ValueError(
            "gradcheck: no input of floats, so there is no gradient to check. Write 1.0 for 1"
        )
    with widened(names), np.errstate(all="ignore"):
        with enable_grad(), mode(witness=Lines()):
            root = run()
        with no_grad():
            if not np.array_equal(numbers(run()), numbers(root), equal_nan=True):
                raise ValueError(
                    "gradcheck: the function gives other numbers when it runs again. Draw noise "
                    "outside and hand it in; put a model with dropout into .eval()"
                )
        name = getattr(f, "__name__", type(f).__name__)
        demand_finite(name, numbers(root))
        check_ops(root, options)
        found = findings(run, [*inputs], options)
        # Of parameters there are many, and each op has been checked in them already.
        few = options._replace(max_elements=min(max_elements, 3))
        found += findings(run, [*parameters], few)
    for one in found:
        if not one.verdict.sound:
            more = () if TABLE.get(f) or one.verdict.kind != "wrong rule" else (LOST,)
            raise error(name, names[one.derivative.leaf], one, more)
    notes += [noted(names[one.derivative.leaf], one) for one in found[:5]]
    notes += [f"and {len(found) - 5} more such"] if len(found) > 5 else []
    if not np.isfinite(numbers(root)).all():
        notes.append("some results are NaN or infinite, and their gradients are not checked")
    passed = Passed(True)
    passed.notes = tuple(notes)
    return passed


# Functions as they are checked: on nodes, all results in one row


def as_node(x: Any) -> Any:
    """A float64 leaf with the numbers of an input; integers, booleans and None as they are."""
    if isinstance(x, Value):
        return Value(x.data, x.name)
    array = x.data if isinstance(x, Tensor) else x
    if isinstance(array, float) or (isinstance(array, ARRAYS) and array.dtype.kind == "f"):
        return Tensor(np.asarray(array, np.float64), requires_grad=True)
    return array


def joined(out: Any) -> Any:
    """The results of a function that gives several, one after the other in one row; a scalar
    model's object array too. What is no node (None, ids) is left out."""
    if not isinstance(out, tuple | list | Node | ARRAYS | float | int):
        raise TypeError(f"gradcheck: the function gives {type(out).__name__}, and not a Tensor")
    if not isinstance(out, tuple | list):
        return out
    parts: list[Any] = [part for part in out if isinstance(part, Node | ARRAYS)]
    return np.concatenate([np.ravel(part) for part in parts])


def captured(f: Any, root: Any, starts: Any, first: int) -> list[Node]:
    """The leaves behind root, a result of f, that f was not handed: parameters."""
    roots = np.ravel(np.asarray(root, dtype=object)) if isinstance(root, np.ndarray) else [root]
    behind = dict.fromkeys(n for one in roots if isinstance(one, Node) for n in ancestry(one))
    if hasattr(f, "parameters"):  # those too whose gradient is lost on all of its way
        behind |= dict.fromkeys(x for x in f.parameters() if isinstance(x, Node))
    leaves = (node for node in behind if node.op is None and node.requires_grad)
    return [leaf for leaf in leaves if leaf.born < first and leaf not in starts]


def called(f: Any, leaf: Node) -> str:
    """What a parameter is called: by the module that f is, by itself, or what it is."""
    paths = f.named_parameters() if hasattr(f, "named_parameters") else ()
    return next((path for path, one in paths if one is leaf), leaf.name or describe(leaf))


def widths(leaves: Iterable[Any]) -> list[str]:
    """A note, if some of them are narrower than the check."""
    dtypes = {str(x.dtype) for x in leaves if hasattr(x, "dtype") and x.dtype.kind == "f"}
    narrow = ", ".join(sorted(dtypes - {"float64"}))
    return [f"checked in float64, though inputs are {narrow}"] if narrow else []


@contextmanager
def widened(leaves: Iterable[Any]) -> Iterator[None]:
    """Every leaf in float64, and afterwards as it was."""
    with ExitStack() as each_moved:
        for leaf in leaves:
            each_moved.enter_context(moved(leaf, numbers(leaf).astype(np.float64)))
        yield


# One op by itself


def check_ops(root: Any, options: Options) -> None:
    """Check every op behind root by itself, oldest first.

    Raises:
        GradientError: for the first one whose rule is wrong.
    """
    few = options._replace(max_elements=min(options.max_elements, 20))
    for node in ancestry(root) if isinstance(root, Node) else ():
        op = node.op and TABLE.get(node.op.fn)
        if op and op is node.op:  # and not a checkpoint's
            call, leaves = op_as_function(op, node.args, node.kwargs, arrays=False)
            check_call(op.name, call, leaves, few, node)


def check_call(
    name: str, call: Any, leaves: tuple, options: Options, node: Node | None = None
) -> None:
    """Check a function of leaves, perhaps that of the op that made `node`.

    Raises:
        GradientError: a derivative is wrong.
    """
    starts = [as_node(leaf) for leaf in leaves]
    run = lambda: call(*starts)  # noqa: E731
    places: Any = range(len(starts))
    line = scope = ""
    if node is not None:
        args = enumerate(node.args)
        places = [i for i, arg in args for n in nodes((arg,)) if n.requires_grad]
        line = node.seen.line if node.seen else ""
        scope = f" in {node.scope.path}" if node.scope and node.scope.path else ""
    inputs = dict(zip(starts, places, strict=True))
    shown = ", ".join(f"{place} = {brief(leaf)}" for leaf, place in inputs.items())
    more = (f"Called at {line}{scope}." if line else "", f"Inputs: {shown}")
    try:
        with np.errstate(all="ignore"):
            if node is None:
                demand_finite(name, numbers(run()))
            found = findings(run, starts, options)
    except Misfit as misfit:
        raise misshapen(name, misfit, more, line) from None
    if found and not found[-1].verdict.sound:
        leaf = found[-1].derivative.leaf
        wrong = found[-1].verdict.kind == "wrong rule"
        cause = cause_of(run, leaf, options) if wrong else ""
        raise error(name, inputs[leaf], found[-1], more, cause, line)


def op_as_function(
    op: Op, args: tuple, kwargs: dict[str, Any], arrays: bool = True
) -> tuple[Any, tuple]:
    """An op call as a function of its nodes that require a gradient, wherever they stand, and,
    where `arrays`, of its float arrays."""
    args = tuple(map(as_nodes, args)) if arrays else args
    found = [node for node in nodes(args) if node.requires_grad]

    def call(*xs: Any) -> Any:
        instead = iter(xs)
        new = lambda node: next(instead) if node.requires_grad else node  # noqa: E731
        again = tuple(each(new, arg) for arg in args)
        interpret = interpreter(again)  # as it was recorded, which may not be in numpy's order
        return joined(interpret(op.fn, again, kwargs) if interpret else op.fn(*again, **kwargs))

    return call, tuple(x if isinstance(x, Value) else x.data for x in found)


def as_nodes(arg: Any) -> Any:
    """An argument with each float array in it a Tensor, so that it can be found and moved."""
    if is_list(arg):
        return type(arg)(map(as_nodes, arg))
    is_float = isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
    return Tensor(arg, requires_grad=True) if is_float else arg


def cause_of(run: Callable[[], Any], leaf: Any, options: Options) -> str:
    """The likely mistake, read off the whole gradient of a leaf."""
    for even in (True, False):  # what shows in the plain sum is more telling, if it shows there
        given, wanted = (np.full(numbers(leaf).shape, np.nan) for _ in range(2))
        for one in derivatives(run, [leaf], options, even):
            if one.index is not None:
                slope = slopes(one.rise, one.scale, one.noise).central
                given[one.index], wanted[one.index] = one.analytic, slope.value
        if not np.allclose(given, wanted, options.rtol, options.atol, equal_nan=True):
            break
    return likely_cause(given, wanted, numbers(run()).shape)
