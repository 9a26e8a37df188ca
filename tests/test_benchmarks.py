"""The benchmark harness: what it says is true, and nothing here asserts a time."""

import doctest
import importlib
import json
import os
import sys
import textwrap
from pathlib import Path

import pytest

from groundup.__main__ import main
from harness import page
from harness.lane import UNSET, environment
from harness.race import race
from harness.result import Lap, Result
from harness.row import Comparison, Contender, Row
from harness.table import cells, markdown, remarks

CONTENDERS = """
import os

from harness.row import NotHere


def giving(folder, number=1.0):
    return lambda: number


def logging(folder, letter, log):
    def step():
        with open(log, "a") as lines:
            lines.write(letter)
        return 1.0

    return step


def diverging(folder):
    left = iter([1.0] * 3)
    return lambda: next(left, float("nan"))


def missing(folder):
    import no_such_library


def elsewhere(folder):
    raise NotHere("it is elsewhere")


def broken(folder):
    raise ZeroDivisionError("oh dear")


def gone(folder):
    os._exit(3)


def chatty(folder):
    print("this is no answer")
    return lambda: 1.0


def amounting(folder, amount):
    return lambda: (amount, [1.0])
"""


@pytest.fixture
def contender(tmp_path, monkeypatch):
    """A function that names a contender of the module above, which its process can import."""
    monkeypatch.setattr("harness.race.TURN", 0.001)
    monkeypatch.setattr("harness.race.REST", 0)
    (tmp_path / "contenders.py").write_text(CONTENDERS, encoding="utf-8")
    env = {"PYTHONPATH": str(tmp_path)}

    def named(name, function="giving", loads=(), **options):
        return Contender(name, f"contenders:{function}", options, env, loads)

    return named


def run(*contenders, rounds=1, **fields):
    first, second = contenders[0].name, contenders[1].name
    comparisons = (Comparison(second, first, 0.5),)
    row = Row("tiny", "nothing", contenders, comparisons, **fields)
    return race(row, rounds, lambda what: None)


def test_equal_numbers_give_a_ratio_for_each_round(contender):
    result = run(contender("a"), contender("b"), rounds=3)
    assert not result.failure
    assert result.difference == 0
    assert [len(lap.amounts) for lap in result.laps.values()] == [3, 3]
    assert 0 < result.lines()[0]["least"] <= result.lines()[0]["ratio"]


def test_contenders_take_turns(contender, tmp_path):
    log = str(tmp_path / "log")
    a = contender("a", "logging", letter="a", log=log)
    run(a, contender("b", "logging", letter="b", log=log), rounds=2)
    order = Path(log).read_text(encoding="utf-8")
    changes = [order[i] for i in range(len(order)) if i == 0 or order[i] != order[i - 1]]
    # Its first steps, its calibration, and two rounds: one after the other each time.
    assert changes == ["a", "b"] * 4


def test_unequal_numbers_are_a_failure_and_no_ratio(contender):
    result = run(contender("a"), contender("b", number=1.001))
    assert "the numbers of b and of a are not equal" in result.failure
    assert "ratio" not in result.lines()[0]
    assert [line[-1] for line in cells([result.as_data()])] == ["FAILED"]
    assert not any(lap.amounts for lap in result.laps.values())  # no time was spent on it


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_equal_to_nothing(contender, number):
    both = [contender(name, number=[1.0, number]) for name in "ab"]
    assert "not equal" in run(*both).failure


def test_a_training_that_diverges_while_it_is_timed_fails(contender):
    assert "no longer a number" in run(contender("a"), contender("b", "diverging")).failure


@pytest.mark.parametrize(
    ("function", "why"),
    [("missing", "no_such_library is not installed"), ("elsewhere", "it is elsewhere")],
)
def test_who_is_missing_is_named_and_the_others_run(contender, function, why):
    result = run(
        contender("a"),
        contender("b", function),
        contender("c"),
    )
    assert not result.failure
    assert result.laps["b"].absent.startswith(why)
    assert result.laps["c"].amounts
    (line,) = cells([result.as_data()])
    assert line[-1] == "alone"
    assert [cell[-2:] for cell in line[5:7] if cell] == ["ms"]  # who is there is measured
    assert any(why in remark for remark in remarks([result.as_data()]))


@pytest.mark.parametrize(
    ("function", "why"), [("broken", "oh dear"), ("gone", "ended with status 3")]
)
def test_who_breaks_fails_the_row(contender, function, why):
    result = run(contender("a"), contender("b", function))
    assert why in result.failure


