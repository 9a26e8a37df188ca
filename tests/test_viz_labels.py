"""Names in a picture stand as they are, whatever is in them."""

import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groundup import viz
from groundup.engine import Value
from groundup.engine.modes import Scope, mode

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    *("<b>", "</TABLE>", "<!-- -->", "<script>alert(1)</script>", "]]>", "&amp;", "&#65;"),
    *("{x|y}", "a]b[c", "%s {0}", '"quoted"', "it's"),
    *(r"\N", r"\\N", r"\G \E \L", "\\", "\\\\"),
    *("😀 emoji", "日本語", "שלום"),
]


def titles(picture):
    """The first text of each node: its name as it was rendered."""
    for group in ET.fromstring(picture.pipe("svg")).iter(f"{SVG}g"):
        if group.get("class") == "node":
            yield "".join(next(group.iter(f"{SVG}text")).itertext()).replace("\xa0", " ")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_literally(name):
    picture = viz.draw(-Value(1.0, name=name))
    assert name in list(titles(picture))
    assert "href" not in picture.pipe("svg", encoding="utf-8")


def test_control_characters_have_a_sign():
    (title,) = titles(viz.draw(Value(1.0, name="two\nlines\x00\ud800")))
    assert title.strip() == "two↵lines��"


def test_long_names_are_cut_in_the_middle():
    (title,) = titles(viz.draw(Value(1.0, name="a" * 500 + "b" * 500)))
    assert 40 < len(title.strip()) < 50
    assert title.startswith("aaa")
    assert title.strip().endswith("bbb")


@given(st.text(max_size=12))
@example("\ufffe")
@example("­")
def test_any_name_gives_a_picture(name):
    title = next(titles(viz.draw(Value(1.0, name=name))))
    if name and all(unicodedata.category(c)[0] not in "CZM" for c in name):
        assert title.strip() == name


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_modules_are_shown_literally(name):
    with mode(scope=Scope(name, name, None)):
        loss = Value(1.0) * 2
    for collapse in (False, True):
        svg = ET.fromstring(viz.draw(loss, collapse=collapse).pipe("svg"))
        assert name in "\n".join(svg.itertext()).replace("\xa0", " ")
