"""The tour, small: what it prints, the report it leaves, and what an interruption leaves."""

import re

import numpy as np
import pytest

from groundup import tour
from groundup.tour import expression, language, moons
from groundup.tour.report import Figure, Page, Report, Section


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """One quick tour: (its status, what it printed, its folder)."""
    from groundup.tour.say import console

    folder = tmp_path_factory.mktemp("tour")
    with console.capture() as printed:
        status = tour.run(folder, quick=True)
    return status, printed.get(), folder


def test_says_what_it_does_and_ends_with_the_path(taken):
    status, printed, folder = taken
    assert status == 0
    for words in (
        "two paths meet at a: 0.4200 + (−1.2599) = −0.8399",
        "a.grad is −0.8399",
        "The losses are the same",
        "times faster",
        "They are right",
        "nats per character",
        "Before, it wrote",
        "Now it writes",
    ):
        assert words in printed
    assert printed.rstrip().endswith(str(folder / "index.html"))


def test_says_when_it_misses(taken):
    assert "MISSED" in taken[1]  # 20 steps are not enough


def test_the_report_is_one_page_that_needs_no_network(taken):
    page = (taken[2] / "index.html").read_text(encoding="utf-8")
    assert len(re.findall("<section>", page)) == 5
    assert page.count("<figure>") == 6
    sources = re.findall(r"""(?:src|srcset|href)=["']([^"']+)""", page)
    assert sources
    for source in sources:
        assert source.startswith("data:") or (taken[2] / source).exists()
    assert "<script" not in page
    assert "url(" not in page
    for name in ("expression-steps.html", "gpt-zoom.html"):
        assert f'<iframe src="{name}"' in page
        assert "Content-Security-Policy" in (taken[2] / name).read_text(encoding="utf-8")
    for name in ("expression", "tensors", "moons", "gpt"):
        picture = (taken[2] / f"{name}.svg").read_text(encoding="utf-8")
        assert "∂" in picture
        assert "No gradients" not in picture


def test_the_report_escapes_what_it_is_given(tmp_path):
    report = Report(tmp_path)
    nasty = "<script>alert('1')</script> \\N {} & \""
    report.add(
        Section(
            nasty, nasty, [Figure("f", nasty, "<svg/>", "<svg/>")], pages=[Page("p.html", nasty)]
        )
    )
    report.sections[0].samples.append((nasty, nasty))
    report.sections[0].table = ((nasty,), [])
    page = report.write().read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 9


def test_ctrl_c_leaves_what_is_done(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(moons, "train_twice", interrupted)
    assert tour.run(tmp_path, quick=True) == 130
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "stopped by Ctrl-C" in page
    assert page.count("<section>") == 2
    assert not list(tmp_path.glob("*.new"))


def test_the_steps_of_the_expression_are_the_engines():
    from groundup.engine import Value

    a, b = Value(0.5, name="a"), Value(-3.0, name="b")
    loss = expression.expression(a, b)
    lines = "\n".join(line + gradient for line, gradient in expression.backward_lines(loss))
    loss.backward()
    assert f"so ∂loss/∂a = {a.grad:.4g}".replace("-", "−") in lines
    assert "∂out · (1 − out · out) = 1 · (1 − (−0.7616) · (−0.7616)) = 0.42" in lines


def test_a_wrong_gradient_would_be_seen(monkeypatch, tmp_path):
    from groundup import models
    from groundup.engine.check.findings import derivatives

    model = models.GPT(models.GPTConfig(5, block_size=4, n_layer=1, n_head=1, n_embd=4))

    def spoiled(*args):
        return (one._replace(analytic=one.analytic + 0.1) for one in derivatives(*args))

    monkeypatch.setattr("groundup.tour.language.derivatives", spoiled)
    from groundup.tour.say import console

    with console.capture() as printed:
        language.prove(Report(tmp_path), model, np.array([[0, 1]]), np.array([[1, 2]]))
    assert "They are NOT right" in printed.get()
