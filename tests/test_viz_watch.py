"""`viz.watch`: every backward pass drawn with its own gradients."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from groundup import viz
from groundup.engine import Tensor, Value
from groundup.engine.modes import modes


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_pass_is_drawn_and_numbered(tmp_path, capsys):
    a = Value(2.0, name="a")
    with viz.watch(tmp_path / "new" / "graphs") as watcher:
        (a * a).backward()
        (a * 3).tanh().backward()
    folder = tmp_path / "new" / "graphs"
    assert names(folder) == ["0001.svg", "0002.svg"]
    assert list(watcher.paths) == [folder / "0001.svg", folder / "0002.svg"]
    assert "∂ 4.000" in (folder / "0001.svg").read_text(encoding="utf-8")
    out = capsys.readouterr().out
    assert out == f"2 backward passes, 2 drawn: {folder / '0001.svg'} to 0002.svg\n"
    (a * a).backward()
    assert names(folder) == ["0001.svg", "0002.svg"]
    assert modes.observers == ()


def test_the_gradients_are_those_of_that_very_pass(tmp_path):
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    with viz.watch(tmp_path, quiet=True):
        (w * 1.0).backward([5.0, 7.0])
    assert w.grad is not None
    assert w.grad.tolist() == [5.0, 7.0]
    drawn = (tmp_path / "0001.svg").read_text(encoding="utf-8")
    assert "5.000" in drawn
    assert "7.000" in drawn


def test_watching_changes_no_gradient(tmp_path):
    def run():
        a = Value(2.0)
        b = (a * a + a).tanh() * a
        b.backward()
        return a.grad

    plain = run()
    with viz.watch(tmp_path, quiet=True):
        assert run() == plain


def test_nothing_is_written_over_and_numbers_go_on(tmp_path):
    (tmp_path / "0007.svg").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    a = Value(2.0)
    for _ in range(2):
        with viz.watch(tmp_path, quiet=True):
            (a * a).backward()
    assert names(tmp_path) == ["0007.svg", "0008.svg", "0009.svg", "notes.txt"]
    assert (tmp_path / "0007.svg").read_text() == "mine"


def test_a_number_that_was_just_taken_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "0001.svg").write_text("another thread's")
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(()))  # it came after we looked
    with viz.watch(tmp_path, quiet=True) as watcher:
        Value(2.0).exp().backward()
    assert (tmp_path / "0001.svg").read_text() == "another thread's"
    assert list(watcher.paths) == [tmp_path / "0002.svg"]


def test_watches_nest(tmp_path):
    a = Value(2.0)
    with viz.watch(tmp_path / "outer", quiet=True):
        with viz.watch(tmp_path / "inner", quiet=True):
            (a * a).backward()
        (a * a).backward()
    assert names(tmp_path / "outer") == ["0001.svg", "0002.svg"]
    assert names(tmp_path / "inner") == ["0001.svg"]


def test_every_and_keep(tmp_path):
    a = Value(2.0)
    with viz.watch(tmp_path / "every", every=3, quiet=True) as watcher:
        for _ in range(7):
            (a * a).backward()
    assert names(tmp_path / "every") == ["0001.svg", "0002.svg", "0003.svg"]
    assert str(watcher).startswith("7 backward passes, 3 drawn:")
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep" / "0001.svg").write_text("mine")
    with viz.watch(tmp_path / "keep", keep=2, quiet=True):
        for _ in range(5):
            (a * a).backward()
    assert names(tmp_path / "keep") == ["0001.svg", "0005.svg", "0006.svg"]
    with pytest.raises(ValueError, match="every=0"), viz.watch(tmp_path, every=0):
        pass


def test_a_pass_that_breaks_is_drawn_as_far_as_it_came(tmp_path, capsys):
    a = Value(2.0, name="a")
    c = (a * a).exp()
    a.data = 3.0
    with viz.watch(tmp_path):
        (Value(1.0) * 2).backward()
        with pytest.raises(RuntimeError, match="was changed"):
            c.backward()
    assert names(tmp_path) == ["0001.svg", "0002.svg"]
    drawn = (tmp_path / "0002.svg").read_text(encoding="utf-8")
    assert "stopped" in drawn
    assert "∂ 54.60" in drawn
    assert "∂ ?" in drawn  # of a, to which it never came
    assert a.grad == 0.0
    assert "2 drawn" in capsys.readouterr().out


def test_other_threads_are_not_watched(tmp_path):
    a = Value(2.0)
    with viz.watch(tmp_path / "here", quiet=True):
        thread = threading.Thread(target=(a * a).backward)
        thread.start()
        thread.join()
    assert not (tmp_path / "here").exists()


def test_without_a_renderer_the_source_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("GROUNDUP_DOT", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    with (
        pytest.warns(UserWarning, match="pip install graphviz-pure"),
        viz.watch(tmp_path, quiet=True),
    ):
        Value(1.0).exp().backward()
    assert (tmp_path / "0001.gv").read_text(encoding="utf-8").startswith("digraph")


def test_the_environment_can_ask_for_it(tmp_path):
    code = (
        "import threading; from groundup.engine import Value; import groundup.viz\n"
        "Value(2.0).exp().backward()\n"
        "t = threading.Thread(target=Value(2.0).exp().backward); t.start(); t.join()"
    )
    env = {**os.environ, "GROUNDUP_VIZ": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert names(tmp_path) == ["0001.svg", "0002.svg"]
    assert "2 backward passes, 2 drawn" in done.stdout


def test_an_error_in_the_block_ends_the_watch(tmp_path, capsys):
    with pytest.raises(KeyError), viz.watch(tmp_path):
        raise KeyError
    assert modes.observers == ()
    assert "nothing was drawn" in capsys.readouterr().out
