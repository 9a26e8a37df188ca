"""`viz.watch`: every backward pass drawn with its own gradients, and noted in one page."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from groundup import models, nn, viz
from groundup.engine import Tensor, Value
from groundup.engine.graph import Node
from groundup.engine.modes import Modes, modes
from groundup.viz.watcher import parts, watching
from groundup.viz.watcher.journal import Journal


def names(folder):
    """The pictures, and what else lies there beside the page."""
    return sorted(path.name for path in folder.iterdir() if path.name != "index.html")


def noted(folder):
    """What the page says of each pass."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count('id="passes"') == 1
    return [json.loads(line) for line in text.partition('id="passes">')[2].split("\n") if line]


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
    assert out == (
        f"2 backward passes, 2 drawn: {folder / '0001.svg'} to 0002.svg\n"
        f"All in one page: {folder / 'index.html'}\n"
    )
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


def test_a_script_may_change_its_folder_or_clear_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    a = Value(2.0)
    with viz.watch("graphs", quiet=True) as watcher:
        a.exp().backward()
        monkeypatch.chdir("elsewhere")
        a.exp().backward()
        shutil.rmtree(tmp_path / "graphs")
        a.exp().backward()
    assert names(tmp_path / "graphs") == ["0003.svg"]
    assert len(noted(tmp_path / "graphs")) == 1
    assert not list((tmp_path / "elsewhere").iterdir())
    assert str(watcher).startswith(f"3 backward passes, 3 drawn: {Path('graphs') / '0001.svg'} to")


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
    first, second = noted(tmp_path)
    assert first["stopped"] == ""
    assert second["stopped"].startswith("This backward pass stopped: the data of Value 'a'")
    assert second["picture"] == "0002.svg"
    assert (second["norm"], second["parts"]) == (None, [])  # it had reached no leaf yet


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
    assert [one["pass"] for one in noted(tmp_path)] == [1, 2]


def test_who_does_not_watch_has_no_observer():
    code = "import groundup.viz; from groundup.engine.modes import modes; print(modes.observers)"
    env = {key: value for key, value in os.environ.items() if key != "GROUNDUP_VIZ"}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "()\n"


def test_the_environment_can_say_how_many(tmp_path, monkeypatch):
    monkeypatch.setattr(Modes, "observers", ())
    monkeypatch.setattr("atexit.register", lambda f: None)
    environment = {
        "GROUNDUP_VIZ": str(tmp_path),
        "GROUNDUP_VIZ_EVERY": "2",
        "GROUNDUP_VIZ_KEEP": "",
    }
    watcher = watching.watch_always(environment | {"GROUNDUP_VIZ_KEEP": "3"})
    assert (watcher.every, watcher.keep) == (2, 3)
    assert watching.watch_always(environment).keep is None
    for wrong in ("0", "-1", "two", "1.5"):
        with pytest.raises(ValueError, match=f"GROUNDUP_VIZ_EVERY='{wrong}' is no count"):
            watching.watch_always(environment | {"GROUNDUP_VIZ_EVERY": wrong})


def test_an_error_in_the_block_ends_the_watch(tmp_path, capsys):
    with pytest.raises(KeyError), viz.watch(tmp_path):
        raise KeyError
    assert modes.observers == ()
    assert "nothing was drawn" in capsys.readouterr().out


# What the page knows


def test_the_numbers_are_those_of_the_engine(tmp_path):
    nn.manual_seed(0)
    model = models.MLP([3, 8, 1])
    x = np.random.default_rng(0).normal(size=(4, 3))
    with viz.watch(tmp_path, every=2, quiet=True):
        for _ in range(3):
            model.zero_grad()
            loss = np.mean(model(x) ** 2)
            loss.backward()
            for parameter in model.parameters():
                parameter.data -= 0.1 * parameter.grad
    grads = [np.ravel(p.grad) for p in model.parameters()]  # two weights with their biases
    one = noted(tmp_path)[-1]
    assert (one["pass"], one["picture"], one["wrong"]) == (3, "0002.svg", [])
    assert one["loss"] == loss.item()
    assert [name for name, _ in one["parts"]] == ["layers.0", "layers.1"]
    norms = [np.linalg.norm(np.concatenate(grads[i : i + 2])) for i in (0, 2)]
    assert [norm for _, norm in one["parts"]] == pytest.approx(norms, rel=1e-6)
    assert one["norm"] == pytest.approx(nn.clip_grad_norm_(model.parameters(), 1.0), rel=1e-6)


def test_every_pass_is_noted_also_where_none_is_drawn(tmp_path):
    a = Value(2.0, name="a")
    with viz.watch(tmp_path, every=3, keep=1, quiet=True):
        for _ in range(5):
            (a * a).backward()
    assert [one["pass"] for one in noted(tmp_path)] == [1, 2, 3, 4, 5]
    assert [one.get("picture") for one in noted(tmp_path)] == [
        "0001.svg",
        None,
        None,
        "0002.svg",
        None,
    ]
    assert names(tmp_path) == ["0002.svg"]


