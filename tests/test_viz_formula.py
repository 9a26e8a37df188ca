"""`viz.formula`: the expression behind a node, read back and held against the node."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import viz
from groundup.engine import Tensor, Value, layer_norm, relu, softmax
from groundup.engine.op import TABLE
from groundup.engine.samples import ExampleDraw

LETTERS = {"a": 0.7, "b": -1.3, "c": 2.1}
SPOKEN = {"absolute": abs, "relu": lambda x: max(x, 0.0), "maximum": max, "sqrt": math.sqrt}
SPOKEN |= {"tanh": math.tanh, "where": lambda condition, x, y: x if condition else y}


def letters():
    return {name: Value(number, name=name) for name, number in LETTERS.items()}


def python(text):
    """The text of a formula as Python would write it."""
    for written, meant in (("−", "-"), ("·", "*")):
        text = text.replace(written, meant)
    return text


@st.composite
def expressions(draw):
    """A node made of letters and small numbers by random ops."""
    named = letters()
    pool = [*named.values()]
    for _ in range(draw(st.integers(1, 9))):
        x = draw(st.sampled_from(pool))
        y = draw(st.one_of(st.sampled_from(pool), st.sampled_from([2.0, -3.0, 0.5])))
        op = draw(st.sampled_from(BINARY + UNARY))
        pool.append(op(x, y) if op in BINARY else op(x))
    return pool[-1]


BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: y - x,
    lambda x, y: x * y,
    lambda x, y: x / (y * y + 1),
    lambda x, y: (x * x + 1) ** (y / (y * y + 1)),
    lambda x, y: x % (y * y + 1),
    lambda x, y: np.maximum(x, y),
    lambda x, y: np.where(x.data > 0, x, y),
]
UNARY = [
    lambda x: -x,
    lambda x: abs(x),
    lambda x: x.tanh(),
    lambda x: np.sqrt(x * x + 1),
    lambda x: x**2 / 8,
    lambda x: relu(x),
]


@given(expressions())
def test_read_back_a_formula_is_the_number(node):
    formula = viz.formula(node, limit=100_000)
    assert formula.left_out == 0
    read = eval(python(formula.text), {"__builtins__": {}} | SPOKEN | LETTERS)
    # a + (b + c) is written without parentheses, and adds in another order.
    assert read == pytest.approx(node.data, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("made", "text", "latex"),
    [
        (lambda a, b, c: (a * b + a).tanh(), "tanh(a · b + a)", r"\tanh\left(a \cdot b + a\right)"),
        (lambda a, b, c: a - (b - c), "a − (b − c)", r"a - \left(b - c\right)"),
        (lambda a, b, c: (a - b) - c, "a − b − c", "a - b - c"),
        (lambda a, b, c: a * (b * c), "a · b · c", r"a \cdot b \cdot c"),
        (lambda a, b, c: a / (b / c), "a / (b / c)", r"\frac{a}{\frac{b}{c}}"),
        (lambda a, b, c: (a + b) / c, "(a + b) / c", r"\frac{a + b}{c}"),
        (lambda a, b, c: (a / b) ** 2, "(a / b)**2", r"{\left(\frac{a}{b}\right)}^{2}"),
        (lambda a, b, c: a ** (b**c), "a**b**c", "{a}^{{b}^{c}}"),
        (lambda a, b, c: (a**b) ** c, "(a**b)**c", r"{\left({a}^{b}\right)}^{c}"),
        (lambda a, b, c: -(a**2), "−a**2", "-{a}^{2}"),
        (lambda a, b, c: (-a) ** 2, "(−a)**2", r"{\left(-a\right)}^{2}"),
        (lambda a, b, c: a * -b, "a · (−b)", r"a \cdot \left(-b\right)"),
        (lambda a, b, c: a % (b % c), "a % (b % c)", r"a \bmod \left(b \bmod c\right)"),
        (lambda a, b, c: a * (b % c), "a · (b % c)", r"a \cdot \left(b \bmod c\right)"),
        (lambda a, b, c: a * -3.0, "a · (−3)", r"a \cdot \left(-3\right)"),
        (lambda a, b, c: a * 2.5e-7, "a · 2.5e−07", r"a \cdot 2.5 \cdot 10^{-7}"),
        (lambda a, b, c: np.sqrt(abs(b)), "sqrt(absolute(b))", r"\sqrt{\left|b\right|}"),
        (lambda a, b, c: np.maximum(a, b), "maximum(a, b)", r"\max\left(a, b\right)"),
    ],
)
def test_parentheses_stand_where_they_are_needed(made, text, latex):
    formula = viz.formula(made(*letters().values()))
    assert (formula.text, formula.latex) == (text, latex)


X = Tensor(np.ones((2, 3)), name="x")
W = Tensor(np.ones((3, 2)), requires_grad=True, name="W_q")
W_Q, LAYER_NORM, ARRAY = r"\mathrm{W\_q}", r"\operatorname{layer\_norm}", r"\mathrm{array}"
W_T, IF, ELSE = r"{\mathrm{W\_q}}^{\top}", r"\text{if }", r"\text{otherwise}"


@pytest.mark.parametrize(
    ("made", "text", "latex"),
    [
        (lambda: X @ W, "x @ W_q", rf"x \, {W_Q}"),
        (lambda: (X @ W).T @ X, "(x @ W_q)ᵀ @ x", rf"{{\left(x \, {W_Q}\right)}}^{{\top}} \, x"),
        (lambda: np.swapaxes(W, -1, -2), "W_qᵀ", rf"{{{W_Q}}}^{{\top}}"),
        (lambda: (X @ W).sum(), "sum(x @ W_q)", rf"\sum x \, {W_Q}"),
        (
            lambda: W.sum(axis=0) + 1,
            "sum(W_q, axis=0) + 1",
            rf"\sum_{{\mathrm{{axis}} = 0}} {W_Q} + 1",
        ),
        (lambda: (W.sum()) * 2, "sum(W_q) · 2", rf"\left(\sum {W_Q}\right) \cdot 2"),
        (lambda: W[0, 1:], "W_q[0, 1:]", rf"{W_Q}\left[0, 1{{:}}\right]"),
        (lambda: softmax(W), "softmax(W_q)", rf"\operatorname{{softmax}}\left({W_Q}\right)"),
        (lambda: layer_norm(W), "layer_norm(W_q)", rf"{LAYER_NORM}\left({W_Q}\right)"),
        (lambda: np.concatenate([W, W[:1]]), "concatenate([W_q, W_q[:1]])", None),
        (lambda: W * np.ones((3, 2)), "W_q · array(3, 2)", rf"{W_Q} \cdot {ARRAY}_{{3 \times 2}}"),
        (
            lambda: np.where(X.data > 0, 1.0, W.T),
            "where(array(2, 3), 1, W_qᵀ)",
            rf"\begin{{cases}} 1 & {IF} {ARRAY}_{{2 \times 3}} \\ {W_T} & {ELSE} \end{{cases}}",
        ),
    ],
)  # fmt: skip
def test_arrays(made, text, latex):
    formula = viz.formula(made())
    assert formula.text == text
    assert latex is None or formula.latex == latex


@pytest.mark.parametrize("op", [op for op in TABLE.values() if not op.inline], ids=str)
def test_every_op_can_be_written(op):
    args, kwargs = op.samples(ExampleDraw())
    named = [leaf(arg) for arg in args]
    formula = viz.formula(op.fn(*named, **kwargs))
    assert "leaf" in formula.text
    assert "object at" not in formula.text
    for left, right in ("{}", "()"):
        assert formula.latex.count(left) == formula.latex.count(right)


def leaf(arg):
    """Arrays of floats as Tensors, in a list too."""
    if isinstance(arg, list):
        return [leaf(one) for one in arg]
    if isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
        return Tensor(arg, requires_grad=True, name="leaf")
    return arg


def test_a_named_result_stands_by_its_name_unless_it_is_asked_for():
    a, b, _ = letters().values()
    h = a * b
    h.name = "h"
    assert str(viz.formula(h + a)) == "h + a"
    assert str(viz.formula(h + a, expand=True)) == "a · b + a"
    assert str(viz.formula(h)) == "a · b"
    assert str(viz.formula(a)) == "a"
    assert str(viz.formula(Value(1 / 3))) == "0.3333"


def test_what_is_left_out_is_counted():
    chain = Value(1.0, name="x")
    for _ in range(100_000):
        chain = chain + 1
    formula = viz.formula(chain, limit=7)
    assert formula.text == "… + 1 + 1 + 1 + 1 + 1 + 1 (99,994 ops more)"
    assert formula.latex == r"\ldots + 1 + 1 + 1 + 1 + 1 + 1\quad\text{(99,994 ops more)}"
    assert formula.left_out == 99_994


def test_what_is_used_again_and_again_does_not_grow_without_bounds():
    x = Value(1.0, name="x")
    for _ in range(200):
        x = x * x - 1
    formula = viz.formula(x)
    assert len(formula.text) < 2000
    assert formula.left_out > 300
    assert viz.formula(x, limit=1).text == "… (400 ops more)"


@pytest.mark.parametrize(
    ("name", "text", "latex"),
    [
        ("alpha", "alpha", r"\alpha"),
        ("beta_2", "beta_2", r"\beta_{2}"),
        ("w1", "w1", "w_{1}"),
        ("alphabet", "alphabet", r"\mathrm{alphabet}"),
        ("blocks.0.ln_1.weight", "blocks.0.ln_1.weight", r"\mathrm{blocks.0.ln\_1.weight}"),
        ("weight[0, 1]", "weight[0, 1]", r"\mathrm{weight[0,\ 1]}"),
        ("a + b", "“a + b”", r"\mathrm{a\ +\ b}"),
        ("50 %", "“50 %”", r"\mathrm{50\ \%}"),
        (r"\def{$}", r"“\def{$}”", r"\mathrm{\backslash def\{\$\}}"),
        ("<script>&", "“<script>&”", r"\mathrm{{\lt}script{\gt}\&}"),
        ("x\ny", "“x↵y”", r"\mathrm{x↵y}"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}語", "“\ufffd語”", "\\mathrm{\ufffd語}"),
    ],
)
def test_names_are_shown_and_nothing_more(name, text, latex):
    formula = viz.formula(Value(1.0, name=name) + 1)
    assert formula.text == f"{text} + 1"
    assert formula.latex == f"{latex} + 1"


def test_one_rich_representation():
    formula = viz.formula(Value(1.0, name="a") / 2)
    rich = [name for name in dir(formula) if name.startswith("_repr_")]
    assert rich == ["_repr_latex_"]
    assert formula._repr_latex_() == r"$\displaystyle \frac{a}{2}$"
    assert repr(formula) == str(formula) == formula.text == "a / 2"


def test_what_is_no_node_and_no_limit():
    with pytest.raises(TypeError, match="a Value or a Tensor, not float"):
        viz.formula(2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="limit=0"):
        viz.formula(Value(1.0), limit=0)
