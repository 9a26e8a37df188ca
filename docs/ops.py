"""Write docs/ops.md, the table of ops, from their declarations: python docs/ops.py"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.engine.op import CONSTANT, TABLE, Op, called
from groundup.viz.formula import rules

LONG = 120
PAGE = Path(__file__).with_name("ops.md")
INTRODUCTION = """# The ops

This page is written by `python docs/ops.py` from the declarations in `engine/ops/`, and a test
fails when it is stale. A rule is the text of the code that computes the gradient: ∂out is the
gradient of the result, out the result, and what stands after ∂ the argument whose share it is.
Where there is no rule, the derivative is that of the op's definition in other ops, at any order.
In a rule, the numbers among the arguments are those of one example.

Every op is held against finite differences at first and second order, on shapes with empty axes,
in float32, on strided and read-only arrays; against the scalar engine, to rounding, unless it is
said to be exempt; and, where it is installed, against PyTorch.
"""


def shortened(rule: str, vjp: Any) -> str:
    """The text of a rule; of a long one, what its docstring says."""
    return rule if len(rule) < LONG else " ".join((vjp.__doc__ or rule).split()).rstrip(".")


def row(op: Op) -> str:
    """One line of the table."""
    prefix = called(op.fn).removesuffix(op.name)
    parameters = ", ".join(str(p).split(":")[0] for p in op.signature.parameters.values())
    texts = zip(rules(op).items(), filter(None, op.vjps or ()), strict=False)
    written = [f"∂{name} = {shortened(rule, vjp)}" for (name, rule), vjp in texts]
    kernel = " A kernel computes the first." if op.kernel else ""
    derivative = "<br>".join(written) or f"of its definition.{kernel}"
    cells = (f"{prefix}{op.name}({parameters})", derivative, op.exempt or "yes")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |"


def page() -> str:
    """The whole page."""
    kinds: dict[str, list[Op]] = {}
    for op in TABLE.values():
        if op.home.startswith("groundup.engine.ops."):  # not what tests and users add
            kinds.setdefault(op.home.rsplit(".", 1)[-1], []).append(op)
    parts = [INTRODUCTION]
    for kind, ops in sorted(kinds.items()):
        head = f"## {kind.capitalize()}\n\n| op | derivative | on scalars |\n|---|---|---|"
        parts.append("\n".join([head, *map(row, ops)]) + "\n")
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
