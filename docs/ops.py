"""Write docs/ops.md, the table of ops, from their declarations: python docs/ops.py"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from groundup.engine.op import CONSTANT, TABLE, Op, called
from groundup.engine.samples import POSITIVE, REAL, SMALL, Domain, ExampleDraw, RandomDraw
from groundup.viz.notation import TEXT
from groundup.viz.rules import optional, rules, symbols

LONG = 120
COLUMNS = ("op", "computes", "domain", "derivative", "orders", "checked by")
PAGE = Path(__file__).with_name("ops.md")
TWINS = PAGE.parents[1] / "tests" / "twins.py"
INTRODUCTION = """# The ops

This page is written by `python docs/ops.py` from the declarations in `engine/ops/`, and a test
fails when it is stale.

- **Domain.** What an op is checked on; where nothing stands, any numbers.
- **Derivative.** A rule is the text of the code that computes the gradient, written down as that
  code runs on one example: ∂out is the gradient of the result, out the result, and what stands
  after ∂ the argument whose share it is. Numbers and shapes in it are those of the example (0.6931
  is log 2, 1.128 is 2/√π), and a ≠ a is how code asks for a NaN. A long rule is said in its
  docstring's words. Where there is no rule, the derivative is that of the definition in other ops.
- **Orders.** Each is differentiable at any order. A kernel is a faster way to the first.
- **Checked by.** F is finite differences, at first and second order, on 0 to 4 axes, some of them
  empty, broadcast, strided and read-only, in float64, and float32 held against that. S is the
  scalar engine, to rounding. T is PyTorch, values and derivatives of first and second order.

On its way back through an op on each element, a gradient of 0 stays 0, even where the slope is
infinite: so nothing flows into the branch that `np.where` did not take. `x.at[index].add(values)`
and `.set(values)` are `index_add` and `index_set`; the tables have ops of inner use as well.
"""


def computes(op: Op) -> str:
    """What an op computes: the first sentence of its docstring, or how it is written."""
    here = str(getattr(op.definition, "__module__", "")).startswith("groundup")
    doc = op.definition.__doc__ if here else None
    if doc:
        first = re.split(r"\n\s*\n|(?<=[^.][\w)])\.\s", doc.strip())[0]
        return " ".join(first.split()).rstrip(".:")
    args, _ = op.samples(ExampleDraw())
    rule = next(filter(None, op.vjps or ()), None)
    if rule is None:
        return "as in numpy"
    named = map(optional, op.signature.parameters, symbols(rule, args))
    return TEXT.call(op.fn, op.symbol, tuple(x for x in named if x is not None), {}).text


class Recorder(RandomDraw):
    """Takes note of the domains that are drawn from."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.domains: set[Domain] = set()

    def array(self, shape: Any, domain: Domain = REAL, distinct: bool = False) -> np.ndarray:
        self.domains.add(domain)
        return super().array(shape, domain, distinct)


def domain(op: Op) -> str:
    """Where the arguments are drawn from, if not from all numbers."""
    found: dict[Domain, list[str]] = {}
    names = [*op.signature.parameters]
    for place, name in enumerate(names):
        arrays, domains = [], set()
        for seed in range(40):
            draw = Recorder(seed)
            args, _ = op.samples(draw)
            domains |= draw.domains
            arrays += [a for a in args[place : place + 1] if is_floats(a) and a.size]
        if arrays:
            low, high = min(map(np.min, arrays)), max(map(np.max, arrays))
            fit = (d for d in domains if d.low <= low and high <= d.high)
            nearest = min(fit, key=lambda d: d.high - d.low, default=None)
            if nearest is None:  # made of what was drawn: the sampler says how
                return (op.samples.__doc__ or "").strip().rstrip(".").lower()
            found.setdefault(nearest, []).append(name)
    found.pop(REAL, None)
    return "; ".join(f"{', '.join(names)} {said(d)}" for d, names in found.items())


def is_floats(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def said(d: Domain) -> str:
    words = {POSITIVE: "> 0", SMALL: "from −1 to 1", Domain(0.1, 0.9): "from 0 to 1"}
    return words.get(d, f"from {d.low:g} to {d.high:g}")


def checked_by(op: Op, twins: set[str]) -> str:
    scalars = f"not S: {op.exempt}" if op.exempt else "S"
    return ", ".join(["F", scalars, *(["T"] if op.name in twins else [])])


def twins() -> set[str]:
    """The names of the ops that tests hold against PyTorch, which need not be installed here."""
    tree = ast.parse(TWINS.read_text(encoding="utf-8"))
    assigned = [n.value for n in tree.body if isinstance(n, ast.Assign)]
    keys = [key for table in assigned if isinstance(table, ast.Dict) for key in table.keys]
    return {ast.unparse(key).rsplit(".", 1)[-1] for key in keys if key is not None}


def shortened(rule: str, vjp: Any) -> str:
    """The text of a rule; of a long one, what its docstring says."""
    return rule if len(rule) < LONG else " ".join((vjp.__doc__ or rule).split()).rstrip(".")


def row(op: Op, twins: set[str]) -> str:
    """One line of the table."""
    prefix = called(op.fn).removesuffix(op.name)
    parameters = ", ".join(str(p).split(":")[0] for p in op.signature.parameters.values())
    texts = zip(rules(op).items(), filter(None, op.vjps or ()), strict=False)
    derived = [f"∂{name} = {shortened(rule, vjp)}" for (name, rule), vjp in texts]
    derivative = "<br>".join(derived) or "of its definition"
    cells = (
        f"{prefix}{op.name}({parameters})", computes(op), domain(op), derivative,
        "any, first by a kernel" if op.kernel else "any", checked_by(op, twins),
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |"


def title(module: str) -> str:
    """What the docstring of a file of ops begins with."""
    doc = " ".join((importlib.import_module(module).__doc__ or module).split())
    return re.split(r"[.:;]\s|\.$", doc)[0]


def page() -> str:
    """The whole page."""
    kinds: dict[str, list[Op]] = {}  # in the order of ops/__init__.py
    for op in TABLE.values():
        if op.home.startswith("groundup.engine.ops."):  # not what tests and users add
            kinds.setdefault(op.home, []).append(op)
    parts, by_pytorch = [INTRODUCTION], twins()
    for kind, ops in kinds.items():
        head = f"## {title(kind)}\n\n| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
        parts.append("\n".join([head, *(row(op, by_pytorch) for op in ops)]) + "\n")
    flat = ", ".join(sorted(f"`{called(fn)}`" for fn in CONSTANT if "np." in called(fn)))
    exempt = [op.name for ops in kinds.values() for op in ops if op.exempt]
    parts.append(
        f"{sum(map(len, kinds.values()))} ops, {len(exempt)} of them exempt from the scalar oracle"
        f"{': ' + ', '.join(exempt) if exempt else ''}.\n\n## Constant\n\nTheir derivative is zero "
        f"everywhere, and on a Tensor they give plain arrays: {flat}.\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written: {PAGE}")
