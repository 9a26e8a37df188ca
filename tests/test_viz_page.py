"""What the pages have in common: how they are written, and what they are made of."""

import threading

import numpy as np
import pytest

from groundup import viz
from groundup.engine import Tensor, Value
from groundup.viz.page import write


@pytest.fixture(params=[viz.step, viz.zoom], ids=["step", "zoom"])
def make(request):
    return request.param


def test_a_page_that_fails_leaves_nothing_behind(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write(path, "\ud800")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_no_page(make, tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder: name a file in it"):
        make(Value(2.0) * 3, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_error_names_the_page_that_was_asked_for(make, tmp_path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(OSError, match="xxx") as error:
        make(Value(2.0) * 3, path)
    assert error.value.filename == str(path)


def test_files_of_a_users_stay(make, tmp_path):
    own = tmp_path / "page.html.new"
    own.write_text("mine")
    make(Value(2.0) * 3, tmp_path / "page.html")
    assert own.read_text() == "mine"


def test_threads_may_write_one_page(tmp_path):
    wrong = []

    def several():
        try:
            for _ in range(200):
                write(tmp_path / "page.html", "text" * 1000)
        except OSError as error:
            wrong.append(error)

    threads = [threading.Thread(target=several) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_any_name_of_the_root_can_be_written(make, tmp_path):
    for name in ("\ud800", "\x00\x1b", "</title><script>", "x" * 10_000, "two\nlines"):
        loss = Tensor([2.0], requires_grad=True) * 3
        loss.name = name
        text = make(loss, tmp_path / "page.html").read_text(encoding="utf-8")
        assert len(text.partition("</title>")[0].partition("<title>")[2]) < 100


def test_a_seed_may_be_a_node(make, tmp_path):
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    seeds = np.array([3.0, 4.0]), Tensor([3.0, 4.0]), Tensor([3.0, 4.0], requires_grad=True)
    pages = {make(x * x, tmp_path / "page.html", seed=seed).read_text("utf-8") for seed in seeds}
    assert len(pages) == 1


def test_what_overflows_warns_of_nothing(make, tmp_path):
    numbers = [1e308, -1e308, np.inf, -np.inf, np.nan, 1e-320, 0.0, 1.0]
    with np.errstate(all="ignore"):
        x = Tensor(numbers, requires_grad=True, name="x")
        loss = (np.exp(x) / x).mean() + np.var(x)
    with np.errstate(all="raise"):
        make(loss, tmp_path / "page.html")
        viz.draw(loss, collapse=False)
