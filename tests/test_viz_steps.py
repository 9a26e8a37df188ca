"""`viz.steps`: each number of each step is the engine's, and a step says itself in words."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundup import viz
from groundup.__main__ import main
from groundup.engine import Tensor, Value, checkpoint, cross_entropy, layer_norm, no_grad, relu
from groundup.engine.anomaly import Lines
from groundup.engine.graph import ancestry, walk
from groundup.engine.modes import Modes, mode, modes
from groundup.engine.op import TABLE
from groundup.engine.samples import ExampleDraw
from groundup.viz.arrays import Arrays, heat_map
from groundup.viz.stepper.steps import size

ROOT = Path(__file__).parents[1]


def expression():
    a, b = Value(0.5, name="a"), Value(-3.0, name="b")
    product = a * b
    loss = (product + a).tanh()
    return loss


def network():
    rng = np.random.default_rng(0)
    x: Any = Tensor(rng.normal(size=(4, 3)), name="x")
    w: Any = Tensor(rng.normal(size=(3, 5)), requires_grad=True, name="w")
    b: Any = Tensor(rng.normal(size=5), requires_grad=True, name="b")
    h: Any = layer_norm(relu(x @ w + b), (5,))
    return cross_entropy(h @ w.T @ w, np.array([0, 1, 2, 3])) + (w * w).sum() + b.mean()


def shared():
    a, b = Value(2.0), Value(-1.5)
    c = a * a + a * b
    d: Any = np.maximum(c, b)  # type: ignore[call-overload]
    return (d * d / (c + 9)).exp() ** a - d


def lists():
    x: Any = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    joined: Any = np.concatenate([x, np.ones((1, 3)), x * 2.0])
    y: Any = checkpoint(lambda j: np.exp(j / 9), joined)
    return (y[1:, ::2] * x[0, 1]).sum()


GRAPHS = [expression, network, shared, lists]


@pytest.mark.parametrize("make", GRAPHS)
def test_the_numbers_are_the_engines(make):
    loss = make()
    steps = list(viz.steps(loss))
    forward = [step for step in steps if step.is_forward]
    assert [step.node for step in forward] == ancestry(loss)
    assert [step.place for step in forward] == list(range(1, len(forward) + 1))
    with mode(careful=True):
        grads = dict(walk(loss, loss.seed()))
    totals: dict[Any, Any] = {loss: loss.seed()}
    seed, *edges = steps[len(forward) :]
    assert seed.arg is None
    assert seed.total == 1
    paths = Counter(step.arg for step in edges)
    met = Counter[Any]()
    for place, step in enumerate(edges, 2):
        arg: Any = step.arg
        assert (step.place, step.count) == (place, len(edges) + 1)
        np.testing.assert_allclose(step.incoming, grads[step.node], rtol=1e-13)
        if step.local is not None:
            np.testing.assert_allclose(step.share, step.incoming * step.local, rtol=1e-13)
        assert [*step.node.parents()][step.edge] is arg
        assert np.shape(step.share) == np.shape(arg.data)
        before = totals.get(arg)
        assert (step.before is None) == (before is None)
        totals[arg] = step.share if before is None else before + step.share
        np.testing.assert_array_equal(step.total, totals[arg])
        met[arg] += 1
        assert (step.path, step.paths) == (met[arg], paths[arg])
        assert step.meets == (before is not None)
        assert step.whole == (met[arg] == paths[arg])
    assert totals.keys() == grads.keys()
    for node, total in totals.items():
        np.testing.assert_allclose(total, grads[node], rtol=1e-13)
    # In the order of the walk: each node hands on all that it has before the next one does.
    order = [step.node for step in edges]
    assert list(dict.fromkeys(order)) == [node for node in grads if node in set(order)]
    assert all(node.grad is None or np.all(node.grad == 0) for node in grads)
    assert len(steps) <= size(loss)


def test_local_derivatives_are_those_of_single_numbers():
    assert all(step.local is not None for step in viz.steps(expression()) if step.arg is not None)
    x: Any = Tensor(2.0, requires_grad=True)
    locals_ = [step.local for step in viz.steps((x * x) * 3.0) if step.arg is not None]
    assert locals_ == [3.0, 2.0, 2.0]
    for step in viz.steps(network()):
        if step.arg is not None and step.arg.shape:
            assert step.local is None


@pytest.mark.parametrize("op", TABLE.values(), ids=str)
def test_every_op_can_be_stepped_through(op):
    args, kwargs = op.samples(ExampleDraw())
    made = op.fn(*(lift(arg, i, op) for i, arg in enumerate(args)), **kwargs)
    results = made if isinstance(made, list | tuple) else [made]
    out: Any = next(one for one in results if isinstance(one, Tensor)) * 1.0
    seed = np.ones(out.shape, out.dtype)
    steps = list(viz.steps(out, seed))
    assert sum(not step.is_forward for step in steps) > 1
    totals = {step.arg: step.total for step in steps if step.arg is not None and step.whole}
    with np.errstate(all="ignore"), mode(careful=True):
        for node, grad in walk(out, seed):
            if node is not out:
                np.testing.assert_allclose(totals[node], grad, rtol=1e-12)
    assert all(str(step) for step in steps)


def lift(arg, place, op):
    """An argument as Tensors that want a gradient, where the op has one for it."""
    if isinstance(arg, list):
        return [lift(item, place, op) for item in arg]
    flat = op.vjps is not None and (place >= len(op.vjps) or op.vjps[place] is None)
    floats = isinstance(arg, float) or (isinstance(arg, np.ndarray) and arg.dtype.kind == "f")
    return Tensor(arg, requires_grad=True) if floats and not flat else arg


def test_a_seed_and_its_shape():
    x: Any = Tensor([1.0, 2.0], requires_grad=True, name="x")
    *_, last = viz.steps(x * 3.0, [10.0, 20.0])
    assert last.total.tolist() == [30.0, 60.0]
    with pytest.raises(RuntimeError, match="shape \\(2,\\): reduce it to one number"):
        list(viz.steps(x * 3.0))
    with pytest.raises(ValueError, match="seed of shape"):
        list(viz.steps(x * 3.0, [1.0]))


def test_what_cannot_be_stepped_through():
    with pytest.raises(TypeError, match="not float"):
        list(viz.steps(1.0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"not ndarray\. Of an array of Values"):
        list(viz.steps(np.array([Value(1.0)])))  # type: ignore[arg-type]
    with no_grad():
        constant = Value(1.0) * 2
    with pytest.raises(RuntimeError, match="it is a constant"):
        list(viz.steps(constant))
    a = Value(2.0, name="a")
    b = a * a
    a.data = 3.0
    with pytest.raises(RuntimeError, match=r"'a'.* was changed"):
        list(viz.steps(b))


# Words


EXPRESSION = """
Forward 3 of 5: multiply₃ is computed
    multiply₃ = a · b = 0.5 · (−3) = −1.5

