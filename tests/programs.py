"""Random programs, through groundup and through PyTorch: python tests/programs.py --count 10000

A program is a list of 3 to 15 steps. A step is an op of the table, on arguments as its `samples`
draw them, or an operator (+, @, [i] …) on what is there already. What came before flows on: an
array `a` of a sample becomes a + 0.03 · sin(30 · r / max|r|), r being an earlier result brought
to the shape of a. The samples are odd multiples of 1/16, so a movement by 0.03 crosses no kink,
no tie and no border of a domain, and the slope of up to 0.9 keeps gradients from fading. Leaves
and results are used many times, some twice by one op; the loss is a weighted sum over all that
nobody used. Values and the gradients of all leaves are held against PyTorch's, which runs the same
program by the twins of `twins.py`.

A program is decided by the seed, its number and the table of ops. One that differs is printed;
`--seed 4242 --only 137` makes it again.
"""

import argparse
import collections
import contextlib
import math
import operator
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from groundup.engine import Tensor, vjp
from groundup.engine.check.gradcheck import op_as_function
from groundup.engine.op import TABLE, called
from groundup.engine.ops.shape import getitem
from groundup.engine.samples import RandomDraw
from twins import TWINS, grads_of, house, in_torch

TOLERANCE = 1e-9  # of values and gradients, times the larger of 1 and the number
CURVED_TOLERANCE = 1e-7  # of Hessians times vectors
MOVE, WAVES = 0.03, 30.0  # see above: below 1/32, as both arguments of a choice may move
STEPS = (3, 15)
# On a plain array numpy reads the lower half of these, and ours reads the whole of a Tensor.
SYMMETRIC = (np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh)
LARGE = 4.0  # what is larger is divided by its largest number before it flows on

# A program


@dataclass(frozen=True)
class Ref:
    """The result with that number, as an argument."""

    number: int

    def __repr__(self):
        return f"r{self.number}"


