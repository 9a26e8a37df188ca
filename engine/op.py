"""One declaration per op: what it computes, how its gradient flows back, where it is defined.

The table is keyed by the function that people call: numpy's own (`np.exp`) or ours (`relu`).
Four kinds of argument can be handed to any of them, and each kind interprets the same
declaration in its own way:

- numpy arrays: the definition runs, nothing else;
- Tensors: the definition runs on their arrays, and the result remembers op and arguments;
- object arrays of Values: the definition runs on scalars, and so builds a scalar graph;
- Names: the text of the formula is written down.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])
Vjp = Callable[..., Any]  # (g, out, *args, **kwargs) -> the share of g for one argument


class Kernel(NamedTuple):
    """A faster first derivative of a definition, on float arrays alone.

    forward(*args, **kwargs) -> (out, saved); backward(g, saved) -> one share per argument,
    None for an argument that has no gradient.
    """

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Sequence[Any]]


@dataclass(eq=False, repr=False)
class Op:
    """A row of the table.

    Attributes:
        fn: the function that people call, and the row's key.
        definition: the same in plain numpy.
        vjps: one rule per argument, itself a numpy expression; None for an argument without a
            gradient (a shape, an index). An op without vjps is differentiated through its
            definition, so everything inside must have a row of its own.
        kernel: an optimisation of the definition, never needed.
        samples: makes valid inputs, `samples(draw) -> (args, kwargs)`; see `samples.py`.
        symbol: how formulas and pictures write it, where it is not `name(…)`.
        exempt: why the scalar oracle cannot run this op, if it cannot.
        on_scalars: the definition on object arrays, where numpy's own differs from it.
        fits: which shapes an op of several arrays takes, for its error message.
        lists: whether an argument may be a list that holds arrays.
        part: of an op that takes a part of its only argument that has a gradient: its share as a
            `Part`, part(g, *args), or None where it is none.
        inline: no node of its own is recorded, only those of the definition, run on the Tensors
            themselves: for what gives a list (split), and what is but another name (hstack).
    """

    fn: Callable[..., Any]
    definition: Callable[..., Any]
    vjps: tuple[Vjp | None, ...] | None
    samples: Callable[..., Any] | None = None
    kernel: Kernel | None = None
    symbol: str = ""
    exempt: str = ""
    on_scalars: Callable[..., Any] | None = None
    fits: str = ""
    lists: bool = False
    part: Callable[..., Any] | None = None
    inline: bool = False

    @property
    def name(self) -> str:
        return self.fn.__name__

    @property
    def home(self) -> str:
        """The module that declares it, by way of the first of its functions that is not numpy's."""
        own = (self.definition, *(self.vjps or ()), self.samples)
        modules = [getattr(f, "__module__", None) or "" for f in own]
        return next((name for name in modules if name and not name.startswith("numpy")), "")

    @property
    def ours(self) -> bool:
        """Whether the function is declared here, and not numpy's."""
        return getattr(self.fn, "__wrapped__", None) is self.definition

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """What it takes here, which may be less than numpy's: what its rules do, after (g, out)."""
        rule = next(filter(None, self.vjps or ()), None)
        if rule is None or self.ours:
            return inspect.signature(self.definition)
        return inspect.Signature(list(inspect.signature(rule).parameters.values())[2:])

    @functools.cached_property
    def is_elementwise(self) -> bool:
        """Whether each number of the result comes of one number of each argument."""
        return self.fn is np.where or getattr(self.fn, "signature", "") is None  # matmul's is not

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether its first derivative comes of its rules, and none of its arguments is a list."""
        return self.vjps is not None and self.kernel is None and not self.lists

    def rule(self, place: int) -> Vjp | None:
        """The vjp of the argument in that place; None where it is declared to be flat.

        Raises:
            TypeError: the op has none for it.
        """
        if not self.vjps or place >= len(self.vjps):
            raise TypeError(f"{self} has no rule for its argument {place}, which needs a gradient")
        return self.vjps[place]

    @functools.cached_property
    def numpys(self) -> tuple[int, dict[str, Any]]:
        """How many arguments numpy takes before its first that is not here (`dtype`, `out` …), and
        its parameters from there on, with their defaults."""
        try:
            theirs = [*inspect.signature(self.fn).parameters.values()]
            theirs = [p for p in theirs if theirs[0].kind is not p.VAR_POSITIONAL]
        except ValueError:  # of functions in C, which tell theirs since numpy 2.4
            theirs = []
        foreign = (i for i, p in enumerate(theirs) if p.name in OWN - {*self.signature.parameters})
        first = next(foreign, len(theirs))
        return first, {p.name: p.default for p in theirs[first:]}

    def arguments(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The same arguments in their places, where the rules look for them.

        Raises:
            TypeError: an option that the definition does not have (numpy's `out`, `where` …).
        """
        if isinstance(self.fn, np.ufunc):
            raise TypeError(f"{self} here takes its arguments alone, not {', '.join(kwargs)}")
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            takes = ", ".join(self.signature.parameters)
            raise TypeError(f"{self}: {error}; here it takes ({takes})") from None
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def explained(self, error: Exception, args: Sequence[Any]) -> Exception:
        """A shape error that names the op and the shapes, and says what would fit."""
        shapes = self.shapes(args)
        given = f" of shape{'s' * (len(shapes) > 1)} {' and '.join(shapes)}" if shapes else ""
        fits = self.fits or (BROADCAST if isinstance(self.fn, np.ufunc) else "")
        of_shapes = isinstance(error, ValueError) and not isinstance(error, OTHER_ERRORS)
        if of_shapes and len(shapes) > 1 and fits:
            return ValueError(f"{self}{given}: {fits}")
        own = str(error).startswith((f"{self}:", f"{self} of"))
        return error if own else type(error)(f"{self}{given}: {str(error).rstrip()}")

    def shapes(self, args: Iterable[Any]) -> list[str]:
        """The shapes of what an op was given, as its errors say them: of a list of arrays those
        that differ, and, where they must fit each other, of lists of numbers and numbers too."""
        if self.lists and self.fits:
            parts = (part for arg in args if isinstance(arg, list | tuple) for part in arg)
            return [*map(str, dict.fromkeys(map(np.shape, parts)))]
        kinds: Any = np.ndarray | np.generic
        kinds = kinds | list if self.fits else kinds
        kinds = kinds | float | int if isinstance(self.fn, np.ufunc) else kinds
        return [str(np.shape(arg)) for arg in args if isinstance(arg, kinds)]


