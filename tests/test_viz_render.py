"""Which program draws, and what happens where there is none."""

import itertools
import shutil
import sys
import sysconfig
from pathlib import Path

import graphviz
import pytest
from graphviz.backend import dot_command

from groundup import viz
from groundup.engine import Value
from groundup.viz.renderer import renderer


@pytest.fixture
def picture():
    return viz.draw(Value(2.0, name="λ") * 3)


@pytest.fixture
def nothing(monkeypatch):
    """A machine on which nothing can draw."""
    monkeypatch.delenv("GROUNDUP_DOT", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)


def test_the_order_of_choice(monkeypatch, tmp_path):
    scripts, path = str(tmp_path / "scripts"), None
    have = {("graphviz-pure", scripts): "pure", ("dot", path): "system"}
    monkeypatch.delenv("GROUNDUP_DOT", raising=False)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: scripts)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: have.get((name, path)))
    assert renderer() == "pure"
    del have["graphviz-pure", scripts]
    assert renderer() == "system"
    del have["dot", path]
    assert renderer() is None
    monkeypatch.setattr(dot_command, "DOT_BINARY", Path("/opt/dot"))
    assert renderer() == str(Path("/opt/dot"))
    monkeypatch.setenv("GROUNDUP_DOT", "/mine/dot")
    assert renderer() == "/mine/dot"


def test_a_digraph_draws_itself(picture, tmp_path, capfd):
    assert isinstance(picture, graphviz.Digraph)
    before = dot_command.DOT_BINARY
    assert picture.pipe().startswith(b"<?xml")
    assert picture.pipe("png").startswith(b"\x89PNG")
    assert "λ" in picture.pipe(encoding="utf-8")
    assert picture.svg().startswith("<svg")
    path = picture.render(outfile=tmp_path / "graph.svg")
    assert Path(path).read_bytes() == picture.pipe()
    assert before == dot_command.DOT_BINARY
    assert capfd.readouterr() == ("", "")  # no warning of widths either


def test_a_notebook_gets_one_rich_representation(picture):
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    others = ("_repr_svg_", "_repr_html_", "_repr_png_")
    assert not any(hasattr(picture, name) for name in others)


def test_the_users_own_program_is_run(picture, monkeypatch, tmp_path):
    if sys.platform == "win32":
        pytest.skip("a shell script stands in for dot")
    own = tmp_path / "dot"
    own.write_text("#!/bin/sh\necho mine\n")
    own.chmod(0o755)
    monkeypatch.setenv("GROUNDUP_DOT", str(own))
    assert picture.pipe() == b"mine\n"


def test_a_program_that_is_not_there_is_said(picture, monkeypatch, tmp_path):
    monkeypatch.setenv("GROUNDUP_DOT", str(tmp_path / "dot"))
    loss = Value(2.0) * 3
    for draws in (picture.pipe, picture.svg, lambda: viz.step(loss, tmp_path / "step.html")):
        with pytest.raises(graphviz.ExecutableNotFound, match="dot is no program here"):
            draws()


def test_without_a_renderer_the_source_is_left_and_one_sentence_said(picture, nothing, tmp_path):
    with pytest.warns(UserWarning, match="pip install graphviz-pure"):
        path = picture.render(outfile=tmp_path / "deep" / "graph.svg")
    assert Path(path) == tmp_path / "deep" / "graph.gv"
    assert Path(path).read_text(encoding="utf-8").startswith("digraph")
    with pytest.warns(UserWarning, match="holds the DOT source"):
        assert (
            Path(picture.render("other", tmp_path))
            .read_text(encoding="utf-8")
            .startswith("digraph")
        )
    with pytest.raises(graphviz.ExecutableNotFound, match="pip install graphviz-pure"):
        picture.pipe()
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "pip install" in bundle["text/plain"]
    assert "digraph" in bundle["text/plain"]


@pytest.mark.skipif(not shutil.which("dot"), reason="no system Graphviz here")
def test_the_system_dot_draws_it_too(picture, monkeypatch):
    monkeypatch.setenv("GROUNDUP_DOT", str(shutil.which("dot")))
    assert "λ" in picture.pipe(encoding="utf-8")


def test_a_leaf_used_all_over_a_large_graph_is_placed_beside_its_first_user():
    from groundup.viz.scene import Arrow, Box, Scene, outline, placed

    boxes = [Box("op", f"n{i}") for i in range(200)]
    leaf = Box("parameter", "w")
    chain = [Arrow(a, b) for a, b in itertools.pairwise(boxes)]
    uses = [Arrow(leaf, box) for box in boxes]
    scene = Scene([leaf, *boxes], [*chain, *uses])
    assert outline(scene).count("n0 ->") < 10  # 200 would cross 20,000 layers
    (drawn,) = placed([scene])
    assert all(len(arrow["points"]) >= 10 for arrow in drawn["arrows"])
    near, far = drawn["arrows"][199], drawn["arrows"][-1]
    assert drawn["boxes"][0]["x"] < near["points"][0] < near["points"][-2] < 400
    last = drawn["boxes"][-1]
    assert far["points"][-2:] == [last["x"], last["y"] + last["h"] / 2]
    small = Scene([leaf, *boxes[:9]], [*chain[:8], *uses[:9]])
    assert outline(small).count("n0 ->") == 9