Backward 2 of 6: from loss to add₄
    ∂out · (1 − out · out) = 1 · (1 − (−0.7616) · (−0.7616)) = 0.42
    where out is loss
    incoming × local derivative: 1 × 0.42 = 0.42
    so ∂loss/∂add₄ = 0.42

    the first of two paths to a: so far 0.42

Backward 5 of 6: from multiply₃ to a
    ∂out · b = 0.42 · (−3) = −1.26
    incoming × local derivative: 0.42 × (−3) = −1.26
    two paths meet at a: 0.4200 + (−1.2599) = −0.8399
    so ∂loss/∂a = −0.8399
"""


def test_where_two_paths_meet_it_says_so():
    said = "\n".join(map(str, viz.steps(expression())))
    for words in EXPRESSION.strip().split("\n\n"):
        assert words in said


def test_many_paths():
    a = Value(1.0, name="a")
    said = "\n".join(map(str, viz.steps(sum([a] * 13, Value(0.0)))))
    assert "the first of 13 paths to a" in said
    assert "two of 13 paths meet at a" in said
    assert "twelve of 13 paths meet at a" in said
    assert "    13 paths meet at a: 12 + 1 = 13\n    so ∂loss/∂a = 13" in said


def test_arrays_say_their_shapes_and_the_axes_that_were_summed():
    said = "\n".join(map(str, viz.steps(network())))
    assert "matmul₄ = x @ w\n    (4, 3) @ (3, 5) = (4, 5) of norm " in said
    assert "summed over axis 0, along which b was repeated" in said
    assert "through the definition of layer_norm: (4, 5) of norm" in said
    assert "through the definition of cross_entropy: (4, 5) of norm" in said
    x: Any = Tensor(np.ones((2, 4, 3)), requires_grad=True, name="x")
    y: Any = Tensor(np.ones((4, 1)), requires_grad=True, name="y")
    said = "\n".join(map(str, viz.steps((x * y).sum())))
    assert "summed over axes 0 and 2, along which y was repeated" in said
    z: Any = Tensor([[1.0, -2.0]], requires_grad=True, name="z")
    assert "∂out · 2 · z = [[2, −4]]" in str([*viz.steps(np.square(z).sum())][-1])


def test_a_number_without_a_name_is_called_by_its_digits():
    c, a = Value(-3.0, requires_grad=False), Value(2.0, name="a")
    said = "\n".join(map(str, viz.steps(a - c)))
    assert "loss = a − (−3) = 2 − (−3) = 5" in said


def test_names_of_every_kind():
    odd = Value(2.0, name="two\nlines \x1b[31m")
    right = Value(3.0, name="שלום")
    said = "\n".join(map(str, viz.steps(odd - right)))
    assert "\x1b" not in said
    assert "“two↵lines \N{REPLACEMENT CHARACTER}[31m” − \u2068שלום\u2069" in said


# Lines of source


def test_the_line_that_made_a_node():
    with mode(witness=Lines()):
        a = Value(2.0, name="a")
        b = a * a  # the line
    source = list(viz.steps(b))[1].source
    assert source is not None
    assert source.text == "b = a * a  # the line"
    assert source.place.startswith("test_viz_steps.py:")
    assert "(test_viz_steps.py:" in str(list(viz.steps(b))[1])
    assert next(viz.steps(b)).source is None
    assert list(viz.steps(a * a))[1].source is None


def test_a_line_that_cannot_be_read():
    code = compile("b = a * a", "/nowhere/<script>.py", "exec")
    space: dict[str, Any] = {"a": Value(2.0), "__name__": "elsewhere"}
    with mode(witness=Lines()):
        exec(code, space)
    assert list(viz.steps(space["b"]))[1].source == ("<script>.py:1", "")


# Arrays of a page


def test_equal_arrays_are_stored_once():
    table = Arrays()
    arrays: list[Any] = [
        np.arange(100.0),
        np.arange(100.0),
        np.arange(101.0),
        np.array([[1.0, -2.0]]),
        [],
    ]
    assert [table.put(np.array(array)) for array in arrays] == [0, 0, 1, 2, 3]
    assert table.table[2]["rows"] == [["1.000", "−2.000"]]
    assert table.table[3]["rows"] == []
    assert len(table.table) == 4


def levels(array):
    import base64

    written = heat_map(np.asarray(array, float))
    cells = np.frombuffer(base64.b64decode(written["cells"]), np.uint8)
    return cells.reshape(written["down"], written["across"])


def test_a_heat_map_is_bounded_and_hides_no_outlier():
    big = np.zeros((1000, 700))
    big[801, 3], big[10, 699] = -5.0, 10.0
    cells = levels(big)
    assert cells.size <= 576
    assert sorted(cells[cells != 128].tolist()) == [64, 255]
    big[0, 0] = np.nan
    assert levels(big)[0, 0] == 0
    for shape in [(1, 5000), (5000, 1), (3, 4, 5), (7,), (600, 2), (96, 96)]:
        cells = levels(np.ones(shape))
        assert cells.size <= 576
        assert (cells == 255).all()
    assert (levels(np.zeros(9)) == 128).all()
    assert (levels(np.full(9, np.inf)) == 0).all()
    assert levels([1.0, 2.0, -4.0, 0.0, 4.0]).tolist() == [[160, 192, 1, 128, 255]]


# The command


def refused(capsys, *args):
    assert main([str(arg) for arg in args]) == 2
    err = capsys.readouterr().err
    assert err.startswith("groundup: ")
    assert err.count("\n") == 1
    return err


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Writes a script, in the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(code):
        path = tmp_path / "script.py"
        path.write_text(f"from groundup.engine import Value\nx = Value(3.0, name='x')\n{code}\n")
        return path

    return write


def test_the_first_lesson_as_a_new_user_types_it(tmp_path):
    pytest.importorskip("jinja2")
    done = subprocess.run(
        [sys.executable, "-m", "groundup", "step", str(ROOT / "examples" / "01_value.py")],
        cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "utf-8"}, capture_output=True,
        text=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.endswith("Written: step.html\n6 backward passes, 41 steps.\n")
    page = (tmp_path / "step.html").read_text(encoding="utf-8")
    assert "01_value.py:" in page
    assert str(ROOT) not in page


def test_the_steps_of_a_script_in_the_terminal(script, capsys):
    path = script("import sys; print(sys.argv[1:])\n(x * x).backward()\n(x * 2).backward()")
    before = Modes.observers
    assert main(["step", "--text", str(path), "one", "two"]) == 0
    out = capsys.readouterr().out
    assert "['one', 'two']" in out
    assert "Backward pass 1.\n  Forward 1 of 2: x is given\n      x = 3\n" in out
    assert "  Forward 2 of 2: loss is computed  (script.py:4)\n      loss = x · x = 3 · 3" in out
    assert "      two paths meet at x: 3 + 3 = 6\n" in out
    assert "Backward pass 2.\n" in out
    assert out.endswith("2 backward passes, 9 steps.\n")
    assert "\x1b" not in out
    assert not (path.parent / "step.html").exists()
    assert Modes.observers is before
    assert modes.witness is None


def test_without_rich_the_words_are_the_same(script, capsys, monkeypatch):
    path = script("(x * x).backward()")
    main(["step", "--text", str(path)])
    with_rich = capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "rich.console", None)
    main(["step", "--text", str(path)])
    assert capsys.readouterr().out == with_rich


def test_a_page_holds_as_many_steps_as_the_limit(script, capsys):
    pytest.importorskip("jinja2")
    path = script("for n in (1, 30, 1, 1, 1, 1): sum([x] * n, x).backward()")
    assert main(["step", "--limit", "15", str(path), "-o", "out/page.html"]) == 0
    out = capsys.readouterr().out
    assert "3 backward passes, 15 steps." in out
    page = (path.parent / "out" / "page.html").read_text(encoding="utf-8")
    for sentence in (
        "1 backward pass of more than 15 steps (it has 92) is left out.",
        "The script made 2 more backward passes, of 10 steps, not shown here",
    ):
        assert sentence in out
        assert sentence in page


def test_a_script_that_fails_later(script, capsys):
    pytest.importorskip("jinja2")
    path = script("(x * x).backward()\n1 / 0")
    assert main(["step", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "1 backward pass, 5 steps." in out
    assert (path.parent / "step.html").exists()
    assert err.startswith(f'Traceback (most recent call last):\n  File "{path}", line 4')
    assert err.endswith("ZeroDivisionError: division by zero\n")


def test_a_pass_that_fails(script, capsys):
    path = script("y = (x * x).exp()\nx.data = 4.0\ny.backward()")
    assert main(["step", "--text", str(path)]) == 1
    out, err = capsys.readouterr()
    assert "Backward pass 1. No backward steps, since this pass stopped: the data of" in out
    assert "Forward 3 of 3" in out
    assert "Backward 1" not in out
    assert "RuntimeError: the data of" in err


def test_a_script_that_exits(script, capsys):
    path = script("(x * x).backward()\nraise SystemExit")
    assert main(["step", "--text", str(path)]) == 0
    assert "1 backward pass, 5 steps." in capsys.readouterr().out
    path = script("(x * x).backward()\nraise SystemExit(3)")
    with pytest.raises(SystemExit):
        main(["step", "--text", str(path)])
    assert "1 backward pass, 5 steps." in capsys.readouterr().out


def test_a_pass_in_another_thread(script, capsys):
    path = script("from threading import Thread\nt = Thread(target=(x * x).backward)\n"
                  "t.start()\nt.join()")  # fmt: skip
    assert main(["step", "--text", str(path)]) == 0
    assert "1 backward pass, 5 steps." in capsys.readouterr().out


def test_what_the_command_refuses(script, capsys, tmp_path):
    pytest.importorskip("jinja2")
    assert "makes no backward pass" in refused(capsys, "step", script("y = x * x"))
    assert "no file" in refused(capsys, "step", tmp_path / "gone.py")
    assert "--limit 0 is a count" in refused(capsys, "step", script(""), "--limit", "0")
    err = refused(capsys, "step", script("sum([x] * 9, x).backward()"), "--limit", "9")
    assert "of more than 9 steps (it has 29) is left out. Take a smaller input" in err
    assert not (tmp_path / "step.html").exists()


def test_a_page_needs_jinja(script, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    err = refused(capsys, "step", script("print('ran')\n(x * x).backward()"))
    assert "pip install jinja2" in err
    assert "ran" not in capsys.readouterr().out
    with pytest.raises(ImportError, match="jinja2"):
        viz.step(expression(), tmp_path / "step.html")
    assert main(["step", "--text", str(script("(x * x).backward()"))]) == 0