OWN = {"dtype", "casting", "out", "order", "kind", "mode", "copy", "where"}  # seldom ours
OTHER_ERRORS = (np.linalg.LinAlgError, np.exceptions.AxisError)  # ValueErrors, not of shapes
BROADCAST = "from the last axis on, sizes must be equal, or 1 on one side"

TABLE: dict[Callable[..., Any], Op] = {}
ALIASES: dict[Any, Any] = {
    np.amax: np.max, np.amin: np.min, np.fabs: np.absolute, np.conjugate: np.positive,
}  # fmt: skip
CONSTANT: set[Callable[..., Any]] = set()  # derivative zero everywhere: plain arrays come out
INTERPRETERS: dict[np.dtype, Callable[..., Any]] = {}  # of arrays: object arrays hold Values


def declare(fn: Callable[..., Any], *vjps: Vjp | None, **fields: Any) -> Op:
    """Give a numpy function its row: `declare(np.exp, lambda g, out, x: g * out)`."""
    if not vjps and "definition" not in fields:
        raise TypeError(
            f"{called(fn)} needs a rule for each argument, or a definition in other ops"
        )
    if "definition" in fields and len(vjps) > most_arguments(fields["definition"]):
        raise TypeError(f"{called(fn)} has {len(vjps)} rules, and fewer arguments")
    for vjp in filter(None, vjps):
        if first_names(vjp) != ("g", "out"):
            raise TypeError(f"a rule of {called(fn)} takes (g, out, *args), not {vjp}")
    fields.setdefault("definition", fn)
    TABLE[fn] = Op(fn, vjps=vjps or None, **fields)
    return TABLE[fn]


# Of a function in Python, its code says both at once; its signature takes thirty times as long, and
# there are hundreds of rules.


def first_names(rule: Any) -> tuple[str, ...]:
    """How a rule calls its first two arguments."""
    code = getattr(rule, "__code__", None)
    return code.co_varnames[:2] if code else tuple(inspect.signature(rule).parameters)[:2]