def test_what_went_wrong_is_said_in_words(tmp_path):
    low, high, bad = (Value(1.0, name=name) for name in ("low", "high", "bad"))
    with viz.watch(tmp_path, quiet=True):
        (low * 1e-12 + high * 1e9 + bad * float("nan")).backward()
        Tensor([[1.0, 2.0]], requires_grad=True).exp().backward([[1.0, 0.0]])
    one, two = noted(tmp_path)
    assert one["loss"] == one["norm"] == "NaN"
    assert one["wrong"] == [["low", "vanished"], ["high", "exploded"], ["bad", "is NaN"]]
    assert two["loss"] is None  # many numbers
    assert two["parts"] == [[parts.NAMELESS, pytest.approx(np.e)]]


def test_parts_are_bounded(monkeypatch):
    monkeypatch.setattr(parts, "MOST", 2)
    leaves: dict[Node, float] = {
        Value(1.0, name=name): norm for name, norm in zip("abcd", (1.0, 2.0, 3.0, 4.0), strict=True)
    }
    assert parts.by_part(leaves) == {"a": 1.0, "b": 2.0, "2 others": 5.0}


def test_a_folder_is_gone_on_with(tmp_path):
    a = Value(2.0, name="a")
    with viz.watch(tmp_path, quiet=True):
        (a * a).backward()
    page = (tmp_path / "index.html").read_bytes()
    with viz.watch(tmp_path, quiet=True):
        (a * 3).backward()
    assert (tmp_path / "index.html").read_bytes().startswith(page)
    first, second = noted(tmp_path)
    assert first["run"] < second["run"]
    assert (second["pass"], second["picture"]) == (1, "0002.svg")


def test_a_line_that_was_cut_short_costs_no_other(tmp_path):
    with viz.watch(tmp_path, quiet=True):
        Value(2.0).exp().backward()
        with (tmp_path / "index.html").open("a", encoding="utf-8") as page:
            page.write('\n{"run":1,"pass":2,"lo')
        Value(2.0).exp().backward()
    *_, torn, last = (tmp_path / "index.html").read_text(encoding="utf-8").split("\n")
    assert torn.endswith('"lo')
    assert json.loads(last)["pass"] == 2


def test_threads_and_processes_lose_no_line(tmp_path):
    code = (
        "import sys, threading; from groundup.engine import Value; from groundup import viz\n"
        "def work():\n"
        "    with viz.watch(sys.argv[1], every=1000, quiet=True):\n"
        "        for _ in range(100): Value(2.0).exp().backward()\n"
        "threads = [threading.Thread(target=work) for _ in range(2)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    folder = tmp_path / "graphs"
    running = [subprocess.Popen([sys.executable, "-c", code, folder], env=env) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    runs: dict[float, list[int]] = {}
    for one in noted(folder):
        runs.setdefault(one["run"], []).append(one["pass"])
    assert sorted(runs.values()) == [list(range(1, 101))] * 4
    assert names(folder) == ["0001.svg", "0002.svg", "0003.svg", "0004.svg"]


# What goes wrong


def trained(folder, **options):
    """Three steps of gradient descent on a², watched."""
    a = Value(2.0, name="a")
    with viz.watch(folder, quiet=True, **options):
        for _ in range(3):
            a.grad = 0.0
            (a * a).backward()
            a.data -= 0.1 * a.grad
    return a.data


@pytest.mark.parametrize("broken", ["plan_of", "Gradients.see", "write"])
def test_an_error_of_drawing_stops_no_training(tmp_path, monkeypatch, broken):
    def fail(*args):
        raise ZeroDivisionError("oh dear")

    room = "watching" if broken == "write" else "seen"
    monkeypatch.setattr(f"groundup.viz.watcher.{room}.{broken}", fail)
    with pytest.warns(UserWarning, match="watch: oh dear .The backward pass itself") as said:
        assert trained(tmp_path) == pytest.approx(2.0 * 0.8**3)
    assert len(said) == 1
    assert [one["trouble"] for one in noted(tmp_path)] == ["oh dear"] * 3
    assert [one["loss"] for one in noted(tmp_path)] == pytest.approx([4.0, 4 * 0.8**2, 4 * 0.8**4])


def test_an_error_of_noting_stops_neither_training_nor_pictures(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "add", fail)
    with pytest.warns(UserWarning, match="No space left") as said:
        assert trained(tmp_path) == pytest.approx(2.0 * 0.8**3)
    assert len(said) == 1
    assert names(tmp_path) == ["0001.svg", "0002.svg", "0003.svg"]


def test_without_jinja2_there_are_the_pictures_and_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.warns(UserWarning, match="pip install jinja2") as said:
        trained(tmp_path)
    assert len(said) == 1
    assert names(tmp_path) == ["0001.svg", "0002.svg", "0003.svg"]
    assert not (tmp_path / "index.html").exists()


def test_a_page_of_the_users_is_left_alone(tmp_path):
    page = tmp_path / "index.html"
    page.write_text("<title>Mine</title>")
    with (
        pytest.raises(FileExistsError, match=r"index.html is no page of viz.watch"),
        viz.watch(tmp_path),
    ):
        pass
    assert page.read_text() == "<title>Mine</title>"
    with pytest.raises(NotADirectoryError, match="name a folder"), viz.watch(page):
        pass


def test_where_files_cannot_be_linked_the_page_is_written_all_the_same(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)
    trained(tmp_path)
    assert len(noted(tmp_path)) == 3
    assert names(tmp_path) == ["0001.svg", "0002.svg", "0003.svg"]  # and nothing half done