def test_a_contender_that_does_not_load_what_it_is_named_for_does_not_run(contender):
    b = contender("b", loads=("wave",))
    result = run(contender("a"), b)
    assert result.laps["b"].absent == "wave is installed, and was not used"


def test_what_a_contender_prints_is_no_answer(contender):
    assert not run(contender("a", "chatty"), contender("b", "chatty")).failure


@pytest.mark.parametrize("fresh", [False, True])
def test_a_step_may_say_itself_how_much_it_took(contender, fresh):
    contenders = [contender("a", "amounting", amount=4.0), contender("b", "amounting", amount=1.0)]
    result = run(*contenders, rounds=2, timed=False, unit="MB", fresh=fresh)
    assert not result.failure
    line = result.lines()[0]
    assert (line["ratio"], line["quartiles"], line["met"]) == (0.25, (0.25, 0.25), True)


def test_settings_of_the_machine_do_not_reach_a_contender(monkeypatch):
    for name in UNSET:
        monkeypatch.setenv(name, "Haswell")
    monkeypatch.setenv("GROUNDUP_FAST", "0")
    env = environment({"OMP_NUM_THREADS": "1", "GROUNDUP_FAST": None})
    assert {name: env[name] for name in UNSET if name in env} == {"OMP_NUM_THREADS": "1"}
    assert "GROUNDUP_FAST" not in env
    assert env["PATH"] == os.environ["PATH"]


def result_of(name, ours, rival):
    row = Row(
        name,
        "nothing",
        (Contender("ours", ""), Contender("rival", "")),
        (Comparison("ours", "rival", 1.0),),
    )
    return Result(row, {"ours": Lap([ours]), "rival": Lap([rival])}).as_data()


def test_the_page_is_written_from_results_and_keeps_rows_of_the_same_machine(tmp_path):
    machine = {
        "cpu": "abacus", "cores": 1, "system": "wood", "python": "3", "libraries": {"numpy": "2"},
    }  # fmt: skip
    text = textwrap.dedent(f"""\
        before
        {page.BEGIN}
        old
        {page.END}
        after
        """)
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    paths = tmp_path / "page.md", tmp_path / "kept.json"

    def write(row, machine):
        page.write({"machine": machine, "rows": [row]}, ["x", "y"], *paths)
        return paths[0].read_text(encoding="utf-8")

    write(result_of("y", 3.0, 1.0), machine)
    both = write(result_of("x", 1.0, 2.0), machine)
    assert both.startswith(f"before\n{page.BEGIN}\n")
    assert both.endswith(f"{page.END}\nafter\n")
    lines = [line for line in both.splitlines() if line.startswith(("| x", "| y"))]
    assert [line.split(" | ")[0] for line in lines] == ["| x", "| y"]
    assert "met" in lines[0]
    assert "missed" in lines[1]
    assert "old" not in both
    absent = result_of("x", 1.0, 2.0)
    absent["lines"] = [{k: v for k, v in absent["lines"][0].items() if k != "ratio"}]
    assert write(absent, machine) == both
    assert "| y" not in write(result_of("x", 1.0, 2.0), {**machine, "cpu": "another"})


def test_a_busy_machine_is_told():
    quiet, busy = result_of("x", 1.0, 1.0), result_of("x", 1.0, 1.0)
    quiet["others"], busy["others"] = 0.0, 1.2
    assert not list(remarks([quiet]))
    assert "1.2 cores" in next(remarks([busy]))


def test_the_page_has_a_place_for_the_table():
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.count(page.BEGIN) == text.count(page.END) == 1
    if page.KEPT.exists():
        kept = json.loads(page.KEPT.read_text(encoding="utf-8"))
        assert markdown(kept) in text, "groundup bench --write writes it, nobody else"


@pytest.mark.parametrize("name", ["numbers_of", "result", "stopwatch", "table"])
def test_examples_in_the_harness_docstrings(name):
    failed, tried = doctest.testmod(importlib.import_module(f"harness.{name}"))
    assert tried
    assert not failed


@pytest.mark.slow
def test_the_rows_run_and_their_contenders_agree(monkeypatch, capsys):
    """Those that take seconds; a rival that is not installed is left out by the row itself."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["bench", "chain", "/bytes", "/softmax", "--rounds", "1"]) == 0
    assert "FAILED" not in capsys.readouterr().out


@pytest.mark.slow
def test_the_profile_names_what_a_step_does(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["bench", "--profile"]) == 0
    out = capsys.readouterr().out
    for part in ("linear", "layer_norm", "(AdamW)", "(clipping)", "(the graph", "Together"):
        assert part in out