def most_arguments(definition: Any) -> float:
    """How many positional arguments a definition takes at the most."""
    code = getattr(definition, "__code__", None)
    if code is None:
        kinds = [p.kind for p in inspect.signature(definition).parameters.values()]
        varied = inspect.Parameter.VAR_POSITIONAL in kinds
        return math.inf if varied else sum(kind.name.startswith("POSITIONAL") for kind in kinds)
    return math.inf if code.co_flags & inspect.CO_VARARGS else code.co_argcount


def op(*vjps: Vjp | None, **fields: Any) -> Callable[[F], F]:
    """Make a function of ours an op: the decorated body is its definition.

    >>> from groundup.engine import Tensor
    >>> from groundup.engine.samples import REAL, elementwise
    >>> @op(lambda g, out, x: g * 3 * x**2, samples=elementwise(REAL))
    ... def cube(x):
    ...     return x**3
    >>> cube(2.0)
    8.0
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> float(x.grad)
    12.0
    """

    def decorate(definition: F) -> F:
        fn = dispatching(definition, fields.get("lists", False))
        declare(fn, *vjps, definition=definition, **fields)
        return fn

    return decorate


def constant(definition: F) -> F:
    """Declare a function of ours flat: on Tensors it takes their arrays and returns one."""
    fn = dispatching(definition)
    CONSTANT.add(fn)
    return fn


def dispatching(definition: F, lists: bool = False) -> F:
    """`definition` for plain arrays; for anything else, what its kind makes of the call.

    It does for our functions what `__array_ufunc__` and `__array_function__` do for numpy's. As
    numpy's do, it takes a list of numbers for an array, unless the op has a use for `lists`.
    """

    @functools.wraps(definition)
    def fn(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        if not lists and list in map(type, given):
            named = {name: unlisted(arg) for name, arg in kwargs.items()}
            return fn(*map(unlisted, args), **named)
        interpret = interpreter(given)
        return interpret(fn, args, kwargs) if interpret else definition(*args, **kwargs)

    return fn  # type: ignore[return-value]


def unlisted(arg: Any) -> Any:
    return np.asarray(arg) if type(arg) is list else arg


def interpreter(args: Iterable[Any]) -> Callable[..., Any] | None:
    """The `interpret` of the first argument that has one, by its type or its dtype."""
    for arg in args:
        if type(arg) in (list, tuple):
            found = interpreter(arg)
        elif isinstance(arg, np.ndarray):
            found = INTERPRETERS.get(arg.dtype)
        else:
            found = getattr(type(arg), "interpret", None)
        if found:
            return found
    return None


def lookup(fn: Callable[..., Any]) -> Op:
    """The row of `fn`.

    Raises:
        TypeError: it has none, and so no derivative that we know.
    """
    op = TABLE.get(fn) or TABLE.get(ALIASES.get(fn, fn))
    if op is None:
        raise TypeError(
            f"{called(fn)} has no derivative here. Write it with ops that have one, declare it "
            f"(groundup.engine.declare({called(fn)}, lambda g, out, x: …)), or hand it x.data if "
            "its result is to be a constant."
        )
    return op


def in_order(fn: Callable[..., Any], args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """The arguments of a call that was written for numpy's `fn`, as its row takes them: by name
    where numpy's order is not ours, and without options that are said to be what they are anyway.
    """
    op = TABLE.get(ALIASES.get(fn, fn))
    if op is None:
        return args, kwargs
    first, names = op.numpys
    if names and len(args) > first:
        args, kwargs = args[:first], dict(zip(names, args[first:], strict=False)) | kwargs
    if OWN.isdisjoint(kwargs):
        return args, kwargs
    defaults = {**names, "where": True}
    idle = [k for k in OWN & kwargs.keys() if kwargs[k] is None or kwargs[k] is defaults.get(k)]
    return args, {k: v for k, v in kwargs.items() if k not in idle}


def called(fn: Any) -> str:
    """A function by the name that its user writes."""
    name = getattr(fn, "__name__", str(fn))
    module = getattr(fn, "__module__", None) or "numpy"  # ufuncs say none
    return f"{module.replace('numpy', 'np', 1)}.{name}" if module.startswith("numpy") else name