@dataclass(frozen=True)
class Call:
    """fn(*args, **kwargs) with Refs among the arguments; a leaf is an array that is called None."""

    fn: Any
    args: tuple
    kwargs: dict = field(default_factory=dict)

    def __str__(self):
        if self.fn is None:
            return f"leaf {self.args[0]!r}"
        options = [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"{called(self.fn)}({', '.join([*map(repr, self.args), *options])})"


@dataclass
class Program:
    """Calls in the order in which they run; the last gives the loss."""

    calls: list = field(default_factory=list)
    values: list = field(default_factory=list)  # by numpy alone, to know shapes and sizes
    sources: list = field(default_factory=list)  # Refs of leaves and of results that may flow on
    used: set = field(default_factory=set)
    depth: dict = field(default_factory=dict)  # how many steps lie behind each result
    ops: list = field(default_factory=list)  # the steps

    def leaf(self, array):
        return self.add(Call(None, (array,)), array)

    def call(self, fn, *args, **kwargs):
        self.used.update(refs(args))
        args_now = of_refs(lambda ref: self.values[ref.number], args)
        definition = TABLE[fn].definition if fn in TABLE else fn
        return self.add(Call(fn, args, kwargs), definition(*args_now, **kwargs))

    def add(self, call, value):
        ref = Ref(len(self.calls))
        self.calls.append(call)
        self.values.append(value if isinstance(value, list | tuple) else np.asarray(value))
        self.depth[ref] = max((self.depth[r] for r in refs(call.args)), default=0)
        return ref

    def value(self, ref):
        return self.values[ref.number]

    def step(self, fn, ref):
        """Say that a result is a step's, and that it, or each of its parts, may flow on."""
        self.ops.append(fn)
        self.depth[ref] += 1
        several = isinstance(self.value(ref), list | tuple)
        parts = range(len(self.value(ref))) if several else ()
        results = [self.call(operator.getitem, ref, i) for i in parts] or [ref]
        self.sources += [r for r in results if self.value(r).size and self.is_float(r)]

    def is_float(self, ref):
        return self.value(ref).dtype.kind == "f"  # and not where numbers were

    def __str__(self):
        return "\n".join(f"r{number} = {call}" for number, call in enumerate(self.calls))


def of_refs(change, arg):
    """An argument with each Ref in it changed."""
    if type(arg) in (list, tuple):
        return type(arg)(of_refs(change, item) for item in arg)
    return change(arg) if isinstance(arg, Ref) else arg


def refs(arg):
    if type(arg) in (list, tuple):
        return [ref for item in arg for ref in refs(item)]
    return [arg] if isinstance(arg, Ref) else []


@contextlib.contextmanager
def numbered(seed, number):
    """An error inside says in which program it happened."""
    try:
        yield
    except Exception as error:
        error.add_note(
            f"in program {number}: python tests/programs.py --seed {seed} --only {number}"
        )
        raise


# Making one


def with_twins():
    """The rows of the table that PyTorch can run."""
    return [op for op in house() if op.fn in TWINS]


def make(seed, number, ops):
    """Program `number` of a seed."""
    draw = RandomDraw()
    draw.rng = np.random.default_rng((seed, number))
    program = Program()
    for _ in range(draw.integer(*STEPS)):
        if program.sources and draw.integer(1, 4) == 1:
            basic_step(program, draw)
        else:
            op_step(program, draw, draw.choice(ops))
    weigh(program, draw)
    return program


def op_step(program, draw, op):
    """A call of an op on a sample, with earlier results flowing into its arrays."""
    args, kwargs = sample(op, draw)
    again: list[Ref] = []  # what has flowed into this step already
    args = each_float(lambda a: flow(program, draw, a, again), args)
    if op.fn in SYMMETRIC and isinstance(args[0], Ref):
        turned = program.call(np.swapaxes, args[0], -1, -2)
        args = (program.call(operator.add, args[0], turned),)
    program.step(op.fn, program.call(op.fn, *args, **kwargs))


def sample(op, draw):
    """A sample that takes numbers, gives some, and has a slope."""
    for _ in range(50):
        args, kwargs = op.samples(draw)
        out = op.definition(*args, **kwargs)
        sizes = [np.size(part) for part in (out if isinstance(out, list | tuple) else [out])]
        sizes.append(sum(leaf.size for leaf in op_as_function(op, args, kwargs)[1]))
        # The deviation of equal numbers is 0, and in the numbers' last digits it has any slope.
        if all(sizes) and not (op.fn is np.std and np.any(out == 0)):
            return args, kwargs
    raise ValueError(f"{op}: 50 samples, and none of them of use")


def each_float(change, arg):
    if type(arg) in (list, tuple):
        return type(arg)(each_float(change, item) for item in arg)
    floats = isinstance(arg, np.ndarray) and arg.dtype.kind == "f"
    return change(arg) if floats else arg


def flow(program, draw, a, again):
    """The array of a sample as a fresh leaf, moved by an earlier result, or both."""
    if not a.size:
        return a  # one part of several that are joined
    if not program.sources or draw.integer(1, 5) == 1:
        ref = program.leaf(a)
        program.sources.append(ref)
        return ref
    source = again[-1] if again and draw.integer(1, 3) == 1 else pick(program, draw)
    again.append(source)
    peak = max(1.0, float(np.max(np.abs(program.value(source)))))
    wave = program.call(np.sin, program.call(operator.mul, source, WAVES / peak))
    shaped = fitted(program, draw, wave, np.shape(a))
    moved = program.call(operator.mul, shaped, MOVE)
    if draw.boolean():
        return program.call(operator.add, moved, a)
    program.sources.append(program.leaf(a))
    return program.call(operator.add, moved, program.sources[-1])


def pick(program, draw):
    """An earlier result: often the last, often one that nobody has used, or any, or a leaf."""
    unused = [ref for ref in program.sources if ref not in program.used]
    choices = (program.sources[-1:], unused or program.sources, program.sources)
    return draw.choice(draw.choice(choices))


def fitted(program, draw, ref, shape):
    """A result in another shape: reshaped, broadcast, its mean, or picked by index."""
    value = program.value(ref)
    if value.shape == shape:
        return ref
    if value.size == math.prod(shape):
        return program.call(np.reshape, ref, shape)
    way = draw.choice(("pick", "tile", "broadcast" if broadcasts(value.shape, shape) else "mean"))
    if way in ("broadcast", "mean"):
        ref = ref if way == "broadcast" else program.call(np.mean, ref)
        return program.call(np.broadcast_to, ref, shape)
    row = program.call(np.reshape, ref, (-1,))
    if way == "pick":
        return program.call(getitem, row, draw.index(value.size, shape))
    tiled = program.call(np.tile, row, -(-math.prod(shape) // value.size))
    cut = program.call(getitem, tiled, slice(math.prod(shape)))
    return program.call(np.reshape, cut, shape)


def broadcasts(shape, target):
    """Whether numpy would stretch that shape to the target."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(n in (1, side) for n, side in pairs)


# Operators, on earlier results as they are


def basic_step(program, draw):
    """An operator on one result, on one twice, or on two of them."""
    r = tamed(program, pick(program, draw))
    s = r if draw.boolean() else tamed(program, pick(program, draw))
    fn, ref = draw.choice(BASIC)(program, draw, r, s)
    program.step(fn, ref)


def tamed(program, ref):
    """A result divided by its largest number, if that is large."""
    peak = float(np.max(np.abs(program.value(ref))))
    return ref if peak <= LARGE else program.call(operator.mul, ref, 1 / peak)


def arithmetic(fn):
    """r and s on either side of an operator; s may broadcast."""

    def step(program, draw, r, s):
        shape = program.value(r).shape
        other = s if broadcasts(program.value(s).shape, shape) else fitted(program, draw, s, shape)
        pair = (r, other) if draw.boolean() else (other, r)
        return fn, program.call(fn, *pair)

    return step


def quotient(program, draw, r, s):
    """r / (1.5 + s · s), which is nowhere divided by 0."""
    square = program.call(operator.mul, s, s)
    below = program.call(operator.add, square, 1.5)
    over = fitted(program, draw, r, program.value(s).shape)
    return operator.truediv, program.call(operator.truediv, over, below)


def product(program, draw, r, s):
    """r @ s, or r @ rᵀ; a single number is made a vector first."""
    if not program.value(r).ndim:
        r = program.call(np.reshape, r, (-1,))
    *before, last = program.value(r).shape
    if r == s:
        other = program.call(np.swapaxes, r, -1, -2) if before else r
    else:
        other = fitted(program, draw, s, (last, draw.integer(1, 3)))
    return operator.matmul, program.call(operator.matmul, r, other)


def indexed(program, draw, r, s):
    """r[index]: what both libraries take; `getitem` has the rest."""
    sides = program.value(r).shape
    index: Any = None
    if sides:
        index = draw.choice((draw.integer(-sides[0], sides[0] - 1), slice(0, 2), (..., 0), None))
    return operator.getitem, program.call(operator.getitem, r, index)


def with_number(program, draw, r, s):
    """An operator with a number of Python's on one side, or on one side alone."""
    fn, args = draw.choice(
        (
            (operator.pow, (r, 2)),
            (operator.pow, (r, 3)),
            (operator.neg, (r,)),
            (operator.sub, (0.5, r)),
            (operator.mul, (2.0, r)),
            (operator.truediv, (r, 3.0)),
        )
    )
    return fn, program.call(fn, *args)


BASIC = (
    *map(arithmetic, (operator.add, operator.sub, operator.mul, operator.mul)),
    *(quotient, product, indexed, with_number),
)


def weigh(program, draw):
    """The loss: of all that nobody used, a weighted sum of numbers that are not large."""
    loss = None
    for ref in [r for r in program.sources if r not in program.used]:
        value = program.value(ref)
        weights = draw.array(value.shape) / max(1.0, float(np.max(np.abs(value))))
        term = program.call(np.sum, program.call(operator.mul, ref, weights))
        loss = term if loss is None else program.call(operator.add, loss, term)


# Running it


def leaves(program):
    return [call.args[0] for call in program.calls if call.fn is None]


def run(program, starts, fn_of, array_of):
    """All results, with `starts` as leaves; `fn_of` and `array_of` say in which library."""
    results, remaining = [], iter(starts)
    for call in program.calls:
        if call.fn is None:
            results.append(next(remaining))
            continue
        args = of_refs(lambda ref: results[ref.number], tuple(map(array_of, call.args)))
        kwargs = {name: array_of(value) for name, value in call.kwargs.items()}
        results.append(fn_of(call.fn)(*args, **kwargs))
    return results


def here(program, starts):
    return run(program, starts, lambda fn: fn, lambda arg: arg)


def there(program, starts):
    return run(program, starts, lambda fn: TWINS.get(fn, fn), lambda arg: in_torch(arg, False))


def numbers(result):
    return np.asarray(result.data if isinstance(result, Tensor) else result)


def gap(ours, theirs):
    """The largest difference, measured by the larger of 1 and the number; NaN is a difference."""
    theirs = theirs.numpy(force=True)
    if ours.shape != theirs.shape:
        return math.inf
    gaps = np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs))
    return float(np.max(np.where(np.isfinite(gaps), gaps, math.inf), initial=0.0))


@dataclass
class Gap:
    """Where ours and theirs differ the most."""

    size: float = 0.0
    where: str = ""

    def meets(self, size, where):
        if size > self.size:
            self.size, self.where = size, where


def compare(program):
    """Values and first gradients: the largest gap, and the largest number in a gradient."""
    found = Gap()
    ours = [Tensor(a, requires_grad=True) for a in leaves(program)]
    theirs = [torch.tensor(a, requires_grad=True) for a in leaves(program)]
    results, expected = here(program, ours), there(program, theirs)
    for number, (one, other) in enumerate(zip(results, expected, strict=True)):
        if isinstance(other, torch.Tensor):
            found.meets(gap(numbers(one), other), f"the value of r{number}")
    if isinstance(results[-1], Tensor):  # and not a number, where all steps are flat
        results[-1].backward()
    grads = grads_of(expected[-1], theirs)
    names = [f"r{i}" for i, call in enumerate(program.calls) if call.fn is None]
    for name, one, grad in zip(names, ours, grads, strict=True):
        grad_here = np.zeros(one.shape) if one.grad is None else one.grad
        found.meets(gap(grad_here, grad), f"the gradient of {name}")
    return found, max(float(grad.abs().max()) for grad in grads)


def compare_curved(program, number):
    """The Hessian of the loss times a vector."""
    found, rng = Gap(), np.random.default_rng(number)
    points = leaves(program)
    vectors = [rng.uniform(0.5, 1.5, a.shape) for a in points]

    def slope(*xs):
        _, pullback = vjp(lambda *at: here(program, at)[-1], *xs)
        return sum(np.sum(g * v) for g, v in zip(pullback(None), vectors, strict=True))

    _, pullback = vjp(slope, *points)
    theirs = [torch.tensor(a, requires_grad=True) for a in points]
    grads = grads_of(there(program, theirs)[-1], theirs, recorded=True)
    along = sum((g * torch.tensor(v)).sum() for g, v in zip(grads, vectors, strict=True))
    curved = zip(pullback(1.0), grads_of(along, theirs), strict=True)
    for place, (one, other) in enumerate(curved):
        found.meets(gap(one, other), f"the Hessian times a vector, at leaf {place}")
    return found


# The report


def bar(numbers, what):
    """The numbers one after the other, with a bar where one can be seen."""
    if sys.stderr.isatty():
        with contextlib.suppress(ImportError):
            from rich.console import Console
            from rich.progress import track

            return track(numbers, description=what, console=Console(stderr=True))
    return numbers


@dataclass
class Tally:
    """What was seen over many programs."""

    uses: collections.Counter = field(default_factory=collections.Counter)
    steps: list = field(default_factory=list)
    chains: list = field(default_factory=list)
    slopes: list = field(default_factory=list)
    largest: Gap = field(default_factory=Gap)
    wrong: list = field(default_factory=list)

    def met(self, program, number, found, tolerance):
        self.largest.meets(found.size, f"program {number}, {found.where}")
        if not found.size <= tolerance:
            self.wrong.append(number)
            print(f"\nProgram {number} differs by {found.size:.3g} in {found.where}:\n{program}\n")


def check(seed, selected):
    """Values and gradients of the programs with these numbers."""
    ops, tally = with_twins(), Tally()
    for number in selected:
        with numbered(seed, number):
            program = make(seed, number, ops)
            found, steepest = compare(program)
        tally.met(program, number, found, TOLERANCE)
        tally.uses.update(program.ops)
        tally.steps.append(len(program.ops))
        tally.chains.append(max(program.depth.values()))
        tally.slopes.append(steepest)
    return tally


def check_curved(seed, selected):
    """Hessians times vectors of the programs with these numbers."""
    ops, tally = with_twins(), Tally()
    for number in selected:
        with numbered(seed, number):
            program = make(seed, number, ops)
            found = compare_curved(program, number)
        tally.met(program, number, found, CURVED_TOLERANCE)
    return tally


def report(tally):
    """What was used how often, and how far apart the two were."""
    of_table = {fn: n for fn, n in tally.uses.items() if fn in TABLE}
    lengths = collections.Counter(tally.steps)
    print(
        f"{sum(tally.steps)} steps, {np.mean(tally.steps):.1f} in a program; the longest chain in "
        f"a program has {np.mean(tally.chains):.1f} on average, {max(tally.chains)} at most"
    )
    print("programs by steps:", ", ".join(f"{n}: {lengths[n]}" for n in sorted(lengths)))
    operators = len(tally.uses) - len(of_table)
    print(f"{len(of_table)} of the {len(with_twins())} ops with a twin, and {operators} operators")
    ranked = sorted(of_table.items(), key=lambda pair: -pair[1])
    ends = [f"{called(fn)} {n}" for fn, n in (*ranked[:3], *ranked[-3:])]
    print(f"uses of an op: most {', '.join(ends[:3])}; least {', '.join(ends[-3:])}")
    low, middle, high = np.percentile(tally.slopes, (5, 50, 95))
    print(f"largest gradient of a program: median {middle:.3g}, 90% in [{low:.3g}, {high:.3g}]")


def conclusion(what, tally, tolerance):
    """The largest difference, and how many programs were wrong."""
    largest = f"{tally.largest.size:.3g} ({tally.largest.where})"
    allowed = f"allowed is {tolerance:g} · max(1, |number|)"
    print(f"{what}: largest difference {largest}, {allowed}; {len(tally.wrong)} mismatches")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="how many programs")
    parser.add_argument("--hessians", type=int, default=0, help="and of how many the Hessian")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one program, printed")
    options = parser.parse_args(argv)
    began = time.perf_counter()
    print(f"seed {options.seed}, {options.count if options.only is None else 1} programs")
    chosen, curved = range(options.count), range(options.hessians)
    if options.only is not None:
        chosen = curved = range(options.only, options.only + 1)
        print(make(options.seed, options.only, with_twins()))
    tally = check(options.seed, bar(chosen, "Programs"))
    report(tally)
    conclusion("values and gradients", tally, TOLERANCE)
    wrong = tally.wrong
    if curved:
        tally = check_curved(options.seed, bar(curved, "Hessians"))
        conclusion(f"{len(curved)} Hessians times vectors", tally, CURVED_TOLERANCE)
        wrong = wrong + tally.wrong
    for number in wrong:
        print(f"again: python tests/programs.py --seed {options.seed} --only {number}")
    print(f"{time.perf_counter() - began:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
