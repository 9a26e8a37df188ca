"""The command line: `main` itself, and as a process where signals and pipes matter."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path
from unittest import mock

import pytest

import groundup
from groundup import train
from groundup.__main__ import main

pytest.importorskip("safetensors.numpy")

TEXT = "to be or not to be, that is the question.\n" * 30
SMALL = "--layers=1 --heads=2 --width=8 --block=16 --batch=2 --lr=0.01".split(" ")  # noqa: SIM905


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path, text, capsys):
    """A trained model."""
    folder = tmp_path / "model"
    assert main(["train", "--text", str(text), "--out", str(folder), "--steps", "10", *SMALL]) == 0
    capsys.readouterr()
    return folder


def process(*args, **settings):
    return subprocess.Popen(
        [sys.executable, "-m", "groundup", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        text=True,
        encoding="utf-8",
        **settings,
    )


def refused(capsys, *args):
    """The one sentence with which a command was refused."""
    assert main([str(arg) for arg in args]) == 2
    err = capsys.readouterr().err
    assert err.startswith("groundup: ")
    assert err.count("\n") == 1
    return err


def saved_step(folder):
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))["step"]


def test_train_says_what_it_does_in_plain_words(text, tmp_path, capsys):
    folder = tmp_path / "model"
    assert main(["train", "--text", str(text), "--out", str(folder), "--steps", "20", *SMALL]) == 0
    out = capsys.readouterr().out
    for part in (
        f"{text}, 1,260 characters, 16 different ones",
        "1 layers of 2 heads, 8 wide, that sees 16 characters: 1,",
        "To beat: ",
        "Steps 1 to 20",
        "step    20/20  validation loss",
        "the bigram's",
        f"groundup sample {folder}",
    ):
        assert part in out
    assert saved_step(folder) == 20


def test_train_takes_pythons_reference_when_no_text_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(groundup.train, "reference_text", lambda: TEXT)
    assert main(["train", "--out", str(tmp_path / "model"), "--steps", "1", *SMALL]) == 0
    assert "Python’s own language reference, 1,260 characters" in capsys.readouterr().out


def test_a_training_goes_on_as_if_it_had_not_stopped(text, tmp_path, capsys):
    def run(folder, *args):
        assert main(["train", "--out", str(tmp_path / folder), *args]) == 0
        return (tmp_path / folder / "model.safetensors").read_bytes()

    start = ["--text", str(text), "--seed", "4", *SMALL]
    whole = run("whole", *start, "--steps", "12")
    assert run("twin", *start, "--steps", "12") == whole
    step = groundup.train.loop.train_step

    def step_with_ctrl_c(*args):
        if args[-1] == 5:
            signal.raise_signal(signal.SIGINT)
        return step(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groundup.train.loop, "train_step", step_with_ctrl_c)
        assert main(["train", "--out", str(tmp_path / "half"), *start, "--steps", "12"]) == 130
    assert saved_step(tmp_path / "half") == 6
    assert "groundup train --resume --out" in capsys.readouterr().out
    assert run("half", "--resume") == whole


def test_a_training_goes_on_with_another_rate(text, tmp_path):
    folder = tmp_path / "model"
    start = ["train", "--text", str(text), "--out", str(folder), "--steps", "3", *SMALL]
    assert main([*start, "--lr", "0.1"]) == 0
    assert main(["train", "--resume", "--out", str(folder), "--steps", "5", "--lr", "0.02"]) == 0
    history = groundup.train.load(folder).history
    assert max(history.lrs[:3]) == pytest.approx(0.1)
    assert 0 < max(history.lrs[3:]) <= 0.02


def test_a_training_can_be_watched(text, tmp_path, capsys, monkeypatch):
    def run(folder, *args):
        start = ["train", "--text", str(text), "--out", str(tmp_path / folder), *SMALL]
        assert main([*start, "--steps", "5", "--threads", "1", *map(str, args)]) == 0
        return (tmp_path / folder / "model.safetensors").read_bytes()

    plain = run("plain")
    assert run("watched", "--viz", tmp_path / "graphs", "--viz-every", 2) == plain
    assert "5 backward passes, 3 drawn" in capsys.readouterr().out
    assert len(list((tmp_path / "graphs").glob("*.svg"))) == 3
    assert (tmp_path / "graphs" / "index.html").is_file()
    assert refused(capsys, "tour", "--viz", tmp_path / "none", "--viz-every", 0) == (
        "groundup: --viz-every is at least 1, not 0\n"
    )


def test_the_environment_can_ask_to_watch_a_training(text, tmp_path):
    args = ["train", "--text", text, "--out", tmp_path / "model", "--steps", "2", *SMALL]
    with mock.patch.dict(os.environ, GROUNDUP_VIZ=str(tmp_path / "graphs")):
        running = process(*args)
    out, err = running.communicate()
    assert err == ""
    assert "2 backward passes, 2 drawn" in out


def test_what_train_refuses(text, folder, tmp_path, capsys):
    new = ["--out", tmp_path / "new", "--steps", "1"]  # so that a failure is soon seen
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9" * 100)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "short.txt").write_text("abc" * 20, encoding="utf-8")
    for name, part in [
        ("gone.txt", "there is no file"),
        ("latin.txt", "is not UTF-8: byte 3"),
        ("empty.txt", "is empty"),
        ("short.txt", "the training part has 54 characters and a block of 64 needs at least 65"),
    ]:
        assert part in refused(capsys, "train", *new, "--text", tmp_path / name)
    assert "validation part has 126" in refused(
        capsys, "train", *new, "--text", text, "--block", "126"
    )
    for option, part in [
        (["--heads", "3"], "multiple of n_head (3)"),
        (["--layers", "0"], "n_layer is a whole number from 1 up, not 0"),
        (["--steps", "0"], "steps is a whole number from 1 up, not 0"),
        (["--lr", "-1"], "lr is above 0"),
        (["--seed", "-1"], "seed is 0 or above"),
        (["--batch", "0"], "batch_size is a whole number from 1 up"),
    ]:
        assert part in refused(capsys, "train", *new, "--text", text, *option)
    assert "--resume" in refused(capsys, "train", "--text", text, "--out", folder, "--steps=1")
    assert not (tmp_path / "new" / "config.json").exists()


def test_what_a_resumed_training_refuses(folder, tmp_path, capsys):
    resume = ["train", "--resume", "--out"]
    assert "no folder" in refused(capsys, *resume, tmp_path / "gone")
    assert "made its 10 steps" in refused(capsys, *resume, folder)
    assert "n_embd 16 is" in refused(capsys, *resume, folder, "--steps=20", "--width=16")
    (tmp_path / "other.txt").write_text("TO BE" * 100, encoding="utf-8")
    other = [*resume, folder, "--steps=20", "--text", tmp_path / "other.txt"]
    assert "'T' at position 0" in refused(capsys, *other)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_that_diverges_is_one_sentence(text, tmp_path, capsys):
    start = ["train", "--text", text, "--out", tmp_path / "new", *SMALL, "--steps=50"]
    assert "lower learning rate" in refused(capsys, *start, "--lr=1e30")


def test_sample_writes_what_its_seed_says(folder, capsys):
    def sample(*args):
        assert main(["sample", str(folder), "-n", "40", *args]) == 0
        return capsys.readouterr().out

    one = sample("--seed", "1")
    assert len(one) == 41
    assert sample("--seed", "1") == one != sample("--seed", "2")
    greedy = sample("--prompt", "to be", "--temperature", "0")
    assert greedy.startswith("to be")
    assert sample("--prompt", "to be", "--top-k", "1") == greedy


def test_sample_writes_characters_alone_where_the_model_has_more_tokens(folder, capsys):
    train.save(folder, train.load(folder).model, train.CharTokenizer("ab"))
    assert main(["sample", str(folder), "-n", "40"]) == 0
    assert re.fullmatch("[ab]{40}\n", capsys.readouterr().out)


def test_what_sample_refuses(folder, tmp_path, capsys):
    assert "no folder" in refused(capsys, "sample", tmp_path / "gone")
    assert "no checkpoint" in refused(capsys, "sample", tmp_path)
    assert "'X' at position 2" in refused(capsys, "sample", folder, "--prompt", "toX")
    assert "temperature" in refused(capsys, "sample", folder, "--temperature", "-1")
    assert "top_k" in refused(capsys, "sample", folder, "--top-k", "0")
    assert "cannot generate -3" in refused(capsys, "sample", folder, "-n", "-3")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "truncated" in refused(capsys, "sample", folder)


def test_an_error_of_the_system_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "model"
    assert "Not a directory" in refused(capsys, "train", "--out", folder, "--steps=1")


def test_a_missing_extra_is_one_sentence(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    assert "pip install safetensors (the extra `train` has it)" in refused(capsys, "sample", folder)


def test_a_bug_keeps_its_traceback(folder, monkeypatch):
    def bug(*args, **kwargs):
        raise ValueError("shapes (2,) and (3,)")

    monkeypatch.setattr(groundup.train, "generate", bug)
    with pytest.raises(ValueError, match="shapes"):
        main(["sample", str(folder)])


def test_ctrl_c_is_130(folder, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(groundup.train, "load", interrupted)
    assert main(["sample", str(folder)]) == 130


def test_numpy_computes_in_one_thread_unless_the_user_says_otherwise():
    def threads(**environment):
        show = "import os; from groundup.commands.watched import use_one_thread as f; f(); "
        show += "print(os.environ.get('OPENBLAS_NUM_THREADS'))"
        hidden = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}
        env = {k: v for k, v in os.environ.items() if k not in hidden} | environment
        return subprocess.check_output([sys.executable, "-c", show], env=env, text=True).strip()

    assert threads() == "1"
    assert threads(OPENBLAS_NUM_THREADS="3") == "3"
    assert threads(OMP_NUM_THREADS="2") == "None"


@pytest.mark.parametrize("args", [[], ["train", "--steps", "many"], ["fly"], ["sample"]])
def test_what_is_no_command_is_2(args, capsys):
    with pytest.raises(SystemExit) as end:
        main(args)
    assert end.value.code == 2
    assert "usage: groundup" in capsys.readouterr().err


def test_version_and_help(capsys):
    for option, part in [("--version", groundup.__version__), ("--help", "sample")]:
        with pytest.raises(SystemExit) as end:
            main([option])
        assert end.value.code == 0
        assert part in capsys.readouterr().out


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_saves_and_ends(text, tmp_path, number, status):
    folder = tmp_path / "model"
    child = process("train", "--text", text, "--out", folder, "--steps", "1000000", *SMALL)
    watchdog = threading.Timer(60, child.kill)
    watchdog.start()
    for line in child.stdout:
        if line.startswith("step   100/"):
            break
    child.send_signal(number)
    out, err = child.communicate()
    watchdog.cancel()
    assert child.returncode == status, err
    assert err == ""
    stopped = re.search(r"Stopped after step (\d+), and saved in", out)
    assert stopped
    step = int(stopped[1])
    assert saved_step(folder) == step >= 100
    assert groundup.train.load(folder).history.step == step


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_no_error(folder):
    child = process("sample", folder, "-n", "100000")
    watchdog = threading.Timer(60, child.kill)
    watchdog.start()
    child.stdout.read(5)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait() == 141
    watchdog.cancel()
    assert err == ""


def test_a_terminal_that_cannot_show_a_character_gets_a_question_mark(text, tmp_path):
    text.write_text("–" * 500, encoding="utf-8")
    start = ["train", "--text", str(text), "--out", str(tmp_path / "model"), "--steps", "1"]
    for command in ([*start, *SMALL], ["sample", str(tmp_path / "model"), "-n", "3"]):
        done = subprocess.run(
            [sys.executable, "-m", "groundup", *command],
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == b"???"


def test_tour_hands_on_its_options(tmp_path, monkeypatch):
    seen = []

    def run(out, quick):
        seen.append((out, quick))
        return 3

    monkeypatch.setitem(sys.modules, "groundup.tour", types.SimpleNamespace(run=run))
    assert main(["tour"]) == main(["tour", "--out", "x", "--quick"]) == 3
    assert seen == [(Path("groundup-tour"), False), (Path("x"), True)]


SCRIPT = """
import sys
from helper import two
from groundup.engine import Value
assert __name__ == "__main__" and len(sys.argv) == 1
a = Value(two, name="a")
square = a * a
loss = (square + 1).tanh()
loss.backward()
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    (tmp_path / "helper.py").write_text("two = 2.0", encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path / "script.py"


@pytest.fixture
def dot():
    """Skip without a renderer: then a picture's source is written instead."""
    from groundup.viz.renderer import renderer

    if not renderer():
        pytest.skip("needs a dot command")


def test_draw_makes_a_picture_of_each_backward_pass(script, dot, tmp_path, capsys):
    assert main(["draw", str(script)]) == 0
    page, picture = sorted((tmp_path / "graphs").iterdir(), reverse=True)
    assert page.name == "index.html"
    assert "<svg" in picture.read_text(encoding="utf-8")
    assert "1 backward pass" in capsys.readouterr().out


def test_draw_makes_one_picture_of_the_newest_result(script, dot, tmp_path, capsys):
    assert main(["draw", str(script), "-o", "one.svg"]) == 0
    assert "tanh" in (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} <= {
        "helper.py", "script.py", "one.svg", "__pycache__"
    }  # fmt: skip
    assert "one.svg" in capsys.readouterr().out


def test_draw_zooms_into_the_last_backward_pass(script, tmp_path, capsys):
    script.write_text(
        SCRIPT + "later = a * 3\nloss = (square / 10).tanh()\nloss.backward()\nafter = a * 5",
        encoding="utf-8",
    )
    assert main(["draw", str(script), "--zoom"]) == 0
    page = (tmp_path / "zoom.html").read_text(encoding="utf-8")
    assert "tanh" in page
    assert '"0.3799"' in page  # tanh(0.4), and not tanh(5)
    assert "Open zoom.html" in capsys.readouterr().out


def test_draw_zooms_into_the_newest_result_where_no_pass_runs(script, tmp_path, capsys):
    script.write_text("from groundup.engine import Value\nb = Value(2.0) * 3", encoding="utf-8")
    assert main(["draw", str(script), "--zoom", "-o", "b.html"]) == 0
    assert '"6.000"' in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_what_draw_refuses(script, capsys):
    assert "a page is an .html, not one.svg" in refused(
        capsys, "draw", script, "--zoom", "-o", "one.svg"
    )
    assert "no file" in refused(capsys, "draw", "gone.py")
    assert "not .xyz" in refused(capsys, "draw", script, "-o", "one.xyz")
    script.write_text("a = 1", encoding="utf-8")
    assert "nothing to draw" in refused(capsys, "draw", script, "-o", "one.svg")


@pytest.mark.parametrize("options", [["-o", "graphs"], ["--zoom", "-o", "z.html"]])
def test_draw_sees_the_backward_pass_of_a_thread(script, tmp_path, capsys, options):
    script.write_text(
        "import threading\n"
        "from groundup.engine import Value\n"
        "def run(): Value(2.0, name='inside').exp().backward()\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join()\n",
        encoding="utf-8",
    )
    assert main(["draw", str(script), *options]) == 0
    drawn = [*(tmp_path / "graphs").glob("0001.*"), *tmp_path.glob("z.html")]
    assert ["inside" in path.read_text(encoding="utf-8") for path in drawn] == [True]


@pytest.mark.parametrize("options", [["-o", "graphs"], ["--zoom", "-o", "z.html"], ["-o", "g.svg"]])
def test_what_a_script_did_before_it_broke_is_drawn(tmp_path, monkeypatch, capsys, options):
    monkeypatch.chdir(tmp_path)
    lines = "from groundup.engine import Value", "a = Value(2.0)", "(a * a).backward()", "1 / 0"
    Path("broken.py").write_text("\n".join(lines), encoding="utf-8")
    assert main(["draw", "broken.py", *options]) == 1
    error = capsys.readouterr().err
    assert "ZeroDivisionError" in error
    assert "runpy" not in error  # as Python shows it
    assert "groundup/" not in error
    drawn = {"graphs": "graphs/0001.svg", "z.html": "z.html", "g.svg": "broken.py"}[options[-1]]
    assert Path(drawn).exists()


def test_check_is_1_when_a_derivative_is_wrong(monkeypatch, capsys):
    from groundup.engine import check

    def table(error):
        return lambda: iter([(types.SimpleNamespace(name="exp"), error)])

    monkeypatch.setattr(check, "check_table", table(None))
    assert main(["check"]) == 0
    assert re.search(r"^1 ops .*: all right\.$", capsys.readouterr().out)
    wrong = check.GradientError("exp", 0, (0,), 1.0, 2.0)
    monkeypatch.setattr(check, "check_table", table(wrong))
    assert main(["check"]) == 1
    said = capsys.readouterr().out
    assert "the gradient of exp with" in said
    assert "1 wrong: exp." in said


MINE = """
import numpy as np
from groundup import nn
from groundup.engine import op
from groundup.engine.samples import REAL, elementwise

@op(lambda g, out, a: 2 * g * a, samples=elementwise(REAL))
def squared(a):
    return a * a

def product(x, y, scale=2.0):
    return np.tanh(x * y) * scale

def lost(x):
    return x * x.detach()

@op(lambda g, out, a: 2 * g * a)
def cube(a):
    return a**3

def constant():
    return 1.0

layer, number = nn.Linear(3, 2), 3
"""


def test_bench_says_which_rows_there_are(capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    for row in ("chain", "micrograd", "microgpt", "gpt-a", "gpt-b", "memory", "kernels/", "import"):
        assert row in refused(capsys, "bench", "no such row")
    assert "--rounds is at least 1" in refused(capsys, "bench", "import", "--rounds", "0")
    assert "no file nowhere.py" in refused(capsys, "bench", "--microgpt", "nowhere.py")


def test_bench_measures_a_row(tmp_path, capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "results.json"
    assert main(["bench", "import", "--rounds", "1", "--json", str(path)]) == 0
    out = capsys.readouterr().out
    assert "groundup.engine" in out
    assert f"Python {sys.version.split()[0]}" in out
    results = json.loads(path.read_text(encoding="utf-8"))
    (row,) = results["rows"]
    assert row["name"] == "import"
    assert row["lines"][0]["ratio"] > 0
    assert results["machine"]["libraries"]["numpy"]


def test_bench_of_an_installed_groundup_says_where_it_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("groundup.commands.bench.__file__", str(tmp_path / "commands" / "bench.py"))
    assert "in a clone" in refused(capsys, "bench")


def test_check_of_a_user_s_own_function(tmp_path, monkeypatch, capsys):
    from groundup.engine.op import TABLE

    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with mock.patch.dict(TABLE), mock.patch.dict(sys.modules):
        for right in (["mine:squared"], ["mine:product"], ["mine:layer", "--shape", "4,3"]):
            assert main(["check", *right]) == 0
            assert "right, on 20 random inputs" in capsys.readouterr().out
        assert main(["check", "mine:lost"]) == 1
        assert "detach" in capsys.readouterr().out
        assert main(["check", "mine:cube"]) == 1
        wrong = capsys.readouterr().out
        assert "cube" in wrong
        assert "Called at" not in wrong  # by the command, which is no line of the user's
        assert "--shape" in refused(capsys, "check", "mine:layer")
        assert "needs no argument" in refused(capsys, "check", "mine:constant")
        assert "no function" in refused(capsys, "check", "mine:number")
        assert "can't be imported" in refused(capsys, "check", "mine:gone")
        assert "name an instance" in refused(capsys, "check", "groundup.nn:Linear")
        assert "--shape is for a function" in refused(capsys, "check", "--shape", "3,4")
        assert "module:name" in refused(capsys, "check", "nowhere:at_all")
