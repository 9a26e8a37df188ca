"""One expression, first of Values, then of Tensors: its backward pass, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import viz
from ..engine import Tensor, Value
from ..viz.notation import digits
from .report import Page, Report, Section, picture
from .say import say, say_gradient, title


def expression(a: Any, b: Any) -> Any:
    """tanh(a · b + a), with a name for each step; `a` is used twice."""
    product = a * b
    total = product + a
    loss = np.tanh(total)
    product.name, total.name, loss.name = "a·b", "a·b + a", "loss"
    return loss


def on_values(report: Report) -> None:
    title("1. One expression, number by number")
    a, b = Value(0.5, name="a"), Value(-3.0, name="b")
    loss = expression(a, b)
    say("loss = tanh(a · b + a) with a = 0.5 and b = −3. Every number remembers how it was made.")
    say(f"Forward, it is {digits(loss.data)}. Backward, newest first:\n")
    for line, gradient in backward_lines(loss):
        say_gradient(f"  {line}", gradient)
    loss.backward()
    say(f"\nSo a.grad is {digits(a.grad)} and b.grad is {digits(b.grad)}.")
    stepper = Page("expression-steps.html", "The expression step by step, forward and backward")
    viz.step(lambda: expression(a, b), report.folder / stepper.name)
    report.add(
        Section(
            "One expression, number by number",
            """
            A number remembers how it was made: this one is tanh(a · b + a), with a = 0.5 and
            b = −3. To learn how the result moves when a or b move, we walk back from it, newest
            number first, and hand each argument its share of the gradient.

            Two paths lead to a, through the product and directly. Their shares add. Go through it
            with the arrow keys.
            """,
            figures=[picture(loss, "expression", "The expression of Values, and its gradients")],
            pages=[stepper],
        )
    )


def backward_lines(loss: Value) -> list[tuple[str, str]]:
    """The backward pass as lines: (what happens, the gradient that comes of it)."""
    lines = []
    for step in viz.steps(loss):
        if not step.is_forward:
            lines.append((step.what, ""))
            lines += [(f"    {line.text}", line.result) for line in step.lines]
    return lines


def on_tensors(report: Report) -> None:
    title("2. The same expression on arrays")
    a = Tensor([0.5, 1.0, -2.0], requires_grad=True, name="a")
    b = Tensor(-3.0, requires_grad=True, name="b")
    loss = expression(a, b).sum()
    loss.name = "sum of losses"
    loss.backward()
    say("The same lines of numpy, with three numbers in a: one graph, three expressions at once.")
    say_gradient("  a.grad is ", np.array2string(a.grad, precision=4))
    say_gradient("  b.grad is ", f"{digits(b.grad)}   (b was broadcast, so its shares are summed)")
    one = Value(0.5), Value(-3.0)
    expression(*one).backward()
    same = abs(a.grad[0] - one[0].grad)
    say(f"The first of the three is the expression above; the gradients differ by {same:.1g}.")
    report.add(
        Section(
            "The same expression on arrays",
            f"""
            The same lines of numpy run on arrays. Here a holds three numbers, so this is three
            expressions at once; b is broadcast to all three, and its shares are summed.

            The tensor engine is the scalar engine, vectorised: the first of these three is the
            expression above, and their gradients differ by {same:.1g}.
            """,
            figures=[picture(loss, "tensors", "The expression of Tensors, and its gradients")],
        )
    )
